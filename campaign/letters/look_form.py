"""The step of a letter in which staff choose its color and its logo."""

from base64 import b64decode, b64encode
from math import floor
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core.files.base import ContentFile
from django.db.models import Model

from campaign.letters.colors import LEGIBLE, LIGHT_BACKGROUND, LIGHT_BUTTON_TEXT, contrast_ratio, legible_on_paper
from campaign.letters.letter_forms import StepForm
from campaign.letters.logos import read_logo
from campaign.models import Letter, Logo

CHOOSE_AGAIN = "Please choose the file again."


class LookForm(StepForm):
    step, heading = "look", "Color and logo"
    columns = ("accent_color",)
    fieldsets = (
        (None, {"fields": ("accent_color",)}),
        ("Logo", {"fields": ("_chosen_logo", "logo", "remove_logo", "logo_as_shown")}),
        ("Share image", {"fields": ("share_image",)}),
    )

    # Where a form is shown again, browsers forget the file: it waits in the page. Buttons are called with "_", too.
    _chosen_logo = forms.CharField(required=False, widget=forms.HiddenInput)
    logo = forms.FileField(
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="In the letterhead, on the page and in print. PNG, JPEG or WebP, at most 1 MB; it is stored as PNG.",
    )
    remove_logo = forms.BooleanField(
        label="Remove the logo", required=False, help_text="The letterhead then shows the name alone."
    )

    class Meta:
        model = Letter
        fields = ("accent_color",)
        help_texts: ClassVar = {
            "accent_color": "Of buttons, links and the letterhead, on the letter's pages and in its emails. Written "
            "#rrggbb; empty, it is the color of the site.",
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        grounds = f"{LIGHT_BACKGROUND} {LIGHT_BUTTON_TEXT}"
        attributes = {"placeholder": "#1a4f8b", "data-contrast-with": grounds, "data-needed": LEGIBLE}
        if "accent_color" in self.fields:
            self.fields["accent_color"].widget.attrs |= attributes

    def digest(self, row: Model) -> str:
        """The logo is a row of its own: a colleague's is noticed by its digest."""
        logos = Logo.objects.filter(letter=row.pk).values_list("digest", flat=True)
        return super().digest(row) + "".join(logos)

    def clean_accent_color(self) -> str:
        color: str = self.cleaned_data["accent_color"].strip().lower()
        try:
            is_legible = not color or legible_on_paper(color)
        except ValueError:
            raise forms.ValidationError(
                "Please write it as # with six digits or letters a to f, such as #1a4f8b."
            ) from None
        if not is_legible:
            # Rounded down, so that it never reads as what is needed.
            ratio = floor(10 * min(contrast_ratio(color, ground) for ground in (LIGHT_BACKGROUND, LIGHT_BUTTON_TEXT)))
            raise forms.ValidationError(
                f"Words in this color cannot be read well: their contrast with the page is {ratio / 10} to 1, and it "
                f"needs {LEGIBLE} to 1. Please choose a darker color."
            )
        return color

    def clean_logo(self) -> Logo | None:
        upload, waiting = self.cleaned_data["logo"], self.cleaned_data["_chosen_logo"]
        if not upload and waiting:
            try:
                upload = ContentFile(b64decode(waiting), "")
            except ValueError:
                raise forms.ValidationError(CHOOSE_AGAIN) from None
        if not upload:
            return None
        logo = read_logo(upload)
        kept = b64encode(bytes(logo.png)).decode()
        fits = len(kept) < settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 2
        self._ask_again("_chosen_logo", kept if fits else "")
        self.fields["logo"].help_text = "The file that you chose waits here to be saved." if fits else CHOOSE_AGAIN
        return logo
