"""Rows of a table of tests, in the order: applies, misleads, does not apply."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

import numpy as np

from .._typing import Alternative, IntArray, StrArray
from ..panel.abnormal import Cumulative
from .moments import Streamed
from .outcome import Inapplicable, Outcome, t_pvalue, t_quantile
from .registry import DOES_NOT_APPLY, MEANING, Test, rank_of, run, select
from .sample import Sample

T = TypeVar("T")


def test_rows(
    sample: Sample | Streamed,
    names: Callable[[], StrArray],
    which: Sequence[str] | str | None,
    alternative: Alternative,
) -> list[dict[str, Any]]:
    """Run tests and return a record each: test, event_id, statistic, distribution, df, df2, pvalue and their meaning.

    Parameters
    ----------
    sample : Sample
        E events and the days under test.
    names : callable
        Returns their names, (E,), if some test is of single events.
    which : sequence of str or None
        See `select`.
    alternative : {"two-sided", "less", "greater"}
        Direction.
    """
    records = []
    for test in select(which, len(sample), len(sample.dates) == 1):
        pooled = sample.pooled if isinstance(sample, Sample) else sample
        parts: Iterable[tuple[str, Sample | Streamed]] = [("(all)", pooled)]
        if test.scope == "event" and isinstance(sample, Sample):
            parts = _each(sample, names())
        for name, part in parts:
            record = _record(test, name, run(test, part, alternative), alternative)
            left = sample.left_note if part is pooled else ""
            record["note"] = "; ".join(text for text in (record["note"], left) if text)
            records.append(record)
    return sorted(records, key=lambda record: rank_of(record["note"]))  # stable: the registry's order within


class Recent(Generic[T]):
    """The last results computed, by their arguments.

    Parameters
    ----------
    size : int
        How many are kept.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._kept: dict[Any, T] = {}

    def get(self, key: Any, compute: Callable[[], T]) -> T:
        """Return what is kept under a key, or compute and keep it; the oldest makes room."""
        if key not in self._kept:
            self._kept[key] = compute()
            for old in list(self._kept)[: -self.size]:
                self._kept.pop(old, None)
        return self._kept[key]


def car_columns(total: Cumulative, dof: IntArray, note: StrArray, confidence: float) -> dict[str, Any]:
    """Return the columns of a table of CARs, each with its t(dof) inference, of arrays of shape (E,)."""
    car, se = total.car, np.sqrt(total.variance)
    known, which = np.unique(dof, return_inverse=True)  # quantiles are dear, and most events have the same dof
    reach = t_quantile(0.5 + confidence / 2, known)[which] * se
    t = car / se
    return {
        "car": car,
        "se": se,
        "t": t,
        "df": dof,
        "pvalue": t_pvalue(t, dof, "two-sided"),
        "ci_low": car - reach,
        "ci_high": car + reach,
        "n_days": total.n_days,
        "n_sessions": total.n_sessions,
        "note": note,
    }


def _each(sample: Sample, event_id: StrArray) -> Iterator[tuple[str, Sample]]:
    for at, name in enumerate(event_id):
        yield str(name), sample.take(np.array([at]))


def _record(test: Test, event_id: str, outcome: Outcome, alternative: Alternative) -> dict[str, Any]:
    record: dict[str, Any] = {"test": test.name, "event_id": event_id}
    if isinstance(outcome, Inapplicable):
        record |= {"statistic": np.nan, "distribution": "", "df": np.nan, "df2": np.nan, "pvalue": np.nan}
        note, said = f"{DOES_NOT_APPLY}{outcome.reason}", alternative
    else:
        record |= {"statistic": outcome.statistic, "distribution": outcome.distribution}
        record |= {"df": outcome.df, "df2": outcome.df2, "pvalue": outcome.pvalue}
        note, said = outcome.note, outcome.alternative
    record |= {"n_events": outcome.n_events, "null": outcome.null, "alternative": said, "note": note}
    assumes = ", ".join(MEANING[word] for word in test.assumes) or "none of these"
    return {**record, "assumptions": assumes, "reference": test.reference}
