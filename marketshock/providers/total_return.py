"""The total return of a security: what a dividend adds to the return of its ex-day.

CRSP's holding-period return is ``(P + D) / P_before - 1``: the dividend is cash of the ex-day. A vendor's adjusted
closes multiply every earlier close by ``1 - D / P_before``, so that the return of two of them is
``P / (P_before - D) - 1``. With d = D / P_before, the second is higher by exactly d times itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._typing import BoolArray, FloatArray
from ..errors import PriceError
from .bars import last_known
from .frames import numeric_values

OF_DIVIDENDS = "(close + dividend) / close before - 1"
OF_BOTH = "(close + dividend) / close before - 1, with the dividends that the adjusted closes imply"
OF_RATIOS = "ratio of two adjusted closes: with a vendor's, close / (close before - dividend) - 1"
"""How returns of ex-days are computed, for ``provenance["ex_days"]``; where it is absent, from the ratios."""

_DECIMALS = 8
_ROUNDED = 1.05  # multiple of the rounding error of the prices above which an implied dividend is accepted
_FLOAT = 1.2e-7  # relative rounding error of prices once stored in single precision
_TERMS = np.arange(1, 21)
_RATIOS = _TERMS / _TERMS[:, None]
_SPLITS = np.unique(_RATIOS[_RATIOS < 1])  # old shares for a new one


def paid_since(close: FloatArray, dividend: FloatArray) -> FloatArray:
    """Return the cash per share from the close before each close to that close, of shape (T,) or (T, S).

    A dividend on a day without a close is kept until the next close; several are summed. 0 where there is no close, and
    where none is known before.

    Parameters
    ----------
    close, dividend : ndarray of shape (T,) or (T, S)
        Closes adjusted for splits (NaN where missing), and dividends in the same units (NaN is none).
    """
    paid, there = np.nan_to_num(dividend), np.isfinite(close)
    cash = paid
    if not there.all():
        until = np.cumsum(paid, axis=0)
        kept = until - np.nan_to_num(last_known(np.where(there, until, np.nan)))
        ended = np.concatenate([there[:1], there[:-1]])  # a close on the row before: nothing was kept
        cash = np.where(ended, paid, kept)
    return np.where(there & np.isfinite(last_known(close)), cash, 0.0)


def reinvested(close: FloatArray, dividend: FloatArray) -> FloatArray:
    """Return levels with dividends reinvested at the close of their ex-day, equal to the close on the last row.

    The ratio of the levels of two closes that follow each other is ``(P + D) / P_before``, D from `paid_since`.

    Parameters
    ----------
    close, dividend : ndarray of shape (T,) or (T, S)
        As in `paid_since`.

    Returns
    -------
    ndarray of the same shape
        NaN where the close is.
    """
    cash = paid_since(close, dividend)
    with np.errstate(invalid="ignore"):
        step = np.where(cash == 0, 1.0, close / (close + cash))
    return _carried(close, step)


def reinvested_as_implied(close: FloatArray, adjusted: FloatArray) -> FloatArray:
    """Return levels, as `reinvested`, of closes and a vendor's adjusted closes beside them.

    On the days on which the adjusted closes imply a dividend, ``1 - f`` of the close before with f the ratio of the two
    days' adjustment factors, the ratio of the levels is ``P / P_before + 1 - f``; elsewhere it is that of the adjusted
    closes, to the last bit. A factor of one half or less, or of whole numbers up to 20, is one of a split that the
    closes are not adjusted for, and changes nothing.

    Parameters
    ----------
    close, adjusted : ndarray of shape (T, S)
        Closes and adjusted closes, NaN where missing.

    Returns
    -------
    ndarray of shape (T, S)
        NaN where the adjusted close is.
    """
    step = np.ones(close.shape)
    for k in np.flatnonzero(((close != adjusted) & np.isfinite(close) & np.isfinite(adjusted)).any(axis=0)):
        there, rate, believed, noise = _implied(close[:, k], adjusted[:, k])
        factor = 1 - rate
        apart = np.abs(factor[:, None] - _SPLITS).min(axis=1) if len(factor) else factor
        ex = believed & (rate > 0) & (factor > 0.5 + noise) & (apart > noise)
        ratio = adjusted[there[1:], k] / adjusted[there[:-1], k]
        step[there[1:], k] = np.where(ex, ratio / (1 + factor * (ratio - 1)), 1.0)
    return _carried(adjusted, step)


def implied_dividends(close: FloatArray, adjusted: FloatArray) -> tuple[FloatArray, int]:
    """Return the dividends implied by adjusted closes, (T, S), and the number of days with a negative one.

    With a = adjusted / close, a dividend D on day t gives a(t-1) = a(t) (1 - D / close(t-1)). Values within the
    rounding error of the prices are 0. A dividend on a day without a price is paid on the next day with one.
    """
    dividend, odd = np.zeros(close.shape), 0
    for k in range(close.shape[1]):
        there, rate, believed, _ = _implied(close[:, k], adjusted[:, k])
        dividend[there[1:], k] = np.where(believed & (rate > 0), rate * close[there[:-1], k], 0.0)
        odd += int((believed & (rate < 0)).sum())
    return dividend, odd


def levels_of(close: pd.DataFrame, adj_close: pd.DataFrame, extra: Mapping[str, Any], ex_days: Any) -> pd.DataFrame:
    """Return the levels whose ratios are gross total returns, of the fields of prices: `Prices.reinvested`.

    Of a ticker with a dividend that `refuse_dividends` refuses they are those of its adjusted closes.

    Parameters
    ----------
    close, adj_close : DataFrame of shape (T, S)
        Closes and adjusted closes.
    extra : mapping of str to DataFrame
        Its "dividend" is read.
    ex_days : str or None
        How returns of ex-days are computed, from the provenance. Of `OF_DIVIDENDS` and `OF_BOTH`, the levels of a
        ticker are made of the dividends where it has any, and otherwise of closes and adjusted closes; of anything
        else, the adjusted closes are the levels.
    """
    if ex_days not in (OF_DIVIDENDS, OF_BOTH):
        return adj_close
    values, adjusted = close.to_numpy(dtype=float), adj_close.to_numpy(dtype=float)
    own, paid = payers(close, extra)
    own = own & ~(_refused(values, paid)).any(axis=0)
    made = adjusted.copy()
    made[:, own] = reinvested(values[:, own], paid[:, own])
    made[:, ~own] = reinvested_as_implied(values[:, ~own], adjusted[:, ~own])
    return pd.DataFrame(made, index=close.index, columns=close.columns)


def payers(close: pd.DataFrame, extra: Mapping[str, Any]) -> tuple[BoolArray, FloatArray]:
    """Return which tickers have a dividend in the field "dividend", (S,), and the dividends, (T, S), 0 for none."""
    if "dividend" not in extra:
        return np.zeros(close.shape[1], dtype=bool), np.zeros(close.shape)
    frame = extra["dividend"]
    if not (frame.index.equals(close.index) and list(frame.columns) == list(close.columns)):
        frame = frame.reindex(index=close.index, columns=close.columns)
    paid = np.nan_to_num(numeric_values("dividend", frame, False))
    return (paid != 0).any(axis=0), paid


def refuse_dividends(parameter: str, close: pd.DataFrame, paid: FloatArray) -> None:
    """Raise `PriceError` for the first dividend, (T, S), that is negative or not below the close before it."""
    values = close.to_numpy(dtype=float)
    bad = np.argwhere(_refused(values, paid))
    if not len(bad):
        return
    row, column = bad[0]
    amount = paid[row, column]
    what = f"the dividend of {close.columns[column]} on {close.index[row].date()} is {amount:.10g}"
    if amount < 0:
        raise PriceError(parameter, f"{what}, which is negative", "correct it, or set it to 0")
    there = np.flatnonzero(np.isfinite(values[:row, column]))[-1]
    what += f", and the close before it, of {close.index[there].date()}, is {values[there, column]:.10g}"
    remedy = (
        "give dividends in the units of the closes (is it in cents, in another currency, or per share of before a "
        "split?), or set it to 0"
    )
    raise PriceError(parameter, what, remedy)


def _refused(close: FloatArray, paid: FloatArray) -> BoolArray:
    """Return which dividends, (T, S), are negative or not below the close before them."""
    found = np.zeros(paid.shape, dtype=bool)
    rows, columns = np.nonzero(paid)
    if len(rows):
        before = last_known(close)[rows, columns]
        with np.errstate(invalid="ignore"):
            found[rows, columns] = (paid[rows, columns] < 0) | (paid[rows, columns] >= before)
    return found


def _carried(level: FloatArray, step: FloatArray) -> FloatArray:
    """Return levels, each times all later steps: the last row stays as it is."""
    later = np.concatenate([step[1:], np.ones_like(step[:1])])
    return np.asarray(level * np.cumprod(later[::-1], axis=0)[::-1])


def _implied(close: FloatArray, adjusted: FloatArray) -> tuple[Any, FloatArray, BoolArray, FloatArray]:
    """Return the N rows of one security with both closes, and of each after the first three arrays of shape (N - 1,).

    They are the yield that the adjusted closes imply, whether it is more than rounding makes, and what rounding of the
    adjusted closes makes.
    """
    there = np.flatnonzero(np.isfinite(close) & np.isfinite(adjusted))
    c, a = close[there], adjusted[there]
    own = _half_unit(adjusted)[there] / a + _FLOAT
    noise = _half_unit(close)[there] / c + own
    factor = a / c
    rate = 1 - factor[:-1] / factor[1:]
    return there, rate, np.abs(rate) > _ROUNDED * (noise[1:] + noise[:-1]), own[1:] + own[:-1]


def _half_unit(values: FloatArray) -> FloatArray:
    """Return half the last decimal place that a series has used up to each day, (T,); later prices have no effect."""
    known = np.where(np.isfinite(values), values, 0.0)
    decimals = np.full(values.shape, _DECIMALS)
    for places in range(_DECIMALS - 1, -1, -1):
        decimals[np.abs(known - np.round(known, places)) <= 1e-12 * (1 + np.abs(known))] = places
    return np.asarray(0.5 * 10.0 ** -np.maximum.accumulate(decimals))
