"""The delivery desk: the signed letters, to be taken away as CSV and PDF."""

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import ActionLocation
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest
from django.utils.translation import gettext_lazy as _

from signatures import counts
from signatures.admin.trail import ReadOnly
from signatures.delivery import pdf, snapshot
from signatures.models import SignedLetter

EVERYWHERE = [ActionLocation.CHANGE_LIST, ActionLocation.CHANGE_FORM]


@admin.register(SignedLetter)
class SignedLetterAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("slug", "recipient", "state", "signed", "named", "counted_only")
    fields = ("slug", "recipient", "state", "signed", "named", "counted_only")
    readonly_fields = fields
    actions = ("as_csv", "as_pdf")

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("signatures.export_signedletter")

    @admin.display(description=_("public count"))
    def signed(self, letter: SignedLetter) -> int:
        return counts.of(letter.pk).total

    @admin.display(description=_("named in the delivery"))
    def named(self, letter: SignedLetter) -> int:
        return counts.of(letter.pk).named

    @admin.display(description=_("delivered as a number"))
    def counted_only(self, letter: SignedLetter) -> int:
        return counts.of(letter.pk).counted_only

    @admin.action(description=_("Export the list as CSV"), permissions=["export"], location=EVERYWHERE)
    def as_csv(self, request: HttpRequest, chosen: QuerySet[SignedLetter]) -> Any:
        if (letter := self._the_one(request, chosen)) is None:
            return None
        # To a file first: a slow reader then holds no snapshot of the database open.
        file = tempfile.TemporaryFile()  # noqa: SIM115  the response closes it
        snapshot.export_csv(letter, file, by=request.user.pk)
        file.seek(0)
        return FileResponse(
            file, as_attachment=True, filename=f"{letter.slug}.csv", content_type="text/csv; charset=utf-8"
        )

    @admin.action(description=_("Export the signed letter as PDF"), permissions=["export"], location=EVERYWHERE)
    def as_pdf(self, request: HttpRequest, chosen: QuerySet[SignedLetter]) -> Any:
        if (letter := self._the_one(request, chosen)) is None:
            return None
        with tempfile.TemporaryDirectory() as folder:
            made = Path(folder) / "letter.pdf"
            try:
                snapshot.export_pdf(letter, made, by=request.user.pk)
            except (pdf.PdfFailed, snapshot.NothingToExport) as error:
                self.message_user(request, str(error), messages.ERROR)
                return None
            # The open file outlives its folder.
            return FileResponse(
                made.open("rb"), as_attachment=True, filename=f"{letter.slug}.pdf", content_type="application/pdf"
            )

    def _the_one(self, request: HttpRequest, chosen: QuerySet[SignedLetter]) -> SignedLetter | None:
        letters = list(chosen[:2])
        if len(letters) != 1:
            self.message_user(request, _("Please choose one letter."), messages.ERROR)
            return None
        return letters[0]
