"""Results of tests, and the distributions that their p-values are read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np
from scipy import special

from .._typing import Alternative, FloatArray, IntArray

Distribution: TypeAlias = Literal["t", "F", "normal", "rank", "exact", "bootstrap"]


@dataclass(frozen=True, slots=True)
class TestResult:
    """The result of a test.

    Attributes
    ----------
    name : str
        Registry name.
    statistic, pvalue : float
        Value and p-value under `null` against `alternative`.
    distribution : {"t", "F", "normal", "rank", "exact", "bootstrap"}
        Reference distribution; "rank" is the empirical one of the estimation window, "exact" that of all sign
        assignments, "bootstrap" that of the resamples.
    df, df2 : float
        Degrees of freedom: `df` of t, `df` and `df2` of F; for "rank" and "bootstrap" `df` is the number of draws
        compared with. NaN where there are none.
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
    df: float
    null: str
    alternative: Alternative
    n_events: int
    note: str = ""
    df2: float = np.nan

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
ADDS_TO_ZERO = "the abnormal returns add to zero by construction: the benchmark is made of the firms themselves"


def flat(sd: float, scale: float) -> bool:
    """Return whether a standard deviation is nothing but rounding beside the size of the values."""
    return not sd > 1e-10 * scale


def t_result(
    name: str, statistic: float, df: float, alternative: Alternative, n: int, note: str = "", null: str = MEAN_ZERO
) -> TestResult:
    """Return a result with Student's t as its distribution."""
    pvalue = float(t_pvalue(np.array(statistic), df, alternative))
    return TestResult(name, statistic, pvalue, "t", float(df), null, alternative, n, note)


def normal_result(
    name: str, statistic: float, alternative: Alternative, n: int, note: str = "", null: str = MEAN_ZERO
) -> TestResult:
    """Return a result with the standard normal as its distribution."""
    return TestResult(
        name, statistic, normal_pvalue(statistic, alternative), "normal", np.nan, null, alternative, n, note
    )


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
