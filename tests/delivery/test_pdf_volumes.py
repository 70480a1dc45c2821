"""A long document in volumes: each is a book of its own, and together they are the whole."""

import io
from pathlib import Path

import pikepdf
import pytest
from django.core.management import CommandError, call_command
from pypdf import PdfReader

from campaign.models import Letter
from signatures.delivery.pdf import (
    Counts,
    Entry,
    JobControl,
    Options,
    PdfFailed,
    Record,
    Report,
    name_count,
    volume_path,
    write,
)
from signatures.models import AuditEntry
from tests.delivery.read_back import faults
from tests.delivery.test_accessible_pdf import POINTS_OF_THE_LETTER, elements
from tests.delivery.test_pdf import WHEN, letter
from tests.factories import make_signature

pytestmark = pytest.mark.slow

NAMES = 1_500  # of each section: as many as begin on pages of their own
MOST = 14  # pages: the cover, the letter and one section


def in_volumes(out: Path, *, most: int = MOST, language: str = "") -> tuple[Report, list[Path]]:
    """Writes two sections in volumes. Returns the report and the files."""
    sections = ("organizations", "others")
    entries = [Entry(f"Signer {place}", section=section) for section in sections for place in range(NAMES)]
    report = write(
        letter(), entries, counts=Counts(2 * NAMES + 7, 2 * NAMES, 7), out=out, timestamp=WHEN, record=Record(number=1),
        options=Options(volume_pages=most, language=language), control=JobControl(set_size=NAMES),
    )  # fmt: skip
    return report, [volume_path(out, number) for number in range(1, len(report.volumes) + 1)]


def pages_of(file: Path) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(file).pages]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, list[Path]]:
    return in_volumes(tmp_path_factory.mktemp("volumes") / "river.pdf")


def test_each_volume_says_which_it_is_and_has_pages_and_numbers_of_its_own(made: tuple[Report, list[Path]]) -> None:
    report, files = made
    assert [file.name for file in files] == ["river-1.pdf", "river-2.pdf"]
    assert sorted(file.name for file in files[0].parent.iterdir()) == ["river-1.pdf", "river-2.pdf"], "nothing beside"
    for number, (file, volume, names) in enumerate(
        zip(files, report.volumes, ("1–1,500", "1,501–3,000"), strict=True), start=1
    ):
        pages = pages_of(file)
        assert len(pages) == volume.pages <= MOST and volume.names == NAMES
        assert f"volume {number} of 2" in pages[0].lower() and f"Signatories {names}" in pages[0]
        assert all(f"Volume {number} of 2 · Page {page} of {len(pages)}" in text for page, text in enumerate(pages, 1))
        with pikepdf.open(file) as document:
            assert document.docinfo["/Title"] == f"A letter about the river – Volume {number} of 2"
        with file.open("rb") as stream:
            assert name_count(stream) == NAMES
    assert report.pages == sum(volume.pages for volume in report.volumes) and report.names == 2 * NAMES


def test_the_volumes_together_hold_letter_annex_and_each_name_once_and_all_tell_the_same_count(
    made: tuple[Report, list[Path]],
) -> None:
    first, second = map(pages_of, made[1])
    assert "Dear Madam," in first[1] and "Dear Madam," not in " ".join(second)
    assert "Annex" not in " ".join(first) and "Annex" in second[-1]
    for pages in (first, second):
        assert "3,007 signatures: 3,000 named here" in pages[0], "of all volumes"
    for file, further in zip(made[1], (POINTS_OF_THE_LETTER, 0), strict=True):
        with pikepdf.open(file) as document:
            items = [item for one in elements(document.Root.StructTreeRoot, "/L") for item in elements(one, "/LI")]
        assert len(items) == NAMES + further


def test_verapdf_finds_no_fault_in_any_volume(made: tuple[Report, list[Path]]) -> None:
    assert made[0].standards == ["ua-1", "a-2a"]
    assert {name: failed for name, failed in faults(made[1]).items() if failed} == {}


def test_names_that_fill_more_pages_than_a_volume_may_have_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(PdfFailed, match=r"typeset together fill 1\d pages; a volume may have 8"):
        in_volumes(tmp_path / "river.pdf", most=8)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_the_command_writes_volumes_beside_the_named_file_each_with_an_audit_entry(
    letter: Letter, tmp_path: Path
) -> None:
    make_signature(letter, "Ada Lovelace")
    said = io.StringIO()
    call_command("export_pdf", "bridge", "--volumes", reason="the binder", out=tmp_path / "bridge.pdf", stderr=said)
    assert [file.name for file in tmp_path.iterdir()] == ["bridge-1.pdf"]
    assert "1 name on 4 pages in 1 volume" in said.getvalue()
    assert AuditEntry.objects.latest("pk").detail["rows"] == 1


@pytest.mark.django_db(transaction=True)
def test_volumes_on_standard_output_are_refused_before_anything_is_made(letter: Letter) -> None:
    with pytest.raises(CommandError, match="name them with --out, standard output holds one"):
        call_command("export_pdf", "bridge", "--volumes", reason="the binder")
    assert not AuditEntry.objects.filter(action="export").exists()
