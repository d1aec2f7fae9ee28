"""What a test sees and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from scipy import special

from .._typing import Alternative, BoolArray, FloatArray, IntArray
from ..abnormal import Abnormal, Cumulative, buy_and_hold, cumulate
from ..errors import InputError, check_choice
from ..models.base import ModelFit
from .correlation import mean_correlation

Distribution: TypeAlias = Literal["t", "F", "normal", "rank", "exact", "bootstrap"]


@dataclass(frozen=True, slots=True)
class Conventions:
    """Choices on which papers and packages differ; each result follows the ones of its study.

    Attributes
    ----------
    window : {"scar", "csar"}
        Standardised window statistic: the CAR over its full standard error, or the sum of the daily SARs over the
        root of their number.
    forecast_error : bool
        Whether standardised returns take the forecast error of the model into account (Patell 1976). Without it an
        abnormal return is divided by sigma alone, and a CAR by sigma times the root of the number of days.
    correlation : {"date", "pairwise"}
        Mean correlation of the residuals for Kolari and Pynnonen: aligned by calendar date and weighted by the
        overlap of the tested windows, or the plain mean of the pairwise correlations of days with the same place in
        the window.
    ranks_of : {"ar", "sar"}
        What Corrado's and Corrado and Zivney's tests rank: abnormal returns, or standardised ones.
    estimation_variance : {"residual", "forecast"}
        Variance by which an estimation day's residual is standardised where ranks or signs compare it with the event:
        ``s^2 (1 - h)``, its own, or ``s^2 (1 + h)``, as if it were predicted.
    rank_moment : {"population", "sample"}
        Divisor T or T - 1 in the standard deviation of the mean ranks.
    """

    window: Literal["scar", "csar"] = "scar"
    forecast_error: bool = True
    correlation: Literal["date", "pairwise"] = "date"
    ranks_of: Literal["ar", "sar"] = "ar"
    estimation_variance: Literal["residual", "forecast"] = "residual"
    rank_moment: Literal["population", "sample"] = "population"

    def __post_init__(self) -> None:
        check_choice("window", self.window, ("scar", "csar"))
        check_choice("correlation", self.correlation, ("date", "pairwise"))
        check_choice("ranks_of", self.ranks_of, ("ar", "sar"))
        check_choice("estimation_variance", self.estimation_variance, ("residual", "forecast"))
        check_choice("rank_moment", self.rank_moment, ("population", "sample"))


@dataclass(frozen=True, slots=True)
class Resampling:
    """How bootstraps draw.

    Attributes
    ----------
    draws : int
        Number of resamples.
    seed : int
        Seed of the generator: the same seed gives the same p-value.
    block : int or None
        Mean block length of the block bootstrap in days; None takes the cube root of the number of estimation days, at
        least the length of the window.
    """

    draws: int = 9999
    seed: int = 0
    block: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("draws", self.draws), ("block", 1 if self.block is None else self.block)):
            if value < 1:
                raise InputError(name, f"got {value}", "give a positive whole number")


@dataclass(frozen=True, eq=False, repr=False)
class Evidence:
    """Both windows of E events as arrays, with their fit: all that tests may know of a study.

    Attributes
    ----------
    y, x, mask, rows : ndarray of shape (E, M), (E, M, K), (E, M), (E, M)
        The estimation window: regressand, regressors, days with data, session ordinals.
    event_y, event_x, event_mask, event_rows : ndarray of shape (E, L), (E, L, K), (E, L), (E, L)
        The same of the event window.
    fit : ModelFit
        Of these events.
    abnormal : Abnormal
        Of these events.
    row, column : ndarray of shape (E,), int
        Session ordinal of day 0, and security.
    refit : callable
        The model's ``fit(y, x, mask)`` for this event window, for tests that need all firms on the same days.
    log : bool
        Whether returns are logarithmic.
    """

    y: FloatArray
    x: FloatArray
    mask: BoolArray
    rows: IntArray
    event_y: FloatArray
    event_x: FloatArray
    event_mask: BoolArray
    event_rows: IntArray
    fit: ModelFit
    abnormal: Abnormal
    row: IntArray
    column: IntArray
    refit: Callable[[FloatArray, FloatArray, BoolArray], ModelFit]
    log: bool = False

    def __len__(self) -> int:
        return len(self.y)

    def take(self, events: IntArray | BoolArray) -> Evidence:
        """Return the evidence of some of the events."""
        names = ("y", "x", "mask", "rows", "event_y", "event_x", "event_mask", "event_rows", "row", "column")
        part = {name: getattr(self, name)[events] for name in names}
        return replace(self, fit=self.fit.take(events), abnormal=self.abnormal.take(events), **part)

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return bool((self.row == self.row[0]).all())

    @cached_property
    def residuals(self) -> FloatArray:
        """Abnormal returns of the estimation days, (E, M), NaN where missing."""
        return self.y - self.fit.predict(self.x)

    @cached_property
    def own_sar(self) -> FloatArray:
        """Residuals over their own standard error, ``s sqrt(1 - h)``, (E, M), NaN where missing."""
        return self._standardised(-1.0)

    @cached_property
    def forecast_sar(self) -> FloatArray:
        """Residuals over the standard error they would have if predicted, ``s sqrt(1 + h)``, (E, M)."""
        return self._standardised(1.0)

    def _standardised(self, sign: float) -> FloatArray:
        x = self.x[:, :, : self.fit.params.shape[1]]
        error = np.einsum("emk,ekl,eml->em", x, self.fit.cov_params, x, optimize=True)
        sigma2 = self.fit.sigma2[:, None]
        return np.asarray(self.residuals / np.sqrt(np.maximum(sigma2 + sign * error, 1e-12 * sigma2)))

    @cached_property
    def sar_without_forecast_error(self) -> FloatArray:
        """Abnormal returns of the event days over sigma, (E, L)."""
        return np.asarray(self.abnormal.ar / np.sqrt(self.fit.sigma2_days))

    @cached_property
    def mean_residual(self) -> FloatArray:
        """Mean over events of the residuals with the same place in the estimation window, (M,)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.where(self.mask, self.residuals, 0.0).sum(axis=0) / self.mask.sum(axis=0))


@dataclass(frozen=True, eq=False, repr=False)
class Sample:
    """The evidence and the days under test.

    Attributes
    ----------
    evidence : Evidence
        Of all events.
    days : slice
        The days under test among the L event days.
    conventions : Conventions
        Where papers differ.
    resampling : Resampling
        How bootstraps draw.
    """

    evidence: Evidence
    days: slice
    conventions: Conventions = Conventions()
    resampling: Resampling = Resampling()

    def __len__(self) -> int:
        return len(self.evidence)

    def take(self, events: IntArray | BoolArray) -> Sample:
        """Return the sample of some of the events."""
        return replace(self, evidence=self.evidence.take(events))

    @property
    def n_days(self) -> int:
        """Days under test."""
        return int(self.days.stop - self.days.start)

    @property
    def common_date(self) -> bool:
        """Whether all events share one session."""
        return self.evidence.common_date

    @property
    def mask(self) -> BoolArray:
        """Days under test that have a return, (E, n)."""
        return self.evidence.event_mask[:, self.days]

    @property
    def ar(self) -> FloatArray:
        """Abnormal returns of the days under test, (E, n), NaN where missing."""
        return self.evidence.abnormal.ar[:, self.days]

    @cached_property
    def sum(self) -> Cumulative:
        """Their sums with variance, (E,)."""
        e = self.evidence
        return cumulate(self.ar, e.event_x[:, self.days], self.mask, e.fit, self.days)

    @cached_property
    def bhar(self) -> FloatArray:
        """Buy-and-hold abnormal returns of simple returns, (E,), NaN where a day is missing."""
        e = self.evidence
        return buy_and_hold(self.ar, e.abnormal.expected[:, self.days], self.mask)

    @cached_property
    def there(self) -> BoolArray:
        """Events with at least one return among the days under test, (E,)."""
        return np.asarray(self.sum.n_days > 0)

    @cached_property
    def correlation_by_date(self) -> float:
        """Mean correlation of the residuals, aligned by calendar date and weighted by the overlap of the windows."""
        return mean_correlation(self.evidence, self.n_days, "date")

    @property
    def correlation(self) -> float:
        """Mean correlation of the residuals by the conventions."""
        if self.conventions.correlation == "date":
            return self.correlation_by_date
        return mean_correlation(self.evidence, self.n_days, self.conventions.correlation)

    @property
    def estimation_sar(self) -> FloatArray:
        """Standardised residuals of the estimation days by the conventions, (E, M)."""
        own = self.conventions.estimation_variance == "residual"
        return self.evidence.own_sar if own else self.evidence.forecast_sar

    @cached_property
    def standardised(self) -> FloatArray:
        """Standardised window statistic of each event by the conventions, (E,), NaN without a return."""
        e, choice = self.evidence, self.conventions
        with np.errstate(invalid="ignore", divide="ignore"):
            root = np.sqrt(self.sum.n_days)
            if choice.window == "csar":
                daily = e.abnormal.sar if choice.forecast_error else e.sar_without_forecast_error
                total = np.where(self.mask, daily[:, self.days], 0.0).sum(axis=1)
                return np.where(self.there, total / root, np.nan)
            if choice.forecast_error:
                return self.sum.scar
            variance = np.where(self.mask, e.fit.sigma2_days[:, self.days], 0.0).sum(axis=1)
            return np.asarray(self.sum.car / np.sqrt(variance))


@dataclass(frozen=True, slots=True)
class TestResult:
    """The answer of a test.

    Attributes
    ----------
    name : str
        Registry name.
    statistic, pvalue : float
        Value and p-value under `null` against `alternative`.
    distribution : {"t", "F", "normal", "rank", "exact", "bootstrap"}
        Reference distribution; "rank" is the empirical one of the estimation window, "exact" that of all sign
        assignments, "bootstrap" that of the resamples.
    df : tuple of float
        Its degrees of freedom: (), (df,) or (df1, df2); for "rank" and "bootstrap" the number of draws compared with.
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

MEAN_ZERO = "the mean abnormal return is zero"


def t_result(
    name: str, statistic: float, df: float, alternative: Alternative, n: int, note: str = "", null: str = MEAN_ZERO
) -> TestResult:
    """Return a result with Student's t as its distribution."""
    pvalue = float(t_pvalue(np.array(statistic), df, alternative))
    return TestResult(name, statistic, pvalue, "t", (float(df),), null, alternative, n, note)


def normal_result(
    name: str, statistic: float, alternative: Alternative, n: int, note: str = "", null: str = MEAN_ZERO
) -> TestResult:
    """Return a result with the standard normal as its distribution."""
    return TestResult(name, statistic, normal_pvalue(statistic, alternative), "normal", (), null, alternative, n, note)


def tails(lower: float, upper: float, alternative: Alternative) -> float:
    """Return the p-value from both one-sided ones; two-sided is twice the smaller, at most 1."""
    return {"less": lower, "greater": upper, "two-sided": min(1.0, 2 * min(lower, upper))}[alternative]


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


def normal_pvalue(statistic: float, alternative: Alternative) -> float:
    """Return the p-value of the standard normal."""
    if alternative == "two-sided":
        return float(2 * special.ndtr(-abs(statistic)))
    return float(special.ndtr(statistic if alternative == "less" else -statistic))


def f_pvalue(statistic: float, df1: float, df2: float) -> float:
    """Return the upper tail of the F distribution."""
    return float(special.fdtrc(df1, df2, statistic))
