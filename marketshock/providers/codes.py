"""Values that stand for something else: missing-value codes, signs with a meaning, returns where prices are meant."""

from __future__ import annotations

import numpy as np

from .._typing import BoolArray, FloatArray

#: Missing-value codes of Kenneth R. French's data library and of CRSP, exact. No price and no daily return is one.
CODES = (-99.99, -999.0, -999.99, -9999.0, -66.0, -77.0, -88.0, -99.0)

#: The same without their sign, and 999 divided by 100: as a decimal return each is a gain of 898 % and more.
_POSITIVE = (66.0, 77.0, 88.0, 99.0, 99.99, 999.0, 999.9, 999.99, 9999.0, 9999.99, 99999.0, 9.99, 9.999, 9.9999)
#: Codes that were divided by 100 with the percent around them. A security may lose as much, an index does not.
_HUNDREDTHS = (-0.9999, -0.999, -0.99)

_SMALL = 0.2  # a typical size below is that of returns
_AROUND = 5  # prices on each side that tell the level


def is_code(values: FloatArray) -> BoolArray:
    """Return which returns are missing-value codes, of the same shape."""
    found = np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        far = np.abs(values) > 1
    found[far] = np.isin(values[far], (*CODES, *_POSITIVE))
    return found


def is_hundredth(values: FloatArray) -> BoolArray:
    """Return which returns are missing-value codes divided by 100, of the same shape."""
    found = np.zeros(values.shape, dtype=bool)
    with np.errstate(invalid="ignore"):
        far = (values > -1) & (values < -0.98)
    found[far] = (np.abs(values[far][:, None] - np.array(_HUNDREDTHS)) < 1e-12).any(axis=1)
    return found


def look_like_returns(values: FloatArray) -> bool:
    """Return whether a column of prices, (n,), holds small values of both signs."""
    known = values[np.isfinite(values)]
    both = bool((known > 0).any() and (known < 0).any())
    return both and float(np.median(np.abs(known))) < _SMALL


def not_positive(values: FloatArray, at: int) -> tuple[str, str]:
    """Return what a zero or negative value among prices likely is ("" if that is not known), and what to do.

    Parameters
    ----------
    values : ndarray of shape (n,)
        The column.
    at : int
        The place of the value.
    """
    value = float(values[at])
    if look_like_returns(values):
        return "small values of both signs: returns, not prices", "pass them as returns="
    if value in CODES:
        return "a missing-value code", "set it to NaN"
    near = np.abs(values[max(at - _AROUND, 0) : at + _AROUND + 1])
    near = near[np.isfinite(near) & (near > 0)]
    level = float(np.median(near)) if len(near) else 0.0
    if value < 0 and level and abs(np.log(-value / level)) < 0.5:
        what = "whose size fits its neighbors: in CRSP a minus marks the mean of bid and ask"
        return what, "take abs() of CRSP's prices (the reader of CRSP files does), or set it to NaN"
    return "", "correct it, or set it to NaN"
