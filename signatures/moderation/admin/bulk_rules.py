"""The admin pages of bulk rules: create, preview, start by typing the number of matches, follow the progress, undo."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django_countries import countries

from campaign.letters.languages import describe
from campaign.models import Letter, Translation
from campaign.runtime.regular_expressions import linear
from signatures import tasks
from signatures.audit.admin_mixins import ReadOnlyAdmin, staff_id
from signatures.models import BulkRule, Signature
from signatures.moderation import bulk_rule_runs, bulk_rules, rule_origins
from signatures.moderation.rule_origins import OriginKind
from signatures.registries import Flag
from signatures.states import RuleTarget, Visibility
from signatures.transitions import TransitionNotAllowed

LARGE_SHARE = 0.05  # of the list; the preview warns when a rule matches more
PREVIEW_SECONDS = 0.2  # time for a preview within the request; a slower one is left to the worker
REFRESH_SECONDS = 2  # between two loads of the page while a task is at work
EMPTY_CHOICE = [("", "---------")]
ORIGIN_LABELS = {
    OriginKind.DOMAIN: "The email domain",
    OriginKind.NETWORK: "The network",
    OriginKind.MAILBOX: "The mailbox",
}
WIDE = forms.TextInput(attrs={"class": "vTextField"})
Step = BulkRule.Step
_SEPARATORS = linear(r"[,.'\s]")  # of a number as people type it


def _moment(label: Any, help_text: Any = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget, help_text=help_text)


def _number(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=2**62, help_text=help_text)


def _text(label: Any, max_length: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=max_length, help_text=help_text)


class RuleForm(forms.Form):
    """The conditions of a new rule. `bulk_rules.create` decides whether they are valid."""

    letter = forms.ModelChoiceField(Letter.objects.order_by("-pk"), label="Letter", empty_label=None)
    name = forms.CharField(
        label="Name of the rule", max_length=100, widget=WIDE, help_text="So that others can find it."
    )
    reason = forms.CharField(
        label="Reason", max_length=200, widget=WIDE, help_text="Is kept in the audit log; please do not name anybody."
    )
    name_pattern = _text(
        "Name", 100, "* matches any characters, ? matches one: Signer *, *bot*. Case and accents do not matter."
    )
    organization = _text("Organization", 100, "Contains these words. With * it is a pattern for the whole field.")
    similar_to = _number("Same words in the name as signature no.", "In any order; case and accents do not matter.")
    origin = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
    country = forms.ChoiceField(label="Country", required=False, choices=[*EMPTY_CHOICE, *countries])
    language = forms.ChoiceField(
        label="Language", required=False, choices=lambda: [*EMPTY_CHOICE, *Translation.objects.signed_languages()]
    )
    flag = forms.ChoiceField(label="Flag", required=False, choices=[*EMPTY_CHOICE, *((flag, flag) for flag in Flag)])
    signed_up_from = _moment("Signed up from (UTC)")
    signed_up_until = _moment("until (UTC)")
    states = forms.MultipleChoiceField(
        label="Only in these states",
        required=False,
        choices=RuleTarget,
        widget=forms.CheckboxSelectMultiple,
        help_text="Narrows the rule, and is not a condition by itself. Without a choice: all three.",
    )
    visibility = forms.ChoiceField(
        label="Only with this visibility",
        required=False,
        choices=[*EMPTY_CHOICE, *Visibility.choices],
        help_text="Narrows the rule, and is not a condition by itself.",
    )
    PARTS: ClassVar = (
        ("About the rule", ("letter", "name", "reason")),
        ("Conditions: words", ("name_pattern", "similar_to", "organization")),
        ("Conditions: others", ("country", "language", "flag", "signed_up_from", "signed_up_until")),
        ("Only these", ("states", "visibility")),
    )

    def parts(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.PARTS]

    def shown_origin(self, by: int) -> str:
        """Returns the condition that a button on the page of a signature chose, in words; "" if there is none."""
        try:
            origin = rule_origins.read_origin(str(self["origin"].value() or ""), by=by)
        except rule_origins.InvalidOrigin:
            return ""
        return f"{ORIGIN_LABELS[origin.kind]} of signature no. {origin.signature_id}"

    def create(self, by: int) -> BulkRule | None:
        """Returns the new rule; None if it is not valid, with an error at the field."""
        conditions = dict(self.cleaned_data)
        letter, name, reason = (conditions.pop(field) for field in ("letter", "name", "reason"))
        try:
            return bulk_rules.create(letter, bulk_rules.Conditions(**conditions), by=by, name=name, reason=reason)
        except bulk_rules.InvalidRule as error:
            self.add_error(error.field or None, error.message)
            return None


@admin.register(BulkRule)
class BulkRuleAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("shown_name", "letter", "reason", "shown_step", "progress", "username", "made_at", "buttons")
    list_display_links = ("shown_name",)
    list_select_related = ("letter",)
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    sortable_by = ()
    actions = None

    class Media:
        css: ClassVar = {"all": ["css/review.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perms(["signatures.apply_bulk_rules", "signatures.view_signature"])

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRule]:
        names = {
            f"{column}_name": Subquery(User.objects.filter(pk=OuterRef(column)).values("username"))
            for column in ("made_by", "started_by", "undone_by")
        }
        found: QuerySet[BulkRule] = super().get_queryset(request).annotate(**names)
        return found

    @admin.display(description="name of the rule")
    def shown_name(self, rule: BulkRule) -> SafeString:
        return format_html("<bdi>{}</bdi>", rule.name)

    @admin.display(description="state")
    def shown_step(self, rule: BulkRule) -> str:
        return rule.get_step_display()

    @admin.display(description="changed / expected")
    def progress(self, rule: BulkRule) -> str:
        return f"{rule.taken:,} / {rule.expected:,}" if rule.started_at else "-"

    @admin.display(description="by")
    def username(self, rule: Any) -> str:
        return rule.started_by_name or rule.made_by_name or "-"

    @admin.display(description="")
    def buttons(self, rule: BulkRule) -> SafeString | str:
        # Part of the form of the list, and so sent with its CSRF token.
        button = '<button type="submit" class="button" formaction="{}/change/" name="do" value="{}">{}</button>'
        if rule.step in {Step.DONE, Step.CANCELED}:
            return format_html(button, rule.pk, "undo", "Undo")
        return format_html(button, rule.pk, "cancel", "Cancel") if rule.step == Step.RUNNING else ""

    def _page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/signatures/bulkrule/{template}", context)

    def add_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RuleForm(request.POST) if request.method == "POST" else RuleForm(initial=request.GET.dict())
        if form.is_bound and form.is_valid() and (rule := form.create(staff_id(request))):
            _update_preview(rule, staff_id(request))
            return redirect("admin:signatures_bulkrule_change", rule.pk)
        origin = form.shown_origin(staff_id(request))
        return self._page(request, "add.html", "New bulk rule", form=form, origin=origin)

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        """The page of one rule with its preview, its progress or its result, and the buttons for all actions."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        if request.method == "POST":
            return self._act(request, rule)
        context = _rule_context(rule)
        page = self._page(request, "rule.html", rule.name, rule=rule, **context)
        if context["is_at_work"] or context["is_counting"]:
            page["Refresh"] = str(REFRESH_SECONDS)  # works without JavaScript
        return page

    def _act(self, request: HttpRequest, rule: BulkRule) -> HttpResponse:
        action, by = request.POST.get("do"), staff_id(request)
        try:
            match action:
                case "start":
                    shown = rule.seen["number"] if rule.seen else 0
                    bulk_rule_runs.start(rule, by=by, shown=shown, typed=_typed_number(request))
                    tasks.run_bulk_rule.enqueue(rule.pk)
                case "preview":
                    _update_preview(rule, by)
                case "cancel":
                    bulk_rule_runs.cancel(rule, by=by)
                case "undo":
                    bulk_rule_runs.undo(rule, by=by)
                    tasks.run_bulk_rule.enqueue(rule.pk)
                case "discard":
                    bulk_rule_runs.discard(rule, by=by)
                    return redirect("admin:signatures_bulkrule_changelist")
        except TransitionNotAllowed:
            text = (
                "Nothing was started. Please type the number that the page shows."
                if action == "start" and rule.step == Step.DRAFT
                else "Nothing was done. This is no longer possible."
            )
            self.message_user(request, text, messages.ERROR)
        return redirect("admin:signatures_bulkrule_change", rule.pk)


def _typed_number(request: HttpRequest) -> int:
    """Returns the number that was typed, with or without the separators that the page shows; -1 if it is none."""
    typed = _SEPARATORS.sub("", request.POST.get("number", ""))[:18]
    return int(typed) if typed.isdecimal() else -1


def _update_preview(rule: BulkRule, by: int) -> None:
    if rule.step == Step.DRAFT and not bulk_rules.save_preview(rule, by=by, within=PREVIEW_SECONDS):
        tasks.preview_bulk_rule.enqueue(rule.pk, by)


def _rule_context(rule: BulkRule) -> dict[str, Any]:
    """Returns the template context of the page of one rule."""
    context = {
        "conditions": _conditions(rule),
        "is_at_work": rule.step in {Step.RUNNING, Step.UNDOING},
        "is_counting": rule.step == Step.DRAFT and rule.seen is None,
        "done": rule.undone if rule.step == Step.UNDOING else rule.taken,
        "total": rule.taken if rule.step == Step.UNDOING else rule.expected,
    }
    return context | (_preview_context(rule.seen) if rule.step == Step.DRAFT and rule.seen else {})


def _preview_context(preview: dict[str, Any]) -> dict[str, Any]:
    """Returns the template context of a saved preview (`bulk_rules.save_preview`)."""
    cells = {(state, visibility): number for state, visibility, number in preview["cells"]}
    rows = [(target.label, [cells.get((target, visibility), 0) for visibility in Visibility]) for target in RuleTarget]
    return {
        "visibilities": ["website and letter", "letter only", "without a name"],
        "table": [(label, numbers, sum(numbers)) for label, numbers in rows],
        "examples": Signature.objects.filter(pk__in=preview["examples"]).order_by("pk"),
        "percent": round(preview["share"] * 100, 1),
        "is_large": preview["share"] > LARGE_SHARE,
        "counted_at": datetime.fromisoformat(preview["at"]).astimezone(UTC),
    }


def _conditions(rule: BulkRule) -> list[tuple[Any, Any]]:
    """Returns the conditions with their labels. Domain and network are stored as digests, and so cannot be shown."""
    digest = "one, stored as a digest"
    span = " → ".join(f"{at:%Y-%m-%d %H:%M} UTC" for at in (rule.signed_up_from, rule.signed_up_until) if at)
    rows = [
        ("Name", rule.name_pattern),
        ("Same words in the name as signature no.", rule.similar_to),
        ("Organization", rule.organization),
        ("Email domain", rule.domain and digest),
        ("Network", rule.by_network and digest),
        ("Mailbox", rule.by_mailbox and digest),
        ("Country", rule.country and countries.name(rule.country)),
        ("Language", rule.language and describe(rule.language).name),
        ("Flag", rule.flag),
        ("Signed up (UTC)", span),
        ("Only in these states", ", ".join(str(RuleTarget(target).label) for target in rule.states)),
        ("Only with this visibility", rule.get_visibility_display() if rule.visibility else ""),
    ]
    return [(label, value) for label, value in rows if value]
