"""Share counts as they were known: each with its class, its date, the day it was filed and its rounding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .._bundled import bundled_path
from .._native import as_pandas
from ..errors import LookAheadError, SharesError, UnknownNameError

COVER = "cover"
_COLUMNS = (
    "firm",
    "priced_at",
    "share_class",
    "basis",
    "listed",
    "shares",
    "rounding",
    "as_of",
    "filed",
    "form",
)
_REQUIRED = ("firm", "shares", "as_of", "filed")


@dataclass(frozen=True, eq=False)
class SharesTable:
    """Share counts of several firms.

    Attributes
    ----------
    table : DataFrame
        One row a count, with columns firm (name of the firm: its main ticker), priced_at (the ticker whose close values
        the class), share_class, basis ("cover": the count on a filing's cover page), listed (bool), shares (number),
        rounding (the unit the count was given to; 1 if exact), as_of, filed (datetime64) and form.
    source : str
        Where the counts come from.
    """

    table: pd.DataFrame
    source: str

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, source: str = "a frame of the user") -> SharesTable:
        """Make a table from a frame with at least firm, shares, as_of and filed.

        Parameters
        ----------
        frame : DataFrame
            Other columns default to: priced_at = firm, share_class "common", basis "cover", listed True, rounding 1.
        source : str, optional
            Goes into the results.

        Raises
        ------
        SharesError
            If a column is missing, a count is not positive, a date is none, or a count is filed before it was taken.
        """
        frame = as_pandas("shares", frame)
        if not isinstance(frame, pd.DataFrame) or frame.empty:
            raise SharesError("shares", "no table of counts", f"give a DataFrame with {', '.join(_REQUIRED)}")
        missing = [c for c in _REQUIRED if c not in frame.columns]
        if missing:
            raise SharesError("shares", f"columns missing: {', '.join(missing)}", f"needed are {', '.join(_REQUIRED)}")
        table = frame.copy()
        defaults: dict[str, Any] = {"share_class": "common", "basis": COVER, "listed": True, "rounding": 1, "form": ""}
        for column, value in defaults.items():
            if column not in table:
                table[column] = value
        if "priced_at" not in table:
            table["priced_at"] = table["firm"]
        table = table[list(_COLUMNS)].reset_index(drop=True)
        for column in ("as_of", "filed"):
            table[column] = _days(column, table[column])
        _check_counts(table)
        return cls(table, source)

    @property
    def firms(self) -> list[str]:
        """Firms, in order of the table."""
        return list(dict.fromkeys(self.table["firm"]))

    def firm_of(self, ticker: str) -> str:
        """Return the firm a ticker belongs to (GOOG and GOOGL are one firm, GOOGL).

        Raises
        ------
        UnknownNameError
            If no count of that ticker is in the table.
        """
        rows = self.table[(self.table["firm"] == ticker) | (self.table["priced_at"] == ticker)]
        if rows.empty:
            known = sorted({*self.table["firm"], *self.table["priced_at"]})
            raise UnknownNameError(
                "shares", [ticker], known, f"no share count of {ticker}; known are {', '.join(known)}"
            )
        return str(rows["firm"].iloc[0])

    def known_on(self, firm: str, day: np.datetime64, *, allow_lookahead: bool = False) -> pd.DataFrame:
        """Return a firm's last cover count of each share class filed before a day.

        Parameters
        ----------
        firm : str
            Name of the firm.
        day : datetime64
            The event's session. "Before" is strict: a filing of that very day may have come after the close.
        allow_lookahead : bool, optional
            If no filing came before `day`, take the first that came after; the column ``lookahead`` is then True.

        Raises
        ------
        LookAheadError
            If every filing came on or after `day` and `allow_lookahead` is False.
        """
        firm = self.firm_of(firm)
        counts = self.table[(self.table["firm"] == firm) & (self.table["basis"] == COVER)]
        if counts.empty:
            raise SharesError("shares", f"no cover count of {firm}", "give one with basis 'cover'")
        before = counts["filed"] < pd.Timestamp(day)
        if before.any():
            known = counts[before].sort_values("filed", kind="stable")
            return pd.DataFrame(known.drop_duplicates("share_class", keep="last").assign(lookahead=False))
        first = counts["filed"].min()
        if not allow_lookahead:
            raise LookAheadError(
                "shares",
                f"the first count of {firm} was filed on {first.date()}, not before {pd.Timestamp(day).date()}",
                "give an earlier count, or allow_lookahead=True to use one that was not known",
            )
        return pd.DataFrame(counts[counts["filed"] == first].assign(lookahead=True))

    def __repr__(self) -> str:
        return f"SharesTable: {len(self.table)} counts of {len(self.firms)} firms ({self.source})"


def share_counts() -> SharesTable:
    """Return the bundled counts of the Magnificent Seven and AVGO: filings of August 2024 to May 2025."""
    frame = pd.read_csv(bundled_path("figures", "shares.csv"))
    frame["listed"] = frame["listed"] == "yes"
    return SharesTable.from_frame(frame, source="cover pages of SEC filings (bundled)")


def _days(column: str, values: pd.Series[Any]) -> pd.Series[Any]:
    text = values.astype(str).str.slice(0, 10)
    days = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
    if days.isna().any():
        bad = values[days.isna()].iloc[0]
        raise SharesError("shares", f"column {column} holds {bad!r}, which is no date", "write YYYY-MM-DD")
    return days


def _check_counts(table: pd.DataFrame) -> None:
    if table["firm"].isna().any():
        raise SharesError("shares", "a count has no firm", "fill it or drop the row")
    for column in ("shares", "rounding"):
        values = pd.to_numeric(table[column], errors="coerce")
        good = (values > 0) & (values < np.inf)
        if not good.all():
            row = table[~good].iloc[0]
            raise SharesError("shares", f"{row['firm']}: {column} {row[column]} is not positive", "correct it")
    twice = table.duplicated(["firm", "share_class", "basis", "filed"])
    if twice.any():
        row = table[twice].iloc[0]
        what = f"{row['firm']}: two {row['basis']} counts of {row['share_class']} filed {row['filed'].date()}"
        raise SharesError("shares", what, "keep one, or name the classes apart in share_class")
    early = table["filed"] < table["as_of"]
    if early.any():
        row = table[early].iloc[0]
        raise SharesError(
            "shares",
            f"{row['firm']}: filed {row['filed'].date()} before its date {row['as_of'].date()}",
            "correct it",
        )
