"""Power of a test, and the smallest effect that it detects."""

from __future__ import annotations

import numpy as np
from scipy import special

from .._typing import Alternative, FloatArray
from ..errors import InputError, check_share


def power_of_t(
    effect: FloatArray | float,
    se: FloatArray | float,
    df: FloatArray | float,
    level: float = 0.05,
    alternative: Alternative = "two-sided",
) -> FloatArray:
    """Return the probability that a t-test rejects, elementwise.

    Parameters
    ----------
    effect : array_like
        True abnormal return (decimal).
    se : array_like
        Standard error of its estimate (decimal).
    df : array_like
        Degrees of freedom; infinity for a normal test.
    level, alternative : optional
        Of the test.

    Returns
    -------
    ndarray
        Probabilities, in the broadcast shape of the arguments.

    Notes
    -----
    Noncentral t with noncentrality effect / se (Campbell, Lo and MacKinlay 1997, section 4.6, with known variance).
    """
    check_share("level", level, 0.05)
    delta, df = np.asarray(effect, dtype=float) / np.asarray(se, dtype=float), np.asarray(df, dtype=float)
    tail = level / 2 if alternative == "two-sided" else level
    critical = _quantile(1 - tail, df)
    upper = _survival(critical, df, delta)
    lower = _survival(critical, df, -delta)
    return np.asarray({"two-sided": upper + lower, "greater": upper, "less": lower}[alternative])


def minimum_detectable(
    se: FloatArray | float, df: FloatArray | float, level: float = 0.05, power: float = 0.8
) -> FloatArray:
    """Return the smallest effect (decimal, positive) that a two-sided t-test finds with the power asked for.

    Parameters
    ----------
    se, df : array_like
        Standard error and degrees of freedom.
    level, power : float, optional
        Of the test, and the probability of finding the effect; ``level < power < 1``.

    Returns
    -------
    ndarray
        Effects (decimal), in the broadcast shape of the arguments.
    """
    check_share("level", level, 0.05)
    if not level < power < 1:
        raise InputError("power", f"got {power}", f"give a share between the level {level} and 1")
    se, df = np.broadcast_arrays(np.asarray(se, dtype=float), np.asarray(df, dtype=float))
    low, high = np.zeros(se.shape), np.full(se.shape, 50.0)
    for _ in range(60):  # bisection in units of the standard error: power grows with the effect
        middle = (low + high) / 2
        enough = power_of_t(middle, 1.0, df, level) >= power
        high, low = np.where(enough, middle, high), np.where(enough, low, middle)
    return np.asarray(high * se)


def _quantile(probability: float, df: FloatArray) -> FloatArray:
    return np.where(np.isinf(df), special.ndtri(probability), special.stdtrit(df, probability))


def _survival(critical: FloatArray, df: FloatArray, delta: FloatArray) -> FloatArray:
    """P(T > critical) of the noncentral t; of the normal for infinite df, and where the distance is beyond doubt."""
    finite = np.where(np.isinf(df), 1e6, df)
    far = np.clip(delta, -30, 30)
    return np.where(np.isinf(df), special.ndtr(delta - critical), 1 - special.nctdtr(finite, far, critical))
