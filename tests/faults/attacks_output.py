"""Files and folders of results, written while the system fails and others write."""

from __future__ import annotations

import errno
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from unittest import mock

from marketshock._files import together, whole, writing
from marketshock.errors import InputError
from marketshock.report.files import write_record, write_text

from . import Attack, Kind

_CALLS = ("open", "close", "fsync", "replace", "link", "unlink", "chmod", "mkdir", "stat")
_FAILURES: tuple[type[BaseException] | int, ...] = (
    *(errno.ENOSPC, errno.EIO, errno.EACCES, errno.EDQUOT, errno.EROFS),
    KeyboardInterrupt,
    MemoryError,
)
RECORD = "spec.json"


class Failing:
    """Fails at the k-th call of the system, before or after it is done, and at no other."""

    def __init__(self, k: int, failure: type[BaseException] | int, after: bool) -> None:
        self.left, self.failure, self.after = k, failure, after

    def wrapped(self, real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **named: object) -> object:
            self.left -= 1
            if self.left == 0 and not self.after:
                raise self.raised()
            done = real(*args, **named)
            if self.left == 0:
                if real is _OPEN:
                    os.close(done)
                raise self.raised()
            return done

        return call

    def raised(self) -> BaseException:
        return OSError(self.failure, "made on purpose") if isinstance(self.failure, int) else self.failure()


_OPEN = os.open


@contextmanager
def failing(k: int, failure: type[BaseException] | int, after: bool) -> Iterator[None]:
    """Let the k-th of `_CALLS` fail; what the tidying up calls later works again."""
    made = Failing(k, failure, after)
    patches = [mock.patch.object(os, name, made.wrapped(getattr(os, name))) for name in _CALLS]
    patches.append(mock.patch.object(writing, "_WAITS", ()))
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def at_once(descriptor: int) -> None:
    """Stand for fsync: what is tried here does not depend on the disk."""


def write_set(folder: Path, run: str, names: tuple[str, ...]) -> None:
    """Write a run as the commands do: some tables with the name of the run, and the record."""
    with together(folder, RECORD) as fresh:
        for name in names:
            write_text(fresh / name, f"{run}\n" * 50)
        write_record(fresh / RECORD, {"run": run})


def held(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def failed_files(rng: random.Random) -> Iterator[Attack]:
    """A file is the old one or the new one after any failure, and nothing is left beside it."""
    while True:
        k, failure, after = rng.randrange(1, 14), rng.choice(_FAILURES), rng.random() < 0.5

        def attack(k: int = k, failure: type[BaseException] | int = failure, after: bool = after) -> None:
            with tempfile.TemporaryDirectory() as home, mock.patch.object(os, "fsync", at_once):
                path = Path(home) / "car.csv"
                path.write_text("old")
                done = False
                with suppress(InputError, KeyboardInterrupt, MemoryError), failing(k, failure, after):
                    with whole(path) as part:
                        part.write_text("new")
                    done = True
                assert path.read_text() == "new" if done else path.read_text() in ("old", "new")
                assert os.listdir(home) == ["car.csv"]

        yield f"{failure} at call {k}, {'after' if after else 'before'} it", attack


def failed_sets(rng: random.Random) -> Iterator[Attack]:
    """A folder of results holds the old run or the new one after any failure, and all that is the user's."""
    while True:
        k, failure, after = rng.randrange(1, 140), rng.choice(_FAILURES), rng.random() < 0.5

        def attack(k: int = k, failure: type[BaseException] | int = failure, after: bool = after) -> None:
            with tempfile.TemporaryDirectory() as home, mock.patch.object(os, "fsync", at_once):
                folder, twin = Path(home) / "out", Path(home) / "twin"
                for one in (folder, twin):
                    one.mkdir()
                    (one / "notes.txt").write_text("mine")
                    write_set(one, "old", ("car.csv", "tests.csv", "z.csv"))
                old = held(folder)
                write_set(twin, "new", ("ar.csv", "car.csv", "z.csv"))
                done = False
                with suppress(InputError, KeyboardInterrupt, MemoryError), failing(k, failure, after):
                    write_set(folder, "new", ("ar.csv", "car.csv", "z.csv"))
                    done = True
                now = held(folder)
                now.pop(".marketshock.lock", None)  # of an interruption while it is made; the next run names it
                assert now == held(twin) if done else now in (old, held(twin)), sorted(now)

        yield f"{failure} at call {k}, {'after' if after else 'before'} it", attack


def two_runs(rng: random.Random) -> Iterator[Attack]:
    """Several runs into one folder at once: in the end it holds one of them, whole."""
    while True:
        several = [tuple(sorted(rng.sample(("a.csv", "b.csv", "c.csv", "d.csv"), 2))) for _ in range(3)]

        def attack(several: list[tuple[str, ...]] = several) -> None:
            home = Path(tempfile.mkdtemp())
            failed: list[BaseException] = []

            def run(name: str, files: tuple[str, ...]) -> None:
                try:
                    write_set(home, name, files)
                except BaseException as error:
                    failed.append(error)

            threads = [threading.Thread(target=run, args=(f"run {i}", names)) for i, names in enumerate(several)]
            with mock.patch.object(os, "fsync", at_once):
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(60)
            assert not failed, failed
            texts = {name: content.decode() for name, content in held(home).items()}
            (run_of,) = {text.split("\n")[0] for name, text in texts.items() if name != RECORD}
            assert f'"run": "{run_of}"' in texts[RECORD]
            assert sorted(texts) == sorted((*several[int(run_of[4:])], RECORD))
            shutil.rmtree(home)

        yield f"{several} at once", attack


KINDS = (
    Kind("output: a file, and a call of the system that fails", failed_files, 80, 4_000),
    Kind("output: a folder of results, and a call of the system that fails", failed_sets, 60, 2_000),
    Kind("output: several runs into one folder at once", two_runs, 8, 300),
)
