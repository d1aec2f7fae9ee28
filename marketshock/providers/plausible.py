"""Plausibility of share counts: a firm's counts by date, on one split basis, compared with each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._typing import BoolArray, FloatArray

FEWEST = 10_000
"""No listed firm has fewer shares: a smaller count stands for something else (filers have written 1, 100, 1000)."""

JUMP = 3.0
"""Counts that differ by more are no two states of one firm, unless the new state stays."""

SCALE = 100.0
"""At an end of the row, where nothing shows what stays, only a count off by more is taken for one in thousands."""

RECEIPTS = (
    "they count ordinary shares, and prices in the US may be of receipts (ADRs), each of which may stand for several; "
    "divide the counts by that number if so"
)
NO_FLOAT = "the filings hold no public float, which would tell whether counts and closes are of one security"

_SMALL = 10e6  # USD: few listed firms are worth less
_FEW, _DEAR = 2e6, 1000.0  # few firms have fewer shares, and those quote them above this price
_TURNOVER = 0.5  # of all shares on a usual day: more are not traded, whatever the firm
_FLOAT = (0.2, 1.5)  # public float over count x close: below and above, the two are not of one security
_AHEAD = 3  # counts after a jump that decide whether it stays


def implausible(counts: FloatArray) -> BoolArray:
    """Return which counts are jumps that revert.

    Parameters
    ----------
    counts : ndarray of shape (n,)
        Positive, by date, all in the same units.

    Returns
    -------
    ndarray of shape (n,)
        True for a count that is off its last plausible predecessor by more than `JUMP` where the next count, or half of
        the next three, are back at the predecessor; at the ends, for one off by more than `SCALE`. A jump that stays is
        plausible: see `jumps`.
    """
    out = np.zeros(len(counts), dtype=bool)
    last: float | None = None
    for i, count in enumerate(counts):
        ahead = counts[i + 1 : i + 1 + _AHEAD]
        out[i] = _first_is_off(count, ahead) if last is None else _reverts(count, float(last), ahead)
        last = last if out[i] else count
    return out


def _first_is_off(count: float, ahead: FloatArray) -> bool:
    return len(ahead) > 1 and all(_off(c, count) > SCALE for c in ahead) and _off(ahead[0], ahead[1]) <= JUMP


def _reverts(count: float, last: float, ahead: FloatArray) -> bool:
    if _off(count, last) <= JUMP:
        return False
    if not len(ahead):
        return _off(count, last) > SCALE
    back = [_off(c, last) <= JUMP for c in ahead]
    stay = [_off(c, count) <= JUMP for c in ahead]
    return back[0] or 0 < sum(back) >= sum(stay)


def jumps(counts: FloatArray) -> list[int]:
    """Return the positions of counts that are off the one before by more than `JUMP`."""
    return [i for i in range(1, len(counts)) if _off(counts[i], counts[i - 1]) > JUMP]


def nearest(counts: Sequence[float], to: float | None) -> int:
    """Return the position of the count nearest to another, by ratio; of the first where there is no other."""
    return 0 if to is None else int(np.argmin([_off(c, to) for c in counts]))


def unit_of(count: float) -> int:
    """Return the unit a count seems to be rounded to: 24,490,000,000 gives 10,000,000.

    Trailing zeros tell, three at least, else 1. A count that ends in zeros by chance is taken for rounded.
    """
    unit = 1
    while count >= unit * 10 and count % (unit * 10) == 0:
        unit *= 10
    return unit if unit >= 1000 else 1


def _off(one: float, other: float) -> float:
    return float(max(one / other, other / one))


def units_doubt(count: float, close: float, value: float, volume: float) -> str:
    """Return why a count may be in thousands or millions of shares, "" if nothing says so.

    Parameters
    ----------
    count : float
        Shares of the firm, all classes.
    close : float
        The highest close of its classes, USD.
    value : float
        Counts times closes, USD.
    volume : float
        Shares traded on a usual day over the shares of that class, NaN where not known.
    """
    shown = f"{count:,.0f} shares x close are {value / 1e6:,.4g} million USD"
    if volume > _TURNOVER:
        shown = f"{volume:.3g} times the count of {count:,.0f} shares is traded on a usual day"
    elif value >= _SMALL and not (count < _FEW and close < _DEAR):
        return ""
    return f"{shown}: is the count in thousands or in millions? Give whole shares"


def float_doubt(usd: float, value: float, day: str) -> str:
    """Return why counts and closes may not be of one security, by the public float in a filing, "" if they may be.

    Parameters
    ----------
    usd, value : float
        Market value of the shares held by the public, and count times close of that day, both in USD.
    day : str
        Day of both.
    """
    low, high = _FLOAT
    share = usd / value
    found = f"the filings give a public float of {usd / 1e9:,.4g} bn USD on {day}, {share:.3g} times count x close"
    if share < low:
        return f"{found}: {RECEIPTS}"
    return f"{found}: the count may be in thousands or millions, or of one class of several" if share > high else ""
