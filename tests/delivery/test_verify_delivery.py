"""A package is checked from the ZIP alone, and a single changed byte is found."""

import csv
import hashlib
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from campaign.models import Letter
from campaign.runtime import database
from signatures.delivery import manifest, merkle, package, receipts, zip_archive
from signatures.delivery.csv_export import COLUMNS
from signatures.models import Delivery, Signature
from signatures.signing import withdrawal
from signatures.states import Kind, State, Visibility
from tests.delivery.factories import make_delivery, make_files
from tests.factories import make_many, make_signature
from tests.prepared import BASE

PEOPLE = [
    ["organization", "Bread and Roses", "", "", "", "2026-05-01", "en", "1"],
    ["person", 'Ada "the Countess" Lovelace', "=1+1", "'@home, \\ at last", "GB", "2026-05-02", "en", "1"],
    ["person", "'=1+1", "'it is", "'", "", "2026-05-02", "en", "1"],
    ["person", "\u3000=1", "＠home", "-", "", "2026-05-02", "ko", "1"],
    ["person", "김철수", "", "", "KR", "2026-05-03", "ko", "1"],
]
COUNTED = 3


@pytest.fixture(scope="session")
def original_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package whose rows were written by Python's csv module, not by the database."""
    folder = tmp_path_factory.mktemp("package")
    leaves = []
    with (folder / "signatories.csv").open("w", encoding="utf-8-sig", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for number, words in enumerate(PEOPLE, start=1):
            row, salt = [str(number), *words], hashlib.sha256(b"%d" % number)
            out.writerow([f"'{cell}" if cell.lstrip(" \u3000")[:1] in {*"=+-@＠"} else cell for cell in row])
            leaves.append(
                (str(number), salt.hexdigest(), receipts.leaf_hash(salt.digest(), receipts.leaf_content(row)))
            )
    leaves += [("", "", receipts.leaf_hash(bytes([each]) * 32, "counted")) for each in range(COUNTED)]
    lines = [f"{number},{salt},{leaf.hex()}\r\n" for number, salt, leaf in leaves]
    (folder / "leaves.csv").write_text("number,salt,leaf\r\n" + "".join(lines), newline="")
    (folder / "letter-with-signatories.pdf").write_bytes(b"%PDF-1.7\n%%EOF\n")
    counts = {"delivered": 8, "named": 5, "counted_only": 3, "waiting": 1, "withdrawn": 2, "rejected": 4, "public_count": 9,
              "organizations": 1, "paper": 0, "revisions": {"1": 8}, "since": None, "added": 0, "gone": 0, "errata": {}}  # fmt: skip
    at = datetime(2026, 5, 7, 12, tzinfo=UTC)
    delivery = Delivery(slug="bridge", number=1, frozen_at=at, order="name", texts=[], counts=counts)
    package.write_package(folder, delivery, root=tree(leaves).root.hex(), site="https://letter.example")
    return folder / "bridge-1.zip"


def tree(leaves: list[tuple[str, str, bytes]]) -> merkle.Tree:
    return merkle.build_tree(leaf for _number, _salt, leaf in leaves)


@pytest.fixture
def package_file(original_package: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original_package, tmp_path / "bridge-1.zip"))


def receipt_of_number(package_file: Path, number: int) -> receipts.Receipt:
    """Returns the receipt of the named person with this number."""
    with zipfile.ZipFile(package_file) as opened:
        lines = list(csv.DictReader(io.TextIOWrapper(opened.open("leaves.csv"))))
    leaves = [bytes.fromhex(line["leaf"]) for line in lines]
    place, row = number - 1, [str(number), *PEOPLE[number - 1]]
    path = merkle.inclusion_path(place, len(leaves), lambda _block: leaves, b"")
    words = (place, len(leaves), row, lines[place]["salt"], lines[place]["leaf"], [one.hex() for one in path])
    return receipts.Receipt(1, "bridge", 1, *words, root=merkle.build_tree(leaves).root.hex())


@pytest.fixture
def signed(letter: Letter) -> Letter:
    make_signature(letter, "김철수", country="KR", visibility=Visibility.DELIVERY)
    make_signature(letter, 'Ada "the Countess" Lovelace', country="GB", role="=1+1", organization="'@home, \\ at last")
    make_signature(letter, "Bread and Roses", kind=Kind.ORGANIZATION)
    for start in ("=1+1", "'=1+1", "'it is", "＠home", "-", "' =2"):
        make_signature(letter, f"{start} x", role=start, organization=start)
    for _each in range(3):
        make_signature(letter, "", visibility=Visibility.COUNTED)
    make_signature(letter, "WaitingSignature", State.WAITING)
    return letter


def verify(file: Path, **options: object) -> str:
    """Returns what the command prints, and its error after FAILED."""
    out = io.StringIO()
    try:
        call_command("verify_delivery", file, stdout=out, **options)
    except CommandError as error:
        return f"{out.getvalue()}\nFAILED {error}"
    return out.getvalue()


@pytest.mark.django_db
def test_an_unchanged_package_is_whole_and_every_check_is_printed(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    output = verify(tmp_path / "bridge-1.zip")
    assert "WRONG" not in output and "Whole." in output
    for words in (
        "the archive holds 5 files and not a byte beside them",
        "letter bridge, delivery 1",
        *(f"{name}: SHA-256 {delivery.files[name]}" for name in manifest.DIGESTED),
        "delivered 12 = named 9 + counted only 3",
        "each of 9 rows with its salt gives its leaf",
        "9 rows in signatories.csv and leaves with a number",
        "3 leaves without a number",
        "12 leaves in leaves.csv",
        "1 rows are of organizations, and the manifest counts 1",
        f"the root over all leaves is {delivery.root}",
        delivery.files[manifest.MANIFEST],
        delivery.files["bridge-1.zip"],
    ):
        assert words in output, words


def test_the_command_needs_no_database(package_file: Path, tmp_path: Path) -> None:
    assert "verify_delivery" in database.COMMANDS_WITHOUT_DATABASE
    elsewhere = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "campaign.settings"}
    command = [sys.executable, "manage.py", "verify_delivery", str(package_file)]
    done = subprocess.run(command, cwd=BASE, env=elsewhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.django_db
def test_E9_a_package_that_is_written_again_has_the_same_bytes(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    (tmp_path / "again").mkdir()
    assert make_files(delivery, tmp_path / "again").read_bytes() == (tmp_path / "bridge-1.zip").read_bytes()
    assert [file.name for file in (tmp_path / "again").iterdir()] == ["bridge-1.zip"], "and no draft is left"


def test_any_zip_program_reads_a_package(package_file: Path) -> None:
    with zipfile.ZipFile(package_file) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == list(manifest.FILES)
        assert opened.read("READ-ME.txt").startswith(b'THE LETTER "bridge", DELIVERY No. 1')


def test_the_program_in_the_read_me_checks_a_package_alone(package_file: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(package_file) as opened:
        opened.extractall(tmp_path)
        claims = json.loads(opened.read("manifest.json"))
    program = (tmp_path / "READ-ME.txt").read_text(encoding="utf-8").split("-----8<-----")[1]
    (tmp_path / "check.py").write_text(program, encoding="utf-8")
    (tmp_path / "receipt.json").write_text(str(receipt_of_number(package_file, 5)), encoding="utf-8")

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "check.py", "receipt.json"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stderr
    assert "all 8 leaves" in done.stdout and "The receipt belongs to this delivery." in done.stdout

    (tmp_path / "leaves.csv").write_bytes((tmp_path / "leaves.csv").read_bytes().replace(b",", b";", 1))
    assert "leaves.csv is not the file" in run().stderr
    claims["files"].pop("leaves.csv")
    (tmp_path / "manifest.json").write_text(json.dumps(claims))
    assert run().returncode == 1
    (tmp_path / "check.py").write_text(
        program.replace('receipt_of_number["place"]', 'receipt_of_number["place"] + 1'), encoding="utf-8"
    )
    assert run().returncode == 1


def test_one_flipped_byte_anywhere_is_found_and_its_file_named(package_file: Path, tmp_path: Path) -> None:
    content = package_file.read_bytes()
    with package_file.open("rb") as file:
        entries, _faults = zip_archive.read_zip(file, manifest.FILES, progress=lambda _bytes: None)
    named = {
        **{entry.name: range(entry.offset, entry.end) for entry in entries},
        "directory": range(entries[-1].end, len(content)),
    }
    dice = random.Random(7)
    for name, where in named.items():
        first = [*where][:60] if name == "directory" else list(where)[:40]  # every byte of the headers
        places = {*first, *dice.sample(where, min(150, len(where))), where[-1]}
        for place in sorted(places):
            broken = bytearray(content)
            broken[place] ^= 1 << dice.randrange(8)
            (tmp_path / "broken.zip").write_bytes(broken)
            output = verify(tmp_path / "broken.zip")
            assert "FAILED This is not what was delivered. First: " in output, (name, place - where[0])
            assert name in output.split("FAILED")[1], (name, place - where[0], output)


def repacked(package_file: Path, change: Callable[[dict[str, bytes]], object], *, honest: bool = True) -> Path:
    """Returns the package as a forger would make it: changed files, with digests that fit."""
    with zipfile.ZipFile(package_file) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    folder = package_file.parent / "forged"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if honest:
        claims = json.loads(files["manifest.json"])
        claims["files"] = {name: zip_archive.sha256_of(folder / name) for name in manifest.DIGESTED}
        (folder / "manifest.json").write_text(json.dumps(claims))
    with (package_file.parent / "forged.zip").open("wb") as out:
        zip_archive.write_zip(out, {name: folder / name for name in manifest.FILES})
    return package_file.parent / "forged.zip"


def replace(name: str, old: str, new: str) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        assert old.encode() in files[name], old
        files[name] = files[name].replace(old.encode(), new.encode(), 1)

    return change


def cut(name: str, line: int) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        lines = files[name].splitlines(keepends=True)
        del lines[line - 1]
        files[name] = b"".join(lines)

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (replace("signatories.csv", "김철수", "김철호"), "signatories.csv, line 6: row and salt do not give the leaf of number 5"),
        (replace("signatories.csv", ",KR,", ",KP,"), "signatories.csv, line 6: row and salt do not give the leaf of number 5"),
        (replace("signatories.csv", "number", "numero"), "signatories.csv, line 1: the columns"),
        (replace("signatories.csv", "\r\n3,", "\r\n4,"), "signatories.csv, line 4: this is not the row of number 3"),
        (replace("signatories.csv", "\r\n2,", '\r\n2,"'), "signatories.csv, line "),
        (cut("signatories.csv", 6), "leaves.csv, line 6: there is no row for number 5"),
        (cut("signatories.csv", 2), "signatories.csv, line 2: this is not the row of number 1"),
        (cut("leaves.csv", 2), "leaves.csv, line 2: number 2 is where number 1 must be"),
        (cut("leaves.csv", 6), "signatories.csv, line 6: a row without a leaf"),
        (cut("leaves.csv", 9), "2 leaves without a number, and not 3"),
        (replace("leaves.csv", "\r\n,,", "\r\n,," + "ab" * 32 + "\r\n,,"), "4 leaves without a number, and not 3"),
        (replace("leaves.csv", "\r\n3,", "\r\n3;"), "leaves.csv, line 4: this is not number, salt and leaf"),
        (replace("leaves.csv", "number", "numero"), "leaves.csv, line 1: the columns"),
        (replace("manifest.json", '"named": 5', '"named": 4'), "delivered 8 = named 4 + counted only 3"),
        (replace("manifest.json", '"1": 8', '"1": 9'), "the signatures of all revisions are 9, of 8"),
        (replace("manifest.json", '"public_count": 9', '"public_count": 10'), "the count on the page was 10"),
        (replace("manifest.json", '"organizations": 1', '"organizations": 2'), "the manifest counts 2"),
        (replace("manifest.json", '"root": "', '"root": "0'), "the root over all leaves is"),
    ],
)  # fmt: skip
def test_a_forgery_with_corrected_digests_is_found_by_the_leaves(
    package_file: Path, change: Callable[[dict[str, bytes]], None], named: str
) -> None:
    output = verify(repacked(package_file, change))
    assert "FAILED" in output
    assert any(line.startswith("WRONG") and named in line for line in output.splitlines()), output


@pytest.mark.parametrize("name", manifest.DIGESTED)
def test_a_file_that_differs_from_the_manifest_is_named(package_file: Path, name: str) -> None:
    forged = repacked(package_file, lambda files: files.update({name: files[name] + b" "}), honest=False)
    assert f"WRONG   {name}: SHA-256" in verify(forged)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"{", "it is no JSON"),
        (b"\xff", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[]", "it is not of format 1"),
        (b'{"format": 2}', "it is not of format 1"),
        (b'{"format": 1}', "it must name the digests of"),
        (b'{"format": 1, "files": {"../x": ""}}', "it must name the digests of"),
        (b" " * (1 << 21), "it is too long"),
    ],
)
def test_a_malformed_manifest_is_reported(package_file: Path, content: bytes, why: str) -> None:
    forged = repacked(package_file, lambda files: files.update({"manifest.json": content}), honest=False)
    assert f"First: manifest.json: {why}" in verify(forged)


def rezipped(package_file: Path, change: Callable[[dict[str, bytes]], object], how: int = zipfile.ZIP_STORED) -> Path:
    """Returns a ZIP of the files as another program writes it."""
    with zipfile.ZipFile(package_file) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(package_file.parent / "other.zip", "w", how) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name) if how == zipfile.ZIP_STORED else name, content)
    return package_file.parent / "other.zip"


@pytest.mark.parametrize(
    ("change", "first"),
    [
        (lambda files: files.pop("leaves.csv"), "leaves.csv: it is not at byte"),
        (lambda files: files.pop("letter-with-signatories.pdf"), "letter-with-signatories.pdf: it is not at byte 0"),
        (lambda files: files.update({"../../evil.sh": b"x"}), "the archive's directory"),
        (lambda files: files.update({"/etc/passwd": files.pop("READ-ME.txt")}), "READ-ME.txt: it is not at byte"),
        (lambda files: files.update({"manifest.json ": b"x"}), "the archive's directory"),
    ],
)
def test_missing_additional_and_odd_files_are_refused(
    package_file: Path, change: Callable[[dict[str, bytes]], object], first: str
) -> None:
    before = sorted(package_file.parent.iterdir())
    output = verify(rezipped(package_file, change))
    assert "FAILED" in output and any(line.startswith("WRONG") and first in line for line in output.splitlines())
    assert sorted(package_file.parent.iterdir()) == sorted([*before, package_file.parent / "other.zip"]), (
        "nothing is unpacked"
    )


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_duplicate_file_is_refused(package_file: Path) -> None:
    with zipfile.ZipFile(package_file, "a") as out:
        out.writestr("manifest.json", b"{}")
    assert "FAILED" in verify(package_file)


def test_a_zip_bomb_is_refused_without_unpacking(package_file: Path) -> None:
    bomb = rezipped(package_file, lambda files: files.update({"leaves.csv": bytes(300 << 20)}), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1 << 20
    assert "FAILED" in verify(bomb)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + bytes(18), b"not a zip at all", bytes(1000)])
def test_a_file_that_is_no_package_is_one_error_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert "First: letter-with-signatories.pdf: it is not at byte 0 of the archive." in verify(tmp_path / "x.zip")


@pytest.mark.parametrize("size", [10, 1000, 5000])
def test_a_truncated_package_is_refused(package_file: Path, size: int) -> None:
    package_file.write_bytes(package_file.read_bytes()[:-size])
    assert "FAILED" in verify(package_file)


def test_a_missing_file_is_one_error_sentence(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in verify(tmp_path / "none.zip")


def test_a_receipt_is_checked_against_the_package(package_file: Path, tmp_path: Path) -> None:
    receipt = receipt_of_number(package_file, 1)
    (tmp_path / "mine.json").write_text(str(receipt))
    assert "the receipt belongs to this delivery" in verify(package_file, receipt=tmp_path / "mine.json")
    (tmp_path / "mine.json").write_text(str(receipt).replace("Roses", "Noses"))
    assert "FAILED This is not what was delivered. First: receipt: The words and the salt" in verify(
        package_file, receipt=tmp_path / "mine.json"
    )


@pytest.mark.django_db
def test_R8_a_package_rebuilt_without_somebody_erased_is_whole(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    number = delivery.rows.get(name="김철수").number
    withdrawal.erase(Signature.objects.get(name="김철수"))
    withdrawal.erase(Signature.objects.filter(visibility=Visibility.COUNTED)[0])
    output = verify(make_files(delivery, tmp_path))
    assert "Whole." in output and "erased since the freezing: 1," in output
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        assert f"\r\n{number},,,,,,,,\r\n".encode() in opened.read("signatories.csv").replace(b'""', b"")
        assert "김철수".encode() not in b"".join(opened.read(name) for name in opened.namelist())


@pytest.mark.django_db
@pytest.mark.parametrize("start", ["=1+1", "+82", "-1", "@x", "＝1", "＠x", "\t=1", " =1", "\u3000=1"])
def test_E1_a_formula_is_guarded_and_its_leaf_is_of_the_unguarded_words(
    letter: Letter, tmp_path: Path, start: str
) -> None:
    make_signature(letter, start, role=start, organization=start)
    delivery = make_delivery(letter, tmp_path)
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        (row,) = list(csv.reader(io.TextIOWrapper(opened.open("signatories.csv"), "utf-8-sig", newline="")))[1:]
    assert row[2:5] == [f"'{start}"] * 3
    assert "Whole." in verify(tmp_path / "bridge-1.zip")
    cells = receipts.issue(delivery.rows.get()).row
    assert cells is not None and cells[2:5] == [start] * 3


@pytest.mark.django_db
def test_E2_a_package_holds_only_what_is_delivered(signed: Letter, tmp_path: Path) -> None:
    for state in State:
        for visibility in Visibility:
            has_words = state != State.WITHDRAWN and visibility != Visibility.COUNTED
            comment = "Canary-comment" if has_words else ""
            make_signature(signed, f"Canary-{state}-{visibility}-", state, visibility, comment=comment)
    delivery = make_delivery(signed, tmp_path)
    content = (tmp_path / "bridge-1.zip").read_bytes()
    assert set(re.findall(rb"Canary-[a-z]+-[a-z]*", content)) == {
        b"Canary-approved-public",
        b"Canary-approved-delivery",
    }
    assert b"comment" not in content and b"@example" not in content
    counted = delivery.rows.filter(number=None)
    assert len(counted) == 4
    for row in counted:
        assert bytes(row.salt or b"").hex().encode() not in content, "whose salt is known, their leaf is known"
        assert bytes(row.leaf).hex().encode() in content


@pytest.mark.django_db
def test_a_later_package_holds_the_changes_and_the_errata(signed: Letter, tmp_path: Path) -> None:
    make_delivery(signed)
    Delivery.objects.update(state="handed-over")
    withdrawal.withdraw(Signature.objects.get(name="Bread and Roses"))
    make_many(signed, 2)
    second = make_delivery(signed, tmp_path)
    with zipfile.ZipFile(tmp_path / "bridge-2.zip") as opened:
        claims = json.loads(opened.read("manifest.json"))
    assert claims["since_last"] == {"delivery": 1, "added": 2, "gone": 1}
    assert claims["errata"] == {"1": [1]}
    withdrawal.withdraw(Signature.objects.get(name="김철수"))
    once = (tmp_path / "bridge-2.zip").read_bytes()
    assert make_files(second, tmp_path).read_bytes() == once, "an erratum of later is for the next package"
    assert claims["frozen_at"] == f"{second.frozen_at:%Y-%m-%dT%H:%M:%SZ}"
    assert [text["sha256"] for text in claims["texts"]] == [text["digest"] for text in second.texts]
    assert "Bread" not in json.dumps(claims)


def test_a_package_that_would_be_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "MAX_BYTES", 100_000)
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(zip_archive.TooLarge):
        zip_archive.write_zip(io.BytesIO(), {"x": tmp_path / "x"})
