"""Event sums for the parametric tests: counts, means and sums of squares, which merge exactly.

Sums are kept by security and added in the order of the securities' names, so that the total is the same to the last bit
however the securities were divided among workers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np

from .._typing import FloatArray, IntArray
from .evidence import Evidence
from .moments import Moments, Streamed
from .sample import Sample


@dataclass(frozen=True, slots=True)
class EventSums:
    """Event sums by group in W windows; a group is all events of one security within one group of the user, A in all.

    The first L windows are the single days of the event window.

    Attributes
    ----------
    events : ndarray of shape (A,), int
        Events.
    whole : ndarray of shape (A, W), int
        Events with a return on every day of the window.
    car, scar, csar : ndarray of shape (A, 3, W)
        Count, mean, and sum of squared deviations of the CARs, and of the two standardized window statistics (see
        `Conventions`).
    bhar : ndarray of shape (A, 4, W)
        The same of buy-and-hold abnormal returns, and the sum of their cubed deviations; zero with log returns.
    sums : ndarray of shape (A, 4, W)
        Sums over the events with a return: variances of the CARs, variances ``dof / (dof - 2)`` of their t,
        positive and negative CARs.
    least_dof : ndarray of shape (A, W)
        Fewest degrees of freedom of these events.
    unreacted : ndarray of shape (A, W), int
        Events left out of the means because no return covers day 0 (see `Sample.left_out`).
    """

    events: IntArray
    whole: IntArray
    car: FloatArray
    scar: FloatArray
    csar: FloatArray
    bhar: FloatArray
    sums: FloatArray
    least_dof: FloatArray
    unreacted: IntArray

    @classmethod
    def joined(cls, parts: Sequence[EventSums]) -> EventSums:
        """Return the groups of several tallies, one after the other."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def take(self, groups: IntArray) -> EventSums:
        """Return some of the groups."""
        return EventSums(*(getattr(self, f.name)[groups] for f in fields(self)))

    def summary(
        self, window: int, standardized: Literal["scar", "csar"], n_days: int, dates: IntArray, log: bool
    ) -> Streamed:
        """Merge all groups, in their order.

        Parameters
        ----------
        window : int
            Which of the W.
        standardized : {"scar", "csar"}
            Which of the standardized statistics.
        n_days, dates, log
            What is not kept here of `Streamed`.
        """
        z = self.scar if standardized == "scar" else self.csar
        variance, of_t, positive, negative = self.sums[:, :, window].sum(axis=0)
        events, unreacted = int(self.events.sum()), int(self.unreacted[:, window].sum())
        events -= unreacted if unreacted < events else 0
        return Streamed(
            n_events=events,
            log=log,
            n_days=n_days,
            dates=dates,
            car_moments=_merged(self.car[:, :, window]),
            z_moments=_merged(z[:, :, window]),
            bhar_moments=_merged(self.bhar[:, :, window]),
            car_variance=float(variance),
            variance_of_t=float(of_t),
            least_dof=float(self.least_dof[:, window].min()),
            n_positive=int(positive),
            n_negative=int(negative),
            n_lacking=events - int(self.whole[:, window].sum()),
            n_unreacted=unreacted,
        )


def event_sums(evidence: Evidence, starts: IntArray, samples: Sequence[Sample]) -> EventSums:
    """Sum over the events of each group.

    Parameters
    ----------
    evidence : Evidence
        Events, those of one group together.
    starts : ndarray of shape (A,), int
        Where each group begins.
    samples : sequence of Sample
        The same events and windows of several days; the single days come first without being asked for.
    """
    e = evidence
    there = e.event_mask

    def columns(of_days: Any, of_window: Callable[[Sample], Any]) -> Any:
        return np.column_stack([of_days, *(of_window(sample) for sample in samples)]) if samples else of_days

    ar = e.abnormal.ar if e.starts_before is None else np.where(e.starts_before, np.nan, e.abnormal.ar)
    car = columns(ar, lambda s: s.sum.car)
    sar = e.abnormal.sar if e.starts_before is None else np.where(e.starts_before, np.nan, e.abnormal.sar)
    scar = columns(sar, lambda s: s.sum.scar)
    csar = columns(sar, lambda s: s.csar)
    variance = columns(e.abnormal.variance, lambda s: s.sum.variance)
    whole = np.ones_like(car, dtype=bool) if e.complete else columns(there, lambda s: s.mask.all(axis=1))
    bhar = np.full_like(car, np.nan) if e.log else columns(ar, lambda s: s.bhar)
    dof = e.fit.dof.astype(float)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        of_t = np.where(dof > 2, dof / (dof - 2), 0.0)
    some = np.isfinite(car)
    held = np.where(some, 1.0, 0.0)
    sums = [np.where(some, variance, 0.0), held * of_t, (car > 0).astype(float), (car < 0).astype(float)]
    return EventSums(
        np.diff(np.append(starts, len(e))),
        np.add.reduceat(whole.astype(np.int64), starts, axis=0),
        _moments(car, starts),
        _moments(scar, starts),
        _moments(csar, starts),
        _moments(bhar, starts, third=True),
        np.stack([np.add.reduceat(column, starts, axis=0) for column in sums], axis=1),
        np.minimum.reduceat(np.where(some, dof, np.inf), starts, axis=0),
        np.add.reduceat(columns(np.zeros(there.shape, np.int64), lambda s: s.unreacted), starts, axis=0),
    )


def _moments(values: FloatArray, starts: IntArray, third: bool = False) -> FloatArray:
    """Return count, mean, and sums of squared (and cubed) deviations of each group's finite values, (A, 3 or 4, W)."""
    missing = np.isnan(values)
    gaps = missing.any()
    present = np.where(missing, 0.0, values) if gaps else values
    sizes = np.diff(np.append(starts, len(values)))
    n = (
        np.add.reduceat((~missing).astype(float), starts, axis=0)
        if gaps
        else np.broadcast_to(sizes[:, None].astype(float), (len(starts), values.shape[1]))
    )
    mean = np.add.reduceat(present, starts, axis=0) / np.maximum(n, 1.0)
    d = present - np.repeat(mean, sizes, axis=0)
    if gaps:
        d[missing] = 0.0
    square = d * d
    out = [n, mean, np.add.reduceat(square, starts, axis=0)]
    if third:
        square *= d
        out.append(np.add.reduceat(square, starts, axis=0))
    return np.stack(out, axis=1)


def _merged(parts: FloatArray) -> Moments:
    """Merge counts, means and sums of deviations of groups, (A, 3 or 4).

    References
    ----------
    Chan, Golub and LeVeque (1983), American Statistician 37.
    """
    n, mean, m2 = parts[:, 0], parts[:, 1], parts[:, 2]
    total = float(n.sum())
    if not total:
        return Moments(0, np.nan, np.nan)
    center = float((n * mean).sum()) / total
    d = mean - center
    cubes = float((parts[:, 3] + 3 * d * m2 + n * d**3).sum()) if parts.shape[1] > 3 else np.nan
    return Moments(int(total), center, float((m2 + n * d**2).sum()), cubes)
