"""What staff may change: limits, subjects of mails, reasons for rejections, questions to signers."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.http import HttpRequest

from campaign.forms import AsSeenForm
from signatures import trail
from signatures.admin.site import FreshSignIn
from signatures.models import Limit, MailSubject, Question, RejectionReason

# Fields whose values name nobody.
FIGURES = (forms.IntegerField, forms.BooleanField, forms.DateField, forms.DateTimeField, forms.ChoiceField)


class Recorded(admin.ModelAdmin):
    """Rows that staff may change; every change is a trail entry.

    It tells figures, days and choices before and after. What is written in words may hold a name: of that it tells only
    that it changed.
    """

    def letter_of(self, obj: Any) -> int | None:
        """The letter that this row belongs to, for the trail."""
        return None

    form: Any = AsSeenForm

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001  as Django calls it
        super().save_model(request, obj, form, change)
        trail.add(
            f"set-{self.opts.model_name}",
            staff_id=request.user.pk,
            letter_id=self.letter_of(obj),
            reason=self.figures(form)[:300],
            detail={"row": obj.pk},
        )

    def figures(self, form: Any) -> str:
        """What the trail tells of a change."""
        return ", ".join(_told(field, form) for field in form.changed_data)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        trail.add(
            f"remove-{self.opts.model_name}",
            staff_id=request.user.pk,
            letter_id=self.letter_of(obj),
            detail={"row": obj.pk},
        )
        super().delete_model(request, obj)

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """One at a time: deleting in bulk would leave no entry for each."""
        actions = super().get_actions(request, action_location)
        actions.pop("delete_selected", None)
        return actions


def _told(field: str, form: Any) -> str:
    kind = form.fields[field]
    if isinstance(kind, forms.ModelChoiceField) or not isinstance(kind, FIGURES):
        return field
    return f"{field}: {form.initial.get(field, '-')} → {form.cleaned_data[field]}"


@admin.register(Limit)
class LimitAdmin(FreshSignIn, Recorded):
    list_display = ("of", "seconds", "most")
    list_display_links = ("of",)


@admin.register(MailSubject)
class MailSubjectAdmin(Recorded):
    list_display = ("mail", "language", "subject")
    list_display_links = ("mail",)


@admin.register(Question)
class QuestionAdmin(Recorded):
    list_display = ("code", "language", "text")


@admin.register(RejectionReason)
class RejectionReasonAdmin(Recorded):
    list_display = ("text", "place")
