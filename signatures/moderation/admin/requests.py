"""The admin pages of requests of signers: each asks first, and takes a fresh sign-in."""

import tomllib
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminTextInputWidget
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from campaign.letters.forms import ShownValuesForm
from campaign.models import Letter
from signatures.audit import audit_log
from signatures.audit.admin_mixins import LetterFilter, ReadOnlyAdmin, staff_id
from signatures.models import Signature, SignerRequest, Submission
from signatures.moderation import requests
from signatures.registries.requests import Channel, RequestKind
from signatures.signing.form_fields import EmailAddressField, LineField, NameField
from signatures.signing.mailbox_places import NoPlace
from signatures.staff.fresh_sign_in import fresh_sign_in
from signatures.states import Kind
from signatures.transitions import EditConflict, TransitionNotAllowed
from signatures.values import sealing

CONSEQUENCES: dict[str, str] = tomllib.loads(Path(__file__).with_name("requests.toml").read_text(encoding="utf-8"))
SECOND = "It was handed over in a delivery: a second person has to confirm it, so nothing changes before that."


class RequestForm(forms.Form):
    channel = forms.ChoiceField(label="How the request came", choices=[("", "---------"), *Channel.choices])
    reason = forms.CharField(
        label="Reason", max_length=300, widget=AdminTextInputWidget, help_text="For the audit log. Please name nobody."
    )


class CorrectionForm(RequestForm, ShownValuesForm):
    """Changes what was typed anew alone."""

    field_order = ("name", "spokesperson", "role", "organization", "channel", "reason")
    name = NameField("name", label="Name", widget=AdminTextInputWidget)
    spokesperson = LineField("spokesperson", label="Who speaks for it", widget=AdminTextInputWidget)
    role = LineField("role", label="Role", widget=AdminTextInputWidget)
    organization = LineField("organization", label="Organization", widget=AdminTextInputWidget)

    def clean_name(self) -> str:
        if not self.cleaned_data["name"]:
            raise forms.ValidationError("A name cannot be taken away so.")
        return str(self.cleaned_data["name"])

    @property
    def options(self) -> dict[str, Any]:
        return {
            "words": {name: self.cleaned_data[name] for name in self.shown if name in self.changed_data},
            "shown": self.shown,
        }


class ResendForm(RequestForm):
    field_order = ("address", "channel", "reason")
    address = EmailAddressField(label="Email address")

    @property
    def options(self) -> dict[str, Any]:
        return {"address": self.cleaned_data["address"]}


class EvidenceForm(RequestForm):
    """Finds what was submitted with an address; one of those is chosen then."""

    field_order = ("letter", "address", "submission", "channel", "reason")
    letter = forms.ModelChoiceField(Letter.objects.published(), label="Letter")
    address = EmailAddressField(label="Email address", help_text="The one that was typed into the form.")
    submission = forms.ModelChoiceField(Submission.objects.none(), label="Which one", widget=forms.RadioSelect)
    found: QuerySet[Submission] | None = None  # once an address was looked for

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        if data is None:
            del self.fields["submission"]
        letter, address = (self._typed(name) for name in ("letter", "address"))
        if letter and address:
            key = sealing.address_hash(address, pepper=settings.EMAIL_HASH_PEPPER)
            found = self.found = Submission.objects.filter(letter=letter, address_hash=key).order_by("pk")
            self.fields["submission"].queryset = found  # type: ignore[attr-defined]
            self.fields["submission"].label_from_instance = _describe  # type: ignore[attr-defined]
            self.fields["submission"].error_messages["required"] = (
                "Please choose one." if found else "Nothing that was submitted with this address waits to be confirmed."
            )

    def _typed(self, name: str) -> Any:
        try:
            return self.fields[name].clean(self.data.get(name, "")) if self.is_bound else None
        except forms.ValidationError:
            return None


def _describe(row: Submission) -> str:
    name = row.name or "(counted without a name)"
    return f"{name} · {row.organization or row.get_kind_display()} · {row.signed_up_at:%Y-%m-%d}"


FORMS: dict[RequestKind, type[RequestForm]] = {RequestKind.CORRECT: CorrectionForm, RequestKind.RESEND: ResendForm}


def request_links(signature: Signature) -> SafeString:
    """Returns a button for each request that is possible about a signature, and the requests that were recorded."""
    kinds = requests.possible(signature)
    buttons = ((reverse("admin:signatures_signerrequest_ask", args=[signature.pk, kind]), kind.label) for kind in kinds)
    rows = SignerRequest.objects.filter(signature_id=signature.pk)
    lines = (
        (
            reverse("admin:signatures_signerrequest_change", args=[row.pk]),
            row.get_kind_display(),
            row.get_state_display(),
        )
        for row in rows
    )
    return format_html(
        '<div class="request-links">{}</div><ul>{}</ul>',
        format_html_join(" ", '<a class="button" href="{}">{}…</a>', buttons),
        format_html_join("", '<li><a href="{}">{}</a>: {}</li>', lines),
    )


def _when_and_who(at: datetime, username: str | None) -> SafeString:
    return format_html("<time>{} UTC</time> by {}", f"{at:%Y-%m-%d %H:%M}", username or "-")


@admin.register(SignerRequest)
class SignerRequestAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    list_display = ("asked", "kind", "signature_link", "letter", "became")
    list_filter = ("state", "kind", LetterFilter)
    fields = ("kind", "signature_link", "letter", "channel", "reason", "asked", "became")
    readonly_fields = fields
    actions = None

    @admin.display(description="signature")
    def signature_link(self, request: SignerRequest) -> SafeString:
        url = reverse("admin:signatures_signature_change", args=[request.signature_id])
        return format_html('<a href="{}">no. {}</a>', url, request.signature_id)

    @admin.display(description="recorded", ordering="asked_at")
    def asked(self, request: Any) -> SafeString:
        return _when_and_who(request.asked_at, request.recorder)

    @admin.display(description="state", ordering="state")
    def became(self, request: Any) -> SafeString:
        decided = _when_and_who(request.decided_at, request.decider) if request.decided_at else ""
        return format_html("<strong>{}</strong> {}", request.get_state_display(), decided)

    def get_queryset(self, request: HttpRequest) -> QuerySet[SignerRequest]:
        names: dict[str, Any] = {
            name: Subquery(User.objects.filter(pk=OuterRef(account)).values("username"))
            for name, account in (("recorder", "staff_id"), ("decider", "decided_by"))
        }
        rows: QuerySet[SignerRequest] = super().get_queryset(request).select_related("letter").annotate(**names)
        return rows

    def get_urls(self) -> list[URLPattern]:
        def protected(view: Callable[..., HttpResponse]) -> Any:
            allowed = permission_required("signatures.answer_requests", raise_exception=True)(view)
            return self.admin_site.admin_view(fresh_sign_in(allowed))

        return [
            path("<int:signature_id>/ask/<slug:wanted>/", protected(self.ask), name="signatures_signerrequest_ask"),
            path("evidence/", protected(self.evidence), name="signatures_signerrequest_evidence"),
            path("<int:pk>/decide/", protected(self.decide), name="signatures_signerrequest_decide"),
            *super().get_urls(),
        ]

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def ask(self, request: HttpRequest, signature_id: int, wanted: str) -> HttpResponse:
        """Says what will happen and asks why; on POST records it, and does it or leaves it to a second person."""
        signature = get_object_or_404(Signature.objects.select_related("letter"), pk=signature_id)
        if wanted not in RequestKind or (request.method != "POST" and wanted not in requests.possible(signature)):
            raise Http404
        kind = RequestKind(wanted)
        form: Any = FORMS.get(kind, RequestForm)(request.POST or None, initial=requests.words_of(signature))
        status = None
        if signature.kind == Kind.PERSON:
            form.fields.pop("spokesperson", None)
        if request.method == "POST" and form.is_valid():
            options = {name: form.cleaned_data[name] for name in ("channel", "reason")} | getattr(form, "options", {})
            try:
                recorded = requests.ask(signature, kind, by=staff_id(request), **options)
            except EditConflict as error:
                signature = get_object_or_404(Signature.objects.select_related("letter"), pk=signature_id)
                form.add_error(None, f"{error} Nothing was stored. Please look at them, and send it again.")
                form.keep_typed(requests.words_of(signature))
                status = HTTPStatus.CONFLICT
            except TransitionNotAllowed as error:
                form.add_error("name" if isinstance(error, NoPlace) else None, str(error))
            else:
                return self._done(request, recorded)
        elif request.method != "POST":
            audit_log.record_view(signature, by=staff_id(request), page=f"request-{kind}")
        second = SECOND if kind.changes_delivered and requests.is_delivered(signature.pk) else ""
        return self._form_page(request, kind, form, status=status, signature=signature, second=second)

    @method_decorator(sensitive_post_parameters())
    @method_decorator(sensitive_variables())
    def evidence(self, request: HttpRequest) -> HttpResponse:
        """Finds what was submitted with an address, and confirms the one that was chosen."""
        form, by = EvidenceForm(request.POST or None), staff_id(request)
        if form.found is not None:
            audit_log.record_search(RequestKind.EVIDENCE, form.found.count(), by=by)
        if request.method == "POST" and form.is_valid():
            options = {name: form.cleaned_data[name] for name in ("channel", "reason")}
            try:
                recorded = requests.confirm_on_evidence(form.cleaned_data["submission"], by=by, **options)
            except TransitionNotAllowed as error:
                form.add_error(None, str(error))
            else:
                return self._done(request, recorded)
        return self._form_page(request, RequestKind.EVIDENCE, form, button="" if form.found else "Look for it")

    def decide(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows an open request to a second person; on POST does it or declines it."""
        asked = get_object_or_404(self.get_queryset(request), pk=pk)
        signature = Signature.objects.filter(pk=asked.signature_id).first()
        is_own = asked.staff_id == staff_id(request)
        if request.method == "POST":
            action = requests.decline if "decline" in request.POST else requests.confirm
            try:
                return self._done(request, action(asked, by=staff_id(request)))
            except TransitionNotAllowed as error:
                self.message_user(request, f"Nothing was changed. {error}", messages.ERROR)
                return redirect("admin:signatures_signerrequest_change", pk)
        if asked.state != SignerRequest.State.OPEN:
            return redirect("admin:signatures_signerrequest_change", pk)
        if signature is not None:
            audit_log.record_view(signature, by=staff_id(request), page="request-decide")
        words = [(name, getattr(signature, name, ""), new) for name, new in (asked.words or {}).items()]
        context: dict[str, Any] = {"asked": asked, "is_own": is_own, "words": words}
        return self._form_page(request, RequestKind(asked.kind), None, signature=signature, **context)

    def _done(self, request: HttpRequest, recorded: SignerRequest) -> HttpResponse:
        """Say what became of a request, on the page of its signature if that is still there."""
        is_open = recorded.state == SignerRequest.State.OPEN
        text = (
            "Recorded. It waits for a second person, who finds it under “Requests of signers”." if is_open else "Done."
        )
        self.message_user(request, text, messages.WARNING if is_open else messages.SUCCESS)
        if Signature.objects.filter(pk=recorded.signature_id).exists():
            return redirect("admin:signatures_signature_change", recorded.signature_id)
        return redirect("admin:signatures_signerrequest_changelist")

    def _form_page(
        self,
        request: HttpRequest,
        kind: RequestKind,
        form: forms.Form | None,
        *,
        status: int | None = None,
        **more: Any,
    ) -> HttpResponse:
        more |= {"title": kind.label, "opts": self.opts, "form": form, "consequence": CONSEQUENCES[kind]}
        context = self.admin_site.each_context(request) | more
        status = status or (HTTPStatus.UNPROCESSABLE_ENTITY if form and form.is_bound else HTTPStatus.OK)
        return TemplateResponse(request, "admin/signatures/signerrequest/request.html", context, status=status)
