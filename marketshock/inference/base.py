"""What a test sees and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from scipy import special

from .._typing import Alternative, BoolArray, FloatArray, IntArray
from ..abnormal import Cumulative
from ..models.base import ModelFit

Distribution: TypeAlias = Literal["t", "F", "normal", "rank"]


@dataclass(frozen=True)
class Sample:
    """Events and one window, as arrays: all a test may know.

    Attributes
    ----------
    ar : ndarray of shape (E, n)
        Abnormal returns of the window's days, NaN where missing.
    sum : Cumulative
        Their sums with variance.
    fit : ModelFit
        Of the same events.
    y, x, mask, rows : ndarray of shape (E, M), (E, M, K), (E, M), (E, M)
        The estimation window: regressand, regressors, days with data, session ordinals.
    event_y, event_x, event_mask, event_rows : ndarray of shape (E, n), (E, n, K), (E, n), (E, n)
        The same of the window's days.
    row, column : ndarray of shape (E,), int
        Session ordinal of day 0, and security.
    refit : callable
        The model's ``fit(y, x, mask)``, for tests that need all firms on the same days.
    """

    ar: FloatArray
    sum: Cumulative
    fit: ModelFit
    y: FloatArray
    x: FloatArray
    mask: BoolArray
    rows: IntArray
    event_y: FloatArray
    event_x: FloatArray
    event_mask: BoolArray
    event_rows: IntArray
    row: IntArray
    column: IntArray
    refit: Callable[[FloatArray, FloatArray, BoolArray], ModelFit]

    def __len__(self) -> int:
        return len(self.ar)

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return bool((self.row == self.row[0]).all())

    @cached_property
    def residuals(self) -> FloatArray:
        """Abnormal returns of the estimation days, (E, M), NaN where missing."""
        return self.y - self.fit.predict(self.x)

    @cached_property
    def mean_correlation(self) -> float:
        """Mean pairwise correlation of the estimation residuals of events on one date; NaN for a single event."""
        together = self.mask.all(axis=0)
        if len(self) < 2 or together.sum() < 3:
            return float("nan")
        correlation = np.atleast_2d(np.corrcoef(self.residuals[:, together]))
        return float(correlation[np.triu_indices(len(self), 1)].mean())


@dataclass(frozen=True, slots=True)
class TestResult:
    """The answer of a test.

    Attributes
    ----------
    name : str
        Registry name.
    statistic, pvalue : float
        Value and p-value under `null` against `alternative`.
    distribution : {"t", "F", "normal", "rank"}
        Reference distribution; "rank" is the empirical one of the estimation window.
    df : tuple of float
        Its degrees of freedom: (), (df,) or (df1, df2).
    null : str
        The hypothesis tested.
    alternative : {"two-sided", "less", "greater"}
        Direction.
    n_events : int
        Events used.
    note : str
        Assumptions that fail here, each in a sentence; "" if none.
    """

    name: str
    statistic: float
    pvalue: float
    distribution: Distribution
    df: tuple[float, ...]
    null: str
    alternative: Alternative
    n_events: int
    note: str = ""

    __test__: ClassVar[bool] = False  # pytest: no test class, whatever its name


@dataclass(frozen=True, slots=True)
class Inapplicable:
    """A test that does not apply to a sample, and why."""

    name: str
    reason: str
    n_events: int
    null: str = ""


Outcome: TypeAlias = TestResult | Inapplicable


def t_pvalue(statistic: FloatArray, df: FloatArray | IntArray | float, alternative: Alternative) -> FloatArray:
    """Return the p-value of Student's t, elementwise; NaN in, NaN out."""
    if alternative == "less":
        return np.asarray(special.stdtr(df, statistic))
    if alternative == "greater":
        return np.asarray(special.stdtr(df, -np.asarray(statistic)))
    return np.asarray(2 * special.stdtr(df, -np.abs(statistic)))


def t_quantile(probability: float, df: FloatArray | IntArray) -> FloatArray:
    """Return the quantile of Student's t."""
    return np.asarray(special.stdtrit(df, probability))


def f_pvalue(statistic: float, df1: float, df2: float) -> float:
    """Return the upper tail of the F distribution."""
    return float(special.fdtrc(df1, df2, statistic))
