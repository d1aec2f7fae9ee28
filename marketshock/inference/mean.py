"""The mean CAR of a sample with the standard error that its dates allow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from .._typing import FloatArray
from .joint import common_system
from .outcome import flat, t_quantile
from .sample import Sample

MOSTLY_APART = 0.75  # dates an event above which dispersion over events may stand for independence
How: TypeAlias = Literal["portfolio", "cross-sectional", "portfolios", "none"]


@dataclass(frozen=True, slots=True)
class MeanCar:
    """The mean CAR of n events.

    Attributes
    ----------
    mean : float
        Over the events with a return in the window (decimal); NaN without any.
    se : float
        Its standard error (decimal); NaN where there is no honest one.
    df : float
        Degrees of freedom of Student's t.
    n : int
        Events with a return.
    how : {"portfolio", "cross-sectional", "portfolios", "none"}
        Where the standard error comes from; see `mean_car`.
    note : str
        Why there is none, or what to mind.
    """

    mean: float
    se: float
    df: float
    n: int
    how: How
    note: str = ""

    def interval(self, confidence: float) -> tuple[float, float]:
        """Return the two-sided interval (decimal), NaN without a standard error."""
        reach = float(t_quantile(0.5 + confidence / 2, np.array(self.df))) * self.se if self.se >= 0 else np.nan
        return self.mean - reach, self.mean + reach


def mean_car(sample: Sample) -> MeanCar:
    """Return the mean CAR with its standard error.

    Notes
    -----
    Events of one date are correlated, and their dispersion says nothing of it: the standard error is that of the
    equal-weighted portfolio, with the firms' covariance (the test ``portfolio``), t(M - k). Events on dates of their
    own (more than 0.75 dates an event) are a sample: the standard error is their dispersion over the root of their
    number (the test ``t_cross_sectional``), t(N - 1). Several events a date on several dates are portfolios, one a
    date, taken as independent of each other; the degrees of freedom of their sum are Satterthwaite's. An event alone
    on its date has its own prediction variance.

    References
    ----------
    Schipper and Thompson (1985), Journal of Accounting Research 23; Boehmer, Musumeci and Poulsen (1991), section 2;
    Satterthwaite (1946), Biometrics Bulletin 2.
    """
    spread = sample.car_spread
    n, mean = spread.n, spread.mean
    if not n:
        return MeanCar(np.nan, np.nan, np.nan, 0, "none", "no return in the window")
    held = sample if sample.there.all() else sample.take(sample.there)
    dates = held.dates
    if len(dates) > max(1.0, MOSTLY_APART * n):
        if flat(spread.sd, spread.size):
            return MeanCar(mean, np.nan, np.nan, n, "none", "the abnormal returns do not differ between events")
        return MeanCar(mean, spread.sd / np.sqrt(n), float(n - 1), n, "cross-sectional", _overlap(held))
    shares, parts = [], []
    for date in dates:
        part = held if len(dates) == 1 else held.take(held.evidence.row == date)
        found = _portfolio_variance(part)
        if isinstance(found, str):
            return MeanCar(mean, np.nan, np.nan, n, "none", found)
        shares.append(len(part) / n)
        parts.append(found)
    variance, dof = np.array(parts).T
    weighted = np.array(shares) ** 2 * variance
    how: How = "portfolio" if len(dates) == 1 else "portfolios"
    return MeanCar(mean, float(np.sqrt(weighted.sum())), _satterthwaite(weighted, dof), n, how, _overlap(held))


def _portfolio_variance(sample: Sample) -> tuple[float, float] | str:
    """Return the variance of the mean CAR of one date with its degrees of freedom, or why there is none."""
    if len(sample) == 1:
        return float(sample.sum.variance[0]), float(sample.evidence.fit.dof[0])
    system = sample.once(common_system)
    if isinstance(system, str):
        return system
    n = len(system.car)
    variance = float(system.covariance.sum()) / n**2 * system.factor
    if flat(variance, 0.01 * float(system.covariance.trace()) / n * system.factor):
        return "the abnormal returns add up to zero"
    return variance, float(system.dof)


def _satterthwaite(variance: FloatArray, dof: FloatArray) -> float:
    if len(dof) == 1:
        return float(dof[0])
    return float(variance.sum() ** 2 / (variance**2 / dof).sum())


def _overlap(sample: Sample) -> str:
    return "windows overlap" if len(sample.dates) > 1 and (np.diff(sample.dates) < sample.n_days).any() else ""
