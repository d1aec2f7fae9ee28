"""Share counts as they were known, each with its class, date, filing date and rounding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .._bundled import bundled_path
from .._names import clean_names
from .._native import as_pandas
from .._typing import Frame
from ..errors import Argument, LookAheadError, SharesError, UnknownNameError, Words
from .frames import iso_days

COVER, BALANCE_SHEET, VENDOR = "cover", "balance sheet", "vendor"
OUTSTANDING = (COVER, BALANCE_SHEET, VENDOR)
"""Bases that count the shares of one day, the best first. Others, such as quarterly averages, cannot value a firm."""

_COLUMNS = ("firm", "priced_at", "share_class", "basis", "listed", "shares", "rounding", "as_of", "filed", "form")
_REQUIRED = ("firm", "shares", "as_of", "filed")
_TEXT = ("firm", "priced_at", "share_class", "basis")
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True, eq=False)
class SharesTable:
    """Share counts of several firms.

    Attributes
    ----------
    table : DataFrame
        One row per count, with columns firm (name of the firm: its main ticker), priced_at (the ticker whose close
        values the class), share_class, basis ("cover": the count on a filing's cover page; "balance sheet"; "vendor"),
        listed (bool), shares (number, in the shares of its own date: not adjusted for later splits), rounding (the
        unit the count was given to; 1 if exact), as_of, filed (datetime64; NaT where a vendor does not give it) and
        form.
    source : str
        Where the counts come from.
    notes : tuple of str
        What was left out, chosen or corrected when the table was made, one sentence each.
    public_float : DataFrame, optional
        Market value in USD of the shares that the public held, as filed: columns firm, as_of, filed, usd. Counts times
        closes are held against it.
    """

    table: pd.DataFrame
    source: str
    notes: tuple[str, ...] = ()
    public_float: pd.DataFrame | None = None

    @classmethod
    def from_frame(cls, frame: Frame, *, source: str = "a frame of the user", notes: Sequence[str] = ()) -> SharesTable:
        """Make a table from a frame with at least firm, shares, as_of and filed.

        Parameters
        ----------
        frame : DataFrame
            Other columns default to: priced_at = firm, share_class "common", basis "cover", listed True, rounding 1. A
            count of basis "vendor" may lack `filed`.
        source : str, optional
            Goes into the results.
        notes : sequence of str, optional
            Remarks on the counts.

        Returns
        -------
        SharesTable
            Columns that are not read are named in `notes`.

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
        unread = [str(c) for c in table.columns if c not in _COLUMNS]
        table = table[list(_COLUMNS)].reset_index(drop=True)
        table["form"] = table["form"].fillna("")
        for column in ("firm", "priced_at"):
            known = [name for name in table[column].unique() if isinstance(name, str)]
            table[column] = table[column].replace(dict(zip(known, clean_names("shares", known), strict=True)))
        for column in ("as_of", "filed"):
            table[column] = _days(table, column)
        _check_counts(table)
        for column in ("shares", "rounding"):
            table[column] = pd.to_numeric(table[column])
        told = (f"columns not read: {', '.join(unread)}",) if unread else ()
        return cls(table, source, (*notes, *told))

    @classmethod
    def from_csv(cls, path: str | Path, *, source: str | None = None) -> SharesTable:
        """Read a table from a CSV file with the columns of the bundled one, ``data/figures/shares.csv``.

        Parameters
        ----------
        path : str or Path
            Needed columns are firm, shares, as_of and filed; the others default as in `from_frame`. Dates are
            YYYY-MM-DD, `listed` is yes or no, counts are plain numbers. An empty field is missing.
        source : str, optional
            Goes into the results; the name of the file by default.

        Raises
        ------
        InputError
            If the file is missing or no such table; the message names it. `SharesError`, which is one, where a count is
            at fault, as in `from_frame`, or a column is not known.
        """
        from .files import read_table

        frame = read_table(path, text=("*",))
        frame.columns = [str(c).strip().casefold() for c in frame.columns]
        unknown = [c for c in frame.columns if c not in _COLUMNS]
        if unknown:
            raise SharesError(str(path), f"unknown columns: {', '.join(unknown)}", f"known are {', '.join(_COLUMNS)}")
        if "listed" in frame:
            frame["listed"] = _listed(str(path), frame["listed"])
        try:
            return cls.from_frame(frame, source=source or Path(path).name)
        except SharesError as error:
            raise SharesError(str(path), error.problem, error.remedy) from error

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
        """Return a firm's last count of each share class that was known before a day.

        Parameters
        ----------
        firm : str
            Name of the firm.
        day : datetime64
            The event's session. "Before" is strict: a filing of that very day may have come after the close.
        allow_lookahead : bool, optional
            If no count was known before `day`, take the first that came after; the column ``lookahead`` is then True.

        Returns
        -------
        DataFrame
            Rows of `table`, one per share class, with the column ``lookahead``. Cover counts where the firm has any,
            otherwise those of its balance sheet, otherwise a vendor's. A count is known from its filing. Of a vendor's
            count without a filing date only its own date can be compared with `day`, so that look-ahead cannot be
            excluded. The last count is that of the latest `as_of`, and of one `as_of` that of the latest `filed`: an
            amendment of an old filing does not displace a newer count.

        Raises
        ------
        LookAheadError
            If no count was known before `day` and `allow_lookahead` is False.
        SharesError
            If the firm has no count of shares outstanding.
        """
        firm = self.firm_of(firm)
        counts = self._outstanding(firm)
        known = known_from(counts)
        before = known < pd.Timestamp(day)
        if before.any():
            last = counts[before].sort_values(["as_of", "filed"], kind="stable")
            return pd.DataFrame(last.drop_duplicates("share_class", keep="last").assign(lookahead=False))
        first = known.min()
        if not allow_lookahead:
            how = "filed" if counts["filed"].notna().any() else "dated"
            raise LookAheadError(
                "shares",
                f"the first count of {firm} was {how} on {first.date()}, not before {pd.Timestamp(day).date()}",
                Words(
                    "give an earlier count, or ", Argument("allow_lookahead", True), " to use one that was not known"
                ),
            )
        return pd.DataFrame(counts[known == first].assign(lookahead=True))

    def _outstanding(self, firm: str) -> pd.DataFrame:
        counts = self.table[self.table["firm"] == firm]
        for basis in OUTSTANDING:
            if (counts["basis"] == basis).any():
                return counts[counts["basis"] == basis]
        bases = ", ".join(map(repr, dict.fromkeys(counts["basis"])))
        what = f"no cover count of {firm} (its bases are {bases})"
        raise SharesError("shares", what, f"give one with basis {COVER!r}")

    def __repr__(self) -> str:
        head = f"SharesTable: {len(self.table)} counts of {len(self.firms)} firms ({self.source})"
        more = [f"... {len(self.notes) - 5} more in .notes"] if len(self.notes) > 5 else []
        return "\n".join([head, *(f"  {note}" for note in (*self.notes[:5], *more))])


def share_counts() -> SharesTable:
    """Return the bundled counts of the Magnificent Seven and AVGO: filings of August 2024 to May 2025."""
    return SharesTable.from_csv(bundled_path("figures", "shares.csv"), source="cover pages of SEC filings (bundled)")


def known_from(counts: pd.DataFrame) -> pd.Series[Any]:
    """Return the day each count was known from: its filing, or its own date where a vendor does not give that."""
    return counts["filed"].fillna(counts["as_of"])


def joined(tables: Sequence[SharesTable]) -> SharesTable:
    """Return several tables as one, with the sources and notes of all; a count that two hold is an error."""
    frame = pd.concat([t.table for t in tables], ignore_index=True)
    sources = dict.fromkeys(t.source for t in tables)
    made = SharesTable.from_frame(frame, source="; ".join(sources), notes=[n for t in tables for n in t.notes])
    floats = [t.public_float for t in tables if t.public_float is not None]
    return replace(made, public_float=pd.concat(floats, ignore_index=True)) if floats else made


def _listed(path: str, values: pd.Series[Any]) -> pd.Series[Any]:
    listed = values.astype(str).str.strip().str.casefold().map(_YES_NO)
    if listed.isna().any():
        raise SharesError(path, f"column listed holds {values[listed.isna()].iloc[0]!r}", "write yes or no")
    return listed.astype(bool)


def _days(table: pd.DataFrame, column: str) -> pd.Series[Any]:
    values = table[column]
    days = iso_days(values)
    may_lack = values.isna() & (table["basis"] == VENDOR) & (column == "filed")
    bad = days.isna() & ~may_lack
    if bad.any():
        only = (
            f"; only a count of basis {VENDOR!r} may have none"
            if column == "filed" and values[bad].isna().any()
            else ""
        )
        what = f"column {column} holds {values[bad].iloc[0]!r}, which is no date"
        raise SharesError("shares", what, f"write YYYY-MM-DD{only}")
    return days


def _check_counts(table: pd.DataFrame) -> None:
    for column in _TEXT:
        if table[column].isna().any():
            row = table[table[column].isna()].iloc[0]
            of = "" if column == "firm" else f" of {row['firm']}"
            raise SharesError("shares", f"a count{of} has no {column}", "fill it or drop the row")
    for column in ("shares", "rounding"):
        values = pd.to_numeric(table[column], errors="coerce")
        good = (values > 0) & (values < np.inf)
        if not good.all():
            row = table[~good].iloc[0]
            raise SharesError("shares", f"{row['firm']}: {column} {row[column]} is not positive", "give a plain number")
    dated = table["as_of"].where(table["filed"].isna())
    twice = table.assign(dated=dated).duplicated(["firm", "share_class", "basis", "filed", "dated"])
    if twice.any():
        row = table[twice].iloc[0]
        when = f"dated {row['as_of'].date()}" if pd.isna(row["filed"]) else f"filed {row['filed'].date()}"
        what = f"{row['firm']}: two {row['basis']} counts of {row['share_class']} {when}"
        raise SharesError("shares", what, "keep one, or name the classes apart in share_class")
    early = table["filed"] < table["as_of"]
    if early.any():
        row = table[early].iloc[0]
        what = f"{row['firm']}: filed {row['filed'].date()} before its date {row['as_of'].date()}"
        raise SharesError("shares", what, "correct it")
