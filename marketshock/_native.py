"""Frames of other libraries as pandas frames, column by column: the one door through which they come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .errors import InputError

_CONVERTED = ("polars", "pyarrow", "narwhals")
_NAT = int(np.iinfo(np.int64).min)  # what a missing time is among datetime64


def as_pandas(parameter: str, frame: Any) -> Any:
    """Return a polars or Arrow frame as a pandas frame; a pandas frame, and what is no frame, as it came.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    frame : pandas, polars or narwhals frame (lazy ones are collected), pyarrow Table, or anything else
        Never changed.

    Returns
    -------
    DataFrame or object
        A converted frame has a RangeIndex. Numbers and decimals become floats with NaN where something is missing
        (whole numbers stay so where nothing is), dates datetimes at midnight, times microseconds in their zone with
        NaT, categories text, and everything else Python objects with None.

    Raises
    ------
    InputError
        If narwhals is not installed, the frame has a column twice, or it is of a library that is not converted.
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
    _refuse_twice(parameter, list(getattr(frame, "column_names", ())))  # Arrow alone allows it
    wrapped = nw.from_native(frame, pass_through=True)
    if isinstance(wrapped, nw.LazyFrame):
        wrapped = wrapped.collect()
    if not isinstance(wrapped, nw.DataFrame):
        raise InputError(parameter, f"got a {type(frame).__name__} of {home}", "pass a DataFrame")
    return pd.DataFrame({name: _values(wrapped[name]) for name in wrapped.columns}, index=pd.RangeIndex(len(wrapped)))


def _refuse_twice(parameter: str, names: list[str]) -> None:
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise InputError(parameter, f"has the column {twice[0]!r} twice", "keep one of them")


def _values(column: Any) -> Any:
    """Return a narwhals column as what a pandas column is made of, without pyarrow."""
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
