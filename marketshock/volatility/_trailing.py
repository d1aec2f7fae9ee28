"""Trailing volatility, at a cost that does not depend on the length of the window.

A running sum that subtracts the oldest day keeps the rounding error of every value it ever contained. After one bad
tick of 1e6 the volatility of a quiet stock would be noise. Nothing is subtracted here. The days are cut into blocks of
the length of the window, so that every window is the end of one block plus the beginning of the next (van Herk 1992;
Gil and Werman 1993). Both parts have a count, a mean and a sum of squared deviations, and are combined by the formula
of Chan, Golub and LeVeque (1983). A value affects only the windows that contain it, and a constant series has a
volatility of exactly zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from .._typing import FloatArray, IntArray

About: TypeAlias = Literal["zero", "mean"]
ABOUT: tuple[About, ...] = ("zero", "mean")

_CHUNK = 2**19  # values per block of series, to limit memory
_ROUNDING = 1e-12  # a volatility up to this is rounding error of a constant growth rate, and is set to zero


@dataclass(frozen=True, slots=True)
class _Parts:
    """Counts, means and sums of squared deviations from the mean, each of shape (n_days, n_series)."""

    n: FloatArray
    mean: FloatArray
    m2: FloatArray

    def at(self, days: slice) -> _Parts:
        return _Parts(self.n[days], self.mean[days], self.m2[days])


def trailing_volatility(values: FloatArray, window: int, about: About, min_obs: int) -> tuple[FloatArray, IntArray]:
    """Return the volatility of each day over the `window` days that end the day before.

    Parameters
    ----------
    values : ndarray of shape (n_days, n_series)
        Decimal returns; NaN where missing.
    window : int
        Length in days, including days without a return.
    about : {"zero", "mean"}
        "zero" for sqrt(mean of r^2), "mean" for the standard deviation about the mean with divisor n - 1.
    min_obs : int
        Minimum number of returns in the window.

    Returns
    -------
    volatility : ndarray of shape (n_days, n_series)
        Decimal per day; exactly 0 for a constant series, NaN with fewer than `min_obs` returns in the window. Returns
        of the day itself and of later days are not used.
    n_obs : ndarray of shape (n_days, n_series), int64
        Number of returns in the window.

    References
    ----------
    van Herk (1992), Pattern Recognition Letters 13, 517-521; Gil and Werman (1993), IEEE Transactions on Pattern
    Analysis and Machine Intelligence 15, 504-507; Chan, Golub and LeVeque (1983), The American Statistician 37,
    242-247.
    """
    n_days, n_series = values.shape
    window = min(window, max(n_days, 1))
    volatility, n_obs = np.empty(values.shape), np.empty(values.shape, np.int64)
    step = max(1, _CHUNK // max(n_days, 1))
    for first in range(0, n_series, step):
        part = slice(first, first + step)
        n, m2 = _about_zero(values[:, part], window) if about == "zero" else _about_mean(values[:, part], window)
        divisor = n - (about == "mean")
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.sqrt(m2 / divisor)
        found[found <= _ROUNDING] = 0.0
        found[(n < min_obs) | (divisor < 1)] = np.nan
        volatility[:, part], n_obs[:, part] = found, n
    return volatility, n_obs


def _about_zero(values: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Return counts and sums of squares of the window before each day; terms are only added, never subtracted."""
    known = np.isfinite(values)
    blocks = _blocks(np.stack([known.astype(float), np.where(known, values, 0.0) ** 2]), window)
    ends, starts = blocks.copy(), blocks.copy()
    for k in range(1, window):
        starts[:, :, k] += starts[:, :, k - 1]
        ends[:, :, -1 - k] += ends[:, :, -k]
    ends[:, :, 0] = 0.0  # a window equal to one block counts once
    flat = (2, -1, values.shape[1])
    n, squares = _joined_sums(ends.reshape(flat), starts.reshape(flat), len(values), window)
    return n, squares


def _joined_sums(ends: FloatArray, starts: FloatArray, n_days: int, window: int) -> FloatArray:
    out = np.zeros((2, n_days, starts.shape[2]))
    out[:, 1:] = starts[:, : n_days - 1]
    out[:, window:] += ends[:, : n_days - window]
    return out


def _about_mean(values: FloatArray, window: int) -> tuple[FloatArray, FloatArray]:
    """Return counts and sums of squared deviations from the mean of the window before each day."""
    blocks = _blocks(values[None], window, np.nan)[0]
    starts, ends = _welford(blocks), _welford(blocks[:, ::-1])
    n_days, n_series = values.shape
    starts = _Parts(*(part.reshape(-1, n_series) for part in (starts.n, starts.mean, starts.m2)))
    backward = [np.ascontiguousarray(part[:, ::-1]) for part in (ends.n, ends.mean, ends.m2)]
    for part in backward:
        part[:, 0] = 0.0  # a window equal to one block counts once
    ends = _Parts(*(part.reshape(-1, n_series) for part in backward))
    n, m2 = np.zeros(values.shape), np.zeros(values.shape)
    short = slice(1, min(window + 1, n_days))
    n[short], m2[short] = starts.n[: short.stop - 1], starts.m2[: short.stop - 1]
    if n_days > window:
        n[window:], m2[window:] = _chan(ends.at(slice(0, n_days - window)), starts.at(slice(window - 1, n_days - 1)))
    return n, m2


def _blocks(values: FloatArray, window: int, fill: float = 0.0) -> FloatArray:
    """Reshape (k, n_days, n_series) to (k, n_blocks, window, n_series), padded with `fill` at the end."""
    k, n_days, n_series = values.shape
    n_blocks = -(-n_days // window)
    out = np.full((k, n_blocks * window, n_series), fill)
    out[:, :n_days] = values
    return out.reshape(k, n_blocks, window, n_series)


def _welford(blocks: FloatArray) -> _Parts:
    """Return the moments from the first day of each block up to each day, by Welford's (1962) recursion."""
    n, mean, m2 = np.zeros(blocks.shape), np.zeros(blocks.shape), np.zeros(blocks.shape)
    shape = (blocks.shape[0], blocks.shape[2])
    count, center, squares = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for k in range(blocks.shape[1]):
        known = np.isfinite(blocks[:, k])
        x = np.where(known, blocks[:, k], center)  # a missing day changes nothing
        count = count + known
        off = x - center
        center = center + off / np.maximum(count, 1.0)
        squares = squares + off * (x - center)
        n[:, k], mean[:, k], m2[:, k] = count, center, squares
    return _Parts(n, mean, m2)


def _chan(a: _Parts, b: _Parts) -> tuple[FloatArray, FloatArray]:
    """Return count and sum of squared deviations of two sets of days combined."""
    n = a.n + b.n
    apart = b.mean - a.mean
    return n, a.m2 + b.m2 + apart**2 * (a.n * b.n / np.maximum(n, 1.0))
