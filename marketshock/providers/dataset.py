"""Daily returns larger than memory: a Parquet folder or an Arrow dataset, read a few securities at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .._typing import DateArray, FloatArray, IntArray
from ..errors import InputError, PriceError
from .frames import check_returns
from .shapes import RETURN_NAMES, TICKER_NAMES

Dataset: TypeAlias = str | Path | Any
"""A path, or a ``pyarrow.dataset.Dataset``."""

_ROWS = 1 << 20  # rows a partition aims at: what a worker holds at a time
_NO_ROW = -1


@dataclass(frozen=True, eq=False)
class DatasetPartition:
    """Some securities of a dataset, each of them whole.

    Attributes
    ----------
    parameter : str
        Name of the argument, for errors.
    fragments : tuple of pyarrow.dataset.Fragment
        The files, or the parts of one.
    schema : pyarrow.Schema
        Of the dataset.
    columns : tuple of str
        Names of its ticker, date and return columns.
    tickers : frozenset of str
        The securities.
    alone : bool
        Whether the fragments hold no other security.
    """

    parameter: str
    fragments: tuple[Any, ...]
    schema: Any
    columns: tuple[str, str, str]
    tickers: frozenset[str]
    alone: bool = True

    def read(self, days: DateArray, tickers: Collection[str], log: bool) -> tuple[tuple[str, ...], FloatArray]:
        """Read securities onto an axis of sessions.

        Parameters
        ----------
        days : ndarray of shape (T,), datetime64[D]
            The sessions. Rows before the first and after the last are left alone.
        tickers : collection of str
            Which securities; those that are not of this partition are passed over.
        log : bool
            Whether the returns are logarithmic.

        Returns
        -------
        names : tuple of str
            The securities, sorted.
        values : ndarray of shape (T, S)
            Decimal returns, NaN where there is no row; each security lies together in memory.

        Raises
        ------
        PriceError
            If a date is no session, stands there twice for a security, or a return cannot be right.
        """
        names = tuple(sorted(self.tickers & set(tickers)))
        values = np.full((len(names), len(days)), np.nan)
        seen = np.zeros(values.shape, dtype=bool)
        place = {name: i for i, name in enumerate(names)}
        first, row_of = _rows(days)
        for (code, known), day, ret in self._batches(names):
            security = np.array([place.get(name, 0) for name in known], dtype=np.int64)[code]
            at = day.astype(np.int64) - first
            inside = (at >= 0) & (at < len(row_of))
            row = row_of[at[inside]]
            security, ret, day = security[inside], ret[inside], day[inside]
            if (row == _NO_ROW).any():
                stray = int(np.argmax(row == _NO_ROW))
                what = f"{names[security[stray]]} has a row on {day[stray]}, which is no session"
                raise PriceError(self.parameter, what, "correct the date, or give factors= on the dataset's own days")
            flat = security * len(days) + row
            self._refuse_twice(flat, seen, names, days)
            values.ravel()[flat] = ret
        check_returns(self.parameter, names, days, values.T, log)
        return names, values.T

    def series(self, name: str) -> tuple[DateArray, FloatArray]:
        """Return the days of one security, sorted, and its returns."""
        parts = [(day, ret) for _, day, ret in self._batches((name,))]
        days, values = (np.concatenate([part[k] for part in parts]) for k in (0, 1))
        order = np.argsort(days, kind="stable")
        return days[order], values[order]

    def _refuse_twice(self, flat: IntArray, seen: Any, names: tuple[str, ...], days: DateArray) -> None:
        cells = seen.ravel()
        again, before = cells[flat], np.count_nonzero(cells)
        cells[flat] = True
        if np.count_nonzero(cells) == before + len(flat):
            return
        ordered = np.sort(flat[again] if again.any() else flat)
        at = int(ordered[0] if again.any() else ordered[1:][ordered[1:] == ordered[:-1]][0])
        what = f"{days[at % len(days)]} stands there more than once for {names[at // len(days)]}"
        raise PriceError(self.parameter, what, "keep one row a session")

    def _batches(self, names: tuple[str, ...]) -> Iterator[tuple[tuple[IntArray, list[str]], DateArray, FloatArray]]:
        """Yield (code, names), days and returns of the rows of some securities, a file at a time."""
        import pyarrow.compute as pc

        everything = self.alone and set(names) == self.tickers
        for fragment in self.fragments:
            chosen = None if everything else pc.field(self.columns[0]).isin(list(names))
            table = fragment.to_table(schema=self.schema, columns=list(self.columns), filter=chosen)
            if len(table):
                ticker, date, ret = (table.column(name) for name in self.columns)
                yield _codes(ticker), _days(self.parameter, date), _floats(self.parameter, self.columns[2], ret)


@dataclass(frozen=True, eq=False)
class ReturnsDataset:
    """A dataset of daily returns in long form: ticker, date, return.

    Attributes
    ----------
    parameter : str
        Name of the argument, for errors.
    partitions : tuple of DatasetPartition
        Securities in groups that a worker can hold.
    """

    parameter: str
    partitions: tuple[DatasetPartition, ...]

    @classmethod
    def open(cls, parameter: str, source: Any) -> ReturnsDataset:
        """Open a dataset and learn which file holds which securities; no return is read.

        Parameters
        ----------
        parameter : str
            Name of the argument, for errors.
        source : str, path, or pyarrow.dataset.Dataset
            A Parquet file, or a folder of them, also partitioned by security (``ticker=NVDA/``). Each security lies in
            one file.

        Raises
        ------
        InputError
            If pyarrow is missing, there is no such folder, a column is missing, or a security lies in two files.
        """
        dataset = _dataset(parameter, source)
        columns = _columns(parameter, dataset.schema)
        known: dict[str, str] = {}
        partitions: list[DatasetPartition] = []
        held: list[Any] = []
        names: set[str] = set()
        rows = 0
        for fragment in dataset.get_fragments():
            mine = _tickers(parameter, fragment, dataset.schema, columns[0])
            _refuse_shared(parameter, mine, known, fragment)
            n = fragment.count_rows()
            if n > 4 * _ROWS:
                partitions += _split(parameter, fragment, dataset.schema, columns, sorted(mine), n)
                continue
            if held and rows + n > _ROWS:
                partitions.append(DatasetPartition(parameter, tuple(held), dataset.schema, columns, frozenset(names)))
                held, names, rows = [], set(), 0
            held.append(fragment)
            names |= mine
            rows += n
        if held:
            partitions.append(DatasetPartition(parameter, tuple(held), dataset.schema, columns, frozenset(names)))
        if not known:
            raise InputError(parameter, "the dataset has no rows", "give a folder of Parquet files")
        return cls(parameter, tuple(partitions))

    @property
    def tickers(self) -> list[str]:
        """All securities, sorted."""
        return sorted(set().union(*(p.tickers for p in self.partitions)))

    def series(self, name: str) -> tuple[DateArray, FloatArray]:
        """Return the days of one security, sorted, and its returns.

        Raises
        ------
        KeyError
            If there is none of that name.
        """
        for partition in self.partitions:
            if name in partition.tickers:
                return partition.series(name)
        raise KeyError(name)


def is_dataset(source: object) -> bool:
    """Return whether an argument names a dataset: a path, or an Arrow dataset."""
    return isinstance(source, (str, Path)) or type(source).__module__.startswith("pyarrow._dataset")


def _dataset(parameter: str, source: Any) -> Any:
    try:
        import pyarrow.dataset as ds
    except ImportError as error:
        what = "a Parquet folder is read with pyarrow, which is not installed"
        raise InputError(parameter, what, "pip install 'marketshock[parquet]'") from error
    if isinstance(source, ds.Dataset):
        return source
    path = Path(source)
    if not path.exists():
        raise InputError(parameter, f"there is no file or folder {str(path)!r}", "correct the path")
    if path.is_dir() and not any(path.rglob("*.parquet")):
        raise InputError(parameter, f"the folder {str(path)!r} holds no .parquet file", "correct the path")
    try:
        return ds.dataset(path, format="parquet", partitioning="hive", exclude_invalid_files=False)
    except (OSError, ValueError) as error:
        raise InputError(
            parameter, f"{str(path)!r} cannot be read: {error}", "give a folder of Parquet files"
        ) from error


def _columns(parameter: str, schema: Any) -> tuple[str, str, str]:
    found = []
    for what, spelled in (("ticker", TICKER_NAMES), ("date", ("date",)), ("return", RETURN_NAMES)):
        mine = [name for name in schema.names if name.strip().casefold() in spelled]
        if len(mine) != 1:
            has = f"has {len(mine)} columns of a {what} among {schema.names}"
            raise InputError(parameter, has, f"name one of them {spelled[0]!r}: a row is ticker, date, ret")
        found.append(mine[0])
    return found[0], found[1], found[2]


def _tickers(parameter: str, fragment: Any, schema: Any, column: str) -> set[str]:
    values = fragment.to_table(schema=schema, columns=[column]).column(column)
    if values.null_count:
        raise InputError(parameter, f"{fragment.path} has a row without a ticker", "fill it or drop the row")
    return {str(name) for name in values.unique().to_pylist()}


def _refuse_shared(parameter: str, mine: set[str], known: dict[str, str], fragment: Any) -> None:
    for name in mine:
        if name in known:
            what = f"{name} lies in two files: {known[name]} and {fragment.path}"
            raise InputError(parameter, what, "write each security into one file")
        known[name] = fragment.path


def _split(
    parameter: str, fragment: Any, schema: Any, columns: tuple[str, str, str], names: list[str], n_rows: int
) -> Iterator[DatasetPartition]:
    """Cut a large file by securities."""
    some = max(1, int(len(names) * _ROWS / n_rows))
    for lo in range(0, len(names), some):
        yield DatasetPartition(parameter, (fragment,), schema, columns, frozenset(names[lo : lo + some]), alone=False)


def _rows(days: DateArray) -> tuple[int, IntArray]:
    """Return the first day as a number, and the row of each day from it on."""
    number = days.astype("datetime64[D]").astype(np.int64)
    row = np.full(int(number[-1] - number[0]) + 1, _NO_ROW)
    row[number - number[0]] = np.arange(len(days))
    return int(number[0]), row


def _codes(column: Any) -> tuple[IntArray, list[str]]:
    coded = column.combine_chunks()
    if not hasattr(coded, "dictionary"):
        coded = coded.dictionary_encode()
    return coded.indices.to_numpy(zero_copy_only=False), [str(name) for name in coded.dictionary.to_pylist()]


def _days(parameter: str, column: Any) -> DateArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.null_count:
        raise PriceError(parameter, "a row has no date", "fill it or drop the row")
    if pa.types.is_timestamp(column.type) and column.type.tz is not None:
        column = pc.local_timestamp(column)
    try:
        days = column.cast(pa.date32(), safe=not pa.types.is_timestamp(column.type))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise PriceError(parameter, f"the column of dates holds {column.type}: {error}", "write dates") from error
    return np.asarray(days.to_numpy()).astype("datetime64[D]")


def _floats(parameter: str, name: str, column: Any) -> FloatArray:
    import pyarrow as pa

    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type) or pa.types.is_decimal(column.type)):
        raise PriceError(parameter, f"column {name!r} holds {column.type}", "give decimal returns")
    return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)
