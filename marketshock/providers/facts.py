"""Recorded facts: macro figures, dates and surveys, each with vintage and source."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .._bundled import bundled_path
from ..errors import InputError
from .files import read_table

_COLUMNS = ("id", "what", "period", "value", "unit", "published", "vintage", "source")


def recorded_facts(path: str | Path | None = None) -> pd.DataFrame:
    """Return facts that no price tells: what claims about macro figures and dates are checked against.

    Parameters
    ----------
    path : str or Path, optional
        A CSV file with the columns below; by default the bundled ones.

    Returns
    -------
    DataFrame
        Text, indexed by id: what, period (as written: 2025-01, 2024-Q4), value (a number, or a date where ``unit`` is
        "date"), unit, published (a date, or a time with its zone), vintage (first release, revised with which), source.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, has an id twice, or a fact lacks value or source.

    Examples
    --------
    >>> import marketshock as ms
    >>> ms.datasets.recorded_facts().loc["ism-services-2024-12-revised", "value"]
    '54.0'
    """
    file = bundled_path("figures", "facts.csv") if path is None else Path(path)
    table = read_table(file, text=("*",)).fillna("")
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise InputError("facts", f"{file} has no column {missing[0]!r}", f"it needs {', '.join(_COLUMNS)}")
    twice = table["id"][table["id"].duplicated()]
    if len(twice):
        raise InputError("facts", f"{file} has {twice.iloc[0]!r} twice", "rename one")
    for name in ("id", "value", "source"):
        empty = table["id"][table[name].str.strip() == ""]
        if len(empty):
            raise InputError("facts", f"{file}: {empty.iloc[0]!r} has no {name}", "a fact stands beside its source")
    return table.set_index("id")[list(_COLUMNS[1:])]
