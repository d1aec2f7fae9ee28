"""One file of a dataset of daily returns: what its columns are, which securities it holds, its rows as arrays."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._typing import DateArray, FloatArray, IntArray
from ..errors import InputError, PriceError
from .frames import parsed_index
from .shapes import RETURN_NAMES, TICKER_NAMES

_READ = (("ticker", TICKER_NAMES), ("date", ("date",)), ("return", RETURN_NAMES))


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows in the order of their file."""

    names: list[str]
    code: IntArray  # (n,), int: which of them a row is of
    days: DateArray  # (n,), datetime64[D]: dates
    values: FloatArray  # (n,): returns, NaN where missing


@dataclass(frozen=True, eq=False)
class DatasetFile:
    """A file of a dataset, or some of its securities."""

    parameter: str  # name of the argument, for errors
    fragment: Any
    schema: Any  # its ticker, date and return as they stand there: the files of a dataset may differ
    tickers: frozenset[str]
    whole: bool = True  # whether the file holds no other security

    @classmethod
    def of(cls, parameter: str, fragment: Any, declared: Any) -> DatasetFile:
        """Look at a file: its schema and its securities.

        Raises `InputError` if it is no file or cannot be read, lacks a column or has it twice, or has a row without a
        ticker.

        Parameters
        ----------
        parameter : str
            Name of the argument, for errors.
        fragment : pyarrow.dataset.Fragment
            The file.
        declared : pyarrow.Schema
            Of the dataset: the types of what stands in the names of folders and, but for Parquet, in the files.
        """
        if not hasattr(fragment, "path"):
            raise InputError(parameter, "got a dataset in memory", "pass its table, or write it to a folder")
        with _reading(parameter, fragment):
            schema = _schema(parameter, fragment, declared)
            names = _tickers(fragment, schema)
        if None in names or not all(str(name).strip() for name in names):
            raise InputError(parameter, f"{fragment.path} has a row without a ticker", "fill it or drop the row")
        return cls(parameter, fragment, schema, frozenset(map(str, names)))

    @property
    def path(self) -> str:
        """Where it lies."""
        return str(self.fragment.path)

    @property
    def n_rows(self) -> int:
        """Rows of the file, also those of other securities."""
        return int(self.fragment.count_rows())

    def rows(self, wanted: Collection[str]) -> Iterator[Rows]:
        """Read at least the rows of some securities, some at a time; all where tickers are not text.

        Raises `InputError` if the file cannot be read; `PriceError` if a row has no date, dates are neither dates nor
        ISO text, or returns are no numbers.
        """
        import pyarrow.compute as pc

        names = self.schema.names
        everything = self.whole and self.tickers.issubset(wanted)
        mine = sorted(self.tickers.intersection(wanted))
        chosen = None if everything or not _is_text(self.schema.field(0).type) else pc.field(names[0]).isin(mine)
        with _reading(self.parameter, self.fragment):
            for batch in self.fragment.to_batches(schema=self.schema, columns=names, filter=chosen):
                ticker, date, ret = batch.columns
                known, code = _codes(ticker)
                yield Rows(known, code, self._days(date), self._floats(ret))

    def _days(self, column: Any) -> DateArray:
        """Return dates as days; of a time the date in its own zone."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if column.null_count:
            raise PriceError(self.parameter, f"{self.path} has a row without a date", "fill it or drop the row")
        kind = column.type
        if _is_text(kind):
            return self._days_of_text(column)
        if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
            what = f"{self.path}: dates are {kind}"
            raise PriceError(self.parameter, what, "write them as dates, or as text YYYY-MM-DD")
        local = pc.local_timestamp(column) if getattr(kind, "tz", None) else column
        since_1970 = local.cast(pa.date32(), safe=False).cast(pa.int32()).to_numpy()
        return np.asarray(since_1970.astype(np.int64).view("datetime64[D]"))

    def _days_of_text(self, column: Any) -> DateArray:
        known, code = _codes(column)
        try:
            days = parsed_index("date", pd.Index(known, dtype=object)) if known else pd.DatetimeIndex([])
        except PriceError as error:
            raise PriceError(self.parameter, f"{self.path}: {error.problem}", error.remedy) from error
        return days.to_numpy().astype("datetime64[D]")[code]

    def _floats(self, column: Any) -> FloatArray:
        import pyarrow as pa

        kind = column.type
        if pa.types.is_float16(kind):
            what = f"{self.path}: column {self.schema.names[2]!r} is of half precision, which holds three digits"
            raise PriceError(self.parameter, what, "give float64, from the source of the numbers")
        if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind)):
            what = f"{self.path}: column {self.schema.names[2]!r} holds {kind}"
            raise PriceError(self.parameter, what, "give decimal returns")
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))


@contextmanager
def _reading(parameter: str, fragment: Any) -> Iterator[None]:
    """Say which file cannot be read."""
    import pyarrow as pa

    try:
        yield
    except (OSError, pa.ArrowException) as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(parameter, f"{fragment.path} cannot be read: {problem}", "check the file") from error


def _schema(parameter: str, fragment: Any, declared: Any) -> Any:
    """Return the three fields that are read of a file: its own columns, and what its folders are named after."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    own = fragment.physical_schema
    keys = ds.get_partition_keys(fragment.partition_expression)
    names = [*own.names, *(key for key in keys if key not in own.names)]
    fields = []
    for what, spelled in _READ:
        found = [name for name in names if name.strip().casefold() in spelled]
        if len(found) != 1:
            has = f"{fragment.path} has {len(found)} columns of a {what} among {names}"
            raise InputError(parameter, has, f"name one of them {spelled[0]!r}: a row is ticker, date, ret")
        itself = isinstance(fragment, ds.ParquetFileFragment) or found[0] not in declared.names
        fields.append((own if itself and found[0] in own.names else declared).field(found[0]))
    return pa.schema(fields)


def _tickers(fragment: Any, schema: Any) -> list[Any]:
    """Return the securities of a file; where its folder is named after one, without reading it."""
    import pyarrow.dataset as ds

    column = schema.names[0]
    keys = ds.get_partition_keys(fragment.partition_expression)
    if column in keys:
        return [keys[column]] if fragment.count_rows() else []
    found: dict[Any, None] = {}
    for batch in fragment.to_batches(schema=schema, columns=[column]):  # a column of one name may be any length
        found |= dict.fromkeys(batch.column(0).unique().to_pylist())
    return list(found)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _codes(column: Any) -> tuple[list[str], IntArray]:
    """Return the different values of a column as text, and which of them each row has."""
    import pyarrow as pa

    coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    return [str(value) for value in coded.dictionary.to_pylist()], coded.indices.to_numpy(zero_copy_only=False)
