"""The new mirror takes the place of the old one in one step: readers and kills fall before it or after it."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path

import pytest
from django.conf import settings

from signatures.static_mirror import folder as folders
from signatures.static_mirror.folder import keep, place, replaced_folder

FILES = [f"{number}/page.html" for number in range(20)]
# A process that replaces a mirror again and again: all files of one version have the same content.
REPLACES = """
import itertools, sys
from hashlib import sha256
from pathlib import Path
from signatures.static_mirror.folder import place, replaced_folder
for version in itertools.count():
    with replaced_folder(Path(sys.argv[1]), "a mirror") as (new, former):
        for number in range(20):
            place(str(version).encode(), f"{number}/page.html", new, former)
    print(version, flush=True)
"""
# A process with processes of its own, which wait for work.
STARTS_OTHERS = """
import time
from signatures.static_mirror import writers
if __name__ == "__main__":
    pool = writers._start()
    print(*{pool.submit(writers.os.getpid).result() for _call in range(20)}, flush=True)
    time.sleep(600)
"""


def write(folder: Path, version: str) -> None:
    with replaced_folder(folder, "a mirror") as (new, former):
        for file in FILES:
            place(version.encode(), file, new, former)


def versions(folder: Path) -> set[bytes]:
    return {(folder / file).read_bytes() for file in FILES}


def test_a_reader_finds_every_page_whole_while_the_mirror_is_replaced(tmp_path: Path) -> None:
    folder, over, read = tmp_path / "mirror", threading.Event(), list[bytes]()
    write(folder, "0")
    failures: list[Exception] = []

    def read_on() -> None:
        while not over.is_set():
            try:
                read.append((folder / "7/page.html").read_bytes())
            except OSError as error:
                failures.append(error)

    reader = threading.Thread(target=read_on)
    reader.start()
    for version in range(1, 60):
        write(folder, str(version))
    over.set()
    reader.join()
    assert failures == [] and len(set(read)) > 1
    assert set(read) <= {str(version).encode() for version in range(60)}


def test_a_kill_at_any_moment_leaves_a_whole_mirror(tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    write(folder, "0")
    for turn in range(12):
        with subprocess.Popen(
            [sys.executable, "-c", REPLACES, folder], stdout=subprocess.PIPE, cwd=settings.BASE_DIR
        ) as process:
            assert process.stdout and process.stdout.readline()
            time.sleep(turn / 1000)
            process.kill()
        assert len(versions(folder)) == 1, turn
    write(folder, "last")
    assert versions(folder) == {b"last"} and [file.name for file in tmp_path.iterdir()] == ["mirror"]


def test_a_kill_right_after_the_swap_leaves_the_new_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mirror"
    write(folder, "old")
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # a test before, or the shell, may ignore it
    try:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(shutil, "rmtree", lambda *_arguments, **_more: os.kill(os.getpid(), signal.SIGINT))
            write(folder, "new")
    finally:
        signal.signal(signal.SIGINT, former)
    assert versions(folder) == {b"new"}
    write(folder, "newest")
    assert versions(folder) == {b"newest"} and not (tmp_path / "mirror.new").exists()


def test_where_folders_cannot_be_exchanged_the_new_one_is_moved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mirror"
    write(folder, "old")
    monkeypatch.setattr(folders, "_RENAME_EXCHANGE", 1 << 10)  # what no file system can do
    assert not folders.exchange(folder, tmp_path)
    write(folder, "new")
    assert versions(folder) == {b"new"} and [file.name for file in tmp_path.iterdir()] == ["mirror"]


def test_a_file_that_is_the_same_is_not_written_again(tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    write(folder, "same")
    before = [(folder / file).stat().st_ino for file in FILES]
    write(folder, "same")
    assert [(folder / file).stat().st_ino for file in FILES] == before
    write(folder, "other")
    assert not set(before) & {(folder / file).stat().st_ino for file in FILES}


def test_without_links_between_files_they_are_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    former, new = tmp_path / "former", tmp_path / "new"
    former.mkdir()
    (former / "page.html").write_text("a page")
    monkeypatch.setattr(os, "link", refused)
    assert not keep("page.html", sha256(b"another").hexdigest(), new, former) and not new.exists()
    assert place(b"a page", "page.html", new, former)
    assert (new / "page.html").read_text() == "a page"
    assert keep("page.html", sha256(b"a page").hexdigest(), tmp_path / "newer", former)
    assert (tmp_path / "newer" / "page.html").read_text() == "a page"


def refused(_there: str, _here: str) -> None:
    raise PermissionError


def test_the_processes_of_a_run_end_when_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_OTHERS], stdout=subprocess.PIPE, cwd=settings.BASE_DIR, text=True
    ) as process:
        assert process.stdout
        others = list(map(int, process.stdout.readline().split()))
        assert others
        process.kill()
    deadline = time.monotonic() + 20
    while any(map(is_running, others)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [other for other in others if is_running(other)]


def is_running(process: int) -> bool:
    try:
        return "zombie" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False
