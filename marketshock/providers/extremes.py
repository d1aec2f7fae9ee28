"""Opens, highs and lows far from the closes: one rule for fetched bars and for prices of the user.

Stops, targets and orders at the open are filled at these, so that one of them is as good as a close.
"""

from __future__ import annotations

import numpy as np

from .._typing import FloatArray
from .bars import last_known

SPIKE = (2.0, 5.0)
"""Factors beyond which a price that those beside it do not confirm is a warning, and beyond which it is refused."""


def far_from_closes(
    close: FloatArray, opens: FloatArray | None, high: FloatArray | None, low: FloatArray | None
) -> dict[str, FloatArray]:
    """Return how far each open, high and low is away, as a factor: 1 at its close, 100 or 0.01 for a wrong unit.

    A high is compared with the higher of open and close, a low with the lower: what traded beyond them within the day
    leaves no other trace. An open is compared with the close of its day and with the last one before, of which the
    nearer counts: a share may open at the old price and fall, or open at the new one.

    Parameters
    ----------
    close, opens, high, low : ndarray of shape (n,) or (n, S), or None
        By date. Values that are not positive and finite count as missing.

    Returns
    -------
    dict of str to ndarray of the same shape
        "open", "high" and "low", of those that were given: a high is never below 1, a low never above it. An open
        that has nothing to be compared with is NaN.
    """
    missing = np.full_like(close, np.nan)
    close, first, most, least = (missing if a is None else _positive(a) for a in (close, opens, high, low))
    with np.errstate(all="ignore"):
        of_day, of_before = first / close, first / last_known(close)
        before_is_nearer = np.abs(np.log(of_before)) < np.abs(np.log(of_day))
        found = {
            "open": np.where(before_is_nearer | np.isnan(of_day), of_before, of_day),
            "high": np.fmax(most / np.fmax(first, close), 1.0),
            "low": np.fmin(least / np.fmin(first, close), 1.0),
        }
    given = {"open": opens, "high": high, "low": low}
    return {name: factor for name, factor in found.items() if given[name] is not None}


def _positive(values: FloatArray) -> FloatArray:
    with np.errstate(invalid="ignore"):
        return np.where((values > 0) & np.isfinite(values), values, np.nan)
