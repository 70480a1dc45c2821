"""Many at once: a rule is written, previewed, confirmed by its number, watched, and undone."""

import re
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

from campaign.models import Letter
from campaign.models.languages import language_choices
from signatures import tasks, transitions
from signatures.audit.admin_mixins import ReadOnlyAdmin
from signatures.models import BulkRule, Signature
from signatures.moderation import bulk_rule_runs, bulk_rules
from signatures.registries import Flag
from signatures.states import State, Visibility

MANY = 0.05  # of the list; a flood that is more than that deserves a second look
PATIENCE = 0.2  # seconds that the page waits for a count before it leaves it to the worker
RENEWED = 2  # seconds between two looks at the progress
NOBODY = [("", "---------")]
WIDE = forms.TextInput(attrs={"class": "vTextField"})
Step = BulkRule.Step


def _moment(label: Any, help_text: Any = "") -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, required=False, widget=widget, help_text=help_text)


def _number(label: Any, help_text: Any = "") -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=1, max_value=2**62, help_text=help_text)


def _text(label: Any, most: int, help_text: Any = "") -> forms.CharField:
    return forms.CharField(label=label, required=False, max_length=most, help_text=help_text)


class RuleForm(forms.Form):
    """Fields and their cleaning; whether they make a rule, the verb says."""

    letter = forms.ModelChoiceField(Letter.objects.order_by("-pk"), label="Letter", empty_label=None)
    name = forms.CharField(
        label="Name of the rule", max_length=100, widget=WIDE, help_text="So that others know it again."
    )
    reason = forms.CharField(
        label="Reason", max_length=200, widget=WIDE, help_text="Stays in the trail; name nobody in it."
    )
    name_pattern = _text(
        "Name", 100, "* stands for any characters, ? for one: Signer *, *bot*. Case and accents do not matter."
    )
    organization = _text("Organization", 100, "Contains these words; with * it is a pattern of the whole.")
    similar_to = _number("Same words in the name as signature no.", "In any order; case and accents do not matter.")
    domain = _text(
        "Email domain", 253, "With all below it: mailbot.example. Only a digest of it is kept, and never shown."
    )
    domain_of = _number("or the email domain of signature no.")
    network = _text(
        "Network", 43, "An address or network, as a /24 or /64 up to /16; of the last 72 hours. Kept as a digest."
    )
    network_of = _number("or the network of signature no.", "On the day on which that one was signed.")
    country = forms.ChoiceField(label="Country", required=False, choices=[*NOBODY, *countries])
    language = forms.ChoiceField(label="Language", required=False, choices=lambda: [*NOBODY, *language_choices()])
    flag = forms.ChoiceField(label="Flag", required=False, choices=[*NOBODY, *((flag, flag) for flag in Flag)])
    signed_up_from = _moment("Signed up from (UTC)")
    signed_up_until = _moment("until (UTC)")
    states = forms.MultipleChoiceField(
        label="Only in these states",
        required=False,
        choices=[(state.value, state.label) for state in bulk_rules.AFFECTED_STATES],
        widget=forms.CheckboxSelectMultiple,
        help_text="Narrows the rule; it is no condition by itself. Without a choice: all three.",
    )
    visibility = forms.ChoiceField(
        label="Only for this audience",
        required=False,
        choices=[*NOBODY, *Visibility.choices],
        help_text="Narrows the rule; it is no condition by itself.",
    )
    PARTS: ClassVar = (
        ("What it is called", ("letter", "name", "reason")),
        ("Whom it means: by their words", ("name_pattern", "similar_to", "organization")),
        ("Whom it means: by where they come from", ("domain", "domain_of", "network", "network_of")),
        (
            "Whom it means: by what else they have in common",
            ("country", "language", "flag", "signed_up_from", "signed_up_until"),
        ),
        ("Of these only", ("states", "visibility")),
    )

    def parts(self) -> list[tuple[Any, list[forms.BoundField]]]:
        return [(title, [self[name] for name in names]) for title, names in self.PARTS]

    def make(self, by: int) -> BulkRule | None:
        """The rule; none where something is wrong, which then stands beside its field."""
        typed = dict(self.cleaned_data)
        about = {name: typed.pop(name) for name in ("letter", "name", "reason")}
        try:
            return bulk_rules.create(
                about["letter"],
                bulk_rules.Conditions(**typed),
                by=by,
                name=about["name"],
                reason=about["reason"],
            )
        except bulk_rules.InvalidRule as error:
            self.add_error(error.field or None, str(error.message))
            return None


@admin.register(BulkRule)
class BulkRuleAdmin(ReadOnlyAdmin, admin.ModelAdmin):
    list_display = ("named", "letter", "reason", "step_shown", "number", "username", "made_at", "buttons")
    list_display_links = ("named",)
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

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRule]:
        names = {
            f"{column}_name": Subquery(User.objects.filter(pk=OuterRef(column)).values("username"))
            for column in ("made_by", "started_by", "undone_by")
        }
        found: QuerySet[BulkRule] = super().get_queryset(request).annotate(**names)
        return found

    @admin.display(description="name of the rule")
    def named(self, rule: BulkRule) -> SafeString:
        return format_html("<bdi>{}</bdi>", rule.name)

    @admin.display(description="state")
    def step_shown(self, rule: BulkRule) -> str:
        return rule.get_step_display()

    @admin.display(description="how many")
    def number(self, rule: BulkRule) -> str:
        return f"{rule.taken:,} / {rule.expected:,}" if rule.started_at else "-"

    @admin.display(description="by")
    def username(self, rule: Any) -> str:
        return rule.started_by_name or rule.made_by_name or "-"

    @admin.display(description="")
    def buttons(self, rule: BulkRule) -> SafeString | str:
        # Within the form of the list, so that it carries the token of that.
        button = '<button type="submit" class="button" formaction="{}/change/" name="do" value="{}">{}</button>'
        if rule.step in {Step.DONE, Step.CANCELLED}:
            return format_html(button, rule.pk, "undo", "Undo")
        return format_html(button, rule.pk, "cancel", "Cancel") if rule.step == Step.RUNNING else ""

    def _page(self, request: HttpRequest, template: str, title: Any, **context: Any) -> HttpResponse:
        context |= {**self.admin_site.each_context(request), "title": title, "opts": self.opts, "media": self.media}
        return TemplateResponse(request, f"admin/signatures/bulkrule/{template}", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RuleForm(request.POST) if request.method == "POST" else RuleForm(initial=request.GET.dict())
        if form.is_bound and form.is_valid() and (rule := form.make(self._by(request))):
            self._look(rule)
            return redirect("admin:signatures_bulkrule_change", rule.pk)
        return self._page(request, "add.html", "New invalidation", form=form)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of a rule: its preview, its progress, or what became of it. Its buttons do all that is done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rule = self.get_object(request, object_id)
        if rule is None:
            raise Http404
        if request.method == "POST":
            return self._act(request, rule)
        about = _about(rule)
        page = self._page(request, "rule.html", rule.name, rule=rule, **about)
        if about["works"] or about["counts_still"]:
            page["Refresh"] = str(RENEWED)  # works without script
        return page

    def _act(self, request: HttpRequest, rule: BulkRule) -> HttpResponse:
        by, again = self._by(request), redirect("admin:signatures_bulkrule_change", rule.pk)
        try:
            match request.POST.get("do"):
                case "start":
                    typed = re.sub(r"[,.'\s]", "", request.POST.get("number", ""))[:18]  # as the page groups it
                    shown = rule.seen["number"] if rule.seen else 0
                    bulk_rule_runs.start(rule, by=by, shown=shown, typed=int(typed) if typed.isdecimal() else -1)
                    tasks.run_bulk_rule.enqueue(rule.pk)
                case "look":
                    self._look(rule)
                case "cancel":
                    bulk_rule_runs.cancel(rule, by=by)
                case "undo":
                    bulk_rule_runs.undo(rule, by=by)
                    tasks.run_bulk_rule.enqueue(rule.pk)
                case "drop":
                    bulk_rule_runs.discard(rule, by=by)
                    again = redirect("admin:signatures_bulkrule_changelist")
        except transitions.TransitionNotAllowed:
            words = (
                "Nothing was started: please type the number that stands above."
                if request.POST.get("do") == "start" and rule.step == Step.DRAFT
                else "Nothing was done: this is not possible any more."
            )
            self.message_user(request, words, messages.ERROR)
        return again

    def _look(self, rule: BulkRule) -> None:
        if rule.step == Step.DRAFT and not bulk_rules.save_preview(rule, within=PATIENCE):
            tasks.preview_bulk_rule.enqueue(rule.pk)

    def _by(self, request: HttpRequest) -> int:
        return int(request.user.pk or 0)


def _about(rule: BulkRule) -> dict[str, Any]:
    """What the page of a rule tells."""
    about: dict[str, Any] = {"conditions": _conditions(rule), "works": rule.step in {Step.RUNNING, Step.UNDOING}}
    about["counts_still"] = rule.step == Step.DRAFT and rule.seen is None
    about["done"], about["of"] = (
        (rule.looked_back and rule.undone, rule.taken) if rule.step == Step.UNDOING else (rule.taken, rule.expected)
    )
    if rule.step == Step.DRAFT and rule.seen:
        seen = rule.seen
        cells = {(state, audience): number for state, audience, number in seen["cells"]}
        lines = [
            (State(state).label, [cells.get((state, a), 0) for a in Visibility]) for state in bulk_rules.AFFECTED_STATES
        ]
        about["table"] = [(label, numbers, sum(numbers)) for label, numbers in lines]
        about["audiences"] = ["website and letter", "letter only", "without a name"]
        about["examples"] = Signature.objects.filter(pk__in=seen["examples"]).order_by("pk")
        about["share"] = round(seen["share"] * 100, 1)
        about["is_much"] = seen["share"] > MANY
        about["counted_at"] = datetime.fromisoformat(seen["at"]).astimezone(UTC)
    return about


def _conditions(rule: BulkRule) -> list[tuple[Any, Any]]:
    """In words; of domain and network nothing is known but that there is one."""
    secret = "one, kept as a digest"
    span = " → ".join(f"{at:%Y-%m-%d %H:%M}" for at in (rule.signed_up_from, rule.signed_up_until) if at)
    rows = [
        ("Name", rule.name_pattern),
        ("Same words in the name as signature no.", rule.similar_to),
        ("Organization", rule.organization),
        ("Email domain", rule.domain and secret),
        ("Network", rule.by_network and secret),
        ("Country", rule.country and countries.name(rule.country)),
        ("Language", rule.get_language_display() if rule.language else ""),
        ("Flag", rule.flag),
        ("Signed up (UTC)", span),
        ("Only in these states", ", ".join(str(State(state).label) for state in rule.states)),
        ("Only for this audience", rule.get_visibility_display() if rule.visibility else ""),
    ]
    return [(label, value) for label, value in rows if value]
