"""Daily returns larger than memory: a Parquet folder or an Arrow dataset, read a few securities at a time."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .._typing import BoolArray, DateArray, FloatArray, IntArray
from ..errors import InputError, PriceError, UnknownNameError
from .dataset_file import DatasetFile
from .frames import check_returns
from .shapes import TICKER_NAMES

Dataset: TypeAlias = str | Path | Any
"""A path, or a ``pyarrow.dataset.Dataset``."""

_ROWS = 1 << 20  # rows a partition aims at: what a worker holds at a time
_SUFFIXES = (".parquet", ".pq")
_NONE = -1


@dataclass(frozen=True, eq=False)
class DatasetPartition:
    """Some securities of a dataset, each of them whole: small, and sent to where it is read."""

    parameter: str  # name of the argument, for errors
    files: tuple[DatasetFile, ...]  # the files, or a part of one

    @property
    def tickers(self) -> frozenset[str]:
        """The securities."""
        return frozenset().union(*(file.tickers for file in self.files))

    def read(
        self, days: DateArray, tickers: Collection[str] | None = None, log: bool = False
    ) -> tuple[tuple[str, ...], FloatArray]:
        """Read securities onto an axis of sessions.

        Raises `InputError` if a file cannot be read; `PriceError` if a date is no session, stands there twice for a
        security, or a return cannot be right.

        Parameters
        ----------
        days : ndarray of shape (T,), datetime64[D]
            The sessions, strictly increasing. Rows before the first and after the last are left alone.
        tickers : collection of str, optional
            Which securities; those that are not of this partition are passed over. None is all.
        log : bool, optional
            Whether the returns are logarithmic.

        Returns
        -------
        names : tuple of str
            The securities, sorted.
        values : ndarray of shape (T, S)
            Decimal returns, NaN where there is no row; each security lies together in memory. The order of the rows in
            a file does not matter.
        """
        mine = self.tickers
        names = tuple(sorted(mine if tickers is None else mine.intersection(tickers)))
        place = {name: at for at, name in enumerate(names)}
        values = np.full((len(names), len(days)), np.nan)
        seen = np.zeros(values.size, dtype=bool)
        first, row_of = _rows(days)
        for file in self.files:
            for rows in file.rows(names) if not file.tickers.isdisjoint(names) else ():
                security = np.array([place.get(name, _NONE) for name in rows.names], dtype=np.int64)[rows.code]
                at, ret = rows.days.astype(np.int64) - first, rows.values
                kept = (at >= 0) & (at < len(row_of)) & (security != _NONE)
                if not kept.all():
                    security, at, ret = security[kept], at[kept], ret[kept]
                row = row_of[at]
                _refuse_stray(file, names, security, row, days[0] + at)
                cell = security * len(days) + row
                _refuse_twice(file, names, cell, seen, days)
                values.ravel()[cell] = ret
        check_returns(self.parameter, names, days, values.T, log)
        return names, values.T

    def series(self, name: str) -> tuple[DateArray, FloatArray]:
        """Return the days of one security, sorted, and its returns.

        Raises `PriceError` if a date stands there twice.
        """
        (file,) = (file for file in self.files if name in file.tickers)
        kept = [(rows, np.array([n == name for n in rows.names], dtype=bool)[rows.code]) for rows in file.rows((name,))]
        days = np.concatenate([rows.days[own] for rows, own in kept])
        order = np.argsort(days, kind="stable")
        days = days[order]
        if (again := days[1:] == days[:-1]).any():
            raise _twice(file, name, days[1:][again][0])
        return days, np.concatenate([rows.values[own] for rows, own in kept])[order]


@dataclass(frozen=True, eq=False)
class ReturnsDataset:
    """A dataset of daily returns in long form: ticker, date, return."""

    parameter: str  # name of the argument, for errors
    partitions: tuple[DatasetPartition, ...]  # securities in groups that a worker can hold

    @classmethod
    def open(cls, parameter: str, source: Any) -> ReturnsDataset:
        """Open a dataset and learn which file holds which securities; no return is read.

        Small files are read together, and a very large one a few securities at a time: quick where its rows are sorted
        by security, for then Parquet says which of its row groups to read. Raises `InputError` if pyarrow is missing,
        there is no such file, one cannot be read or lacks a column, a row has no ticker, or a security lies in two
        files.

        Parameters
        ----------
        parameter : str
            Name of the argument, for errors.
        source : str, path, or pyarrow.dataset.Dataset
            A Parquet file, or a folder of them (.parquet or .pq, at any depth, without what begins with a point or an
            underscore), also one named after a security (``ticker=NVDA/``). Each security lies in one file.
        """
        dataset = _dataset(parameter, source)
        known: dict[str, str] = {}
        partitions: list[DatasetPartition] = []
        held: list[DatasetFile] = []
        n_held = 0
        for fragment in _fragments(parameter, dataset):
            file = DatasetFile.of(parameter, fragment, dataset.schema)
            _refuse_shared(file, known)
            n_rows = file.n_rows
            if n_rows > 4 * _ROWS:
                partitions += _split(file, n_rows)
                continue
            if held and n_held + n_rows > _ROWS:
                partitions.append(DatasetPartition(parameter, tuple(held)))
                held, n_held = [], 0
            held.append(file)
            n_held += n_rows
        if held:
            partitions.append(DatasetPartition(parameter, tuple(held)))
        if not known:
            raise InputError(parameter, "the dataset has no rows", "give a folder of Parquet files")
        return cls(parameter, tuple(partitions))

    @property
    def tickers(self) -> list[str]:
        """All securities, sorted."""
        return sorted(frozenset().union(*(p.tickers for p in self.partitions)))

    def series(self, name: str) -> tuple[DateArray, FloatArray]:
        """Return the days of one security, sorted, and its returns.

        Raises `UnknownNameError` if there is none of that name; `PriceError` if a date stands there twice.
        """
        for partition in self.partitions:
            if name in partition.tickers:
                return partition.series(name)
        raise UnknownNameError(self.parameter, [name], self.tickers)


def is_dataset(source: object) -> bool:
    """Return whether an argument names a dataset: a path, or an Arrow dataset."""
    return isinstance(source, (str, Path)) or type(source).__module__.startswith("pyarrow._dataset")


def _dataset(parameter: str, source: Any) -> Any:
    try:
        import pyarrow as pa
        import pyarrow.dataset as ds
        import pyarrow.parquet as pq
    except ImportError as error:
        what = "a Parquet folder is read with pyarrow, which is not installed"
        raise InputError(parameter, what, "pip install 'marketshock[parquet]'") from error
    if isinstance(source, ds.Dataset):
        return source
    if not isinstance(source, (str, Path)):
        raise InputError(parameter, f"got a {type(source).__name__}", "give a path or a pyarrow.dataset.Dataset")
    root = Path(source)
    files = _files(parameter, root)
    folders = {part.partition("=")[0] for file in files for part in file.relative_to(root).parts[:-1] if "=" in part}
    named = [pa.field(key, pa.string()) for key in sorted(folders) if _is_ticker(key)]  # 0005 is no number
    try:
        # tickers as codes: a name is read once for all its rows
        coded = [name for name in pq.read_schema(files[0]).names if _is_ticker(name)]
        kind = ds.ParquetFileFormat(dictionary_columns=coded)
        hive = ds.partitioning(pa.schema(named), flavor="hive")
        return ds.dataset([str(file) for file in files], format=kind, partitioning=hive)
    except (OSError, pa.ArrowException) as error:
        what = f"{str(files[0])!r} cannot be read: {error}"
        raise InputError(parameter, what, "give a folder of Parquet files") from error


def _files(parameter: str, root: Path) -> list[Path]:
    """Return the Parquet files of a folder, sorted, without what writers leave beside them."""
    if os.path.isfile(root):
        return [root]
    if os.path.exists(root) and not os.path.isdir(root):
        raise InputError(parameter, f"{str(root)!r} is no file or folder", "give a folder of Parquet files")
    if not os.path.exists(root):
        raise InputError(parameter, f"there is no file or folder {str(root)!r}", "correct the path")
    inside = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    found = sorted(path for path in inside if path.suffix.lower() in _SUFFIXES and path.is_file())
    files = [path for path in found if not any(part[0] in "._" for part in path.relative_to(root).parts)]
    if not files:
        raise InputError(parameter, f"the folder {str(root)!r} holds no .parquet file", "correct the path")
    return files


def _is_ticker(name: str) -> bool:
    return name.strip().casefold() in TICKER_NAMES


def _fragments(parameter: str, dataset: Any) -> Iterator[Any]:
    try:
        yield from dataset.get_fragments()
    except ValueError as error:  # of a dataset that was filtered
        raise InputError(parameter, f"has no files of its own: {error}", "pass the dataset itself") from error


def _refuse_shared(file: DatasetFile, known: dict[str, str]) -> None:
    for name in sorted(file.tickers):
        if name in known:
            what = f"{name} lies in two files: {known[name]} and {file.path}"
            raise InputError(file.parameter, what, "write each security into one file")
        known[name] = file.path


def _split(file: DatasetFile, n_rows: int) -> Iterator[DatasetPartition]:
    """Cut a large file by securities."""
    names = sorted(file.tickers)
    some = max(1, int(len(names) * _ROWS / n_rows))
    for lo in range(0, len(names), some):
        part = replace(file, tickers=frozenset(names[lo : lo + some]), whole=False)
        yield DatasetPartition(file.parameter, (part,))


def _rows(days: DateArray) -> tuple[int, IntArray]:
    """Return the first day as a number, and the row of each day from it on."""
    number = days.astype("datetime64[D]").astype(np.int64)
    row = np.full(int(number[-1] - number[0]) + 1, _NONE)
    row[number - number[0]] = np.arange(len(days))
    return int(number[0]), row


def _refuse_stray(
    file: DatasetFile, names: tuple[str, ...], security: IntArray, row: IntArray, days: DateArray
) -> None:
    if (row == _NONE).any():
        at = int(np.argmax(row == _NONE))
        what = f"{file.path}: {names[security[at]]} has a row on {days[at]}, which is no session"
        raise PriceError(file.parameter, what, "correct the date, or give factors= on the dataset's own days")


def _refuse_twice(file: DatasetFile, names: tuple[str, ...], cell: IntArray, seen: BoolArray, days: DateArray) -> None:
    """Mark cells as filled: none was before, and as many are as there are rows."""
    again = cell[seen[cell]]
    before = np.count_nonzero(seen)
    seen[cell] = True
    if not len(again) and np.count_nonzero(seen) - before != len(cell):
        ordered = np.sort(cell)
        again = ordered[1:][ordered[1:] == ordered[:-1]]
    if len(again):
        raise _twice(file, names[again[0] // len(days)], days[again[0] % len(days)])


def _twice(file: DatasetFile, name: str, day: np.datetime64) -> PriceError:
    what = f"{file.path}: {day} stands there more than once for {name}"
    return PriceError(file.parameter, what, "keep one row per session")
