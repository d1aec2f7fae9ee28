"""The shapes in which prices and returns come, brought to one: dates by tickers, one frame per field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._names import clean_names
from .._typing import BoolArray, DateArray, Frame, IntArray
from ..errors import Argument, InputError, PriceError, Words
from .frames import check_columns, check_years, dated, numeric_values, pandas_frame, parsed_index
from .zones import refuse_midnights_elsewhere

TICKER_NAMES = ("ticker", "symbol")
RETURN_NAMES = ("ret", "return", "returns")
_EXTRA = ("open", "high", "low", "volume", "dividend", "split")
_SPELLED = {
    "price": "close",
    "adjclose": "adj_close",
    "adjusted_close": "adj_close",
    "dividends": "dividend",
    "stock_splits": "split",
    "splits": "split",
}
_ONE_TICKER = 'keep the one column of prices under the name of its ticker, or add a column "ticker"'


def price_fields(parameter: str, frame: Frame) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    """Split a frame of prices by field, whatever its shape.

    Raises `InputError` if the shape is ambiguous or has no closes; as `dated` and `pivoted`.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    frame : DataFrame
        Wide (dates by tickers: the closes), two-level columns (field, ticker) in either order, or long (date, ticker
        or symbol, close or price [, adj_close, open, high, low, volume, dividend, split]). Dates are the index or a
        column "date".

    Returns
    -------
    fields : dict of str to DataFrame
        "close", and "adj_close" and others where they are there; dates by tickers.
    not_read : tuple of str
        Columns of a long frame that were left alone.
    """
    table = _flat_rows(parameter, pandas_frame(parameter, frame))
    if table.columns.nlevels > 1:
        return _split_levels(parameter, dated(parameter, table)), ()
    ticker = _ticker_column(parameter, table)
    table = dated(parameter, table)
    if ticker is not None:
        return _long_prices(parameter, table, ticker)
    closes = [c for c in table.columns if _field(c) in ("close", "adj_close")]
    if closes:
        raise InputError(parameter, f"has a column {closes[0]!r}, which is a field and no ticker", _ONE_TICKER)
    return {"close": table}, ()


def currencies(parameter: str, frame: Frame) -> dict[str, str]:
    """Return the currency of each ticker of a long frame with a column of that name; empty for any other.

    Raises `InputError` if a ticker is quoted in two.
    """
    table = pandas_frame(parameter, frame)
    found = [c for c in table.columns if isinstance(c, str) and _folded(c) == "currency"]
    ticker = _ticker_column(parameter, table) if found and table.columns.nlevels == 1 else None
    if ticker is None:
        return {}
    pairs = table[[ticker, found[0]]].dropna().drop_duplicates()
    twice = pairs[pairs[ticker].duplicated()]
    if len(twice):
        name = twice[ticker].iloc[0]
        both = " and ".join(pairs.loc[pairs[ticker] == name, found[0]].astype(str))
        raise InputError(parameter, f"{name} is quoted in {both}", "give one currency per ticker")
    return dict(zip(pairs[ticker].astype(str).str.strip(), pairs[found[0]].astype(str), strict=True))


def return_frame(parameter: str, frame: Frame) -> pd.DataFrame:
    """Bring a wide or long frame of returns to dates by tickers; dates are the index or a column "date".

    Raises `InputError` if a long frame has no column of returns, or the columns have two levels; as `dated` and
    `pivoted`.
    """
    table = _flat_rows(parameter, pandas_frame(parameter, frame))
    if table.columns.nlevels > 1:
        remedy = Words("pass prices as ", Argument("prices"), ", returns with one column per ticker")
        raise InputError(parameter, "has two-level columns, as prices have", remedy)
    ticker = _ticker_column(parameter, table)
    table = dated(parameter, table)
    if ticker is None:
        return table
    value = [c for c in table.columns if _folded(c) in RETURN_NAMES]
    if len(value) != 1:
        what = f"is a long table with {len(value)} columns of returns"
        raise InputError(parameter, what, f"name one of them {RETURN_NAMES[0]!r}")
    return pivoted(parameter, table, ticker, {"ret": value[0]})["ret"]


def pivoted(parameter: str, frame: pd.DataFrame, ticker: Any, fields: Mapping[str, Any]) -> dict[str, pd.DataFrame]:
    """Turn a long frame into frames of dates by tickers.

    Raises `PriceError` if two rows are of one date and ticker, a date is none, or a value is text or infinite;
    `InputError` if a row has no ticker.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    frame : DataFrame
        Dates as index, in any order; one row per date and ticker.
    ticker : hashable
        Column of the tickers. They keep the order in which they come.
    fields : mapping of str to hashable
        Name of each frame to make -> its column.

    Returns
    -------
    dict of str to DataFrame
        Floats, NaN where there is no row.
    """
    check_columns(parameter, frame)
    given, all_days, code = _day_codes(parameter, frame.index)
    names, column = _ticker_codes(parameter, frame[ticker])

    def there() -> BoolArray:
        values = frame[list(fields.values())]
        held = (values.notna() & (values != 0)).any(axis=1).to_numpy()
        out = np.zeros((len(all_days), len(names)), dtype=bool)
        out[code[held], column[held]] = True
        return out

    refuse_midnights_elsewhere(parameter, given, all_days, there)
    days, place_of = np.unique(all_days, return_inverse=True)
    row = place_of[code]
    place = row * len(names) + column
    order = np.sort(place)
    if (order[1:] == order[:-1]).any():
        at = int(order[1:][order[1:] == order[:-1]][0])
        what = f"{days[at // len(names)]} stands there more than once for {names[at % len(names)]}"
        raise PriceError(parameter, what, "keep one row per session")
    values = numeric_values(parameter, frame[list(fields.values())])
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")
    out = {}
    for k, name in enumerate(fields):
        matrix = np.full(len(days) * len(names), np.nan)
        matrix[place] = values[:, k]
        out[name] = pd.DataFrame(matrix.reshape(len(days), len(names)), index=index, columns=names)
    return out


def _day_codes(parameter: str, index: pd.Index) -> tuple[pd.Index, DateArray, IntArray]:
    """Return the different dates of a long frame as they are given, their days, and which of them each row is of."""
    code, known = pd.factorize(index)
    if (code < 0).any():
        raise PriceError(parameter, f"row {int(np.argmax(code < 0))} has no date", "fill it or drop the row")
    given = pd.Index(known)
    known = known if isinstance(known, pd.DatetimeIndex) else parsed_index(parameter, given)
    all_days = known.tz_localize(None).to_numpy().astype("datetime64[D]")
    check_years(parameter, all_days)
    return given, all_days, code


def _ticker_codes(parameter: str, column: pd.Series[Any]) -> tuple[list[str], IntArray]:
    blank = column.isna() | (column.astype(str).str.strip() == "")
    if blank.any():
        raise InputError(parameter, f"row {int(np.argmax(blank))} has no ticker", "fill it or drop the row")
    code, known = pd.factorize(column.astype(str))
    return clean_names(parameter, known), code


def _long_prices(parameter: str, frame: pd.DataFrame, ticker: Any) -> tuple[dict[str, pd.DataFrame], tuple[str, ...]]:
    there = _by_field(parameter, [c for c in frame.columns if c != ticker])
    fields = {name: there[name] for name in ("close", "adj_close", *_EXTRA) if name in there}
    if "close" not in fields and "adj_close" not in fields:
        what = "is a long table without a column of prices"
        raise InputError(parameter, what, "name it 'close' (a CRSP file is read by read_crsp, in Python)")
    made = pivoted(parameter, frame, ticker, fields)
    return made, tuple(str(c) for c in frame.columns if c != ticker and c not in fields.values())


def _split_levels(parameter: str, frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split two-level columns by field; the level that names "Close" is the one of the fields."""
    if frame.columns.nlevels > 2:
        raise InputError(parameter, f"has columns of {frame.columns.nlevels} levels", "give two: (field, ticker)")
    levels = [list(frame.columns.get_level_values(level).unique()) for level in (0, 1)]
    found = [level for level in (0, 1) if "close" in map(_field, levels[level])]
    if len(found) != 1:
        problem = "in both levels" if found else "in neither level"
        what = f"has two-level columns with the field 'Close' {problem}"
        raise InputError(parameter, what, "keep one field, the closes, with one column per ticker")
    fields = _by_field(parameter, levels[found[0]])
    return {name: pd.DataFrame(frame.xs(column, axis=1, level=found[0])) for name, column in fields.items()}


def _flat_rows(parameter: str, frame: pd.DataFrame) -> pd.DataFrame:
    """Turn an index of rows (date, ticker) into columns."""
    if frame.index.nlevels == 1:
        return frame
    if None in frame.index.names:
        raise InputError(parameter, "has an index of several levels without names", "name them date and ticker")
    return frame.reset_index()


def _ticker_column(parameter: str, frame: pd.DataFrame) -> Any:
    found = [c for c in frame.columns if _folded(c) in TICKER_NAMES]
    if len(found) > 1:
        raise InputError(parameter, f"has {len(found)} columns of tickers: {found}", "keep one of them")
    return found[0] if found else None


def _by_field(parameter: str, names: list[Any]) -> dict[str, Any]:
    """Return the column of each field."""
    out: dict[str, Any] = {}
    for name in names:
        if _field(name) in out:
            what = f"has {out[_field(name)]!r} and {name!r}, which are one field"
            raise InputError(parameter, what, "keep one of them")
        out[_field(name)] = name
    return out


def _field(name: object) -> str:
    """Return the field a name spells: "Adj Close" and "adj_close" are one."""
    folded = _folded(name)
    return _SPELLED.get(folded, folded)


def _folded(name: object) -> str:
    return str(name).strip().casefold().replace(" ", "_")
