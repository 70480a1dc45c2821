"""A package is checked from the ZIP alone, and a single byte that is not as it was is named."""

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
from tests.live_site import BASE

PEOPLE = [
    ["organization", "Bread and Roses", "", "", "", "2026-05-01", "en", "1"],
    ["person", 'Ada "the Countess" Lovelace', "=1+1", "'@home, \\ at last", "GB", "2026-05-02", "en", "1"],
    ["person", "'=1+1", "'it is", "'", "", "2026-05-02", "en", "1"],
    ["person", "\u3000=1", "＠home", "-", "", "2026-05-02", "ko", "1"],
    ["person", "김철수", "", "", "KR", "2026-05-03", "ko", "1"],
]
COUNTED = 3


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package whose rows were written by Python's own csv, not by the database."""
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
              "organizations": 1, "paper": 0, "revisions": {"1": 8}, "since": None, "added": 0, "gone": 0}  # fmt: skip
    at = datetime(2026, 5, 7, 12, tzinfo=UTC)
    facts = manifest.Facts(letter="bridge", number=1, frozen_at=at, order="name", texts=[], counts=counts)
    package.write_package(folder, folder, facts, root=tree(leaves).root.hex(), site="https://letter.example")
    return folder / "bridge-1.zip"


def tree(leaves: list[tuple[str, str, bytes]]) -> merkle.Tree:
    return merkle.build_tree(leaf for _number, _salt, leaf in leaves)


@pytest.fixture
def parcel(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(made, tmp_path / "bridge-1.zip"))


def mine(parcel: Path, number: int) -> receipts.Receipt:
    """The receipt of the named person with this number."""
    with zipfile.ZipFile(parcel) as opened:
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
    """What the command prints; what it complains of comes at the end, after WRONG."""
    out = io.StringIO()
    try:
        call_command("verify_delivery", file, stdout=out, **options)
    except CommandError as error:
        return f"{out.getvalue()}\nFAILED {error}"
    return out.getvalue()


@pytest.mark.django_db
def test_a_package_as_it_was_made_is_whole_and_all_that_was_checked_is_told(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    said = verify(tmp_path / "bridge-1.zip")
    assert "WRONG" not in said and "Whole." in said
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
        assert words in said, words


def test_it_needs_no_database(parcel: Path, tmp_path: Path) -> None:
    assert "verify_delivery" in database.COMMANDS_WITHOUT_DATABASE
    elsewhere = {**os.environ, "VAR_DIR": str(tmp_path / "var"), "DJANGO_SETTINGS_MODULE": "campaign.settings"}
    command = [sys.executable, "manage.py", "verify_delivery", str(parcel)]
    done = subprocess.run(command, cwd=BASE, env=elsewhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "var" / "postgres").exists()


@pytest.mark.django_db
def test_E9_made_again_it_is_the_same_bytes(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    (tmp_path / "again").mkdir()
    assert make_files(delivery, tmp_path / "again").read_bytes() == (tmp_path / "bridge-1.zip").read_bytes()
    assert [file.name for file in (tmp_path / "again").iterdir()] == ["bridge-1.zip"], "and no draft is left"


def test_any_unpacker_reads_it(parcel: Path) -> None:
    with zipfile.ZipFile(parcel) as opened:
        assert opened.testzip() is None
        assert opened.namelist() == list(manifest.FILES)
        assert opened.read("READ-ME.txt").startswith(b'THE LETTER "bridge", DELIVERY No. 1')


def test_whoever_follows_the_read_me_needs_no_program_of_ours(parcel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(parcel) as opened:
        opened.extractall(tmp_path)
        told = json.loads(opened.read("manifest.json"))
    program = (tmp_path / "READ-ME.txt").read_text(encoding="utf-8").split("-----8<-----")[1]
    (tmp_path / "check.py").write_text(program, encoding="utf-8")
    (tmp_path / "receipt.json").write_text(str(mine(parcel, 5)), encoding="utf-8")

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "check.py", "receipt.json"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    done = run()
    assert done.returncode == 0, done.stderr
    assert "all 8 leaves" in done.stdout and "The receipt belongs to this delivery." in done.stdout

    (tmp_path / "leaves.csv").write_bytes((tmp_path / "leaves.csv").read_bytes().replace(b",", b";", 1))
    assert "leaves.csv is not the file" in run().stderr
    told["files"].pop("leaves.csv")
    (tmp_path / "manifest.json").write_text(json.dumps(told))
    assert run().returncode == 1
    (tmp_path / "check.py").write_text(program.replace('mine["place"]', 'mine["place"] + 1'), encoding="utf-8")
    assert run().returncode == 1


def test_one_flipped_byte_anywhere_is_noticed_and_named(parcel: Path, tmp_path: Path) -> None:
    whole = parcel.read_bytes()
    with parcel.open("rb") as file:
        entries, _faults = zip_archive.read_zip(file, manifest.FILES, progress=lambda _bytes: None)
    named = {
        **{entry.name: range(entry.offset, entry.end) for entry in entries},
        "directory": range(entries[-1].end, len(whole)),
    }
    dice = random.Random(7)
    for name, where in named.items():
        first = [*where][:60] if name == "directory" else list(where)[:40]  # every byte of the headers
        places = {*first, *dice.sample(where, min(150, len(where))), where[-1]}
        for place in sorted(places):
            broken = bytearray(whole)
            broken[place] ^= 1 << dice.randrange(8)
            (tmp_path / "broken.zip").write_bytes(broken)
            said = verify(tmp_path / "broken.zip")
            assert "FAILED This is not what was delivered. First: " in said, (name, place - where[0])
            assert name in said.split("FAILED")[1], (name, place - where[0], said)


def repacked(parcel: Path, change: Callable[[dict[str, bytes]], object], *, honest: bool = True) -> Path:
    """The package as a forger would make it: other files, with digests that fit."""
    with zipfile.ZipFile(parcel) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    folder = parcel.parent / "forged"
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    if honest:
        told = json.loads(files["manifest.json"])
        told["files"] = {name: zip_archive.sha256_of(folder / name) for name in manifest.DIGESTED}
        (folder / "manifest.json").write_text(json.dumps(told))
    with (parcel.parent / "forged.zip").open("wb") as out:
        zip_archive.write_zip(out, {name: folder / name for name in manifest.FILES})
    return parcel.parent / "forged.zip"


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
        (cut("leaves.csv", 2), "leaves.csv, line 2: number 2 stands where 1 must"),
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
def test_a_forger_who_mends_the_digests_is_found_by_the_leaves(
    parcel: Path, change: Callable[[dict[str, bytes]], None], named: str
) -> None:
    said = verify(repacked(parcel, change))
    assert "FAILED" in said
    assert any(line.startswith("WRONG") and named in line for line in said.splitlines()), said


@pytest.mark.parametrize("name", manifest.DIGESTED)
def test_a_file_that_is_not_that_of_the_manifest_is_named(parcel: Path, name: str) -> None:
    forged = repacked(parcel, lambda files: files.update({name: files[name] + b" "}), honest=False)
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
def test_a_manifest_that_is_none_is_told(parcel: Path, content: bytes, why: str) -> None:
    forged = repacked(parcel, lambda files: files.update({"manifest.json": content}), honest=False)
    assert f"First: manifest.json: {why}" in verify(forged)


def rezipped(parcel: Path, change: Callable[[dict[str, bytes]], object], how: int = zipfile.ZIP_STORED) -> Path:
    """The files in a ZIP as another program writes it."""
    with zipfile.ZipFile(parcel) as opened:
        files = {name: opened.read(name) for name in opened.namelist()}
    change(files)
    with zipfile.ZipFile(parcel.parent / "other.zip", "w", how) as out:
        for name, content in files.items():
            out.writestr(zipfile.ZipInfo(name) if how == zipfile.ZIP_STORED else name, content)
    return parcel.parent / "other.zip"


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
def test_missing_further_and_odd_files_are_refused(
    parcel: Path, change: Callable[[dict[str, bytes]], object], first: str
) -> None:
    before = sorted(parcel.parent.iterdir())
    said = verify(rezipped(parcel, change))
    assert "FAILED" in said and any(line.startswith("WRONG") and first in line for line in said.splitlines())
    assert sorted(parcel.parent.iterdir()) == sorted([*before, parcel.parent / "other.zip"]), "nothing is unpacked"


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_comes_twice_is_refused(parcel: Path) -> None:
    with zipfile.ZipFile(parcel, "a") as out:
        out.writestr("manifest.json", b"{}")
    assert "FAILED" in verify(parcel)


def test_a_bomb_does_not_go_off(parcel: Path) -> None:
    bomb = rezipped(parcel, lambda files: files.update({"leaves.csv": bytes(300 << 20)}), zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 1 << 20
    assert "FAILED" in verify(bomb)


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\5\6" + bytes(18), b"not a zip at all", bytes(1000)])
def test_what_is_no_package_is_told_in_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    assert "First: letter-with-signatories.pdf: it is not at byte 0 of the archive." in verify(tmp_path / "x.zip")


@pytest.mark.parametrize("size", [10, 1000, 5000])
def test_a_package_that_was_cut_off_is_told(parcel: Path, size: int) -> None:
    parcel.write_bytes(parcel.read_bytes()[:-size])
    assert "FAILED" in verify(parcel)


def test_a_file_that_is_not_there_is_told_in_one_sentence(tmp_path: Path) -> None:
    assert "cannot be read: No such file or directory." in verify(tmp_path / "none.zip")


def test_a_receipt_is_checked_against_the_package(parcel: Path, tmp_path: Path) -> None:
    receipt = mine(parcel, 1)
    (tmp_path / "mine.json").write_text(str(receipt))
    assert "the receipt belongs to this delivery" in verify(parcel, receipt=tmp_path / "mine.json")
    (tmp_path / "mine.json").write_text(str(receipt).replace("Roses", "Noses"))
    assert "FAILED This is not what was delivered. First: receipt: The words and the salt" in verify(
        parcel, receipt=tmp_path / "mine.json"
    )


@pytest.mark.django_db
def test_R8_a_package_made_anew_without_somebody_erased_is_whole(signed: Letter, tmp_path: Path) -> None:
    delivery = make_delivery(signed, tmp_path)
    number = delivery.rows.get(name="김철수").number
    withdrawal.erase(Signature.objects.get(name="김철수"))
    withdrawal.erase(Signature.objects.filter(visibility=Visibility.COUNTED)[0])
    said = verify(make_files(delivery, tmp_path))
    assert "Whole." in said and "erased since the freezing: 1," in said
    with zipfile.ZipFile(tmp_path / "bridge-1.zip") as opened:
        assert f"\r\n{number},,,,,,,,\r\n".encode() in opened.read("signatories.csv").replace(b'""', b"")
        assert "김철수".encode() not in b"".join(opened.read(name) for name in opened.namelist())


@pytest.mark.django_db
@pytest.mark.parametrize("start", ["=1+1", "+82", "-1", "@x", "＝1", "＠x", "\t=1", " =1", "\u3000=1"])
def test_E1_what_a_spreadsheet_would_run_is_disarmed_and_its_leaf_is_of_the_words_themselves(
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
def test_E2_only_what_is_delivered_is_in_it(signed: Letter, tmp_path: Path) -> None:
    for state in State:
        for audience in Visibility:
            has_words = state != State.WITHDRAWN and (audience != Visibility.COUNTED or state == State.UNCONFIRMED)
            comment = "Canary-comment" if has_words else ""
            make_signature(signed, f"Canary-{state}-{audience}-", state, audience, comment=comment)
    delivery = make_delivery(signed, tmp_path)
    whole = (tmp_path / "bridge-1.zip").read_bytes()
    assert set(re.findall(rb"Canary-[a-z]+-[a-z]*", whole)) == {b"Canary-approved-public", b"Canary-approved-delivery"}
    assert b"comment" not in whole and b"@example" not in whole
    counted = delivery.rows.filter(number=None)
    assert len(counted) == 4
    for row in counted:
        assert bytes(row.salt or b"").hex().encode() not in whole, "whose salt is known, their leaf is known"
        assert bytes(row.leaf).hex().encode() in whole


@pytest.mark.django_db
def test_a_later_package_tells_what_changed_and_the_errata(signed: Letter, tmp_path: Path) -> None:
    make_delivery(signed)
    Delivery.objects.update(state="handed-over")
    withdrawal.withdraw(Signature.objects.get(name="Bread and Roses"))
    make_many(signed, 2)
    second = make_delivery(signed, tmp_path)
    with zipfile.ZipFile(tmp_path / "bridge-2.zip") as opened:
        told = json.loads(opened.read("manifest.json"))
    assert told["since_last"] == {"delivery": 1, "added": 2, "gone": 1}
    assert told["errata"] == {"1": [1]}
    withdrawal.withdraw(Signature.objects.get(name="김철수"))
    once = (tmp_path / "bridge-2.zip").read_bytes()
    assert make_files(second, tmp_path).read_bytes() == once, "an erratum of later is for the next package"
    assert told["frozen_at"] == f"{second.frozen_at:%Y-%m-%dT%H:%M:%SZ}"
    assert [text["sha256"] for text in told["texts"]] == [text["digest"] for text in second.texts]
    assert "Bread" not in json.dumps(told)


def test_a_package_that_would_be_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_archive, "MAX_BYTES", 100_000)
    (tmp_path / "x").write_bytes(b"x")
    with pytest.raises(zip_archive.TooLarge):
        zip_archive.write_zip(io.BytesIO(), {"x": tmp_path / "x"})
