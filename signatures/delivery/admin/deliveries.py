"""The admin pages of deliveries: freeze a letter, build and download its files, hand it over."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from signatures import counts, tasks
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.audit.staff_names import staff_column
from signatures.delivery import build_progress, building, errata, exports, freezing, hand_overs, package_store
from signatures.delivery.admin import downloads, look_pages, method_pages
from signatures.delivery.admin.steps import STEPS
from signatures.models import Delivery, SignedLetter
from signatures.retention import ADDRESSES_AT_LEAST
from signatures.staff.fresh_sign_in import fresh_sign_in
from signatures.states import State
from signatures.transitions import EditConflict, TransitionNotAllowed

REFRESH_SECONDS = 2  # the page of a delivery reloads itself so often while its files are built


class FreezeForm(forms.Form):
    reason = forms.CharField(
        label="What for",
        max_length=300,
        widget=AdminTextInputWidget,
        help_text="For staff; kept in the audit log and with this delivery.",
    )


# The labels of a delivery's counts.
COUNT_LABELS = {
    "delivered": "delivered",
    "named": "named",
    "counted_only": "counted only",
    "organizations": "organizations among them",
    "paper": "on paper among them",
    "evidence": "on evidence among them",
    "public_count": "count on the public page",
    "waiting": "still waiting",
    "withdrawn": "withdrawn",
    "rejected": "not accepted",
}


def _count_column(name: str) -> Callable[[Any], Any]:
    @admin.display(description=COUNT_LABELS[name])
    def column(delivery: Delivery) -> int:
        return int(delivery.counts.get(name, 0))

    return column


def _is_possible(step: str, delivery: Delivery) -> bool:
    """Returns whether a step is offered: what is attested once, or of a delivery of version 0.9 never, is not."""
    attested = {"countersign": bool(delivery.countersignature), "time-stamp": delivery.time_stamp is not None}
    is_open = step not in attested or (delivery.has_statement and not attested[step])
    return delivery.state in STEPS[step].states and is_open


FROZEN_BY = staff_column("frozen_by", "frozen by")
COUNT_COLUMNS = [_count_column(name) for name in ("delivered", "named", "counted_only")]


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("letter", "number", "state", "frozen_at", *COUNT_COLUMNS)
    list_display_links = ("letter", "number")
    list_filter = ("state", "letter")
    readonly_fields = (FROZEN_BY, "statement_digest", "all_counts", "published_texts", "digests", "former_hand_overs")
    fieldsets = (
        (None, {"fields": ("slug", "number", "state", "frozen_at", FROZEN_BY, "reason", "order")}),
        ("Counts", {"fields": ("all_counts", "published_texts")}),
        ("Proof", {"fields": ("statement_digest", "root", "digests")}),
        (
            "Handing over",
            {
                "fields": (
                    "handed_over_on",
                    "handed_over_to",
                    "handed_over_at",
                    "note",
                    "former_hand_overs",
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

    @admin.display(description="digest of the delivery")
    def statement_digest(self, delivery: Delivery) -> SafeString | str:
        return format_html("<code>{}</code>", delivery.digest) if delivery.digest else "-"

    @admin.display(description="SHA-256 of the files")
    def digests(self, delivery: Delivery) -> SafeString | str:
        """The files of each edition, the newest first; of a delivery of version 0.9 there is one list."""
        lines = [
            (f"Edition {edition.number}, {edition.get_reason_display()}: {name}", digest)
            for edition in delivery.editions.order_by("-number")
            for name, digest in edition.digests(delivery.package)
        ]
        return format_html_join("", "{} <code>{}</code><br>", lines or sorted(delivery.files.items())) or "-"

    @admin.display(description="corrected")
    def former_hand_overs(self, delivery: Delivery) -> SafeString | str:
        """What was recorded before each correction, who corrected it, when and why; the newest first."""
        ids = {entry["by"] for entry in delivery.corrections}
        names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
        lines = (
            (
                entry["at"][:10],
                names.get(entry["by"], "a command"),
                entry["reason"],
                ", ".join(entry["was"][name] for name in hand_overs.COLUMNS.values() if entry["was"][name]),
            )
            for entry in reversed(delivery.corrections)
        )
        return format_html_join("", "{} by {}: {}<br>Before: {}<br>", lines) or "-"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return super().get_queryset(request).select_related("letter")

    def get_urls(self) -> list[URLPattern]:
        def protected(view: Callable[..., HttpResponseBase]) -> Any:
            allowed = permission_required("signatures.deliver_delivery", raise_exception=True)(view)
            return self.admin_site.admin_view(fresh_sign_in(allowed))

        method = permission_required("signatures.view_delivery", raise_exception=True)(
            partial(method_pages.of_delivery, site=self.admin_site)
        )
        return [
            path("<int:pk>/method/", self.admin_site.admin_view(method), name="signatures_delivery_method"),
            path("freeze/<int:letter_id>/", protected(self.freeze), name="signatures_delivery_freeze"),
            path("look/<int:letter_id>/", protected(look_pages.ask), name="signatures_delivery_look"),
            path(
                "look/<int:letter_id>/<str:asked>/",
                protected(partial(look_pages.answer, site=self.admin_site)),
                name="signatures_delivery_looked",
            ),
            path("<int:pk>/files/<str:what>/", protected(downloads.files), name="signatures_delivery_files"),
            path(
                "<int:pk>/copy/",
                protected(partial(downloads.copy, site=self.admin_site)),
                name="signatures_delivery_copy",
            ),
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
        return self._form_page(
            request, "freeze", "Freeze a delivery", form, letter=letter, counts=letter_counts,
            waiting=letter_counts.in_state(State.WAITING),
            preview_language=next(iter(exports.edition_of_delivery(letter).languages), ""),
        )  # fmt: skip

    def _form_page(
        self,
        request: HttpRequest,
        page: str,
        title: str,
        form: forms.Form,
        *,
        status: int | None = None,
        **more: Any,
    ) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "form": form, **more}
        status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK)
        return TemplateResponse(request, f"admin/signatures/delivery/{page}.html", context, status=status)

    def step(self, request: HttpRequest, pk: int, step: str) -> HttpResponse:
        if step not in STEPS:
            raise Http404
        delivery = get_object_or_404(Delivery, pk=pk)
        chosen = STEPS[step]
        form: Any = chosen.form(delivery, request.POST or None, request.FILES or None)
        status = None
        if request.method == "POST" and form.is_valid():
            try:
                chosen.action(delivery, by=request.user.pk, **form.arguments)
            except EditConflict as error:
                delivery.refresh_from_db()
                form.add_error(None, f"{error} Nothing was stored. Please look at it, and send it again.")
                form.keep_typed(hand_overs.recorded(delivery))
                status = HTTPStatus.CONFLICT
            except TransitionNotAllowed as error:
                form.add_error(None, str(error))
            else:
                self.message_user(request, "Done.", messages.SUCCESS)
                return redirect("admin:signatures_delivery_change", pk)
        left = (errata.entries_that_left, errata.rejected_entries) if step == "hand-over" else ()
        withdrawn = sum(entries(delivery).count() for entries in left)
        consequence = chosen.consequence.format(
            months=settings.RETENTION_MONTHS, first=(timezone.now() + ADDRESSES_AT_LEAST).date()
        )
        more = {"delivery": delivery, "withdrawn": withdrawn, "consequence": consequence}
        return self._form_page(request, "step", chosen.title, form, status=status, **more)

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
            "is_former": delivery.is_former,
            "is_wanted": building.is_wanted(delivery),
            "stage": build_progress.STAGES.get(delivery.stage, (0, 0, ""))[2],
            "steps": [(name, step.title) for name, step in STEPS.items() if _is_possible(name, delivery)],
            **(extra_context or {}),
        }
        page = super().change_view(request, object_id, form_url, context)
        if runs:
            page["Refresh"] = str(REFRESH_SECONDS)  # works without JavaScript
        return page
