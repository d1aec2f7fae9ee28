"""Benchmarks that are not simply a column: made of the panel, or without the security they are held against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

import numpy as np

from .._typing import FloatArray, IntArray
from ..errors import InputError, UnknownNameError, check_choice


class Columns(Protocol):
    """Returns by name, as a benchmark reads them."""

    @property
    def names(self) -> Sequence[str]:
        """The securities."""
        ...

    @property
    def all_names(self) -> Sequence[str]:
        """The securities and the factors, also those whose returns are elsewhere."""
        ...

    @property
    def log(self) -> bool:
        """Whether the returns are logarithmic."""
        ...

    def column(self, name: str) -> FloatArray:
        """Return a factor or, where there is none of that name, a security: (T,), NaN where missing."""
        ...

    def over(self, name: str, row: IntArray, n: IntArray) -> FloatArray:
        """Return a column's returns over the `n` sessions that end on `row`: (G,), NaN where missing."""
        ...


@dataclass(frozen=True, slots=True)
class BenchmarkColumn:
    """A benchmark's returns on every session."""

    values: FloatArray  # (T,): decimal returns, NaN where there is none
    # (T, S) or (S,): weight of each security in the benchmark. Where given, the security is taken out again for its own
    # events: ``(R_b - w R_i) / (1 - w)``.
    own_weight: FloatArray | None = None


@dataclass(frozen=True, slots=True, init=False)
class LeaveOneOut:
    """A capitalisation-weighted index without the security studied.

    NVIDIA alone is about 7 % of the S&P 500: held against the whole index, part of its fall is its own benchmark.

    Parameters
    ----------
    index : str
        Column of the index.
    weights : mapping of str to float
        Weight of each security in the index at the time of the events, 0 <= w < 1. A security that is not named is
        taken to be outside the index.

    Raises
    ------
    InputError
        If no weight is given, one is not in [0, 1), or all of them add to 1 or more.
    """

    index: str
    weights: tuple[tuple[str, float], ...]
    leave_out: Literal["own", "all"]

    def __init__(self, index: str, weights: Mapping[str, float], leave_out: Literal["own", "all"] = "own") -> None:
        check_choice("leave_out", leave_out, ("own", "all"))
        if not isinstance(weights, Mapping):
            raise InputError("weights", f"got {weights!r}", 'give a mapping such as {"NVDA": 0.07}')
        pairs = tuple(sorted((str(name), float(w)) for name, w in weights.items()))
        bad = [pair for pair in pairs if not 0 <= pair[1] < 1]
        bad += [pair for pair in pairs if pair[1] != pair[1]]
        if bad or not pairs or sum(w for _, w in pairs) >= 1:
            what = f"{bad[0][0]} has {bad[0][1]}" if bad else f"they add to {sum(w for _, w in pairs):.3f}"
            raise InputError("weights", what, "give shares of the index: 0.07 is seven percent")
        object.__setattr__(self, "index", index)
        object.__setattr__(self, "weights", pairs)
        object.__setattr__(self, "leave_out", leave_out)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns of which all sessions are read."""
        return (self.index, *(dict(self.weights) if self.leave_out == "all" else ()))

    @property
    def clock(self) -> tuple[str, ...]:
        """Names of the columns whose days are the sessions."""
        return (self.index,)

    def __str__(self) -> str:
        return f"{self.index} without {'the firm' if self.leave_out == 'own' else ', '.join(dict(self.weights))}"

    def resolve(self, columns: Columns) -> BenchmarkColumn:
        """Return the index and each security's weight in it."""
        known = dict(self.weights)
        index = read(columns, self.index)
        if self.leave_out == "all":
            parts = sum(w * read(columns, name) for name, w in self.weights)
            return BenchmarkColumn((index - parts) / (1 - sum(known.values())))
        unknown = [name for name in known if name not in columns.all_names]
        if unknown:
            raise UnknownNameError("model", unknown, columns.all_names)
        own = np.array([known.get(name, 0.0) for name in columns.names])
        return BenchmarkColumn(index, own)


@dataclass(frozen=True, slots=True, init=False)
class EqualWeighted:
    """The mean return of some securities on each session, over those that have one.

    Parameters
    ----------
    tickers : sequence of str
        Securities of the benchmark.
    leave_one_out : bool, optional
        Leave the security studied out of its own benchmark (the default).

    Raises
    ------
    InputError
        If fewer than two securities are named, or one twice.
    """

    tickers: tuple[str, ...]
    leave_one_out: bool

    def __init__(self, tickers: Sequence[str], leave_one_out: bool = True) -> None:
        names = tuple(tickers)
        if isinstance(tickers, str) or len(names) < 2 or len(set(names)) < len(names):
            raise InputError("tickers", f"got {tickers!r}", "name two securities or more, each once")
        object.__setattr__(self, "tickers", names)
        object.__setattr__(self, "leave_one_out", leave_one_out)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns of which all sessions are read."""
        return self.tickers

    @property
    def clock(self) -> tuple[str, ...]:
        """Names of the columns whose days are the sessions."""
        return self.tickers

    def __str__(self) -> str:
        return f"mean of {len(self.tickers)}" + (" without the firm" if self.leave_one_out else "")

    def resolve(self, columns: Columns) -> BenchmarkColumn:
        """Return the mean and each security's weight, one over the number of returns that day."""
        members = np.column_stack([read(columns, ticker) for ticker in self.tickers])
        there = np.isfinite(members)
        count = there.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(there, members, 0.0).sum(axis=1) / count
        if not self.leave_one_out:
            return BenchmarkColumn(mean)
        place = {name: i for i, name in enumerate(columns.names)}
        own = np.zeros((len(mean), len(place)))
        for k, ticker in enumerate(self.tickers):
            if ticker in place:
                own[:, place[ticker]] = there[:, k] / np.maximum(count, 1)
        return BenchmarkColumn(mean, own)


Benchmark: TypeAlias = str | LeaveOneOut | EqualWeighted


@dataclass(frozen=True, slots=True)
class Term:
    """One regressor: a benchmark or factor, less a risk-free return, shifted by some sessions."""

    column: Benchmark  # what is read
    less: str | None = None  # column subtracted from it
    shift: int = 0  # in sessions: -1 takes the value of the session before, 1 that of the next

    def __post_init__(self) -> None:
        if not isinstance(self.column, (str, LeaveOneOut, EqualWeighted)):
            raise InputError(
                "benchmark", f"got {self.column!r}", "name a column, or give a LeaveOneOut or EqualWeighted"
            )
        if not isinstance(self.column, str) and (self.less or self.shift):
            raise InputError("benchmark", f"{self.column} cannot be shifted or made an excess return", "name a column")

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the columns of which all sessions are read."""
        of_column = (self.column,) if isinstance(self.column, str) else self.column.reads
        return (*of_column, *((self.less,) if self.less else ()))

    @property
    def clock(self) -> tuple[str, ...]:
        """Names of the columns whose days are the sessions."""
        return (self.column,) if isinstance(self.column, str) else self.column.clock

    def __str__(self) -> str:
        name = f"{self.column}-{self.less}" if self.less else str(self.column)
        return f"{name}[{self.shift:+d}]" if self.shift else name

    def resolve(self, columns: Columns) -> BenchmarkColumn:
        """Return the term's values on every session."""
        if isinstance(self.column, str):
            whole = BenchmarkColumn(read(columns, self.column))
        else:
            whole = self.column.resolve(columns)
        column = whole.values if self.less is None else whole.values - read(columns, self.less)
        if not self.shift:
            return BenchmarkColumn(column, whole.own_weight)
        shifted = np.full_like(column, np.nan)
        if self.shift > 0:
            shifted[: -self.shift] = column[self.shift :]
        else:
            shifted[-self.shift :] = column[: self.shift]
        return BenchmarkColumn(shifted)

    def over(self, columns: Columns, row: IntArray, n: IntArray) -> FloatArray:
        """Return the term over the `n` sessions that end on `row`, (G,); of a term that is not shifted."""
        if not isinstance(self.column, str):
            return compounded(self.column.resolve(columns).values, row, n, columns.log)
        whole = columns.over(self.column, row, n)
        return whole if self.less is None else whole - columns.over(self.less, row, n)


def compounded(values: FloatArray, row: IntArray, n: IntArray, log: bool) -> FloatArray:
    """Compound daily returns (T,) over the `n` sessions that end on `row`; NaN where one of them is missing."""
    there = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        daily = np.where(there, values if log else np.log1p(values), 0.0)
    total, lost = (np.concatenate([[0.0], np.cumsum(v)]) for v in (daily, ~there))
    sums = total[row + 1] - total[row + 1 - n]
    out = sums if log else np.expm1(sums)
    return np.where(lost[row + 1] == lost[row + 1 - n], out, np.nan)


def read(columns: Columns, name: str) -> FloatArray:
    """Return a column that a model names.

    Raises
    ------
    UnknownNameError
        If there is none of that name.
    """
    if name not in columns.all_names:
        raise UnknownNameError("model", [name], columns.all_names)
    return columns.column(name)
