"""Forged packages are refused with the sentence that names what is wrong, and honest ones are accepted."""

import ast
import csv
import hashlib
import io
import shutil
import subprocess
import sys
import unicodedata
import zipfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from nacl.signing import SigningKey

from signatures.delivery.checker import check
from signatures.values import csv_cells, names
from tests.delivery import packages
from tests.delivery.packages import Bent, Draft, files_of, package
from tests.delivery.tamperings import ACCEPTED, DRAFT, TAMPERINGS, Case, _receipt
from tests.programs import installed

PROGRAM = Path(check.__file__)


def written(case: Case, tmp_path: Path) -> Path:
    path = tmp_path / "what-came.zip"
    path.write_bytes(case.make())
    return path


def checked(case: Case, tmp_path: Path) -> check.Result:
    receipt = case.receipt() if case.receipt else b""
    return check.check(written(case, tmp_path), check.Expected(**case.expected, receipt=receipt))


def test_there_are_more_than_forty_tamperings_with_names_of_their_own() -> None:
    assert len({case.name for case in TAMPERINGS}) == len(TAMPERINGS) > 40


@pytest.mark.parametrize("case", TAMPERINGS, ids=lambda case: case.name)
def test_E10_a_forgery_is_refused_with_the_sentence_that_names_it(case: Case, tmp_path: Path) -> None:
    result = checked(case, tmp_path)
    assert case.fault in result.faults
    assert (result.code, result.verdict) == (1, "Not whole.")


def test_E11_a_leaf_is_what_it_claims_to_be_and_no_name_goes_without_record(tmp_path: Path) -> None:
    for number, draft in enumerate(
        [replace(DRAFT, kinds=("counted",) * 10), replace(DRAFT, blanked=(4,), recorded=())]
    ):
        (tmp_path / f"{number}.zip").write_bytes(package(draft))
        assert check.check(tmp_path / f"{number}.zip", check.Expected()).code == 1
    (tmp_path / "x.zip").write_bytes(package(replace(DRAFT, blanked=(4,))))
    result = check.check(tmp_path / "x.zip", check.Expected())
    assert (result.code, result.verdict) == (3, "Whole, but 1 blanked with record.")


@pytest.mark.parametrize("case", ACCEPTED, ids=lambda case: case.name)
def test_what_is_honest_is_accepted(case: Case, tmp_path: Path) -> None:
    result = checked(case, tmp_path)
    assert result.faults == []
    assert result.code == case.code


def options(case: Case, tmp_path: Path) -> list[str]:
    found = [f"--{name.replace('_', '-')}={value}" for name, value in case.expected.items()]
    if case.receipt:
        (tmp_path / "mine.json").write_bytes(case.receipt())
        found.append(f"--receipt={tmp_path / 'mine.json'}")
    return found


@pytest.mark.parametrize("case", [*TAMPERINGS, *ACCEPTED], ids=lambda case: case.name)
def test_verify_delivery_says_what_the_file_in_the_package_says(case: Case, tmp_path: Path) -> None:
    """No database is used: this test has none."""
    path, out = written(case, tmp_path), io.StringIO()
    code = 0
    try:
        call_command("verify_delivery", str(path), *options(case, tmp_path), stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    result = checked(case, tmp_path)
    assert code == result.code == case.code
    assert [line for line in out.getvalue().splitlines() if line.startswith("FAULT: ")] == [
        check.printable(f"FAULT: {fault}") for fault in result.faults
    ]
    assert out.getvalue().endswith(f"{result.verdict}\n")


@pytest.mark.parametrize("case", [TAMPERINGS[0], ACCEPTED[0], ACCEPTED[10]], ids=lambda case: case.name)
def test_the_file_runs_alone_and_needs_nothing_of_ours(case: Case, tmp_path: Path) -> None:
    shutil.copy(PROGRAM, tmp_path / "check.py")
    command = [sys.executable, "-I", "check.py", str(written(case, tmp_path)), *options(case, tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, encoding="utf-8", check=False)
    assert (done.returncode, done.stderr) == (case.code, "")
    assert case.fault in done.stdout


def test_the_file_is_python_3_9_with_the_standard_library_alone() -> None:
    tree = ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 9))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
    assert not {"socket", "urllib", "http", "ssl", "subprocess"} & {name.partition(".")[0] for name in imported}


def unpacked(draft: Draft, tmp_path: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(package(draft))) as opened:
        opened.extractall(tmp_path)
    return tmp_path / "bridge-1"


def test_an_unpacked_folder_is_checked_too(tmp_path: Path) -> None:
    folder = unpacked(DRAFT, tmp_path)
    assert check.check(folder, check.Expected()).faults == []
    (folder / "notes.txt").write_text("mine")
    assert check.check(folder, check.Expected()).faults == ["notes.txt: it does not belong into the package."]
    (folder / "notes.txt").unlink()
    (folder / "leaves.csv").unlink()
    (folder / "leaves.csv").symlink_to("signatories.csv")
    assert "leaves.csv: it is missing." in check.check(folder, check.Expected()).faults


def test_what_an_operating_system_leaves_in_a_folder_is_noted_and_no_fault(tmp_path: Path) -> None:
    folder = unpacked(DRAFT, tmp_path)
    for name in (".DS_Store", "texts/.DS_Store", "Thumbs.db", "desktop.ini"):
        (folder / name).write_bytes(b"\0" * 9)
    result = check.check(folder, check.Expected())
    assert (result.faults, result.code) == ([], 0)
    assert (
        len(result.notes) == 4
        and ".DS_Store: an operating system may have left it. It was not looked at." in result.notes
    )
    (folder / "Thumbs.db").unlink()
    (folder / "Thumbs.db").symlink_to("leaves.csv")
    assert len(check.check(folder, check.Expected()).faults) == 1, "no link"


def test_a_folder_that_a_mac_copied_to_a_foreign_disk_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It writes a file with a dot in front beside each file, and folders of its own."""
    folder = unpacked(DRAFT, tmp_path)
    files = [path for path in folder.rglob("*") if path.is_file()]
    for path in files:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    (folder / ".fseventsd" / "deep").mkdir(parents=True)
    (folder / ".fseventsd" / "deep" / "0001").write_bytes(b"x")
    result = check.check(folder, check.Expected())
    assert (result.faults, result.code) == ([], 0)
    assert len(result.notes) == len(files) + 1, "one for the folder, and none for what is in it"
    assert ".fseventsd: an operating system may have left it. It was not looked at." in result.notes
    out = io.StringIO()
    call_command("verify_delivery", str(folder), stdout=out)
    assert check.main([str(folder)]) == 0
    assert out.getvalue() == capsys.readouterr().out
    assert "texts/._en.txt: an operating system may have left it." in out.getvalue()


@pytest.mark.parametrize("name", ["._leaves.csv", ".hidden/x", "texts/.x.txt", "...", "texts/..x"])
def test_no_package_has_a_name_that_a_folder_would_not_be_asked_for(name: str, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(package(DRAFT, Bent(contents=lambda files: files.update({name: b""}))))
    faults = check.check(tmp_path / "x.zip", check.Expected()).faults
    assert f"bridge-1/{name}: this is no name of a file in the one folder of a package." in faults


def test_E10_nothing_is_left_in_a_zip_by_an_operating_system(tmp_path: Path) -> None:
    for name in (".DS_Store", "Thumbs.db"):
        left = Bent(signed=lambda files, name=name: files.update({name: b""}))  # type: ignore[misc]  # no type for a default
        (tmp_path / "x.zip").write_bytes(package(DRAFT, left))
        faults = check.check(tmp_path / "x.zip", check.Expected()).faults
        expected = "bridge-1/.DS_Store: this is no name of a file in the one folder of a package."
        assert (expected if name == ".DS_Store" else "Thumbs.db: it does not belong into the package.") in faults


def test_one_signature_is_counted_as_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.zip").write_bytes(package(replace(DRAFT, people=[], counted=1)))
    assert check.main([str(tmp_path / "x.zip")]) == 0
    said = capsys.readouterr().out
    assert "1 signature: 0 named, 1 counted only" in said and "that the 1 who is counted only exists" in said


def test_what_the_organization_alone_says_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.zip").write_bytes(package(DRAFT))
    assert check.main([str(tmp_path / "x.zip")]) == 0
    said = capsys.readouterr().out
    for words in ("names are true", "that the 3 who are counted only exist", "flags, decisions", "left out", "COMPARE"):
        assert words in said
    digest = hashlib.sha256(files_of(DRAFT)["statement.json"]).hexdigest()
    assert digest in said
    typed = " ".join(digest[at : at + 8].upper() for at in range(0, 64, 8))
    assert check.main([str(tmp_path / "x.zip"), "--digest", typed]) == 0
    assert "COMPARE" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        check.main([str(tmp_path / "x.zip"), "--digest", "12"])


def test_a_receipt_shows_the_row_that_it_proves(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.json").write_bytes(_receipt(DRAFT, 4))
    assert check.main([str(tmp_path / "mine.json")]) == 0
    assert "5 | person | 김철수 | KR | 2026-05-03 | ko | 1 | paper" in capsys.readouterr().out


def test_E10_what_was_compared_with_nothing_is_a_fault_and_not_whole(tmp_path: Path) -> None:
    """Whatever it is, and wherever a check may forget to ask for it."""
    given = dict.fromkeys(["digest", "edition", "key", "auditor_key"], "x") | {"receipt": b"{}"}
    assert list(given) == list(check.EXPECTED)
    expected = check.Expected(**given)  # type: ignore[arg-type]  # a receipt is bytes
    assert len(list(expected.not_taken(is_receipt=False))) == 5
    for name in given:
        expected.take(name)
    assert list(expected.not_taken(is_receipt=False)) == []
    mine = _receipt(DRAFT, 4)
    (tmp_path / "mine.json").write_bytes(mine)
    faults = check.check(tmp_path / "mine.json", check.Expected(receipt=mine)).faults
    assert [fault.partition(".")[0] for fault in faults] == ["Nothing was compared with the receipt that you gave"]


def test_a_receipt_shows_every_invisible_character_that_a_name_may_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the Mongolian vowel separator the end of ᠰᠠᠷᠠ᠎ᠠ is another letter."""
    name = packages.MONGOLIAN
    assert names.clean_name(name) == name and "\u180e" in name
    (tmp_path / "mine.json").write_bytes(_receipt(replace(DRAFT, people=[["person", name, *DRAFT.people[1][2:]]]), 0))
    assert check.main([str(tmp_path / "mine.json")]) == 0
    assert f"1 | person | {name} | " in capsys.readouterr().out
    invisible = {character for character in names.SHAPERS if unicodedata.category(character) in {"Cf", "Zs"}}
    assert invisible <= set(check.NEEDED) and check.printable("".join(names.SHAPERS)) == "".join(names.SHAPERS)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check.main([str(tmp_path / "none.zip")]) == 1
    assert f"FAULT: {tmp_path}/none.zip cannot be read: No such file or directory." in capsys.readouterr().out
    (tmp_path / "x.zip").write_bytes(package(DRAFT))
    assert check.main([str(tmp_path / "x.zip"), "--receipt", str(tmp_path / "none.json")]) == 1


def test_a_name_cannot_repaint_the_terminal() -> None:
    assert check.printable("a\x1b[2Jb\u202ec 한 محمد") == "a\ufffd[2Jb\ufffdc 한 محمد"


@pytest.mark.parametrize(
    "cell", ["", "x", "'", "=1", "'=1", " =1", "\u3000＋", "\u00a0@", "\ta", "\ufeff=", "-", "a=", "＝"]
)
def test_E1_the_file_takes_for_a_formula_what_the_product_guards(cell: str) -> None:
    assert check.is_formula(cell) == (csv_cells.guard(cell) != cell)


@pytest.mark.parametrize("size", [1000, *range(check.MAX_LINE, check.MAX_LINE + 4), check.CHUNK])
def test_a_line_is_as_long_as_it_is_wherever_a_chunk_ends(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "CHUNK", size)
    assert [verdict_on_lines(lengths) for lengths in packages.LINES] == [
        "",
        "",
        *[TOO_LONG] * (len(packages.LINES) - 2),
    ]


TOO_LONG = "t, line 2: it is too long."


def verdict_on_lines(lengths: tuple[int, ...]) -> str:
    """Returns the fault that the checker finds in lines of these lengths."""
    content = b"".join(b"x" * length + b"\r\n" for length in lengths)
    part = check.Part(lambda: nullcontext(io.BytesIO(content)), 0, len(content), "")
    try:
        assert [len(line) for line in check.Lines(part, "t", lambda _bytes: None)] == list(lengths)
    except check.Fault as fault:
        return str(fault)
    return ""


def test_no_cell_of_a_line_is_longer_than_the_csv_of_python_reads() -> None:
    assert csv.field_size_limit() > check.MAX_LINE
    assert check.parse_row(b'"' + b"," * (check.MAX_LINE - 2) + b'"') == ["," * (check.MAX_LINE - 2)]


def test_every_changed_byte_is_found(tmp_path: Path) -> None:
    honest = package(replace(DRAFT, people=DRAFT.people[:2], counted=1, texts={"texts/en.txt": b"x"}))
    path = tmp_path / "x.zip"
    for at in range(0, len(honest), 61):
        forged = bytearray(honest)
        forged[at] ^= 1
        path.write_bytes(forged)
        assert check.check(path, check.Expected()).code == 1, f"byte {at}"


def test_minisign_itself_accepts_what_is_signed(tmp_path: Path) -> None:
    for name, content in files_of(DRAFT).items():
        (tmp_path / Path(name).name).write_bytes(content)
    key = packages.public_key(packages.KEY)
    for name in ("statement.json", "files.json"):
        done = subprocess.run(
            [installed("minisign"), "-Vm", name, "-P", key], cwd=tmp_path, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr


AUTHORITY = """[tsa]
default_tsa = one
[one]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
"""


def test_a_time_stamp_of_openssl_is_known_as_one_of_this_statement(tmp_path: Path) -> None:
    def openssl(command: str) -> None:
        done = subprocess.run(
            [installed("openssl"), *command.split()], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    (tmp_path / "tsa.cnf").write_text(AUTHORITY)
    (tmp_path / "serial").write_text("01")
    (tmp_path / "statement.json").write_bytes(files_of(DRAFT)["statement.json"])
    openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -subj /CN=Time -addext extendedKeyUsage=critical,timeStamping"
    )
    openssl("ts -query -data statement.json -sha256 -cert -out request")
    openssl("ts -reply -config tsa.cnf -queryfile request -inkey key -signer certificate -out statement.tsr")
    openssl("ts -verify -data statement.json -in statement.tsr -CAfile certificate")
    stamp = (tmp_path / "statement.tsr").read_bytes()
    (tmp_path / "x.zip").write_bytes(package(replace(DRAFT, extra={"statement.tsr": stamp})))
    result = check.check(tmp_path / "x.zip", check.Expected())
    assert result.faults == [] and "openssl ts -verify -data statement.json" in result.notes[0]
    (tmp_path / "x.zip").write_bytes(package(replace(DRAFT, counted=4, extra={"statement.tsr": stamp})))
    assert (
        "statement.tsr: it is not a time stamp of this statement."
        in check.check(tmp_path / "x.zip", check.Expected()).faults
    )


RFC_8032: list[Any] = [
    ("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", ""),
    ("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "72"),
    ("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "af82"),
]


@pytest.mark.parametrize(("seed", "message"), RFC_8032)
def test_ed25519_is_that_of_RFC_8032_and_of_libsodium(seed: str, message: str) -> None:
    key, words = SigningKey(bytes.fromhex(seed)), bytes.fromhex(message)
    signature, public = key.sign(words).signature, bytes(key.verify_key)
    assert check.is_signed(words, signature, public)
    assert not check.is_signed(words + b"x", signature, public)
    more = (int.from_bytes(signature[32:], "little") + check._L).to_bytes(32, "little")
    assert not check.is_signed(words, signature[:32] + more, public), "a second form of the same signature"
    assert not check.is_signed(words, signature, bytes(32)), "a point of small order fits too much"


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 1023, 1024, 1025, 2049, 3000])
def test_the_tree_and_the_paths_are_those_of_RFC_9162(size: int) -> None:
    leaves = [hashlib.sha256(b"%d" % at).digest() for at in range(size)]
    tree = check.Tree()
    for leaf in leaves:
        tree.add(leaf)
    assert tree.root() == packages.root(leaves)
    for place in {0, size // 2, size - 1} if size else set():
        assert check.root_of_path(leaves[place], place, size, packages.path(leaves, place)) == tree.root()
    assert check.root_of_path(b"", size, size, []) is None
