"""Signatures by hand of the original signatories: what staff upload in the step of the look."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Field, Model
from django.http import HttpRequest

from campaign.letters.forms import ConflictCheckedForm, KeptRows
from campaign.letters.logos import read_image
from campaign.letters.publishing import authoritative_text
from campaign.models import HandSignature, Letter


class HandSignatureForm(ConflictCheckedForm):
    instance: HandSignature

    upload = forms.FileField(
        label="Image",
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
        help_text="A scan, best as PNG on nothing. It stands above the name in the PDF, and on no page. At most 1 MB.",
    )

    class Meta:
        model = HandSignature
        fields = ("place",)

    def digest(self, row: Model) -> str:
        return f"{row.place} {row.digest}" if isinstance(row, HandSignature) else ""

    def clean(self) -> dict[str, Any]:
        typed = super().clean()
        if upload := typed.get("upload"):
            try:
                image = read_image(upload)
            except forms.ValidationError as error:
                self.add_error("upload", error)
            else:
                for name, value in image._asdict().items():
                    setattr(self.instance, name, value)
        elif not self.instance.pk and "upload" not in self.errors:
            self.add_error("upload", "Please choose the file of the image.")
        return typed


class HandSignatureInline(admin.StackedInline[HandSignature, Letter]):
    model = HandSignature
    form: Any = HandSignatureForm
    formset: Any = KeptRows
    extra = 1
    verbose_name_plural = "Signatures by hand, for the PDF"

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **options: Any) -> Any:
        """Offers the signatories by name: those of the text that decides."""
        if db_field.name != "place":
            return super().formfield_for_dbfield(db_field, request, **options)
        match = request.resolver_match
        letter = Letter.objects.filter(pk=match.kwargs.get("letter_id", 0)).first() if match else None
        text = authoritative_text(letter) if letter else None
        names = [person["name"] for person in text.signatories] if text else []
        choices = [("", "nobody"), *enumerate(names, start=1)]
        help_text = "Whose it is. It stands above the name in the PDF, in each language of the letter."
        return forms.TypedChoiceField(
            label="Signatory", choices=choices, coerce=int, empty_value=None, help_text=help_text
        )
