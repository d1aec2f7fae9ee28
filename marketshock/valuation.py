"""Closes x share counts: each class at its close, its count brought into the shares that close is quoted in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from . import _format
from .errors import PriceError, SharesError
from .providers.base import Prices
from .providers.shares import COVER, VENDOR
from .providers.splits import factor_of, known_since, known_until, splits_met

_OLD = 400  # days; even a firm that files once a year has counted its shares since


def raw_change(
    counts: pd.DataFrame,
    firm: str,
    prices: Prices,
    previous: np.datetime64,
    session: np.datetime64,
    closes: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Value a firm's classes on both sessions; a row of `MarketCapChange.table` without the abnormal part.

    Parameters
    ----------
    counts : DataFrame
        One row a share class, as `SharesTable.known_on` returns them.
    firm : str
        Name of the firm: its main ticker.
    prices : Prices
        Official closes in USD. Each count is multiplied by the splits of its `priced_at` ticker after its date; one of
        a financial statement by those after its filing. See `splits_met` for spin-offs.
    previous, session : datetime64[D]
        The two sessions.
    closes : mapping of str to float, optional
        Prices that replace the official closes of `session`, by ticker.

    Raises
    ------
    PriceError
        If a close is missing, or not in USD.
    SharesError
        If a count is older than what is known of splits.
    """
    classes = class_values(counts, prices, previous, session, closes)
    columns = ("split_factor", "counted", "band", "close_before", "close_after")
    factor, n, unit, before, after = (classes[name].to_numpy(dtype=float) for name in columns)
    change = float(((after - before) * n).sum())
    slack = float((np.abs(after - before) * unit / 2).sum())
    main = list(counts["priced_at"]).index(firm) if firm in set(counts["priced_at"]) else 0
    cap_before = float((before * n).sum())
    notes = (_classes(counts, firm), _basis(counts), _for_splits(counts, prices, session))
    return {
        "shares": float(n.sum()),
        "rounding": float(unit.sum()) or 1.0,
        "split_factor": float(factor[0]) if (factor == factor[0]).all() else np.nan,
        "as_of": counts["as_of"].min(),
        "filed": counts["filed"].min(),
        "form": counts["form"].iloc[0],
        "basis": counts["basis"].iloc[0],
        "lookahead": bool(counts["lookahead"].any()),
        "close_before": float(before[main]),
        "close_after": float(after[main]),
        "cap_before_usd": cap_before,
        "change_usd": change,
        "change_low_usd": change - slack,
        "change_high_usd": change + slack,
        "return": change / cap_before,
        "note": "; ".join(filter(None, [*notes, *doubts_of(counts, prices, session)])),
    }


def class_values(
    counts: pd.DataFrame,
    prices: Prices,
    previous: np.datetime64,
    session: np.datetime64,
    closes: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Return each share class of a firm with its count in the shares that closes are quoted in, and both closes.

    Parameters
    ----------
    counts, prices, previous, session, closes
        As in `raw_change`.

    Returns
    -------
    DataFrame
        The columns of `counts` and: split_factor, counted (shares times that factor), band (unit of that count, 0 where
        it is exact), close_before, close_after (USD).

    Raises
    ------
    PriceError, SharesError
        As in `raw_change`.
    """
    _check_usd(prices, counts["priced_at"])
    check_reach(counts, prices)
    factor = np.array([factor_of(applied) for applied, _ in _met(counts, prices, session)])
    given = counts["rounding"].to_numpy(dtype=float)
    told = closes or {}
    return counts.reset_index(drop=True).assign(
        split_factor=factor,
        counted=counts["shares"].to_numpy(dtype=float) * factor,
        band=np.where(given > 1, given * factor, 0.0),
        close_before=[_close(prices, t, previous) for t in counts["priced_at"]],
        close_after=[told[t] if t in told else _close(prices, t, session) for t in counts["priced_at"]],
    )


def check_reach(counts: pd.DataFrame, prices: Prices) -> None:
    """Raise `SharesError` if a count is older than the first day from which splits are known."""
    late = out_of_reach(counts, prices)
    if late:
        raise SharesError("shares", *late)


def out_of_reach(counts: pd.DataFrame, prices: Prices) -> tuple[str, str] | None:
    """Return what is wrong and what to do if a count is older than what is known of splits, else None."""
    for ticker, day in zip(counts["priced_at"], _counted(counts), strict=True):
        since = None if prices.splits is None else known_since(prices.provenance, ticker)
        if since is not None and day < since:
            return (
                f"splits of {ticker} are known from {since.date()} on, and the count is of {day.date()}",
                f"fetch prices from {day.date()} on, or give a later count",
            )
    return None


def splits_note(prices: Prices, tickers: Iterable[str]) -> str:
    """Return what is not known of splits, "" if nothing is missing."""
    if prices.splits is None:
        return "splits are not known: counts are taken as they are, in the shares the closes are quoted in"
    ends = [end for end in (known_until(prices.provenance, ticker) for ticker in tickers) if end is not None]
    if not ends:
        return ""
    return f"splits are known until {min(ends).date()}: closes adjusted for a later one would not meet their counts"


def doubts_of(counts: pd.DataFrame, prices: Prices, session: np.datetime64) -> list[str]:
    """Return what may make a firm's counts wrong for a session, a sentence each.

    Parameters
    ----------
    counts : DataFrame
        One row a share class, as `SharesTable.known_on` returns them.
    prices : Prices
        Whose splits are read.
    session : datetime64[D]
        The event's session.
    """
    found = []
    unfiled = counts[(counts["basis"] == VENDOR) & counts["filed"].isna()]
    if len(unfiled):
        day = unfiled["as_of"].min().date()
        found.append(f"vendor count dated {day}, its filing date not known: look-ahead cannot be excluded")
    met = _met(counts, prices, session)
    for row, (applied, _) in zip(_format.rows(counts.reset_index(drop=True)), met, strict=True):
        found += [
            f"count dated {row['as_of'].date()} and filed on {row['filed'].date()}, across the split of {day.date()}: "
            "taken to be in old shares; if the filing counts new ones, give the day of the split as its as_of"
            for day in applied.loc[~applied["spin_off"], "date"]
            if day <= row["filed"]
        ]
    found += spin_offs(counts, prices, session)
    age = (pd.Timestamp(session) - counts["as_of"].min()).days
    if age > _OLD:
        found.append(f"the count dated {counts['as_of'].min().date()} is {age} days older than the session")
    return list(dict.fromkeys(found))


def spin_offs(counts: pd.DataFrame, prices: Prices, session: np.datetime64) -> list[str]:
    """Return a sentence for each split between a count and the session that is taken for a spin-off."""
    said = []
    for ticker, (_, passed) in zip(counts["priced_at"], _met(counts, prices, session), strict=True):
        for row in _format.rows(passed):
            ahead = ", and the close before is without what was spun off" if row["date"] == session else ""
            said.append(
                f"the split of {ticker} by {row['ratio']:g} on {row['date'].date()} is taken for a spin-off: the count "
                f"stays as it is{ahead}; if it was a split, give a count of that day or later"
            )
    return list(dict.fromkeys(said))


def _met(counts: pd.DataFrame, prices: Prices, session: np.datetime64) -> list[tuple[pd.DataFrame, pd.DataFrame]]:
    """Return for each count the splits that apply to it and the spin-offs that were passed over."""
    known, day = prices.checked_splits, pd.Timestamp(session)
    days = zip(counts["priced_at"], _counted(counts), strict=True)
    return [splits_met(known, ticker, counted, day) for ticker, counted in days]


def _counted(counts: pd.DataFrame) -> pd.Series[Any]:
    """Return the day from which each count knows of no split.

    A cover or a vendor counts the shares of its day. Financial statements restate theirs for a split that comes before
    they are filed (SEC Staff Accounting Bulletins, Topic 4.C).
    """
    as_filed = ~counts["basis"].isin((COVER, VENDOR)) & counts["filed"].notna()
    return counts["filed"].where(as_filed, counts["as_of"])


def _check_usd(prices: Prices, tickers: Iterable[str]) -> None:
    currency = prices.provenance.get("currency")
    for ticker in tickers:
        code = currency.get(ticker) if isinstance(currency, Mapping) else currency
        if code not in (None, "USD"):
            raise PriceError(
                "prices", f"{ticker} is quoted in {code}, and market caps are in USD", "give its closes in USD"
            )


def _classes(counts: pd.DataFrame, firm: str) -> str:
    """Say how a firm of several classes is valued; the closes shown are those of its main ticker alone."""
    if set(counts["priced_at"]) == {firm}:
        return ""
    latest = counts["filed"].max()
    parts = [
        f"{r['share_class']} at {r['priced_at']}" + (f" (filed {r['filed'].date()})" if r["filed"] < latest else "")
        for r in _format.rows(counts.reset_index(drop=True))
    ]
    return f"sum of {', '.join(parts)}; the closes shown are those of {firm}"


def _basis(counts: pd.DataFrame) -> str:
    basis = counts["basis"].iloc[0]
    return "" if basis in (COVER, VENDOR) else f"{basis} count"


def _for_splits(counts: pd.DataFrame, prices: Prices, session: np.datetime64) -> str:
    parts = []
    for ticker, (applied, _) in zip(counts["priced_at"], _met(counts, prices, session), strict=True):
        if len(applied):
            days = ", ".join(str(day.date()) for day in applied["date"])
            parts.append(f"count x {factor_of(applied):g} for the splits of {ticker} since ({days})")
    return ", ".join(dict.fromkeys(parts))


def _close(prices: Prices, ticker: str, day: np.datetime64) -> float:
    close = prices.close_on(ticker, day)
    if np.isnan(close):
        raise PriceError("prices", f"no close of {ticker} on {day}", "give prices that reach that session")
    return close
