"""The admin pages of a letter: one step after the other, each a form that is saved by itself."""

from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import flatten_fieldsets
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from campaign.letters import text
from campaign.letters.forms import ConflictCheckedForm, KeptRows, as_id
from campaign.letters.hand_signatures import HandSignatureInline
from campaign.letters.help_texts import PRIVACY_HELP
from campaign.letters.letter_forms import (
    AnswersForm,
    LetterheadForm,
    NewLetterForm,
    RecipientForm,
    SigningForm,
    StepForm,
)
from campaign.letters.logos import set_logo
from campaign.letters.look_form import LookForm
from campaign.letters.privacy import DEFAULTS
from campaign.letters.publishing import begin, change_language
from campaign.models import HandSignature, Letter, Logo, PrivacyText, Translation
from campaign.models.languages import LanguageFormField

STEPS: tuple[type[StepForm], ...] = (RecipientForm, LetterheadForm, SigningForm, AnswersForm, LookForm)
TEXT, PUBLISH = "text", "publish"
NEXT = "next"  # the value of the button that saves and goes on


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the list of them shows it."""

    name: str
    heading: str
    address: str
    status: str


def steps_of(letter: Letter | None) -> list[Step]:
    """Returns the steps of a letter, in order. Those of a letter that is not stored yet have no address."""
    found = Translation.objects.filter(revision__letter=letter) if letter else Translation.objects.none()
    texts = list(found.order_by("-authoritative", "-revision__number", "pk"))
    has_text = any(text.body for text in texts)
    published = any(text.published_at and not text.taken_back_at for text in texts)
    drafts = [text for text in texts if not text.published_at]
    rows = _steps_with_rows(letter) if letter else set()
    statuses = {
        "recipient": "done" if letter else "needed",
        TEXT: "done" if has_text else "needed",
        **{step.step: _status(letter, step, rows) for step in STEPS[1:]},
        PUBLISH: "needed" if not published else "a draft waits" if drafts else "done",
    }
    headings = {RecipientForm.step: RecipientForm.heading, TEXT: "The text"}
    headings |= {step.step: step.heading for step in STEPS} | {PUBLISH: "Publish"}
    return [
        Step(name, heading, _address(letter, name, texts, drafts) if letter else "", statuses[name])
        for name, heading in headings.items()
    ]


def _steps_with_rows(letter: Letter) -> set[type[StepForm]]:
    """Returns the steps in which something is set that has rows of its own."""
    has_notice, has_logo, has_signatures = Letter.objects.values_list(
        Exists(PrivacyText.objects.filter(letter=OuterRef("pk"))),
        Exists(Logo.objects.filter(letter=OuterRef("pk"))),
        Exists(HandSignature.objects.filter(letter=OuterRef("pk"))),
    ).get(pk=letter.pk)
    steps: set[type[StepForm]] = {AnswersForm} if has_notice else set()
    return steps | ({LookForm} if has_logo or has_signatures else set())


def _status(letter: Letter | None, step: type[StepForm], with_rows: set[type[StepForm]]) -> str:
    """Returns whether anything is set in a step that can be left as it is."""
    is_set = letter is not None and (
        step in with_rows or any(getattr(letter, name) != getattr(Letter(), name) for name in step.columns)
    )
    return "done" if is_set else "optional"


def _address(letter: Letter, name: str, texts: list[Translation], drafts: list[Translation]) -> str:
    if name == TEXT:
        wordings = [text for text in texts if text.authoritative and not text.taken_back_at]
        text = next((text for text in [*(text for text in drafts if text.authoritative), *wordings, *drafts]), None)
        if text:
            return reverse("admin:campaign_translation_change", args=[text.pk])
        return f"{reverse('admin:campaign_translation_add')}?{urlencode({'letter': letter.pk})}"
    if name != PUBLISH:
        return reverse("admin:campaign_letter_step", args=[letter.pk, name])
    if drafts and (drafts[0].authoritative or len(drafts) == 1):
        return f"{reverse('admin:campaign_translation_publish')}?{urlencode({'text': drafts[0].pk})}"
    return f"{reverse('admin:campaign_translation_changelist')}?{urlencode({'revision__letter__id__exact': letter.pk})}"


def steps_context(letter: Letter | None, current: str) -> dict[str, Any]:
    """Returns what the templates of a step need."""
    steps = steps_of(letter)
    names = [step.name for step in steps]
    following = steps[names.index(current) + 1 :]
    return {"steps": steps, "step": current, "next_step": following[0] if following else None}


def next_address(letter: Letter, current: str) -> str:
    return str(steps_context(letter, current)["next_step"].address)


class StepTemplate(admin.ModelAdmin[Any]):
    change_form_template = "admin/campaign/step.html"

    class Media:
        css: ClassVar = {"all": ["css/letter_steps.css"]}
        js = (Script("js/letter_steps.js", defer=True),)

    def next_address(self, request: HttpRequest, obj: Any) -> str:
        """Returns the address of the next step."""
        raise NotImplementedError

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return self._response(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._response(request, obj) or super().response_change(request, obj)

    def _response(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        """Returns the way to the next step, if that button was pressed."""
        if request.POST.get("_save") != NEXT:
            return None
        self.message_user(request, "Saved.", messages.SUCCESS)
        return redirect(self.next_address(request, obj))


class TextSteps(StepTemplate):
    """A text of a letter: one of its steps."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview)
        return [path("preview/", view, name="campaign_translation_preview"), *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """Return the text that was typed, as readers will see it. Nothing is stored."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        return HttpResponse(text.html(request.POST.get("body", "")))

    def next_address(self, request: HttpRequest, obj: Any) -> str:
        return next_address(obj.revision.letter, TEXT)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any) -> Any:
        original, form = context["original"], context["adminform"].form
        chosen = None if original else as_id(str(form["letter"].value()))
        letter = original.revision.letter if original else Letter.objects.filter(pk=chosen or 0).first()
        context |= {**steps_context(letter, TEXT), "title": f"{letter}: The text"} if letter else {}
        return super().render_change_form(request, context, *args, **options)


class PrivacyTextForm(ConflictCheckedForm):
    language = LanguageFormField(label="Language", help_text=PRIVACY_HELP["language"])

    class Meta:
        model = PrivacyText
        fields = ("language", *PrivacyText.PARAGRAPHS)
        help_texts: ClassVar = PRIVACY_HELP
        widgets: ClassVar = {
            name: forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField", "placeholder": DEFAULTS.get(name, "")})
            for name in PrivacyText.PARAGRAPHS
        }


class PrivacyTextInline(admin.StackedInline[PrivacyText, Letter]):
    model = PrivacyText
    form: Any = PrivacyTextForm
    formset: Any = KeptRows
    extra = 1
    verbose_name_plural = "Privacy notice of this letter"


class StepPages(StepTemplate):
    """A letter, made and changed step by step. Its ordinary page is the first step."""

    inlines = (PrivacyTextInline, HandSignatureInline)
    readonly_fields = (
        "texts",
        "texts_to_read",
        "acknowledged_on",
        "letterhead_as_shown",
        "logo_as_shown",
        "share_image",
    )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("<int:letter_id>/step/<slug:step>/", view(self.step_view), name="campaign_letter_step"),
            *super().get_urls(),
        ]

    def step_view(self, request: HttpRequest, letter_id: int, step: str) -> HttpResponse:
        if step not in {each.step for each in STEPS}:
            raise Http404
        return self.changeform_view(request, str(letter_id))

    def get_form(self, request: HttpRequest, obj: Letter | None = None, change: bool = False, **options: Any) -> Any:
        """Returns the form of the step, which asks what the form of this admin asks."""
        step = _step(request, obj)
        return super().get_form(request, obj, change, **{**options, "form": type(step.__name__, (self.form, step), {})})

    def get_fieldsets(self, request: HttpRequest, obj: Letter | None = None) -> Any:
        fieldsets: list[Any] = list(_step(request, obj).fieldsets)
        if obj and not self.has_change_permission(request, obj):  # shown as columns, of which parts of JSON are none
            names = [
                name for name in flatten_fieldsets(fieldsets) if hasattr(obj, name) or name in self.readonly_fields
            ]
            shown = ["texts_to_read" if name == "texts" else name for name in names if name != "logo"]
            return [(None, {"fields": shown})]
        return [
            *fieldsets,
            (None, {"fields": [name for name in self.form.declared_fields if name.endswith("_digest")]}),
        ]

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        wanted = {AnswersForm: (PrivacyTextInline,), LookForm: (HandSignatureInline,)}
        return wanted.get(_step(request, obj), ())

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return {} if obj else {"slug": ("title",)}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        letter, step = context["original"], _step(request, context["original"])
        context |= {"title": f"{letter}: {step.heading}" if letter else "New letter", "subtitle": None}
        return super().render_change_form(request, {**context, **steps_context(letter, step.step)}, *args, **options)

    def save_model(self, request: HttpRequest, obj: Letter, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        typed = form.cleaned_data
        if not change:
            self.begin_text(request, obj, typed["language"], typed["title"])
        elif "language" in form.changed_data:
            change_language(obj, typed["language"])
        if typed.get("logo") or typed.get("remove_logo"):
            set_logo(obj, typed["logo"])

    def begin_text(self, request: HttpRequest, letter: Letter, language: str, title: str) -> Translation:
        return begin(letter, language, title)

    def next_address(self, request: HttpRequest, obj: Letter) -> str:
        return next_address(obj, _step(request, obj).step)

    @admin.display(description="letterhead")
    def letterhead_as_shown(self, letter: Letter) -> str:
        if not letter.letterhead:
            return "-"
        parts = ("letters/letterhead.html", "letters/board.html")
        context = {"letterhead": letter.letterhead, "letter": letter}
        return format_html('<div class="as-shown">{}{}</div>', *(render_to_string(part, context) for part in parts))

    @admin.display(description="logo as it is stored")
    def logo_as_shown(self, letter: Letter) -> str:
        logo = Logo.objects.filter(letter=letter).first()
        if logo is None:
            return "none"
        address = reverse("logo", args=[logo.digest])
        return format_html('<img src="{}" alt="The logo" width="{}" height="{}">', address, logo.width, logo.height)

    @admin.display(description="share image")
    def share_image(self, letter: Letter) -> str:
        """What other sites show beside a link to the letter."""
        raise NotImplementedError


def _step(request: HttpRequest, letter: Letter | None) -> type[StepForm]:
    match = request.resolver_match
    name = match.kwargs.get("step") if match else None
    if letter is None:
        return NewLetterForm
    return next((step for step in STEPS if step.step == name), RecipientForm)
