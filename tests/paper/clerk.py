"""A delivery officer who imports lists from paper, page by page."""

from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from campaign.models import Letter
from signatures.models import PaperImport
from signatures.paper import imports, previews, reading
from signatures.paper.columns import Columns, heading_line, suggest
from signatures.paper.judging import PaperLine, judge

PAGE = "/admin/signatures/paperimport/"
HEAD = "name,role,organization,country,kind,visibility,signed_on,sheet"


@dataclass
class Clerk:
    """The officer's browser. `client` is logged in."""

    client: Client

    def upload(self, letter: Letter, content: str | bytes, name: str = "list.csv") -> Any:
        """Returns the answer to a file: a way to its columns, or the upload page with a sentence."""
        sent = content if isinstance(content, bytes) else content.encode()
        return self.client.post(f"{PAGE}import/", {"letter": letter.pk, "file": SimpleUploadedFile(name, sent)})

    def columns(self, letter: Letter, content: str | bytes) -> Any:
        """Returns the page with the columns of a file."""
        return self.client.get(self.upload(letter, content)["Location"])

    def choose(self, page: Any, **changed: str) -> Any:
        """Sends the columns as the page suggests them, but for what is changed. Returns the next page."""
        form = page.context["form"]
        typed = {field.html_name: field.value() or "" for field in form} | changed
        return self.client.post(page.request["PATH_INFO"], {**typed, "do": "preview"}, follow=True)

    def preview(self, letter: Letter, content: str | bytes, **changed: str) -> Any:
        return self.choose(self.columns(letter, content), **changed)

    def do(self, page: Any, **sent: str) -> Any:
        return self.client.post(page.request["PATH_INFO"], sent, follow=True)

    def import_file(self, letter: Letter, content: str | bytes) -> PaperImport:
        """Imports all that is accepted, as the worker does."""
        row: PaperImport = self.preview(letter, content).context["row"]
        self.client.post(f"{PAGE}{row.pk}/preview/", {"do": "import"})
        imports.run(row.pk)
        row.refresh_from_db()
        return row

    def take_back(self, row: PaperImport, typed: object) -> str:
        answer = self.client.post(f"{PAGE}{row.pk}/undo/", {"number": str(typed)}, follow=True)
        return answer.content.decode()


def fates(page: Any) -> list[tuple[int, str]]:
    return [(line.number, line.fate) for line in page.context["page"]]


def judged(letter: Letter, text: str | bytes, **said: Any) -> list[PaperLine]:
    """The lines of a file whose columns are taken for what they are headed."""
    content = text if isinstance(text, bytes) else text.encode()
    table = reading.read_table(content, reading.Choices())
    heading = heading_line(table)
    others = said.pop("others", ())
    return judge(letter, table, Columns(heading, suggest(table, heading, {}), **said), others=others)


def kept(letter: Letter, text: str, by: int) -> PaperImport:
    """A preview that was looked at."""
    row = previews.keep(letter, text.encode(), by=by)
    table = previews.read(row, reading.Choices())
    heading = heading_line(table)
    preview = previews.Preview(reading.Choices(), Columns(heading, suggest(table, heading, {})))
    previews.show(row, preview, table)
    return row
