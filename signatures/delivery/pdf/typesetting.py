"""Typesetting: the document whole in one process, or sets of names in several, then joined with page numbers."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.fonts import FOLDER
from signatures.delivery.pdf.name_list import Run, count_names, runs, sets
from signatures.delivery.pdf.processes import JobCanceled, Process, results_in_order
from signatures.delivery.pdf.typst_input import TypstInput

MIN_SECONDS, NAMES_PER_SECOND = 60, 1_000  # the time limit: many times what typesetting takes
AT_ONCE = min(os.cpu_count() or 1, 4)  # processes; each needs some 300 MB

Result = dict[str, Any]  # `pages` and `standards`, as `run_typst` reports them


@dataclass(frozen=True)
class JobControl:
    """Callbacks of a long job, and the number of names beyond which it is split into sets."""

    on_progress: Callable[[int, int], None] = lambda _done, _total: None
    is_canceled: Callable[[], bool] = lambda: False
    max_whole: int = 100_000  # names
    set_size: int = 25_000  # names


DEFAULT_CONTROL = JobControl()


class Typesetting:
    """Typesets one document in one folder, where it leaves `made.pdf`."""

    def __init__(self, typst_input: TypstInput, folder: Path, timestamp: int, control: JobControl) -> None:
        self.input, self.folder, self.timestamp, self.control = typst_input, folder, timestamp, control
        self.parts: list[dict[str, Any]] = []  # of the plan, by which `join_parts` works
        self.written = 0  # names

    def run(self, entries: Iterable[Entry]) -> Result:
        self.control.on_progress(0, self.input.named)
        is_whole = self.input.named <= self.control.max_whole
        return self._typeset_whole(entries) if is_whole else self._typeset_sets(entries)

    def _typeset_whole(self, entries: Iterable[Entry]) -> Result:
        total = self.input.named
        self.written = self.input.write(self.folder, self._runs(entries), self.input.parts)
        self._check_number()
        result = self._result_of(self._typst_process(self.folder, "document.typ", "whole", total))
        self.control.on_progress(total, total)
        return result

    def _typeset_sets(self, entries: Iterable[Entry]) -> Result:
        """Typesets sets of names, then page numbers to lay over them: only then the number of pages is known."""
        total, done, pages, standards = self.input.named, 0, 0, ["a-2u"]
        results = results_in_order(self._processes(entries), at_once=AT_ONCE, is_canceled=self.control.is_canceled)
        for number, result in enumerate(results):
            done += self.parts[number]["names"]
            pages += result["pages"]
            standards = [standard for standard in standards if standard in result["standards"]]
            self.control.on_progress(done, total)
        numbers = self._make_folder("numbers")
        self.input.write_page_numbers(numbers, pages)
        self._result_of(self._typst_process(numbers, "page_numbers.typ", "joining", total))
        plan = {"parts": self.parts, "claims_standard": bool(standards)}
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        joined = self._result_of(Process("join_parts", str(self.folder), seconds=_time_limit(total)))
        return {"pages": joined["pages"], "standards": standards}

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
        return self._typst_process(folder, "document.typ", "joining", names)

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

    def _typst_process(self, folder: Path, template: str, mode: str, names: int) -> Process:
        arguments = (str(folder), template, str(self.timestamp), mode, str(folder / FOLDER))
        return Process("run_typst", *arguments, seconds=_time_limit(names))

    def _result_of(self, process: Process) -> Result:
        return next(results_in_order(iter([process]), at_once=1, is_canceled=self.control.is_canceled))


def _time_limit(names: int) -> float:
    return MIN_SECONDS + names / NAMES_PER_SECOND
