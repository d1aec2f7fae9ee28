"""Conversion of polars and Arrow frames to pandas; all frames of other libraries enter here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .errors import InputError, twice

_CONVERTED = ("polars", "pyarrow", "narwhals")
_NAT = int(np.iinfo(np.int64).min)  # integer value of NaT


def as_pandas(parameter: str, frame: Any) -> Any:
    """Return a polars or Arrow frame as a pandas frame; pandas frames and other objects are returned unchanged.

    Raises `InputError` if narwhals is not installed, a column name occurs twice, or the frame is of an unsupported
    library.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    frame : pandas, polars or narwhals frame (lazy frames are collected), pyarrow Table, or any object
        Input; never modified.

    Returns
    -------
    DataFrame or object
        A converted frame has a RangeIndex. Numbers and decimals become floats with NaN for missing values; integers
        without missing values stay integers. Dates become datetimes at midnight, and times datetimes in microseconds
        in their time zone, with NaT for missing values. Categories become text, and all other types Python objects with
        None for missing values.
    """
    if isinstance(frame, pd.DataFrame):
        return frame
    home = type(frame).__module__.partition(".")[0]
    if home in _CONVERTED:
        return _converted(parameter, frame, home)
    if hasattr(frame, "to_pandas"):
        raise InputError(parameter, f"got a frame of {home}", f"pass {parameter}.to_pandas()")
    return frame


def _converted(parameter: str, frame: Any, home: str) -> pd.DataFrame:
    try:
        import narwhals.stable.v1 as nw
    except ImportError as error:
        raise InputError(
            parameter, f"got a frame of {home}, which narwhals reads", "pip install 'marketshock[polars]'"
        ) from error
    _refuse_twice(parameter, list(getattr(frame, "column_names", ())))  # only Arrow allows it
    wrapped = nw.from_native(frame, pass_through=True)
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect()
    if not isinstance(wrapped, nw.DataFrame):
        raise InputError(parameter, f"got a {type(frame).__name__} of {home}", "pass a DataFrame")
    return pd.DataFrame({name: _values(wrapped[name]) for name in wrapped.columns}, index=pd.RangeIndex(len(wrapped)))


def _refuse_twice(parameter: str, names: list[str]) -> None:
    if (again := twice(names)) is not None:
        raise InputError(parameter, f"has the column {again!r} twice", "keep one of them")


def _values(column: Any) -> Any:
    """Return the data of a narwhals column in a form that pandas accepts, without pyarrow."""
    import narwhals.stable.v1 as nw

    kind = column.dtype
    if kind.is_numeric():
        return (column.cast(nw.Float64) if column.null_count() or kind == nw.Decimal else column).to_numpy()
    if kind == nw.Date or kind == nw.Datetime:
        return _times(column.cast(nw.Datetime("us")) if kind == nw.Date else column, getattr(kind, "time_zone", None))
    text = column.cast(nw.String) if kind in (nw.Categorical, nw.Enum) else column
    return pd.Series(text.to_list(), dtype=bool if kind == nw.Boolean and not column.null_count() else object)


def _times(column: Any, zone: str | None) -> pd.DatetimeIndex:
    since_1970 = column.dt.timestamp("us").fill_null(_NAT).to_numpy()
    times = pd.DatetimeIndex(since_1970.view("datetime64[us]"))
    return times if zone is None else times.tz_localize("UTC").tz_convert(zone)
