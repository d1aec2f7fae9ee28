"""Share counts in the company facts of the SEC: which of the reported values are counts, and of when."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._files import parsed_json
from .._typing import BoolArray
from ..errors import ShareCountWarning, SharesError
from .plausible import FEWEST, NO_FLOAT, RECEIPTS, implausible, jumps, nearest, unit_of
from .shares import BALANCE_SHEET, COVER, SharesTable

_CONCEPTS = {
    COVER: ("dei", "EntityCommonStockSharesOutstanding"),
    BALANCE_SHEET: ("us-gaap", "CommonStockSharesOutstanding"),
}
_FOREIGN = ("20-F", "40-F", "6-K")
_ENDED = 400  # days between a firm's last count and its last filing
_REMEDY = (
    "give the counts of its classes with SharesTable.from_csv, or take the sum on the balance sheet (balance_sheet=)"
)


def document_of(payload: bytes) -> dict[str, Any]:
    """Return a company-facts document. Raises `ValueError` if the bytes are not one; the message says what they are."""
    try:
        document = parsed_json(payload)
    except ValueError as error:  # UnicodeDecodeError is one
        kind = "an HTML page" if payload.lstrip()[:1] == b"<" else f"no whole JSON ({error})"
        raise ValueError(f"it is {kind if payload else 'empty'}") from error
    if not isinstance(document, dict) or not isinstance(document.get("facts"), dict):
        raise ValueError("it is JSON, but no company facts")
    try:
        _last_filing(document)  # goes through all of it
    except (AttributeError, TypeError) as error:
        raise ValueError("it is JSON, but not laid out as company facts are") from error
    return document


def counts_of(document: dict[str, Any], ticker: str, balance_sheet: bool, source: str) -> SharesTable:
    """Return the counts of one firm, known from the filing that first gave them.

    Raises `SharesError` if there is no usable count.

    Parameters
    ----------
    document : dict
        Company facts, as `document_of` returns them.
    ticker : str
        The firm, and the ticker whose close values its shares.
    balance_sheet : bool
        Take the counts of the balance sheet too.
    source : str
        Goes into the table.

    Warns
    -----
    ShareCountWarning
        If the counts end more than 400 days before the firm's last filing, or that is one of a foreign firm.
    """
    notes: list[str] = []
    frames = [_clean(document, COVER, notes)]
    if balance_sheet:
        frames.append(_clean(document, BALANCE_SHEET, notes))
    frame = pd.concat([f for f in frames if len(f)] or frames[:1], ignore_index=True)
    if frame.empty:
        name = document.get("entityName") or "the firm"
        left = f" ({len(notes)} left out, such as: {notes[0]})" if notes else ""
        what = f"{ticker}: no usable count of all shares of {name}{left}"
        raise SharesError(
            "source", f"{what}; a firm of several classes reports each, which company facts leave out", _REMEDY
        )
    _check_end(document, ticker, frames[0], notes)
    public_float = _public_float(document)
    _check_receipts(document, ticker, frame, public_float.empty, notes)
    table = SharesTable.from_frame(
        frame.assign(firm=ticker, rounding=[unit_of(c) for c in frame["shares"]]),
        source=source,
        notes=[f"{ticker}: {note}" for note in notes],
    )
    return replace(table, public_float=public_float.assign(firm=ticker))


def _clean(document: dict[str, Any], basis: str, notes: list[str]) -> pd.DataFrame:
    frame = _rows(document, basis)
    frame = _left_out(frame, frame[["shares", "as_of", "filed"]].isna().any(axis=1), "cannot be read", notes)
    frame = _left_out(frame, frame["shares"] < FEWEST, "no count of a listed firm", notes)
    frame = _left_out(frame, frame["as_of"] > frame["filed"], "dated after its filing", notes)
    frame = _first_filed(frame, notes)
    frame = _one_a_filing_day(frame, notes)
    frame = frame.sort_values(["as_of", "filed"], kind="stable").reset_index(drop=True)
    frame = _left_out(frame, implausible(frame["shares"].to_numpy(dtype=float)), "far off the counts around it", notes)
    for row in _format.rows(frame.iloc[jumps(frame["shares"].to_numpy(dtype=float))]):
        notes.append(f"jump of the {_named(row)}, which stays (a split, or another unit?): kept")
    return frame[["basis", "shares", "as_of", "filed", "form"]]


def _rows(document: dict[str, Any], basis: str) -> pd.DataFrame:
    """Return what was reported as text and numbers, by date of filing; a value that is none is NaN."""
    taxonomy, concept = _CONCEPTS[basis]
    units = document["facts"].get(taxonomy, {}).get(concept, {}).get("units", {})
    rows = [row for row in units.get("shares", []) if isinstance(row, dict)]
    frame = pd.DataFrame(rows, columns=["end", "val", "accn", "form", "filed"])
    days = {
        name: pd.to_datetime(frame[column].astype(str), format="%Y-%m-%d", errors="coerce")
        for name, column in (("as_of", "end"), ("filed", "filed"))
    }
    shares = pd.to_numeric(frame["val"], errors="coerce").astype(float)
    form = frame["form"].fillna("").astype(str)
    made = pd.DataFrame(
        {
            "basis": basis,
            "shares": shares.where(np.isfinite(shares)),
            "accn": frame["accn"].astype(str),
            "form": form,
            **days,
        }
    )
    return made.sort_values(["filed", "accn"], kind="stable").reset_index(drop=True)


def _left_out(frame: pd.DataFrame, bad: pd.Series[bool] | BoolArray, why: str, notes: list[str]) -> pd.DataFrame:
    bad = np.asarray(bad)
    notes += [f"left out the {_named(row)}: {why}" for row in _format.rows(frame[bad])]
    return frame[~bad].reset_index(drop=True)


def _first_filed(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Drop what a later filing repeats; another value of the same date is known from its own filing."""
    again = (frame.groupby("as_of")["shares"].shift() == frame["shares"]).to_numpy()
    if again.any():
        notes.append(f"{again.sum()} {frame['basis'].iloc[0]} counts repeated by later filings: kept as first filed")
    return frame[~again].reset_index(drop=True)


def _one_a_filing_day(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """Keep the latest count of each day of filing, of two with one date the one nearest to the last count."""
    last: float | None = None
    kept = np.ones(len(frame), dtype=bool)
    for _, group in frame.groupby("filed"):
        latest = group[group["as_of"] == group["as_of"].max()]
        at = latest.index[nearest(list(latest["shares"]), last)]
        last = float(frame["shares"][at])
        kept[group.index.drop(at)] = False
    return _left_out(frame, ~kept, "another count filed that day is later, or nearer to the last one", notes)


def _check_end(document: dict[str, Any], ticker: str, cover: pd.DataFrame, notes: list[str]) -> None:
    """Say so if the counts ended: the firm may have got a second class, and now reports each."""
    last_filing, last = pd.Timestamp(_last_filing(document)[0] or "NaT"), cover["filed"].max()
    if not (last_filing - last).days > _ENDED:  # NaN where there is no cover count
        return
    said = f"cover counts end with the filing of {last.date()}, and the firm has filed until {last_filing.date()}"
    notes.append(f"{said}; it may report by class since: {_REMEDY}")
    warnings.warn(f"shares: {ticker}: {notes[-1]}", ShareCountWarning, stacklevel=5)


def _check_receipts(
    document: dict[str, Any], ticker: str, frame: pd.DataFrame, unchecked: bool, notes: list[str]
) -> None:
    """Say so if prices in the US may be of receipts of the firm's shares.

    They may if the firm files, or filed, as foreign ones do. Foreign firms may file 10-Ks and 10-Qs too: their public
    float is held against counts and closes where these meet, and if the facts hold none, nothing can be.
    """
    form = _last_filing(document)[1]
    files = form.startswith(_FOREIGN)
    if files:
        who = f"the last filing is a {form} of a foreign firm"
    elif frame["form"].str.startswith(_FOREIGN).any():
        who = "some counts are of a foreign firm's filings"
    elif unchecked:
        who = NO_FLOAT
    else:
        return
    notes.append(f"{who}: {RECEIPTS}")
    if files:
        warnings.warn(f"shares: {ticker}: {notes[-1]}", ShareCountWarning, stacklevel=5)


def _public_float(document: dict[str, Any]) -> pd.DataFrame:
    """Return the public float in USD by day, as first filed: columns as_of, filed, usd."""
    units = document["facts"].get("dei", {}).get("EntityPublicFloat", {}).get("units", {})
    rows = [row for row in units.get("USD", []) if isinstance(row, dict)]
    frame = pd.DataFrame(rows, columns=["end", "filed", "val"]).set_axis(["as_of", "filed", "usd"], axis=1)
    for column in ("as_of", "filed"):
        frame[column] = pd.to_datetime(frame[column].astype(str), format="%Y-%m-%d", errors="coerce")
    frame["usd"] = pd.to_numeric(frame["usd"], errors="coerce").astype(float)
    good = frame[np.isfinite(frame["usd"]) & (frame["usd"] > 0)].dropna().sort_values("filed", kind="stable")
    return pd.DataFrame(good.drop_duplicates("as_of").reset_index(drop=True))


def _last_filing(document: dict[str, Any]) -> tuple[str, str]:
    """Return the date and the form of the last filing, "" where there is none."""
    filings = (
        (row["filed"], str(row.get("form") or ""))
        for concepts in document["facts"].values()
        for concept in concepts.values()
        for rows in concept.get("units", {}).values()
        for row in rows
        if isinstance(row.get("filed"), str)
    )
    return max(filings, default=("", ""))


def _named(row: dict[str, Any]) -> str:
    as_of, filed = (str(row[name])[:10] for name in ("as_of", "filed"))
    return f"{row['basis']} count {row['shares']:,.0f} dated {as_of}, filed {filed} ({row['form']})"
