"""A file is complete at any time, also where two processes write the same one."""

import ast
import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from django.utils import timezone

from campaign.runtime.complete_files import KEPT_SECONDS, new_file, replaced_file
from signatures import backups, tombstones
from signatures.values import csv_cells
from tests.prepared import BASE

# These exchange folders, of which there is one writer at a time: each holds a lock.
OF_FOLDERS = {
    "campaign/runtime/database.py",
    "campaign/runtime/database_upgrade.py",
    "signatures/static_mirror/folder.py",
}
# These give a new folder its name, or move a file out of one; it has a random name until then.
OF_NEW_FOLDERS = {
    "signatures/backups.py",
    "signatures/delivery/exports.py",
    "signatures/delivery/pdf/__init__.py",
    "signatures/delivery/pdf/share_image.py",
}


def test_a_file_takes_the_place_of_the_one_before_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    for text in ("first", "second"):
        with replaced_file(file) as draft:
            draft.write_text(text)
        assert file.read_text() == text and file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_was_there_stays_where_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("first")

    def fail() -> None:
        with replaced_file(file) as draft:
            draft.write_text("a half")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        fail()
    assert file.read_text() == "first" and list(tmp_path.iterdir()) == [file]


def test_of_those_who_write_it_at_once_nobody_fails_and_nobody_reads_a_half(tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    texts = [letter * 200_000 for letter in "abcd"]
    file.write_text(texts[0])

    def write(text: str) -> list[str]:
        seen = []
        for _time in range(8):
            with replaced_file(file) as draft:
                draft.write_text(text)
            seen.append(file.read_text())
        return seen

    with ThreadPoolExecutor(len(texts)) as threads:
        assert {text for seen in threads.map(write, texts) for text in seen} <= set(texts)
    assert list(tmp_path.iterdir()) == [file]


def test_of_those_who_make_it_at_once_one_does_and_the_others_are_told(tmp_path: Path) -> None:
    file = tmp_path / "key"

    def make(text: str) -> str:
        try:
            with new_file(file) as draft:
                draft.write_text(text)
        except FileExistsError:
            return ""
        return text

    with ThreadPoolExecutor(4) as threads:
        made = [text for text in threads.map(make, "abcd") if text]
    assert made == [file.read_text()] and list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("how", "call"), [(new_file, "link"), (replaced_file, "replace")])
def test_what_has_its_name_is_on_the_disk_and_so_is_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Any, call: str
) -> None:
    called = Mock()
    for name in ("fsync", call):
        monkeypatch.setattr(os, name, Mock(wraps=getattr(os, name)))
        called.attach_mock(getattr(os, name), name)

    with how(tmp_path / "key") as draft:
        draft.write_text("abc")

    assert [each[0] for each in called.mock_calls] == ["fsync", call, "fsync"]


@pytest.mark.django_db
def test_tombstones_are_written_while_another_worker_writes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "tombstones.csv"
    write_rows = csv_cells.write_rows

    def meanwhile(*given: Any) -> None:
        monkeypatch.setattr(csv_cells, "write_rows", write_rows)
        tombstones.sync(file)
        write_rows(*given)

    monkeypatch.setattr(csv_cells, "write_rows", meanwhile)
    tombstones.sync(file)

    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.django_db
def test_a_backup_that_begins_in_the_same_second_leaves_the_other_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, made = backups._contents, []

    def meanwhile(draft: Path) -> Iterator[object]:
        monkeypatch.setattr(backups, "_contents", contents)
        made.append(backups.make(tmp_path))
        yield from contents(draft)

    monkeypatch.setattr(backups, "_contents", meanwhile)
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)

    with pytest.raises(backups.BackupFailed):
        backups.make(tmp_path)

    assert list(tmp_path.iterdir()) == made and (made[0] / backups.MANIFEST).exists()


def test_what_a_kill_left_is_deleted_after_a_day_and_what_another_writes_is_not(tmp_path: Path) -> None:
    file, foreign = tmp_path / "list.csv", tmp_path / ".other.csv.abc.part"
    left, written = tmp_path / ".list.csv.left.part", tmp_path / ".list.csv.now.part"
    for each in (left, written, foreign):
        each.touch()
    for old in (left, foreign):
        os.utime(old, (time.time() - KEPT_SECONDS - 1,) * 2)

    with replaced_file(file):
        pass

    assert sorted(tmp_path.iterdir()) == sorted([file, written, foreign])


def test_nothing_else_puts_a_file_in_its_place() -> None:
    found = set()
    for folder in ("campaign", "signatures"):
        for file in (BASE / folder).rglob("*.py"):
            calls = [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call)]
            for call in calls:
                name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
                if name == "rename" or (name == "replace" and len(call.args) == 1 and not call.keywords):
                    found.add(file.relative_to(BASE).as_posix())
    assert found == OF_FOLDERS | OF_NEW_FOLDERS | {"campaign/runtime/complete_files.py"}
