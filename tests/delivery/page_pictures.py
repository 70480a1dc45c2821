"""The pictures of the pages of a delivered letter: `python -m tests.delivery.page_pictures`.

Typesets a letter with made-up people in several scripts, at A4 and at US Letter, and writes one picture for each kind of
page into `docs/_images/`.
"""

import io
import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image
from pypdf import PdfReader
from pypdf.generic import Destination

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

from campaign.letters.text import Block, Span
from signatures.delivery import pdf
from signatures.delivery.pdf import Counts, Entry, LetterData, Letterhead, Options, Record, Signatory
from signatures.values.normalization import normalize_for_search
from tests.browser.studio import file_of
from tests.programs import installed

RESOLUTION = 90  # dots per inch: a page is read as a page, not word by word
SHADES = 16
WHEN = datetime(2026, 5, 7, 12, tzinfo=UTC)
DIGEST = "5e" * 32
OF_EACH = 140  # names of each section beside the first
PAPERS = {"a4": "a4", "letter": "us-letter"}
SCRIPTS = {
    "arabic": ("Arab", ("محمد", "فاطمة", "يوسف", "ليلى", "سارة"), ("الحداد", "القاسمي", "النجار", "المصري")),
    "hebrew": ("Hebr", ("שרה", "דוד", "נועה", "יעקב", "רחל"), ("כהן", "לוי", "מזרחי", "פרץ")),
    "tibetan": ("Tibt", ("བསྟན་འཛིན་", "སྒྲོལ་མ་", "ཚེ་རིང་", "པདྨ་", "བཀྲ་ཤིས་"), ("རྒྱ་མཚོ", "དབང་མོ", "ནོར་བུ", "ལྷ་མོ")),
    "mongolian": ("Mong", ("ᠪᠠᠲᠤ", "ᠳᠣᠷᠵᠢ", "ᠰᠠᠷᠠᠨ", "ᠲᠡᠮᠦᠷ", "ᠨᠠᠷᠠᠨ"), ("ᠪᠠᠶᠠᠷ", "ᠰᠦᠬᠡ", "ᠴᠡᠴᠡᠭ", "ᠵᠢᠷᠭᠠᠯ")),
    "hanzi": ("Hani", ("娜", "伟", "芳", "明", "静"), ("王", "李", "张", "陈")),
}
TITLES = {"hanzi": "chinese characters"}  # of sections that are not called by the name of the script
PAGES = ("first", "names", "middle", *SCRIPTS, "last", "annex")
GIVEN = "Ingrid Ólafur María Amara José Zoë Łukasz Nuala Tove Owen Pia Rosa Sten Vera Hugo Ines Jakub Karin Lars Mila"
FAMILY = "Bergström Jónsson Núñez Okafor Pérez Brandt Żak Byrne Dahl Price Ash Webb Yates Fox Quist Reed"
BODY = (
    "For three years the river that runs through our town has been closed. We ask you to open its banks to everybody.",
    "We are many, and we write in many languages. Each of us has signed under our own name.",
)


def names() -> set[str]:
    """Returns the name of every picture."""
    return {f"page-{page}-{paper}" for page in PAGES for paper in PAPERS}


def entries() -> list[Entry]:
    given = GIVEN.split()
    family = FAMILY.split()
    latin = sorted((f"{first} {last}" for first in given for last in family), key=normalize_for_search)
    found = [
        Entry(
            name,
            role="Teacher" if place % 11 == 5 else "",
            country="NO" if place % 13 == 4 else "",
            section="script:Latn",
        )
        for place, name in enumerate(latin)
    ]
    for code, given_names, families in SCRIPTS.values():
        space = {"Hani": "", "Tibt": ""}.get(code, " ")
        pairs = [(first, last) for last in families for first in given_names]
        all_names = [last + first if code == "Hani" else first + space + last for first, last in pairs]
        found += [Entry(all_names[place % len(all_names)], section=f"script:{code}") for place in range(OF_EACH)]
    return found


def typeset(out: Path, paper: str) -> None:
    """Makes the letter that the pictures show."""
    letter = LetterData(
        title="Open the river",
        language="en",
        date="7 May 2026",
        addressee=["Her Excellency the Mayor", "City Hall"],
        salutation="Dear Madam,",
        blocks=[Block("paragraph", ((Span(words),),)) for words in BODY * 2],
        closing="Yours sincerely,",
        signatories=[Signatory("Ada Rivers", ["Chair of the Board"]), Signatory("Ben Brook", ["Fisherman"])],
        letterhead=Letterhead("Friends of the River", "1 Quay, Rivertown", "555-0100", "river.example", []),
    )
    everybody = entries()
    record = Record(
        number=1,
        frozen_on=WHEN.date(),
        digest=DIGEST,
        address="https://river.example/letters/open-the-river/delivery/1/",
    )
    counts = Counts(len(everybody) + 23, len(everybody), 23)
    options = Options(paper=pdf.PAPERS[paper])
    pdf.write(letter, everybody, counts=counts, out=out, timestamp=WHEN, record=record, options=options)


def places(file: Path) -> dict[str, int]:
    """Returns on which page, from 1, each kind of page is found, by the bookmarks."""
    reader = PdfReader(file)
    marks = [one for mark in reader.outline for one in (mark if isinstance(mark, list) else [mark])]
    titles = {
        str(mark.title).split(",")[0].lower(): (reader.get_destination_page_number(mark) or 0) + 1
        for mark in marks
        if isinstance(mark, Destination)
    }
    first, last = titles["co-signed by"], len(reader.pages)
    of_scripts = {page: titles[TITLES.get(page, page)] for page in SCRIPTS}
    return {"first": 1, "names": first, "middle": first + 1, **of_scripts, "last": last - 1, "annex": last}


def take(file: Path, page: int, out: Path) -> None:
    """Writes the picture of a page."""
    command = [
        installed("pdftoppm"),
        "-r",
        str(RESOLUTION),
        "-gray",
        "-png",
        "-f",
        str(page),
        "-l",
        str(page),
        str(file),
    ]
    drawn = Image.open(io.BytesIO(subprocess.run(command, capture_output=True, check=True).stdout))
    drawn.convert("L").quantize(SHADES).save(out, optimize=True)


def take_all(to: Path | None = None) -> None:
    """Writes all pictures into this folder, or into that of the documentation."""
    with tempfile.TemporaryDirectory() as folder:
        for paper, size in PAPERS.items():
            file = Path(folder, f"{paper}.pdf")
            typeset(file, size)
            for page, number in places(file).items():
                name = f"page-{page}-{paper}"
                take(file, number, to / f"{name}.png" if to else file_of(name))


if __name__ == "__main__":
    take_all()
