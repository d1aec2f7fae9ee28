"""The two inner loops of `_moments.py` compiled by numba; imported only where `_moments.compiled` asks for them.

They do the additions in the order of the numpy code, without fused or reassociated arithmetic: the numbers are the same
to the last bit. Compiled on the first call and kept on disk.
"""

from __future__ import annotations

import numba
import numpy as np

from .._typing import FloatArray, IntArray


@numba.njit(cache=True, nogil=True)
def window_sums(
    y: FloatArray, x: FloatArray, security: IntArray, lo: IntArray, hi: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return of each window the sums of y and of its squares, the running sum of squares at its end, and sums of y x.

    Parameters
    ----------
    y : ndarray of shape (S, T)
        Centred returns, zero where missing.
    x : ndarray of shape (T, F)
        Centred regressors.
    security, lo, hi : ndarray of shape (n,), int
        Windows [lo, hi) of the securities; those of a security together.
    """
    n, n_days, f = len(security), y.shape[1], x.shape[1]
    sum_y, sum_yy, end_yy = np.empty(n), np.empty(n), np.empty(n)
    cross = np.empty((f, n))
    running = np.zeros((n_days + 1, f + 2))
    last = -1
    for e in range(n):
        i = security[e]
        if i != last:
            last = i
            for t in range(n_days):
                value = y[i, t]
                running[t + 1, 0] = running[t, 0] + value
                running[t + 1, 1] = running[t, 1] + value * value
                for k in range(f):
                    running[t + 1, k + 2] = running[t, k + 2] + value * x[t, k]
        a, b = lo[e], hi[e]
        sum_y[e] = running[b, 0] - running[a, 0]
        sum_yy[e] = running[b, 1] - running[a, 1]
        end_yy[e] = running[b, 1]
        for k in range(f):
            cross[k, e] = running[b, k + 2] - running[a, k + 2]
    return sum_y, sum_yy, end_yy, cross


@numba.njit(cache=True, nogil=True)
def abnormal(
    y: FloatArray,
    x: FloatArray,
    security: IntArray,
    row: IntArray,
    first: int,
    n_event_days: int,
    alpha: FloatArray,
    slope: FloatArray,
) -> FloatArray:
    """Return ``y - alpha - x'slope`` of the event days, (n, L); beyond the ends of the data, of the ends.

    Parameters
    ----------
    y, x, security
        As in `window_sums`.
    row : ndarray of shape (n,), int
        Day 0.
    first, n_event_days : int
        The event window.
    alpha, slope : ndarray of shape (n,), (n, F)
        Coefficients.
    """
    n, n_days, f = len(row), y.shape[1], x.shape[1]
    out = np.empty((n, n_event_days))
    for e in range(n):
        for d in range(n_event_days):
            t = min(max(row[e] + first + d, 0), n_days - 1)
            value = y[security[e], t] - alpha[e]
            for k in range(f):
                value -= x[t, k] * slope[e, k]
            out[e, d] = value
    return out
