"""The typesetter's jobs: each has processes of its own, and what goes wrong in one stays there and says no name."""

import contextlib
import errno
import os
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from signatures.delivery.pdf.character_maps import code_points
from signatures.delivery.pdf.fonts import bundled_folders, families_in
from signatures.delivery.pdf.processes import PdfFailed, Press, Process, Step, results_in_order

FIRST_PAGE = "#set document(title: [x])\n= x\n"


def typst(folder: Path, template: str) -> Step:
    arguments = {"folder": str(folder), "template": template, "timestamp": 1, "fonts": str(bundled_folders()[0])}
    return "run_typst", "typeset", {**arguments, "continues": False}


@pytest.fixture
def press() -> Iterator[Press]:
    with Press("run_typst") as press:
        yield press


def result(process: Process) -> dict[str, object]:
    return next(results_in_order(iter([process]), at_once=1, is_canceled=lambda: False))


def running_in(group: int) -> list[str]:
    """Returns the states of the processes of a group that have not ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, _parent, of_group = stat.read_text().rpartition(")")[2].split()[:3]
            if int(of_group) == group and state != "Z":
                found.append(state)
    return found


def folder_with(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "document.typ").write_text(text)
    return folder


def test_a_job_that_fails_says_only_that_it_did_and_the_next_one_is_done(press: Press, tmp_path: Path) -> None:
    wrong = folder_with(tmp_path / "wrong", '#panic("María Secreto")')
    with pytest.raises(PdfFailed) as failed:
        result(press.start(typst(wrong, "document.typ"), seconds=60))
    assert str(failed.value) == "the typesetter ended with code 1"
    right = folder_with(tmp_path / "right", FIRST_PAGE)
    assert "standards" in result(press.start(typst(right, "document.typ"), seconds=60))
    assert (right / "raw.pdf").exists()


def test_what_the_system_refuses_a_job_is_told_as_the_system_said_it(press: Press, tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "f", FIRST_PAGE)
    resource.prlimit(press.popen.pid, resource.RLIMIT_FSIZE, (1000, 1000))  # bytes, for its forks, too
    with pytest.raises(OSError, match="File too large") as refused:
        result(press.start(typst(folder, "document.typ"), seconds=60))
    assert refused.value.errno == errno.EFBIG


def test_leaving_a_job_that_still_runs_ends_all_its_processes(tmp_path: Path) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    os.mkfifo(folder / "document.typ")  # reading it ends when somebody writes it: never
    with pytest.raises(PdfFailed, match="took longer than 1 s"), Press("run_typst") as press:
        group = press.popen.pid
        result(press.start(typst(folder, "document.typ"), seconds=1))
    until = time.monotonic() + 10
    while running_in(group) and time.monotonic() < until:
        time.sleep(0.01)
    assert not running_in(group)


def test_a_press_that_has_ended_is_told_and_not_waited_for(press: Press, tmp_path: Path) -> None:
    press.popen.kill()
    with pytest.raises(PdfFailed, match="the typesetter has ended"):
        result(press.start(typst(tmp_path, "document.typ"), seconds=60))


def test_the_characters_of_a_font_are_read_as_fonttools_reads_them() -> None:
    from fontTools.ttLib import TTFont  # noqa: PLC0415  # large, and only needed here

    families = families_in(bundled_folders())  # the first two have groups of characters, the third has segments
    faces = [min(families[family]) for family in ("Noto Sans", "Noto Sans CJK JP", "Noto Sans Hebrew")]
    for path, index in faces:
        with TTFont(path, fontNumber=index, lazy=True) as font:
            assert code_points(path, index) == set(font.getBestCmap())
