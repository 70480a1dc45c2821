"""Typesetting: the document whole in one process, or sets of names in several, then joined with page numbers."""

import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.fonts import FOLDER
from signatures.delivery.pdf.name_list import Run, count_names, runs, sets
from signatures.delivery.pdf.processes import JobCanceled, Press, Process, Step, results_in_order
from signatures.delivery.pdf.typst_input import NO_WORDS, Range, TypstInput, Words
from signatures.delivery.typesetter.join_parts import NUMBERED_TOGETHER

MIN_SECONDS, NAMES_PER_SECOND = 60, 1_000  # the time limit: many times what typesetting takes
AT_ONCE = min(os.cpu_count() or 1, 2)  # processes; each takes up to 140 MiB

MODULES = ("run_typst", "tag_names", "join_parts")  # of the typesetter, which the press reads once

Result = dict[str, Any]  # `pages`, `ranges` and `standards`, as the typesetter reports them
Part = dict[str, Any]  # of the plan, by which `join_parts` works, with its numbers of names and pages, and its ranges


@dataclass(frozen=True)
class JobControl:
    """Callbacks of a long job, and the number of names that are typeset together."""

    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    is_canceled: Callable[[], bool] = lambda: False
    set_size: int = 10_000  # names; two such processes and this one take less than 450 MiB together


DEFAULT_CONTROL = JobControl()


class Typesetting:
    """Typesets one document in one folder, where it leaves `made.pdf`."""

    def __init__(
        self, typst_input: TypstInput, folder: Path, timestamp: int, control: JobControl, press: Press
    ) -> None:
        self.input, self.folder, self.timestamp = typst_input, folder, timestamp
        self.control, self.press = control, press
        self.parts: list[Part] = []
        self.written = 0  # names

    def run(self, entries: Iterable[Entry]) -> Result:
        """Typesets one part or many, then the numbers that are known only now, and joins all."""
        is_whole = self.input.named <= self.control.set_size
        standards = self._typeset(self._whole(entries) if is_whole else self._processes(entries))
        numbered = self.input.named > 0
        return {"pages": self._join(self.folder, self.parts, standards, numbered=numbered), "standards": standards}

    def files(self, out: Path) -> Iterator[tuple[Path, Path]]:
        """Returns each file that was made, and where it is to be moved."""
        yield self.folder / "made.pdf", out

    def _typeset(self, processes: Iterator[Process]) -> list[str]:
        """Typesets all parts. Returns the standards that each of them keeps."""
        total = self.input.named
        self.control.on_progress(0, total)
        done, standards = 0, ["ua-1", "a-2a"]
        results = results_in_order(processes, at_once=AT_ONCE, is_canceled=self.control.is_canceled)
        for number, result in enumerate(results):
            part = self.parts[number]
            part["pages"] = result["pages"]
            part["ranges"] = [names and [done + names[0], done + names[1]] for names in result["ranges"]]
            done += part["names"]
            standards = [standard for standard in standards if standard in result["standards"]]
            self.control.on_progress(done, total)
        return standards

    def _join(
        self, folder: Path, parts: Sequence[Part], standards: list[str], *, numbered: bool, words: Words = NO_WORDS
    ) -> int:
        """Makes `made.pdf` in this folder from parts, `numbered` if they have no page numbers. Returns the pages."""
        if numbered:
            numbers = self._numbers(folder, [names for part in parts for names in part["ranges"]], words)
            deque(results_in_order(numbers, at_once=AT_ONCE, is_canceled=self.control.is_canceled), maxlen=0)
        plan = {"parts": parts, "claims_standard": bool(standards), "has_numbers": numbered}
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        joined = self.press.start(
            ("join_parts", "join", {"folder": str(folder)}), seconds=_time_limit(self.input.named)
        )
        return int(self._result_of(joined)["pages"])

    def _whole(self, entries: Iterable[Entry]) -> Iterator[Process]:
        folder = self._make_folder("whole")
        self.parts.append({"folder": folder.name, "names": self.input.named, "continues": False})
        numbered = self.input.named > 0
        self.written = self.input.write(folder, self._runs(entries), self.input.parts, footers=not numbered)
        self._check_number()
        yield self.start_part(folder, self.input.named, continues=False, numbered=numbered)

    def _numbers(self, folder: Path, ranges: Sequence[Range], words: Words) -> Iterator[Process]:
        """Starts a process for the numbers of each thousand pages. `ranges`: the names of each page."""
        for chunk, start in enumerate(range(0, len(ranges), NUMBERED_TOGETHER)):
            inside = folder / f"numbers-{chunk:05d}"
            inside.mkdir()
            these = ranges[start : start + NUMBERED_TOGETHER]
            self.input.write_page_numbers(inside, start + 1, these, len(ranges), words)
            yield self.press.start(
                self._typst(inside, "page_numbers.typ", continues=False), seconds=_time_limit(NUMBERED_TOGETHER)
            )

    def _processes(self, entries: Iterable[Entry]) -> Iterator[Process]:
        """Starts a process whenever asked: for the letter, for each set of names, for the record."""
        wanted = self.input.parts
        if "letter" in wanted:
            yield self._part_process([], {"letter"})
        for number, together in enumerate(sets(self._runs(entries), self.control.set_size)):
            self.written += sum(map(count_names, together))
            yield self._part_process(together, {"names"} if number else {"names", "opening"})
        self._check_number()
        if "record" in wanted:
            yield self._part_process([], {"record"})

    def _part_process(self, together: list[Run], parts: set[str]) -> Process:
        folder, names = self._make_folder(f"{len(self.parts):05d}"), sum(map(count_names, together))
        self.parts.append({"folder": folder.name, "names": names, "continues": parts == {"names"}})
        self.input.write(folder, together, frozenset(parts), footers=False)
        return self.start_part(folder, names, continues=len(self.parts) > 1)

    def _runs(self, entries: Iterable[Entry]) -> Iterator[Run]:
        for run in runs(() if self.input.options.parts == "letter" else entries):
            if self.control.is_canceled():
                raise JobCanceled
            yield run

    def _check_number(self) -> None:
        """Raises ValueError unless as many names were written as the document prints (architecture, rule 10)."""
        if self.written != self.input.named:
            raise ValueError("the number of entries is not the number to be named")

    def _make_folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def start_part(self, folder: Path, names: int, *, continues: bool, numbered: bool = True) -> Process:
        """Typesets the document of a folder, and gives its names their items."""
        typst = self._typst(folder, "document.typ", continues=continues)
        tagging = ("tag_names", "tag_names", {"folder": str(folder), "numbered": numbered})
        return self.press.start(typst, tagging, seconds=_time_limit(names))

    def _typst(self, folder: Path, template: str, *, continues: bool) -> Step:
        arguments = {"folder": str(folder), "template": template, "timestamp": self.timestamp}
        return "run_typst", "typeset", {**arguments, "fonts": str(folder / FOLDER), "continues": continues}

    def _result_of(self, process: Process) -> Result:
        return next(results_in_order(iter([process]), at_once=1, is_canceled=self.control.is_canceled))


def _time_limit(names: int) -> float:
    return MIN_SECONDS + names / NAMES_PER_SECOND
