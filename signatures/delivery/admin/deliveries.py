"""The admin pages of deliveries: freeze a letter, build and download its files, hand it over."""

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from signatures import counts, tasks
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.audit.staff_names import staff_column
from signatures.delivery import building, errata, freezing, manifest, package_store
from signatures.models import Delivery, SignedLetter
from signatures.retention import ADDRESSES_AT_LEAST
from signatures.staff.fresh_sign_in import fresh_sign_in
from signatures.states import State
from signatures.transitions import TransitionNotAllowed

REFRESH_SECONDS = 2  # the page of a delivery reloads itself so often while its files are built


class FreezeForm(forms.Form):
    reason = forms.CharField(
        label="What for",
        max_length=300,
        widget=AdminTextInputWidget,
        help_text="For staff; kept in the audit log and with this delivery.",
    )


def _check_past(day: date) -> None:
    if day > timezone.now().date():
        raise forms.ValidationError("This day is still to come.")


class AcknowledgeForm(forms.Form):
    on = forms.DateField(label="Day", widget=forms.DateInput(attrs={"type": "date"}), validators=[_check_past])


class HandOverForm(AcknowledgeForm):
    to = forms.CharField(label="To whom", max_length=200, widget=AdminTextInputWidget)
    at = forms.CharField(label="Place", max_length=200, required=False, widget=AdminTextInputWidget)
    note = forms.CharField(
        label="Note",
        max_length=500,
        required=False,
        widget=AdminTextInputWidget,
        help_text="For staff; not shown to the public.",
    )


class VoidForm(forms.Form):
    reason = forms.CharField(label="Why it is void", max_length=300, widget=AdminTextInputWidget)


class RetractForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=300, widget=AdminTextInputWidget)


class Step(NamedTuple):
    """A step of a delivery that staff take on a page of its own, which says what cannot be undone."""

    title: str
    states: set[Delivery.State]  # in which it is possible
    form: type[forms.Form]
    action: Callable[..., Any]  # takes the fields
    consequence: str


STEPS = {
    "hand-over": Step(
        "It was handed over", {Delivery.State.READY}, HandOverForm, freezing.hand_over,
        "This cannot be undone. The delivery page shows day, recipient and place, and whoever withdraws from now on "
        "becomes an erratum.",
    ),
    "acknowledge": Step(
        "It was acknowledged", {Delivery.State.HANDED_OVER}, AcknowledgeForm, freezing.acknowledge,
        "The addresses that people left for updates are deleted {months} months after this day, and not before "
        "{first}. Until then it can be taken back.",
    ),
    "not-acknowledged": Step(
        "It was not acknowledged", {Delivery.State.ACKNOWLEDGED}, RetractForm, freezing.retract_acknowledgment,
        "The day is taken off the delivery page. Emails about it that were sent, and addresses that were deleted, stay "
        "so.",
    ),
    "void": Step(
        "Call it back (void)", {Delivery.State.FROZEN, Delivery.State.READY}, VoidForm, freezing.void,
        "This cannot be undone: the public page of this delivery goes, and its number is not used again. You can "
        "freeze another delivery.",
    ),
}  # fmt: skip

# The labels of a delivery's counts.
COUNT_LABELS = {
    "delivered": "delivered",
    "named": "named",
    "counted_only": "counted only",
    "organizations": "organizations among them",
    "paper": "on paper among them",
    "public_count": "count on the public page",
    "waiting": "still waiting",
    "withdrawn": "withdrawn",
    "rejected": "not accepted",
}


def _count_column(name: str) -> Callable[[Any], Any]:
    @admin.display(description=COUNT_LABELS[name])
    def column(delivery: Delivery) -> int:
        return int(delivery.counts[name])

    return column


FROZEN_BY = staff_column("frozen_by", "frozen by")
COUNT_COLUMNS = [_count_column(name) for name in ("delivered", "named", "counted_only")]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("letter", "number", "state", "frozen_at", *COUNT_COLUMNS)
    list_display_links = ("letter", "number")
    list_filter = ("state", "letter")
    readonly_fields = (FROZEN_BY, "all_counts", "published_texts", "digests")
    fieldsets = (
        (None, {"fields": ("letter", "number", "state", "frozen_at", FROZEN_BY, "reason", "order")}),
        ("Counts", {"fields": ("all_counts", "published_texts")}),
        ("Proof", {"fields": ("root", "digests")}),
        (
            "Handing over",
            {
                "fields": (
                    "handed_over_on",
                    "handed_over_to",
                    "handed_over_at",
                    "note",
                    "acknowledged_on",
                    "void_reason",
                )
            },
        ),
    )
    actions = None

    @admin.display(description="counts")
    def all_counts(self, delivery: Delivery) -> SafeString:
        counts = delivery.counts
        rows = [(label, counts[name]) for name, label in COUNT_LABELS.items()]
        rows += [(f"signed text no. {number}", count) for number, count in counts["revisions"].items()]
        if counts["since"]:
            rows.append((f"added since delivery {counts['since']}", counts["added"]))
            rows.append((f"gone since delivery {counts['since']}", counts["gone"]))
        rows += [(f"errata of delivery {number}", count) for number, count in counts["errata"].items()]
        lines = ((label, number_format(count, force_grouping=True)) for label, count in rows)
        return format_html_join("", "{}: {}<br>", lines)

    @admin.display(description="texts")
    def published_texts(self, delivery: Delivery) -> SafeString:
        rows = ((text["revision"], text["language"], text["digest"]) for text in delivery.texts)
        return format_html_join("", "{} · {} · <code>{}</code><br>", rows)

    @admin.display(description="SHA-256 of the files")
    def digests(self, delivery: Delivery) -> SafeString | str:
        return format_html_join("", "{} <code>{}</code><br>", manifest.in_order(delivery.files)) or "-"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).select_related("letter")

    def get_urls(self) -> list[URLPattern]:
        def protected(view: Callable[..., HttpResponseBase]) -> Any:
            allowed = permission_required("signatures.deliver_delivery", raise_exception=True)(view)
            return self.admin_site.admin_view(fresh_sign_in(allowed))

        return [
            path("freeze/<int:letter_id>/", protected(self.freeze), name="signatures_delivery_freeze"),
            path("<int:pk>/files/<str:what>/", protected(self.files), name="signatures_delivery_files"),
            path("<int:pk>/step/<str:step>/", protected(self.step), name="signatures_delivery_step"),
            *super().get_urls(),
        ]

    def freeze(self, request: HttpRequest, letter_id: int) -> HttpResponse:
        """Shows how many signatures will be frozen and how many still wait; on POST freezes and requests the build."""
        letter = get_object_or_404(SignedLetter, pk=letter_id)
        form = FreezeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                frozen = freezing.freeze(letter, by=request.user.pk, reason=form.cleaned_data["reason"])
            except (TransitionNotAllowed, freezing.CountsDiffer) as error:
                form.add_error(None, str(error))
            else:
                tasks.build_delivery.enqueue(frozen.pk)
                return redirect("admin:signatures_delivery_change", frozen.pk)
        letter_counts = counts.for_letter(letter.pk)
        waiting = letter_counts.in_state(State.WAITING)
        return self._form_page(
            request, "freeze", "Freeze a delivery", form, letter=letter, counts=letter_counts, waiting=waiting
        )

    def _form_page(self, request: HttpRequest, page: str, title: str, form: forms.Form, **more: Any) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "form": form, **more}
        status = 422 if form.is_bound else 200
        return TemplateResponse(request, f"admin/signatures/delivery/{page}.html", context, status=status)

    def files(self, request: HttpRequest, pk: int, what: str) -> HttpResponseBase:
        """Downloads the package, requests a build, or cancels it."""
        delivery = get_object_or_404(Delivery, pk=pk)
        if request.method != "POST":
            return redirect("admin:signatures_delivery_change", pk)
        match what:
            case "package":
                return self._package(request, delivery)
            case "make":
                building.request_build(delivery, by=request.user.pk)
                tasks.build_delivery.enqueue(delivery.pk)
            case "stop":
                building.cancel_build(delivery, by=request.user.pk)
            case _:
                raise Http404
        return redirect("admin:signatures_delivery_change", pk)

    def _package(self, request: HttpRequest, delivery: Delivery) -> HttpResponseBase:
        name = delivery.package
        if delivery.state == Delivery.State.VOID or not delivery.root or not package_store.exists(name):
            self.message_user(request, "There is no package. Make its files first.", messages.ERROR)
            return redirect("admin:signatures_delivery_change", delivery.pk)
        package = package_store.open_package(name)
        building.record_download(delivery, package, by=request.user.pk)
        return FileResponse(package, as_attachment=True, filename=name, content_type="application/zip")

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        if step not in STEPS:
            raise Http404
        delivery = get_object_or_404(Delivery, pk=pk)
        chosen = STEPS[step]
        form = chosen.form(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                chosen.action(delivery, by=request.user.pk, **form.cleaned_data)
            except TransitionNotAllowed as error:
                form.add_error(None, str(error))
            else:
                self.message_user(request, "Done.", messages.SUCCESS)
                return redirect("admin:signatures_delivery_change", pk)
        withdrawn = errata.entries_that_left(delivery).count() if step == "hand-over" else 0
        consequence = chosen.consequence.format(
            months=settings.RETENTION_MONTHS, first=(timezone.now() + ADDRESSES_AT_LEAST).date()
        )
        return self._form_page(
            request, "step", chosen.title, form, delivery=delivery, withdrawn=withdrawn, consequence=consequence
        )

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        delivery = self.get_object(request, object_id)
        if delivery is None:
            return super().change_view(request, object_id, form_url, extra_context)
        runs = building.is_running(delivery)
        context = {
            "may_deliver": request.user.has_perm("signatures.deliver_delivery"),
            "has_package": package_store.exists(delivery.package),
            "runs": runs,
            "stage": building.STAGES.get(delivery.stage, (0, 0, ""))[2],
            "steps": [(name, step.title) for name, step in STEPS.items() if delivery.state in step.states],
            **(extra_context or {}),
        }
        page = super().change_view(request, object_id, form_url, context)
        if runs:
            page["Refresh"] = str(REFRESH_SECONDS)  # works without JavaScript
        return page
