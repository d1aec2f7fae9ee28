"""Least squares for many events of one security from running sums: a window's moments are two differences.

The direct computation (`_ols.py`) reads M days an event; this one reads each day of a security once, and each event
costs the same whatever M. Running sums lose digits where they are large beside the window's own sums (one bad tick, a
stale series, a near-perfect fit): such events are told apart (`Fitted.sound`), and the caller computes them directly.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .._typing import BoolArray, FloatArray, IntArray
from ..windows import Window

# A running sum of T terms carries an error of about sqrt(T) eps of its size: with these bounds the residual sum of
# squares keeps ten digits, and so do the coefficients.
_SMALL_RSS = 1e-4  # residual sum of squares of the window against the running sum of squares
_LOADED, _UNLOADED = 20_000, 500_000  # events from which on numba is used: where it is imported already, and where not
_SMALL_X = 1e-4  # a regressor's own variation, what the others explain taken out, against its running sum of squares


@dataclass(frozen=True, slots=True)
class Fitted:
    """Least-squares fits of n events and what they say of the event days."""

    params: FloatArray  # (n, K): coefficients, the constant first
    xtx_inv: FloatArray  # (n, K, K): inverse of X'X
    rss: FloatArray  # (n,): residual sum of squares
    n_obs: IntArray  # (n,), int: days used
    ar: FloatArray  # (n, L): return of the event days less offset and fit; NaN where missing
    factor: FloatArray | None  # (n, L): ``1 + x'(X'X)^-1 x`` of the event days, where it was asked for
    # (n,), bool: False where the running sums do not carry the digits; the other values of such an event are undefined
    sound: BoolArray


class DateSide:
    """What depends on the date alone: regressors, and the moments of every complete estimation window.

    Parameters
    ----------
    factors : ndarray of shape (T, F)
        Regressors without the constant, NaN where missing.
    offset : ndarray of shape (T,)
        Subtracted from every return.
    estimation, window : Window
        Trading days relative to day 0.
    predicts : bool
        Whether the fit is taken from the returns of the event days; otherwise it serves their variance only.
    n_events : int
        Events to come: the inner loops are compiled where that is worth it.
    rows : ndarray of int, optional
        Session ordinals of day 0 of these events: by default those of all sessions.
    """

    def __init__(
        self,
        factors: FloatArray,
        offset: FloatArray,
        estimation: Window,
        window: Window,
        predicts: bool,
        n_events: int,
        rows: IntArray | None = None,
    ) -> None:
        self.predicts = predicts
        self._loops = compiled(n_events)
        n_days, self.n_factors = factors.shape
        self.estimation, self.window = estimation, window
        self.offset = offset
        self.finite = np.isfinite(offset) & np.isfinite(factors).all(axis=1)
        there = np.isfinite(factors)
        count = np.maximum(there.sum(axis=0), 1)
        self.centre = np.where(there, factors, 0.0).sum(axis=0) / count
        self.x = np.where(there, factors - self.centre, 0.0)  # centred: what keeps the differences exact
        m = len(estimation)
        self.mean = np.zeros((n_days, self.n_factors))
        self.inverse = np.zeros((n_days, self.n_factors, self.n_factors))
        self.complete: BoolArray = np.zeros(n_days, dtype=bool)
        days = np.arange(n_days)[:, None] + window.offsets()
        at = np.clip(days, 0, n_days - 1)
        self.event_x = [self.x[:, k][at] for k in range(self.n_factors)]  # of the event days of every row, (T, L) each
        self.event_there: BoolArray = (days == at) & self.finite[at]
        if m <= n_days:
            self._complete_windows(m, rows)

    @cached_property
    def factor(self) -> FloatArray:
        """``1 + x'(X'X)^-1 x`` of the event days of every row whose estimation window is complete, (T, L)."""
        return self._factor(self.event_x, self.mean, self.inverse, 1.0 / len(self.estimation))

    def _complete_windows(self, m: int, rows: IntArray | None) -> None:
        """Fill mean, inverse and `complete` for the rows whose estimation window lies inside the sessions."""
        row = np.arange(len(self.x) - m + 1) - self.estimation.first  # of day 0
        keep = (row >= 0) & (row < len(self.x))
        if rows is not None:
            used = np.zeros(len(self.x), dtype=bool)
            used[rows] = True
            keep[keep] = used[row[keep]]
        row = row[keep]
        runs = sliding_window_view
        mean = runs(self.x, m, axis=0)[keep].sum(axis=2) / m
        moment = np.empty((len(row), self.n_factors, self.n_factors))
        for j in range(self.n_factors):
            for k in range(j + 1):
                both = runs(self.x[:, j] * self.x[:, k], m)[keep].sum(axis=1) - m * mean[:, j] * mean[:, k]
                moment[:, j, k] = moment[:, k, j] = both
        inverse, sound = inverted(moment, moment + m * mean[:, :, None] * mean[:, None, :])
        self.mean[row], self.inverse[row] = mean, inverse
        self.complete[row] = sound & runs(self.finite, m)[keep].all(axis=1)

    def _factor(
        self, x: list[FloatArray], mean: FloatArray, inverse: FloatArray, share: FloatArray | float
    ) -> FloatArray:
        """Return ``1 + x'(X'X)^-1 x`` of the event days, (n, L)."""
        q = [x[k] - mean[:, k, None] for k in range(self.n_factors)]
        out = np.full((len(mean), len(self.window)), 1.0)
        out += share
        for j in range(self.n_factors):
            inner = q[0] * inverse[:, j, 0, None]
            for k in range(1, self.n_factors):
                inner += q[k] * inverse[:, j, k, None]
            inner *= q[j]
            out += inner
        return out

    def fit(
        self, raw: FloatArray, own: Sequence[FloatArray | None], security: IntArray, row: IntArray, variances: bool
    ) -> Fitted:
        """Fit the events of some securities.

        Parameters
        ----------
        raw : ndarray of shape (S, T)
            Returns of the securities, NaN where missing.
        own : sequence of (ndarray or None), length 1 + F
            Offset and factors of each security, (S, T), where it is taken out of its own benchmark.
        security, row : ndarray of shape (n,), int
            Security, as a row of `raw`, and session ordinal of day 0, of each event.
        variances : bool
            Whether ``factor`` is computed.
        """
        y, there = self._regressand(raw, own)
        level = y.sum(axis=1) / np.maximum(there.sum(axis=1), 1)
        y -= level[:, None]
        if not there.all():
            y *= there
        xs = [
            self.x[:, k] if own[k + 1] is None else np.where(there, own[k + 1] - self.centre[k], 0.0)
            for k in range(self.n_factors)
        ]
        sums = _RunningSums(y, there, xs, self.x, self._loops)
        lo = np.clip(row + self.estimation.first, 0, y.shape[1])
        hi = np.clip(row + self.estimation.last + 1, 0, y.shape[1])
        by_date = self.complete[row] & all(o is None for o in own)
        n_obs = hi - lo if sums.gapless else sums.count(security, lo, hi)
        by_date &= n_obs == len(self.estimation)
        return self._solve(sums, level, security, row, lo, hi, n_obs, by_date, variances)

    def _regressand(self, raw: FloatArray, own: Sequence[FloatArray | None]) -> tuple[FloatArray, BoolArray]:
        offset = self.offset if own[0] is None else own[0]
        y = raw - offset
        there = np.isfinite(y)
        there &= self.finite
        for o in own[1:]:
            if o is not None:
                there &= np.isfinite(o)
        if not there.all():
            y[~there] = 0.0
        return y, there

    def _solve(
        self,
        sums: _RunningSums,
        level: FloatArray,
        security: IntArray,
        row: IntArray,
        lo: IntArray,
        hi: IntArray,
        n_obs: IntArray,
        by_date: BoolArray,
        variances: bool,
    ) -> Fitted:
        f = self.n_factors
        n = np.maximum(n_obs, 1).astype(float)
        mean, inverse, sound = self.mean[row], self.inverse[row], np.ones(len(row), dtype=bool)
        alone = np.flatnonzero(~by_date)
        if len(alone):
            mean[alone], inverse[alone], sound[alone] = sums.own_moments(
                security[alone], lo[alone], hi[alone], n[alone]
            )
        sum_y, sum_yy, running_yy, cross = sums.of_windows(security, lo, hi)
        mean_y = sum_y / n
        rss = sum_yy - sum_y * mean_y
        v = [cross[k] - sum_y * mean[:, k] for k in range(f)]
        slope = np.empty((len(row), f))
        alpha = mean_y.copy()
        for j in range(f):
            b = inverse[:, j, 0] * v[0]
            for k in range(1, f):
                b += inverse[:, j, k] * v[k]
            slope[:, j] = b
            rss -= b * v[j]
            alpha -= b * mean[:, j]
        sound &= (rss > _SMALL_RSS * running_yy) & (n_obs > f + 1)
        ar = self._abnormal(sums, security, row, alpha if self.predicts else -level[security], slope)
        factor = self.factor[row] if variances else None
        if factor is not None and len(alone):
            x = self._event_x(sums, security[alone], row[alone])
            factor[alone] = self._factor(x, mean[alone], inverse[alone], (1 / n[alone])[:, None])
        mean += self.centre
        alpha += level[security]
        for k in range(f):
            alpha -= slope[:, k] * self.centre[k]
        return Fitted(np.column_stack([alpha, slope]), _with_constant(n, mean, inverse), rss, n_obs, ar, factor, sound)

    def _event_days(self, security: IntArray, row: IntArray, n_days: int) -> IntArray:
        """Return where the event days of each event lie in (S, T) laid out flat, (n, L); beyond the ends, the ends."""
        rows = row[:, None] + self.window.offsets()
        if (row + self.window.first < 0).any() or (row + self.window.last >= n_days).any():
            np.clip(rows, 0, n_days - 1, out=rows)
        rows += (security * n_days)[:, None]
        return rows

    def _event_x(self, sums: _RunningSums, security: IntArray, row: IntArray) -> list[FloatArray]:
        """Return the centred regressors of the event days, (n, L) each."""
        place = None if sums.shared else self._event_days(security, row, sums.y.shape[1])
        return [self.event_x[k][row] if x.ndim == 1 else x.ravel()[place] for k, x in enumerate(sums.xs)]

    def _abnormal(
        self, sums: _RunningSums, security: IntArray, row: IntArray, alpha: FloatArray, slope: FloatArray
    ) -> FloatArray:
        first, n_days = self.window.first, sums.y.shape[1]
        place = None
        if sums.loops is not None and sums.shared:
            ar: FloatArray = sums.loops.abnormal(sums.y, self.x, security, row, first, len(self.window), alpha, slope)
        else:
            place = self._event_days(security, row, n_days)
            ar = sums.y.ravel()[place]
            ar -= alpha[:, None]
            for k, x in enumerate(self._event_x(sums, security, row)):
                ar -= x * slope[:, k, None]
        outside = (row + first < 0).any() or (row + self.window.last >= n_days).any()
        if outside or not sums.gapless:
            place = self._event_days(security, row, n_days) if place is None else place
            ar[~(sums.there.ravel()[place] & self.event_there[row])] = np.nan
        return ar


class _RunningSums:
    """Running sums of some securities' returns and regressors, (S, T + 1) each."""

    def __init__(
        self, y: FloatArray, there: BoolArray, xs: list[FloatArray], by_date: FloatArray, loops: Any | None
    ) -> None:
        self.y, self.there, self.xs, self.loops = y, there, xs, loops
        self.gapless = bool(there.all())
        self.shared = all(x.ndim == 1 for x in xs)
        self._by_date, self._stride = by_date, y.shape[1] + 1

    def count(self, security: IntArray, lo: IntArray, hi: IntArray) -> IntArray:
        """Days with data in each window, (n,)."""
        return self._between(_running(self.there), security, lo, hi).astype(np.int64)

    def of_windows(
        self, security: IntArray, lo: IntArray, hi: IntArray
    ) -> tuple[FloatArray, FloatArray, FloatArray, list[FloatArray] | FloatArray]:
        """Sums of y and of its squares, the running sum of squares up to the window's end, (n,); and sums of y x."""
        if self.loops is not None and self.shared:
            sum_y, sum_yy, end, cross = self.loops.window_sums(self.y, self._by_date, security, lo, hi)
            return sum_y, sum_yy, end, cross
        squares = _running(self.y * self.y)
        end = squares.ravel()[security * self._stride + hi]
        cross = [self._between(_running(self.y * x), security, lo, hi) for x in self.xs]
        return self._between(_running(self.y), security, lo, hi), self._between(squares, security, lo, hi), end, cross

    def own_moments(
        self, security: IntArray, lo: IntArray, hi: IntArray, n: FloatArray
    ) -> tuple[FloatArray, FloatArray, BoolArray]:
        """Return mean (n, F), inverse moment matrix (n, F, F) and its soundness, of the days with data."""
        f = len(self.xs)
        used, which = np.unique(security, return_inverse=True)
        there = self.there[used].astype(float)
        x = [(x[used] if x.ndim == 2 else x) * there for x in self.xs]
        mean, moment, running = np.empty((len(n), f)), np.empty((len(n), f, f)), np.empty((len(n), f, f))
        for k in range(f):
            mean[:, k] = self._between(_running(x[k]), which, lo, hi) / n
        for j in range(f):
            for k in range(j + 1):
                sums = _running(x[j] * x[k])
                both = self._between(sums, which, lo, hi) - n * mean[:, j] * mean[:, k]
                moment[:, j, k] = moment[:, k, j] = both
                running[:, j, k] = running[:, k, j] = sums.ravel()[which * self._stride + hi]
        return mean, *inverted(moment, running)

    def _between(self, running: FloatArray, security: IntArray, lo: IntArray, hi: IntArray) -> FloatArray:
        flat, start = running.ravel(), security * self._stride
        return np.asarray(flat[start + hi] - flat[start + lo])


def compiled(n_events: int) -> Any | None:
    """Return the inner loops compiled by numba, or None: not installed, or not worth its import and compilation."""
    least = _LOADED if "numba" in sys.modules else _UNLOADED
    if n_events < least or importlib.util.find_spec("numba") is None:
        return None
    return importlib.import_module("._compiled", __package__)


def inverted(moment: FloatArray, running: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Invert moment matrices, (n, F, F); also say which regressors keep their digits beside their running sums."""
    f = moment.shape[1]
    if f == 0:
        return moment, np.ones(len(moment), dtype=bool)
    size = np.einsum("ekk->ek", running)
    variation = np.einsum("ekk->ek", moment)
    sound = (variation > _SMALL_X * size).all(axis=1)
    safe = np.where(sound[:, None, None], moment, np.eye(f))
    if f == 1:
        return 1 / safe, sound
    sound &= np.linalg.det(safe / np.sqrt(_outer(safe))) > 1e-10
    safe = np.where(sound[:, None, None], safe, np.eye(f))
    inverse = np.linalg.inv(safe)
    alone = 1 / np.einsum("ekk->ek", inverse)  # of each regressor, what the others explain taken out
    return inverse, sound & (alone > _SMALL_X * size).all(axis=1)


def _outer(moment: FloatArray) -> FloatArray:
    d = np.einsum("ekk->ek", moment)
    return np.asarray(d[:, :, None] * d[:, None, :])


def _running(values: FloatArray | BoolArray) -> FloatArray:
    out = np.empty((len(values), values.shape[1] + 1))
    out[:, 0] = 0
    np.cumsum(values, axis=1, out=out[:, 1:])
    return out


def _with_constant(n: FloatArray, mean: FloatArray, inverse: FloatArray) -> FloatArray:
    """Return (X'X)^-1 with the constant first, (n, F + 1, F + 1), from the moments about the mean."""
    f = mean.shape[1]
    out = np.empty((len(n), f + 1, f + 1))
    out[:, 1:, 1:] = inverse
    out[:, 0, 0] = 1 / n
    for j in range(f):
        shared = inverse[:, j, 0] * mean[:, 0]
        for k in range(1, f):
            shared += inverse[:, j, k] * mean[:, k]
        out[:, 0, j + 1] = out[:, j + 1, 0] = -shared
        out[:, 0, 0] += shared * mean[:, j]
    return out
