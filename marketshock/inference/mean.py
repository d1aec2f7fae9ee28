"""The mean CAR of a sample, or the difference of two groups' means, with the standard error that the dates allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from .._typing import BoolArray, FloatArray, IntArray
from .evidence import Evidence
from .joint import CommonFit, System, common_fit
from .moments import Moments, Streamed, windows_overlap
from .outcome import flat, t_quantile
from .sample import Sample

MOSTLY_APART = 0.75  # dates per event above which dispersion over events may stand for independence
How: TypeAlias = Literal["prediction", "portfolio", "portfolios", "cross-sectional", "none"]

HOW: Mapping[How, str] = MappingProxyType(
    {
        "prediction": "of the event's own prediction",
        "portfolio": "of the equal-weighted portfolio, with the firms' covariance",
        "portfolios": "of one portfolio per date, dates independent",
        "cross-sectional": "cross-sectional over events",
        "none": "none",
    }
)
"""Origins of a standard error in words."""

_NO_RETURN = "no return in the window"
_NO_DIFFERENCE = "the abnormal returns do not differ between events"


@dataclass(frozen=True, slots=True)
class MeanCar:
    """The mean CAR of n events, or the difference of two means.

    Attributes
    ----------
    mean : float
        Over the events with a return in the window (decimal); NaN without any.
    se : float
        Standard error (decimal); NaN where there is no honest one.
    df : float
        Degrees of freedom of Student's t.
    n : int
        Events with a return.
    how : {"prediction", "portfolio", "portfolios", "cross-sectional", "none"}
        Origin of the standard error; see `mean_car`.
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
    Events of one date are correlated, and their dispersion does not contain the correlation: the standard error is
    that of the equal-weighted portfolio, with the firms' covariance (the test ``portfolio``), t(M - k). Events on dates
    of their own (more than 0.75 dates per event) are a sample: the standard error is their dispersion over the root of
    their number (the test ``t_cross_sectional``), t(N - 1). Several events per date on several dates are portfolios,
    one per date, taken as independent of each other; the degrees of freedom of their sum are Satterthwaite's. An event
    alone on its date has its own prediction variance.

    References
    ----------
    Schipper and Thompson (1985), Journal of Accounting Research 23; Boehmer, Musumeci and Poulsen (1991), section 2;
    Satterthwaite (1946), Biometrics Bulletin 2.
    """
    return mean_cars([sample])[0]


def mean_cars(samples: Sequence[Sample]) -> list[MeanCar]:
    """Return `mean_car` of several windows of the same events; the regressions by date are estimated once."""
    everybody = np.ones(len(samples[0]), dtype=bool)
    return _combined([_Weighted.of(sample, everybody) for sample in samples])


def mean_difference(sample: Sample, first: BoolArray, second: BoolArray) -> MeanCar:
    """Return the mean CAR of one group less that of another, with the covariance between the two.

    Parameters
    ----------
    sample : Sample
        E events and the days under test.
    first, second : ndarray of shape (E,), bool
        Members. An event may be in both groups: it enters with the difference of its two weights.

    Returns
    -------
    MeanCar
        ``how`` as in `mean_car`: on shared dates the difference is a contrast of the regressions of each date, so that
        the covariance of the groups is in it; of events mostly on dates of their own it is Welch's.

    References
    ----------
    Binder (1985), Journal of Accounting Research 23; Welch (1947), Biometrika 34.
    """
    one = _Weighted.of(sample, first, second)
    alone = [name for name, group in (("first", first), ("second", second)) if not (group & sample.there).any()]
    if alone or np.array_equal(first[one.held], second[one.held]):
        why = f"no event of the {alone[0]} group has a return" if alone else "the groups have the same events"
        return MeanCar(np.nan if alone else 0.0, np.nan, np.nan, len(one.held), "none", why)
    return _combined([one])[0]


def mean_of_sums(sums: Streamed) -> MeanCar:
    """Return the mean CAR of events of which only sums were kept: no standard error where events share dates."""
    moments = sums.car_moments
    if moments.n == 1:
        se = float(np.sqrt(sums.car_variance))
        return MeanCar(moments.mean, se, sums.least_dof, 1, "prediction")
    if moments.n and not _apart(len(sums.dates), len(sums)):
        why = f"{len(sums)} events on {len(sums.dates)} date(s) are correlated, and their returns were not kept"
        return MeanCar(moments.mean, np.nan, np.nan, moments.n, "none", f"{why}: use ms.event_study")
    return _cross_sectional(moments, _overlap(sums.dates, moments.n, sums.n_days))


@dataclass(frozen=True, slots=True)
class _Weighted:
    """A weighted sum of the CARs of a sample: positions of the events with a return and their weights, (n,) each."""

    sample: Sample
    held: IntArray
    weights: FloatArray

    @classmethod
    def of(cls, sample: Sample, first: BoolArray, second: BoolArray | None = None) -> _Weighted:
        """Weigh for the mean of a group, or for its difference from the mean of another."""
        weights = np.zeros(len(sample))
        member = np.zeros(len(sample), dtype=bool)
        for sign, group in ((1.0, first), (-1.0, second)):
            inside = sample.there if group is None else group & sample.there
            if group is not None:
                weights[inside] += sign / max(int(inside.sum()), 1)
                member |= inside
        held = np.flatnonzero(member)
        return cls(sample, held, weights[held])

    @property
    def value(self) -> float:
        """The weighted sum (decimal)."""
        return float(self.weights @ self.sample.sum.car[self.held])

    @property
    def dates(self) -> IntArray:
        """Session ordinals of the events, each once, sorted."""
        return np.unique(self.sample.evidence.row[self.held])


class _Part(NamedTuple):
    """One date's part of a weighted sum: variance, degrees of freedom, and estimation days left out, in words."""

    variance: float
    dof: float
    note: str = ""


@dataclass(slots=True)
class _ByDate:
    """Variances of the dates' parts of a weighted sum, with their degrees of freedom, and why some are missing."""

    parts: list[_Part]
    missing: str = ""

    def add(self, part: _Part | str) -> None:
        """Add a date."""
        if isinstance(part, str):
            self.missing = self.missing or part
        else:
            self.parts.append(part)


def _combined(sums: Sequence[_Weighted]) -> list[MeanCar]:
    """Return weighted sums of the same events with their standard errors."""
    shared = [k for k, one in enumerate(sums) if len(one.held) and not _apart(len(one.dates), len(one.held))]
    by_date = {k: _ByDate([]) for k in shared}
    for k, part in _date_parts({k: sums[k] for k in shared}):
        by_date[k].add(part)
    return [_of_dates(one, by_date[k]) if k in by_date else _of_dispersion(one) for k, one in enumerate(sums)]


def _date_parts(sums: Mapping[int, _Weighted]) -> Iterator[tuple[int, _Part | str]]:
    """Yield which sum, and variance and degrees of freedom of one date's part of it; a date is estimated once."""
    cut = {k: _cut(one) for k, one in sums.items()}
    for date in sorted({date for dates in cut.values() for date in dates}):
        fits: dict[bytes, CommonFit | str] = {}
        for k, dates in cut.items():
            if date in dates:
                yield k, _part(sums[k], dates[date], fits)


def _cut(one: _Weighted) -> dict[int, IntArray]:
    """Return the places of each date's events among those held."""
    row = one.sample.evidence.row[one.held]
    order = np.argsort(row, kind="stable")
    dates, starts = np.unique(row[order], return_index=True)
    return dict(zip(dates.tolist(), np.split(order, starts[1:]), strict=True))


def _part(one: _Weighted, places: IntArray, fits: dict[bytes, CommonFit | str]) -> _Part | str:
    """Return the variance of a date's part of a weighted sum with its degrees of freedom, or why there is none."""
    events, weights, sample = one.held[places], one.weights[places], one.sample
    if len(events) == 1:
        at = events[0]
        return _Part(float(weights[0] ** 2 * sample.variance[at]), float(sample.evidence.fit.dof[at]))
    if not sample.mask[events].all():
        return "returns are missing in the window"
    key = events.tobytes()
    if key not in fits:
        whole = len(events) == len(sample)
        part: Evidence = sample.evidence if whole else sample.evidence.take(events)
        fits[key] = part.once(common_fit)
    common = fits[key]
    if isinstance(common, str):
        return common
    system = System(common, sample.days, common.factor(sample.days, sample.conventions.forecast_error))
    variance = system.variance_of(weights)
    return (
        _Part(variance, float(system.common.dof), system.common.note)
        if variance >= 0
        else "the abnormal returns add up to zero"
    )


def _of_dates(one: _Weighted, by_date: _ByDate) -> MeanCar:
    n, dates = len(one.held), one.dates
    if by_date.missing:
        return MeanCar(one.value, np.nan, np.nan, n, "none", by_date.missing)
    variance, dof = (np.array([part[k] for part in by_date.parts], dtype=float) for k in (0, 1))
    how: How = "prediction" if n == 1 else "portfolio" if len(dates) == 1 else "portfolios"
    se = float(np.sqrt(variance.sum()))
    note = _overlap(dates, len(dates), one.sample.reach) if len(dates) > 1 else by_date.parts[0].note
    return MeanCar(one.value, se, _satterthwaite(variance, dof), n, how, note)


def _of_dispersion(one: _Weighted) -> MeanCar:
    """Return a weighted sum of independent events: those of one weight share a variance, estimated from them."""
    if not len(one.held):
        return MeanCar(np.nan, np.nan, np.nan, 0, "none", _NO_RETURN)
    levels, which = np.unique(one.weights, return_inverse=True)
    car, overlap = one.sample.sum.car[one.held], _overlap(one.dates, len(one.held), one.sample.reach)
    if len(levels) == 1:
        return _cross_sectional(one.sample.car_moments, overlap)
    parts = [(level, Moments.of(car[which == k])) for k, level in enumerate(levels) if level]
    n = len(one.held)
    if min(part.n for _, part in parts) < 2:
        return MeanCar(one.value, np.nan, np.nan, n, "none", "a group has fewer than two events of its own")
    if all(flat(part.sd, part.size) for _, part in parts):
        return MeanCar(one.value, np.nan, np.nan, n, "none", _NO_DIFFERENCE)
    variance = np.array([(level * part.n * part.sd) ** 2 / part.n for level, part in parts])
    df = _satterthwaite(variance, np.array([part.n - 1.0 for _, part in parts]))
    return MeanCar(one.value, float(np.sqrt(variance.sum())), df, n, "cross-sectional", overlap)


def _cross_sectional(moments: Moments, overlap: str) -> MeanCar:
    n, mean = moments.n, moments.mean
    if n < 2 or flat(moments.sd, moments.size):
        return MeanCar(mean, np.nan, np.nan, n, "none", _NO_DIFFERENCE if n else _NO_RETURN)
    return MeanCar(mean, moments.sd / np.sqrt(n), float(n - 1), n, "cross-sectional", overlap)


def _apart(n_dates: int, n_events: int) -> bool:
    """Return whether events are mostly on dates of their own."""
    return n_dates > max(1.0, MOSTLY_APART * n_events)


def _satterthwaite(variance: FloatArray, dof: FloatArray) -> float:
    if len(dof) == 1:
        return float(dof[0])
    return float(variance.sum() ** 2 / (variance**2 / dof).sum())


def _overlap(dates: IntArray, n_events: int, n_days: int) -> str:
    return "windows overlap" if windows_overlap(dates, n_events, n_days) else ""
