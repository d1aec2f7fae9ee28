"""Runs of mutants: the targets, the listed equivalents, a seeded sample, the score and the survivors."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from .mutants import Mutant, mutants_of

ROOT = Path(__file__).parents[2]
HERE = Path("tests/mutation")
LEFT_OUT = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "out", "*.egg-info")
SLOWER = 5  # a mutant that takes this many times the time of the unchanged code, and a minute more, counts as killed


class BaselineError(Exception):
    """The tests of a module fail, or find nothing to run, without any mutant."""


def targets(root: Path = ROOT, only: str = "") -> dict[str, tuple[str, ...]]:
    """Read ``targets.toml``: file of the package -> the test files that can see it; the first matching row decides."""
    rows = tomllib.loads((root / HERE / "targets.toml").read_text("utf-8"))["target"]
    out: dict[str, tuple[str, ...]] = {}
    for row in rows:
        tests = tuple(dict.fromkeys(_matching(root, (f"tests/{pattern}" for pattern in row["tests"]))))
        for file in _matching(root, row["files"]):
            if only in file and not file.endswith("__init__.py"):
                out.setdefault(file, tests)
    return out


def _matching(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        yield from sorted(path.relative_to(root).as_posix() for path in root.glob(pattern))


def equivalents(root: Path = ROOT) -> dict[tuple[str, str, str, int], str]:
    """Read ``equivalent.toml``: key of a mutant -> the reason why no test can tell it from the original."""
    rows = tomllib.loads((root / HERE / "equivalent.toml").read_text("utf-8")).get("mutant", [])
    return {(row["file"], row["function"], row["change"], row.get("nth", 1)): row["reason"] for row in rows}


@dataclass(frozen=True)
class Run:
    """Mutants of the targets whose path contains `only`, `jobs` at a time, in a copy of the project at `root`."""

    only: str = ""
    jobs: int = 2
    root: Path = ROOT

    @cached_property
    def tests(self) -> dict[str, tuple[str, ...]]:
        """Test files of each target."""
        return targets(self.root, self.only)

    @cached_property
    def mutants(self) -> list[Mutant]:
        """All mutants of the targets, the listed equivalents included."""
        return [m for file in sorted(self.tests) for m in mutants_of(file, (self.root / file).read_text("utf-8"))]

    @cached_property
    def equivalents(self) -> list[Mutant]:
        """The mutants that are listed as equivalent."""
        listed = equivalents(self.root)
        return [mutant for mutant in self.mutants if mutant.key in listed]

    def sample(self, n: int, seed: int) -> list[Mutant]:
        """Return `n` mutants (all for 0) that are not listed as equivalent, the same for the same seed."""
        left = [mutant for mutant in self.mutants if mutant not in self.equivalents]
        chosen = random.Random(seed).sample(left, min(n, len(left))) if n else left
        return sorted(chosen, key=lambda mutant: (mutant.file, mutant.index))

    def score(self, sample: Sequence[Mutant], at_least: float = 0.0) -> int:
        """Run mutants, print survivors and score; return 1 when fewer than `at_least` percent were killed."""
        survivors = self._survivors(sample)
        killed = len(sample) - len(survivors)
        share = 100 * killed / len(sample) if sample else 100.0
        print(f"\n{len(survivors)} of {len(sample)} mutants survived:" if survivors else "\nno mutant survived")
        for mutant in survivors:
            print(f"  {mutant}")
        print(f"score: {killed} of {len(sample)} killed, {share:.1f} % ({len(self.mutants)} mutants in all,", end=" ")
        print(f"{len(self.equivalents)} of them listed as equivalent)")
        return int(share < at_least)

    def check_equivalents(self) -> int:
        """Run the listed equivalents; return 1 when a test tells one from the original."""
        survivors = self._survivors(self.equivalents)
        for mutant in self.equivalents:
            if mutant not in survivors:
                print(f"not equivalent: {mutant}")
        return int(len(survivors) < len(self.equivalents))

    def _survivors(self, mutants: Sequence[Mutant]) -> list[Mutant]:
        with _copy(self.root) as root, ThreadPoolExecutor(self.jobs) as pool:
            groups = list({self.tests[mutant.file] for mutant in mutants})
            seconds = dict(zip(groups, pool.map(lambda tests: _baseline(root, tests), groups), strict=True))

            def survives(mutant: Mutant) -> bool:
                tests = self.tests[mutant.file]
                began = time.monotonic()
                alive = _passes(root, tests, mutant, timeout=60 + SLOWER * seconds[tests])
                word = "SURVIVED" if alive else "killed"
                print(f"{word:8s} {time.monotonic() - began:5.1f} s  {mutant}", flush=True)
                return alive

            return [mutant for mutant, alive in zip(mutants, pool.map(survives, mutants), strict=True) if alive]


@contextmanager
def _copy(project: Path) -> Iterator[Path]:
    """Copy the project, so that edits during a run do not reach it."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        yield Path(shutil.copytree(project, Path(folder) / "project", ignore=LEFT_OUT))


def _baseline(root: Path, tests: Sequence[str]) -> float:
    began = time.monotonic()
    if not tests or not _passes(root, tests, None, timeout=1800):
        raise BaselineError(f"without a mutant these tests fail, or there are none: {' '.join(tests)}")
    return time.monotonic() - began


def _passes(root: Path, tests: Sequence[str], mutant: Mutant | None, timeout: float) -> bool:
    """Run tests in a process of their own, with the mutant; stop at the first failure."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        variables = {"PYTHONPATH": str(root), "NUMBA_CACHE_DIR": str(root / ".numba")}
        if mutant is not None:
            variables["MUTANT"] = f"{mutant.file}:{mutant.index}"
            if "numba" in (root / mutant.file).read_text("utf-8"):
                variables["NUMBA_CACHE_DIR"] = scratch  # its cache does not see a changed number
        options = ["-x", "-n", "0", "-p", "tests.mutation.plugin", "-p", "no:cacheprovider"]
        command = [sys.executable, "-m", "pytest", *options, "--basetemp", f"{scratch}/files", *tests]
        try:
            done = subprocess.run(
                command, cwd=root, env=os.environ | variables, capture_output=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0
