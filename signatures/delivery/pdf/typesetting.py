"""Typesetting: all in one process, or sets of names a few at a time, then joined with their page numbers."""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signatures.delivery.pdf.document import Entry
from signatures.delivery.pdf.name_list import Run, runs, sets, size
from signatures.delivery.pdf.preparation import Preparation
from signatures.delivery.pdf.processes import Process, ProcessStopped, results_in_order

SECONDS, NAMES_A_SECOND = 60, 1_000  # the time limit: many times what it takes
AT_ONCE = min(os.cpu_count() or 1, 4)  # each holds some 300 MB

Made = dict[str, Any]


@dataclass(frozen=True)
class Work:
    """Who is told of the work and may stop it, and from how many names on it is parted."""

    progress: Callable[[int, int], None] = lambda _done, _total: None
    stopped: Callable[[], bool] = lambda: False
    in_one: int = 100_000
    in_a_set: int = 25_000


NO_PROGRESS = Work()


class Typesetting:
    """One document on its way, in one folder, in which `made.pdf` is left."""

    def __init__(self, preparation: Preparation, folder: Path, timestamp: int, work: Work) -> None:
        self.preparation, self.folder, self.timestamp, self.work = preparation, folder, timestamp, work
        self.parts: list[dict[str, Any]] = []
        self.written = 0  # names

    def in_one(self, entries: Iterable[Entry]) -> Made:
        preparation = self.preparation
        self.work.progress(0, preparation.named)
        self.written = preparation.write(self.folder, self._runs(entries), preparation.parts)
        self._check()
        made = self._only(self._typeset(self.folder, "letter.typ", "whole", preparation.named))
        self.work.progress(preparation.named, preparation.named)
        return made

    def in_sets(self, entries: Iterable[Entry]) -> Made:
        """Page numbers come last, laid over the pages: how many there are is known only then."""
        total, done, pages, standards = self.preparation.named, 0, 0, ["a-2u"]
        self.work.progress(0, total)
        for number, made in enumerate(results_in_order(self._sets(entries), most=AT_ONCE, stopped=self.work.stopped)):
            done += self.parts[number]["names"]
            pages += made["pages"]
            standards = [one for one in standards if one in made["standards"]]
            self.work.progress(done, total)
        numbers = self._folder("numbers")
        self.preparation.write_numbers(numbers, pages)
        self._only(self._typeset(numbers, "numbers.typ", "joining", total))
        plan = {"parts": self.parts, "sealed": bool(standards)}
        (self.folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        joined = self._only(Process("join_parts", str(self.folder), seconds=SECONDS + total / NAMES_A_SECOND))
        return {"pages": joined["pages"], "standards": standards}

    def _sets(self, entries: Iterable[Entry]) -> Iterator[Process]:
        """Start them, one whenever asked: the letter, sets of names, the record."""
        wanted = self.preparation.parts
        if "letter" in wanted:
            yield self._set([], {"letter"})
        for number, together in enumerate(sets(self._runs(entries), self.work.in_a_set)):
            self.written += sum(map(size, together))
            yield self._set(together, {"names"} if number else {"names", "opening"})
        self._check()
        if "record" in wanted:
            yield self._set([], {"record"})

    def _set(self, together: list[Run], parts: set[str]) -> Process:
        folder, names = self._folder(f"{len(self.parts):05d}"), sum(map(size, together))
        self.parts.append({"folder": folder.name, "names": names, "continues": parts == {"names"}})
        self.preparation.write(folder, together, frozenset(parts), footers=False)
        return self._typeset(folder, "letter.typ", "joining", names)

    def _runs(self, entries: Iterable[Entry]) -> Iterator[Run]:
        for run in runs(() if self.preparation.options.parts == "letter" else entries):
            if self.work.stopped():
                raise ProcessStopped
            yield run

    def _check(self) -> None:
        """Never one more or one fewer than the number that is printed (DESIGN.md, rule 10)."""
        if self.written != self.preparation.named:
            raise ValueError("the number of entries is not the number to be named")

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder

    def _typeset(self, folder: Path, template: str, how: str, names: int) -> Process:
        fonts = map(str, self.preparation.fonts)
        seconds = SECONDS + names / NAMES_A_SECOND
        return Process("run_typst", str(folder), template, str(self.timestamp), how, *fonts, seconds=seconds)

    def _only(self, process: Process) -> Made:
        return next(results_in_order(iter([process]), most=1, stopped=self.work.stopped))
