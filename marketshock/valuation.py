"""Value of a firm on a session: share counts as filed, in the shares that closes are quoted in, times the closes.

A firm is the sum of its share classes. An unlisted class is valued at the close of a listed one (``priced_at``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from . import _format
from ._typing import DateArray, FloatArray, Frame
from .errors import PriceError, SharesError, UnknownNameError
from .providers.base import ADJUSTED, PRESUMED, Prices
from .providers.plausible import NO_FLOAT, RECEIPTS, float_doubt, units_doubt
from .providers.shares import COVER, OUTSTANDING, VENDOR, SharesTable, share_counts
from .providers.snapshot import snapshot
from .providers.splits import factor_of, known_since, known_until, refuse_unadjusted, split_factors, splits_met

_NEAR = 10  # days within which the last close is that of a day
_USUAL = 60  # sessions that show how much is usually traded
_OLD = 400  # days; a firm that files once a year has counted its shares since


@dataclass(frozen=True, eq=False)
class Valuation:
    """Prices and share counts that value firms. Closes and counts meet here and nowhere else.

    Attributes
    ----------
    prices : Prices
        Closes in USD, adjusted for every known split and not for dividends.
    shares : SharesTable
        Counts as they were filed.

    Raises
    ------
    PriceError
        If the closes are adjusted for dividends, or not adjusted for a split that is known.
    """

    prices: Prices
    shares: SharesTable

    def __post_init__(self) -> None:
        close_is = self.prices.provenance.get("close_is")
        if close_is in (ADJUSTED, PRESUMED):
            remedy = "give closes as traded (yfinance: auto_adjust=False), or pass adjusted=False to Prices.from_frame"
            raise PriceError("prices", f"the closes are {close_is}; a market cap needs them without dividends", remedy)
        refuse_unadjusted("prices", self.prices.checked_splits, self.prices.close)

    @classmethod
    def of(cls, prices: Prices | Frame | None, shares: SharesTable | Frame | None) -> Valuation:
        """Return the valuation with prices and counts given as frames, or with the bundled ones for None."""
        held = snapshot() if prices is None else prices
        counts = share_counts() if shares is None else shares
        return cls(
            held if isinstance(held, Prices) else Prices.from_frame(held),
            counts if isinstance(counts, SharesTable) else SharesTable.from_frame(counts),
        )

    def known_on(self, firm: str, session: np.datetime64, *, allow_lookahead: bool = False) -> FirmShares:
        """Return a firm's last counts known before a session: `counted` of `SharesTable.known_on`."""
        counts = self.shares.known_on(firm, session, allow_lookahead=allow_lookahead)
        return self.counted(firm, counts, session)

    def counted(self, firm: str, counts: pd.DataFrame, session: np.datetime64) -> FirmShares:
        """Bring a firm's counts into the shares that the closes of a session are quoted in.

        Parameters
        ----------
        firm : str
            Its main ticker.
        counts : DataFrame
            One row per share class, as `SharesTable.known_on` returns them. Each count is multiplied by the splits of
            its `priced_at` ticker after its date; that of a financial statement by those after its filing. See
            `splits_met` for spin-offs.
        session : datetime64[D]
            The session.

        Raises
        ------
        PriceError
            If a close is not in USD.
        SharesError
            If a count is older than what is known of splits.
        """
        self._refuse_currency(counts["priced_at"])
        problem = self.out_of_reach(counts)
        if problem:
            raise SharesError("shares", *problem)
        known, day = self.prices.checked_splits, pd.Timestamp(session)
        met = [splits_met(known, t, d, day) for t, d in zip(counts["priced_at"], _split_free_from(counts), strict=True)]
        factor = np.array([factor_of(applied) for applied, _ in met])
        unit = counts["rounding"].to_numpy(dtype=float)
        table = counts.reset_index(drop=True).assign(
            split_factor=factor,
            counted=counts["shares"].to_numpy(dtype=float) * factor,
            band=np.where(unit > 1, unit * factor, 0.0),
        )
        splits, spin_offs = tuple(applied for applied, _ in met), tuple(passed for _, passed in met)
        return FirmShares(firm, session, self.prices, table, splits, spin_offs, self._against_float(firm, session))

    def _against_float(self, firm: str, session: np.datetime64) -> tuple[str, ...]:
        """Return what the public float of the firm, as filed before a session, says against its counts and closes.

        Where none was filed before, the first says it; where filings hold none, that is said.
        """
        floats, table = self.shares.public_float, self.shares.table
        own = table[(table["firm"] == firm) & table["basis"].isin(OUTSTANDING)]
        if floats is None or own.empty or (own["share_class"] != own["share_class"].iloc[0]).any():
            return ()
        known = floats[floats["firm"] == firm].sort_values("filed", kind="stable")
        if known.empty:
            return (f"{NO_FLOAT}: {RECEIPTS}",)
        before = known[known["filed"] < pd.Timestamp(session)]
        known = before.iloc[-1:] if len(before) else known.iloc[:1]
        day, usd = known["as_of"].iloc[-1], float(known["usd"].iloc[-1])
        row = own.loc[(own["as_of"] - day).abs().idxmin()]
        close = self.prices.close[row["priced_at"]].loc[day - pd.Timedelta(days=_NEAR) : day].dropna()
        if close.empty:
            return ()
        counted = _split_free_from(own.loc[[row.name]]).iloc[0]
        factor = split_factors(self.prices.checked_splits, row["priced_at"], counted, np.array([day.to_datetime64()]))
        said = float_doubt(usd, float(row["shares"]) * float(factor[0]) * float(close.iloc[-1]), str(day.date()))
        return (said,) if said else ()

    def requoted(self, ticker: str, price: float, session: np.datetime64) -> float:
        """Return a price as it was quoted on a session in the shares that closes are quoted in."""
        day = pd.Timestamp(session)
        return price / float(split_factors(self.prices.checked_splits, ticker, day, np.array([session]))[0])

    def out_of_reach(self, counts: pd.DataFrame) -> tuple[str, str] | None:
        """Return what is wrong and what to do if a count is older than what is known of splits, otherwise None."""
        for ticker, day in zip(counts["priced_at"], _split_free_from(counts), strict=True):
            since = None if self.prices.splits is None else known_since(self.prices.provenance, ticker)
            if since is not None and day < since:
                return (
                    f"splits of {ticker} are known from {since.date()} on, and the count is of {day.date()}",
                    f"fetch prices from {day.date()} on, or give a later count",
                )
        return None

    def splits_note(self, tickers: Iterable[str]) -> str:
        """Return what is not known of the splits of some tickers, "" if nothing is missing."""
        if self.prices.splits is None:
            return "splits are not known: counts are taken as they are, in the shares the closes are quoted in"
        ends = [end for end in (known_until(self.prices.provenance, ticker) for ticker in tickers) if end is not None]
        if not ends:
            return ""
        return f"splits are known until {min(ends).date()}: closes adjusted for a later one would not meet their counts"

    def _refuse_currency(self, tickers: Iterable[str]) -> None:
        currency = self.prices.provenance.get("currency")
        for ticker in tickers:
            code = currency.get(ticker) if isinstance(currency, Mapping) else currency
            if code not in (None, "USD"):
                what = f"{ticker} is quoted in {code}, and market caps are in USD"
                raise PriceError("prices", what, "give its closes in USD")


@dataclass(frozen=True, eq=False)
class FirmShares:
    """Share counts of a firm in the shares that the closes of one session are quoted in. C is the number of classes.

    Attributes
    ----------
    firm : str
        Its main ticker.
    session : datetime64[D]
        The session.
    prices : Prices
        The closes.
    table : DataFrame of C rows
        The columns of `SharesTable.known_on`, split_factor, counted (shares times that factor) and band (unit of that
        count, 0 where it is exact).
    splits : tuple of C DataFrames
        The splits that each count was multiplied by.
    spin_offs : tuple of C DataFrames
        The spin-offs between each count and the session, which change no count.
    told : tuple of str
        What else is known against the counts.
    """

    firm: str
    session: np.datetime64
    prices: Prices
    table: pd.DataFrame
    splits: tuple[pd.DataFrame, ...]
    spin_offs: tuple[pd.DataFrame, ...]
    told: tuple[str, ...] = ()

    @property
    def tickers(self) -> list[str]:
        """The ticker that values each class, (C,)."""
        return [str(ticker) for ticker in self.table["priced_at"]]

    def values(self, previous: np.datetime64, replaced: Mapping[str, float] | None = None) -> pd.DataFrame:
        """Return `table` with the columns close_before and close_after (USD).

        Parameters
        ----------
        previous : datetime64[D]
            The session before.
        replaced : mapping of str to float, optional
            Prices by ticker that stand for the official closes of the session.

        Raises
        ------
        PriceError
            If a close is missing.
        """
        before, after = _closes(self.prices, self.tickers, np.array([previous, self.session]))
        given = replaced or {}
        after = np.array([given.get(ticker, close) for ticker, close in zip(self.tickers, after, strict=True)])
        for day, closes in ((previous, before), (self.session, after)):
            for ticker, close in zip(self.tickers, closes, strict=True):
                if np.isnan(close):
                    raise PriceError("prices", f"no close of {ticker} on {day}", "give prices that reach that session")
        return self.table.assign(close_before=before, close_after=after)

    def changes(self, days: DateArray) -> FloatArray:
        """Return the change of market cap in USD from each session to the next, all with these counts.

        Parameters
        ----------
        days : ndarray of shape (T,), datetime64[D]
            Consecutive sessions. The last may be `session`: its change is that of `change_of`.

        Returns
        -------
        ndarray of shape (T - 1,)
            NaN where a close is missing.
        """
        counted = zip(self.tickers, _split_free_from(self.table), strict=True)
        factors = [split_factors(self.prices.checked_splits, ticker, day, days) for ticker, day in counted]
        shares = np.column_stack(factors) * self.table["shares"].to_numpy(dtype=float)
        return _changes(_closes(self.prices, self.tickers, days), shares)

    @cached_property
    def doubts(self) -> list[str]:
        """What may make the counts wrong for the session, one sentence each."""
        age = (pd.Timestamp(self.session) - self.table["as_of"].min()).days
        dated = f"the count dated {self.table['as_of'].min().date()} is {age} days older than the session"
        found = [*self._unfiled(), *self._across_splits(), *self.spin_off_notes, *([dated] if age > _OLD else [])]
        return list(dict.fromkeys([*found, *self.unit_notes]))

    @cached_property
    def unit_notes(self) -> list[str]:
        """Why counts and closes may not be in the same units, one sentence each."""
        until = slice(None, pd.Timestamp(self.session))
        known = [self.prices.close[ticker].loc[until].dropna() for ticker in self.tickers]
        if any(closes.empty for closes in known):
            return list(self.told)
        close = np.array([closes.iloc[-1] for closes in known], dtype=float)
        count = self.table["counted"].to_numpy(dtype=float)
        said = units_doubt(float(count.sum()), float(close.max()), float(count @ close), self._turnover(until))
        return [*([said] if said else []), *self.told]

    def _turnover(self, until: slice) -> float:
        """Return the median volume of the last sessions over the shares it trades, NaN where volume is not known."""
        volume = self.prices.extra.get("volume")
        if volume is None or self.firm not in volume.columns or self.firm not in self.tickers:
            return float("nan")
        traded = volume[self.firm].loc[until].iloc[-_USUAL:].dropna()
        counted = self.table.loc[[ticker == self.firm for ticker in self.tickers], "counted"].sum()
        return float(traded.median() / counted) if len(traded) else float("nan")

    @cached_property
    def spin_off_notes(self) -> list[str]:
        """One sentence for each split between a count and the session that is taken for a spin-off."""
        said = []
        for ticker, passed in zip(self.tickers, self.spin_offs, strict=True):
            for row in _format.rows(passed):
                ahead = ", and the close before is without what was spun off" if row["date"] == self.session else ""
                said.append(
                    f"the split of {ticker} by {row['ratio']:g} on {row['date'].date()} is taken for a spin-off: the "
                    f"count stays as it is{ahead}; if it was a split, give a count of that day or later"
                )
        return list(dict.fromkeys(said))

    @property
    def note(self) -> str:
        """How the firm is valued, and `doubts`."""
        return "; ".join(filter(None, [self._classes(), self._basis(), self._for_splits(), *self.doubts]))

    def _unfiled(self) -> Iterator[str]:
        unfiled = self.table[(self.table["basis"] == VENDOR) & self.table["filed"].isna()]
        if len(unfiled):
            day = unfiled["as_of"].min().date()
            yield f"vendor count dated {day}, its filing date not known: look-ahead cannot be excluded"

    def _across_splits(self) -> Iterator[str]:
        for row, applied in zip(_format.rows(self.table), self.splits, strict=True):
            for day in applied.loc[~applied["spin_off"], "date"]:
                if day <= row["filed"]:
                    yield (
                        f"count dated {row['as_of'].date()} and filed on {row['filed'].date()}, across the split of "
                        f"{day.date()}: taken to be in old shares; if the filing counts new ones, give the day of the "
                        "split as its as_of"
                    )

    def _classes(self) -> str:
        """Return how a firm of several classes is valued; the closes shown are those of its main ticker alone."""
        if set(self.tickers) == {self.firm}:
            return ""
        latest = self.table["filed"].max()
        parts = [
            f"{r['share_class']} at {r['priced_at']}" + (f" (filed {r['filed'].date()})" if r["filed"] < latest else "")
            for r in _format.rows(self.table)
        ]
        return f"sum of {', '.join(parts)}; the closes shown are those of {self.firm}"

    def _basis(self) -> str:
        basis = self.table["basis"].iloc[0]
        return "" if basis in (COVER, VENDOR) else f"{basis} count"

    def _for_splits(self) -> str:
        parts = [
            f"count x {factor_of(applied):g} for the splits of {ticker} since "
            f"({', '.join(str(day.date()) for day in applied['date'])})"
            for ticker, applied in zip(self.tickers, self.splits, strict=True)
            if len(applied)
        ]
        return ", ".join(dict.fromkeys(parts))


def change_of(shares: FirmShares, classes: pd.DataFrame) -> dict[str, Any]:
    """Return the change of a firm's market cap from its `FirmShares.values`.

    It is a row of `MarketCapChange.table` without the abnormal part.
    """
    columns = ("split_factor", "counted", "band", "close_before", "close_after")
    factor, n, unit, before, after = (classes[name].to_numpy(dtype=float) for name in columns)
    change = float(_changes(np.array([before, after]), np.array([n, n]))[0])
    slack = float((np.abs(after - before) * unit / 2).sum())
    main = shares.tickers.index(shares.firm) if shares.firm in shares.tickers else 0
    cap_before = float((before * n).sum())
    return {
        "shares": float(n.sum()),
        "rounding": float(unit.sum()) or 1.0,
        "split_factor": float(factor[0]) if (factor == factor[0]).all() else np.nan,
        "as_of": classes["as_of"].min(),
        "filed": classes["filed"].min(),
        "form": classes["form"].iloc[0],
        "basis": classes["basis"].iloc[0],
        "lookahead": bool(classes["lookahead"].any()),
        "close_before": float(before[main]),
        "close_after": float(after[main]),
        "cap_before_usd": cap_before,
        "change_usd": change,
        "change_low_usd": change - slack,
        "change_high_usd": change + slack,
        "return": change / cap_before,
        "note": shares.note,
    }


def _changes(closes: FloatArray, shares: FloatArray) -> FloatArray:
    """Return the change of market cap from each day to the next, (T - 1,), of closes and shares by class, (T, C)."""
    return np.asarray((np.diff(closes, axis=0) * shares[1:]).sum(axis=1))


def _closes(prices: Prices, tickers: list[str], days: DateArray) -> FloatArray:
    """Return closes by day and ticker, (T, C), NaN where there is none."""
    unknown = [ticker for ticker in tickers if ticker not in prices.close.columns]
    if unknown:
        raise UnknownNameError("prices", unknown[:1], prices.tickers)
    return np.asarray(prices.close[tickers].reindex(pd.DatetimeIndex(days)).to_numpy(dtype=float))


def _split_free_from(counts: pd.DataFrame) -> pd.Series[Any]:
    """Return the day from which no split is in each count.

    A cover or a vendor counts the shares of its day. Financial statements restate theirs for a split that comes before
    they are filed (SEC Staff Accounting Bulletins, Topic 4.C).
    """
    as_filed = ~counts["basis"].isin((COVER, VENDOR)) & counts["filed"].notna()
    return counts["filed"].where(as_filed, counts["as_of"])
