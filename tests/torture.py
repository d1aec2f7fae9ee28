"""``make torture``: many seeded attacks of every kind, each within a time limit, and a table of what was survived.

A kind runs in a process of its own. When an attack takes too long, or ends the process, it is lost; the rest of the
kind goes on in a new process.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing as mp
import os
import platform
import re
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy; the kinds take every core

from .faults import Kind, kinds, lost_by

PAGE = Path(__file__).parents[1] / "docs" / "tried.md"
MARKS = "<!-- table: make torture WRITE=1 -->", "<!-- end of the table -->"
LIMIT = 120.0  # seconds for one attack
_SPAWN = mp.get_context("spawn")


@dataclass
class Row:
    """What was tried of one kind: the number of attacks, and those that were not survived."""

    kind: str
    tried: int = 0
    lost: list[tuple[int, str, str]] = field(default_factory=list)  # number, words, how
    seconds: float = 0.0

    @property
    def survived(self) -> int:
        return self.tried - len(self.lost)


def torture(chosen: Sequence[Kind], seed: int, tries: float, jobs: int, limit: float, prefix: str) -> list[Row]:
    """Try many attacks of each kind and return one row per kind, in their order."""
    from tqdm import tqdm

    if os.name == "posix":
        with patch.dict(os.environ, PYTHONWARNINGS="ignore"):
            resource_tracker.ensure_running()  # it would print a warning of each process that is killed
    todo = [_Running(kind, max(1, round(tries * kind.many)), seed, limit, prefix) for kind in chosen]
    waiting, running = list(todo), list[_Running]()
    bar = tqdm(total=sum(one.stop for one in todo), disable=None, smoothing=0.05, unit="attack")
    try:
        while waiting or running:
            while waiting and len(running) < jobs:
                running.append(waiting.pop(0))
                running[-1].start()
            wait([one.reports for one in running], timeout=0.5)
            for one in [one for one in running if one.step(bar)]:
                running.remove(one)
                bar.total -= one.stop - one.row.tried  # a kind may have fewer attacks than were asked for
    finally:
        for one in running:
            one.end()
        bar.close()
    return [one.row for one in todo]


class _Running:
    """One kind in its process."""

    reports: Connection
    process: BaseProcess
    folder: tempfile.TemporaryDirectory[str]

    def __init__(self, kind: Kind, stop: int, seed: int, limit: float, prefix: str) -> None:
        self.kind, self.stop, self.seed, self.limit, self.prefix = kind, stop, seed, limit, prefix
        self.row = Row(kind.name)
        self.now: tuple[int, str] | None = None  # the attack that is being made
        self.began = self.heard = time.monotonic()

    def start(self) -> None:
        """Begin, or go on after the last attack."""
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.reports, theirs = _SPAWN.Pipe(duplex=False)
        arguments = (theirs, self.folder.name, self.prefix, self.kind.name, self.seed, self.row.tried, self.stop)
        self.process = _SPAWN.Process(target=_work, args=arguments)
        self.process.start()
        theirs.close()
        self.heard = time.monotonic()
        if not self.row.tried:
            self.began = self.heard

    def step(self, bar: Any) -> bool:
        """Take in what was reported; return whether the kind is finished."""
        done = False
        try:
            while self.reports.poll():
                number, words, how = self.reports.recv()
                self.heard = time.monotonic()
                if how is None:
                    self.now = number, words
                elif number < 0:
                    done = True
                else:
                    self._count(number, words, how, bar)
        except EOFError:
            if not done:
                self.process.join(10)
                self._broken(f"the process ended with code {self.process.exitcode}", bar)
                return self._again()
        limit = self.limit if self.now else max(self.limit, LIMIT)  # imports and preparations have their own time
        if not done and time.monotonic() - self.heard > limit:
            self._broken(f"no end after {limit:g} seconds", bar)
            return self._again()
        if done:
            self.end(patience=5.0)
        return done

    def end(self, patience: float = 0.0) -> None:
        """End the process, with what it started, and remove its files; it may end by itself for so many seconds."""
        self.process.join(patience)
        with contextlib.suppress(OSError, AttributeError):  # its children too; there are no process groups on Windows
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.reports.close()
        self.folder.cleanup()
        self.row.seconds = time.monotonic() - self.began

    def _broken(self, how: str, bar: Any) -> None:
        number, words = self.now or (self.row.tried, "before the attack was made")
        self._count(number, words, how, bar)

    def _count(self, number: int, words: str, how: str, bar: Any) -> None:
        self.row.tried, self.now = number + 1, None
        if how:
            self.row.lost.append((number, words, how))
        bar.set_description(self.kind.name[:40], refresh=False)
        bar.update()

    def _again(self) -> bool:
        self.end()
        if self.row.tried >= self.stop:
            return True
        self.start()
        return False


def _work(reports: Connection, folder: str, prefix: str, name: str, seed: int, first: int, stop: int) -> None:
    """Make attacks and report each before and after: its number, its words, and "" or how it was lost."""
    with contextlib.suppress(OSError, AttributeError):
        os.setpgid(0, 0)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    _prepare(folder)
    for number, words, attack in _named(prefix, name).numbered(seed, first, stop):
        reports.send((number, words, None))
        reports.send((number, words, lost_by(attack)))
    reports.send((-1, "", ""))


def _prepare(folder: str) -> None:
    """Make this process like one of the suite: no network, warnings are errors, files in a folder of its own."""
    os.environ.update({"TMPDIR": folder, "TEMP": folder, "TMP": folder, "MPLBACKEND": "agg"})
    tempfile.tempdir = None
    from .loopback import guard

    guard.install()
    warnings.simplefilter("error")


def _named(prefix: str, name: str) -> Kind:
    return next(kind for kind in kinds(prefix) if kind.name == name)


def table(rows: Sequence[Row]) -> str:
    """Return a Markdown table: kind, tried, survived."""
    cells = [(row.kind.replace("|", "\\|"), f"{row.tried:,}", f"{row.survived:,}") for row in rows]
    tried, survived = sum(row.tried for row in rows), sum(row.survived for row in rows)
    cells += [("**sum**", f"**{tried:,}**", f"**{survived:,}**")]
    return "\n".join(["| kind | tried | survived |", "|---|--:|--:|", *(f"| {' | '.join(row)} |" for row in cells)])


def lost_lines(rows: Sequence[Row], seed: int) -> list[str]:
    """Return what was not survived, and how to make each such attack again."""
    return [
        f'{row.kind}, {words}: {how[:300]}\n    again: python -m tests.torture --seed {seed} --only "{row.kind}" '
        f"--number {number}"
        for row in rows
        for number, words, how in row.lost
    ]


def write_page(rows: Sequence[Row], seed: int) -> None:
    """Put the table on the page of the documentation."""
    before, _, rest = PAGE.read_text("utf-8").partition(MARKS[0])
    after = rest.partition(MARKS[1])[2]
    made = f"Seed {seed}, Python {platform.python_version()}, {platform.system()}."
    text = "\n".join([before + MARKS[0], "", made, "", table(rows), "", MARKS[1] + after])
    PAGE.write_text(text, "utf-8", newline="\n")


def again(kind: Kind, seed: int, number: int) -> int:
    """Make one attack in this process, with its traceback if it is not survived."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        patch.dict(os.environ),
        patch.object(tempfile, "tempdir", None),
        warnings.catch_warnings(),
    ):
        _prepare(folder)
        for _, words, attack in kind.numbered(seed, number, number + 1):
            print(f"{kind.name}: {words}")
            try:
                attack()
            except BaseException:
                traceback.print_exc()
                return 1
            print("survived")
            return 0
    print(f"{kind.name} has no attack {number}")
    return 2


def main(argv: Sequence[str] | None = None, prefix: str = "attacks_") -> int:
    """Run; return 1 when an attack was not survived."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description="Try many attacks of every kind.")
    parser.add_argument("--tries", type=float, default=1.0, help="factor on the number of attacks (default 1)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the attacks (default 1)")
    parser.add_argument("--only", default="", help="only kinds whose name contains this text")
    parser.add_argument("--jobs", type=int, default=2, help="kinds at a time (default 2)")
    parser.add_argument("--limit", type=float, default=LIMIT, help=f"seconds for one attack (default {LIMIT:g})")
    parser.add_argument("--number", type=int, help="make only this attack of the one kind, in this process")
    parser.add_argument("--write", action="store_true", help="write the table to docs/tried.md")
    given = parser.parse_args(argv)
    every = kinds(prefix)
    chosen = [kind for kind in every if kind.name == given.only] or [k for k in every if given.only in k.name]
    if not chosen:
        parser.error(f"no kind has {given.only!r} in its name; there are: {'; '.join(k.name for k in every)}")
    if given.number is not None:
        if len(chosen) > 1:
            parser.error(f"--number needs one kind, and {len(chosen)} are chosen")
        return again(chosen[0], given.seed, given.number)
    if given.write and len(chosen) < len(every):
        parser.error("--write needs all kinds, and --only chooses some")
    rows = torture(chosen, given.seed, given.tries, given.jobs, given.limit, prefix)
    print(re.sub(r"\*\*", "", table(rows)))
    print("\nseconds: " + ", ".join(f"{row.kind.partition(':')[0]} {row.seconds:.0f}" for row in rows), file=sys.stderr)
    lost = lost_lines(rows, given.seed)
    print(*["\nNot survived:", *lost] if lost else ["\nEverything was survived."], sep="\n")
    if given.write:
        write_page(rows, given.seed)
    return int(bool(lost))


if __name__ == "__main__":
    raise SystemExit(main())
