"""What staff may change: limits, subjects of mails, reasons for rejections, questions to signers."""

from typing import Any

from django.contrib import admin
from django.contrib.admin import ActionLocation
from django.http import HttpRequest

from signatures import trail
from signatures.models import Limit, MailSubject, Question, RejectionReason


class Recorded(admin.ModelAdmin):
    """Rows that staff may change; every change is a trail entry with the figures before and after."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001  as Django calls it
        super().save_model(request, obj, form, change)
        figures = self.figures(form)[:300]
        trail.add(f"set-{self.opts.model_name}", staff_id=request.user.pk, reason=figures, detail={"row": obj.pk})

    def figures(self, form: Any) -> str:
        """What the trail tells of a change."""
        return ", ".join(
            f"{field}: {form.initial.get(field, '-')} → {form.cleaned_data[field]}" for field in form.changed_data
        )

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        trail.add(f"remove-{self.opts.model_name}", staff_id=request.user.pk, detail={"row": obj.pk})
        super().delete_model(request, obj)

    def get_actions(
        self, request: HttpRequest, action_location: ActionLocation = ActionLocation.CHANGE_LIST
    ) -> dict[str, Any]:
        """One at a time: deleting in bulk would leave no entry for each."""
        return {}


@admin.register(Limit)
class LimitAdmin(Recorded):
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
