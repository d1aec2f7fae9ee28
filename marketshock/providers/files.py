"""Tables, prices, returns and events read from files."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import InputError, PriceError
from .frames import parsed_index

_LONG_PRICES = ("adj_close", "close", "price", "prc")
_LONG_RETURNS = ("ret", "return", "returns")
_MISSING = ("", "NA", "N/A", "#N/A", "NaN", "nan", "n/a", "null", "NULL", "None", "<NA>", ".")


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> pd.DataFrame:
    """Read a CSV or Parquet file.

    Parameters
    ----------
    path : str or Path
        The file.
    text : tuple of str, optional
        Columns (in lower case) that stay text whatever they look like: a ticker may be 0005, TRUE or NA. "*" is all.

    Raises
    ------
    InputError
        If the file is missing, empty, not of these kinds, cannot be decoded, has a column twice, or rows longer than
        its header.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(str(path), "no such file", "check the path")
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(path)
        if path.suffix.lower() in (".csv", ".txt"):
            return _read_csv(path, text)
    except ImportError as error:
        raise InputError(str(path), "Parquet needs pyarrow", "pip install 'marketshock[parquet]'") from error
    except UnicodeDecodeError as error:
        raise InputError(str(path), "is not UTF-8 text", "save it as UTF-8") from error
    except InputError:
        raise
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError, OSError) as error:
        problem = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(str(path), f"cannot be read as {path.suffix[1:]}: {problem}", "check the file") from error
    raise InputError(str(path), f"unknown kind of file {path.suffix!r}", "give a .csv or a .parquet file")


def _read_csv(path: Path, text: tuple[str, ...]) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    folded = [name.strip().casefold() for name in header]
    twice = [name for i, name in enumerate(folded) if name and name in folded[:i]]
    if twice:
        raise InputError(str(path), f"has the column {twice[0]!r} twice", "keep one of them")
    as_text = [name for name, low in zip(header, folded, strict=True) if low in text or text == ("*",)]
    keep = {name: [""] for name in as_text}  # NA is a ticker too: only an empty field is missing
    others = {name: list(_MISSING) for name in header if name not in keep}
    table = pd.read_csv(
        path, encoding="utf-8-sig", dtype=dict.fromkeys(as_text, str), na_values=keep | others, keep_default_na=False
    )
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(str(path), "has rows with more fields than its header names", "correct the header or the rows")
    return table


def read_wide(path: str | Path, kind: str) -> pd.DataFrame:
    """Read a file of prices or returns, wide (date, one column a ticker) or long (date, ticker, value).

    Parameters
    ----------
    path : str or Path
        CSV or Parquet.
    kind : {"prices", "returns"}
        Which value column of a long file is meant.

    Returns
    -------
    DataFrame
        Dates as index, one column a ticker, missing values NaN. Rows keep the file's order in a wide file.

    Raises
    ------
    InputError
        If there is no date column, or a long file has no value column or a duplicate row.
    """
    table = read_table(path, text=("ticker", "symbol"))
    if isinstance(table.index, pd.DatetimeIndex):
        name = "date" if "date" not in table.columns else None
        table = table.reset_index(names="date") if name else table.reset_index(drop=True)
    date = next((c for c in table.columns if str(c).casefold() == "date"), None)
    if date is None:
        first = table.columns[0] if len(table.columns) else "nothing"
        raise InputError(str(path), f"has no column 'date' (the first is {first!r})", "name the date column 'date'")
    table = table.rename(columns={date: "date"})
    index = parsed_index(str(path), pd.Index(table["date"]))
    by_name = {str(c).strip().casefold().replace(" ", "_"): c for c in table.columns}
    if "ticker" not in by_name:
        return table.drop(columns="date").set_index(index)
    wanted = _LONG_PRICES if kind == "prices" else _LONG_RETURNS
    value = next((by_name[name] for name in wanted if name in by_name), None)
    if value is None:
        raise InputError(
            str(path), f"is a long table without a column of {kind}", f"name it one of {', '.join(wanted)}"
        )
    ticker = by_name["ticker"]
    long = table.assign(date=index)
    if long[ticker].isna().any():
        raise InputError(
            str(path), f"row {int(np.argmax(long[ticker].isna()))} has no ticker", "fill it or drop the row"
        )
    if long.duplicated(["date", ticker]).any():
        row = long[long.duplicated(["date", ticker])].iloc[0]
        raise PriceError(
            str(path),
            f"{row['date'].date()} stands there more than once for {row[ticker]}",
            "keep one row a session",
        )
    return long.pivot(index="date", columns=ticker, values=value).rename_axis(columns=None)


def read_events(path: str | Path) -> pd.DataFrame:
    """Read a file of events; column names are folded to lower case, dates stay text until they are checked.

    Raises
    ------
    InputError
        As `read_table`, or if there is no column "date".
    """
    table = read_table(path, text=("*",))
    table.columns = [str(c).strip().casefold() for c in table.columns]
    if "date" not in table.columns:
        raise InputError(
            str(path),
            f"has no column 'date' (it has {', '.join(table.columns)})",
            "events need ticker and date",
        )
    return table
