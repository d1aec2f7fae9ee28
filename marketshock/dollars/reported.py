"""Reported losses: which price and which share count give the press's figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .. import _format
from .._bundled import bundled_path
from .._typing import Frame
from ..errors import Argument, InputError, SharesError, Words
from ..providers.base import Prices
from ..providers.shares import OUTSTANDING, SharesTable, known_from
from ..sessions import nearest_sessions, nyse, resolve_session
from ..valuation import check_reach, out_of_reach, raw_change, spin_offs, splits_note
from .change import market_inputs

OFFICIAL = "official close"
_AHEAD = "* count filed (or, where that is not known, dated) on or after the session: not known then"
_COPIED = ("shares", "rounding", "split_factor", "filed", "lookahead", "change_usd")
_RECENT = 400  # days before the last count known; a table may hold fifteen years of them


@dataclass(frozen=True, eq=False)
class Reconciliation:
    """Which price and which share count give the reported figures.

    Attributes
    ----------
    firm : str
        The firm.
    session, previous : datetime64[D]
        The event's session and the one before it.
    table : DataFrame
        A row a price convention and share count: price, close_before, close_after (main ticker), count, shares,
        rounding, split_factor (of both, see `MarketCapChange.to_frame`), filed (NaT where it is not known), lookahead,
        change_usd, low_usd, high_usd (rounding of the count), matches (reported figures whose rounding interval holds
        change_usd) and within_rounding (those it only meets with its band).
    reported : DataFrame
        The reported losses: loss_usd, rounding_usd, outlet.
    notes : tuple of str
        Counts that were left out, and what is not known of splits.
    """

    firm: str
    session: np.datetime64
    previous: np.datetime64
    table: pd.DataFrame
    reported: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    @property
    def matches(self) -> list[str]:
        """Each reported figure with the price and count that give it, a line each."""
        lines = []
        for loss in self.reported["loss_usd"]:
            ways = []
            for column, how in (("matches", ""), ("within_rounding", " (within the rounding of the count)")):
                rows = self.table[[loss in matched for matched in self.table[column]]]
                ways += [f"{p} x {c}{how}" for p, c in zip(rows["price"], rows["count"], strict=True)]
            lines += [f"{loss / 1e9:g} = {way}" for way in ways or ["no price and count listed here"]]
        return lines

    @property
    def statement(self) -> str:
        """What the table does and does not show, in words."""
        return (
            "A match is arithmetic, not testimony: no outlet states its method, so that which price and count it "
            "used is inference. The library's own figure is the official close x the last cover count filed before "
            "the event."
        )

    def __repr__(self) -> str:
        head, rows = self._summary()
        said = "\n".join([*self.matches, *map(_format.wrapped, [*self.notes, self.statement])])
        ahead = f"\n{_AHEAD}" if self.table["lookahead"].any() else ""
        return f"{_format.wrapped(self._caption())}\n\n{_format.text_table(head, rows, left=2)}{ahead}\n\n{said}"

    def _repr_html_(self) -> str:
        said = "\n".join([self._caption(), *self.matches, *self.notes, self.statement])
        return _format.html_table(said, *self._summary(), left=2)

    def _caption(self) -> str:
        told = "; ".join(
            f"{r['loss_usd'] / 1e9:g} ±{r['rounding_usd'] / 2e9:g} ({r['outlet']})" for r in _format.rows(self.reported)
        )
        return f"{self.firm}, {self.previous} to {self.session}: loss in USD bn. Reported: {told}"

    def _summary(self) -> tuple[list[str], list[list[str]]]:
        head = ["price", "count", "shares bn", "close", "loss", "band", "matches", "in band"]
        rows = [
            [
                r["price"],
                r["count"] + ("*" if r["lookahead"] else ""),
                _format.number(r["shares"] / 1e9, 3),
                _format.number(r["close_after"]),
                _format.number(-r["change_usd"] / 1e9, 1),
                f"{-r['high_usd'] / 1e9:,.1f} to {-r['low_usd'] / 1e9:,.1f}",
                _figures(r["matches"]),
                _figures(r["within_rounding"]),
            ]
            for r in _format.rows(self.table)
        ]
        return head, rows


def reconcile(
    ticker: str,
    date: object,
    reported_usd: float | None = None,
    *,
    rounding_usd: float | None = None,
    prices: Prices | Frame | None = None,
    shares: SharesTable | Frame | None = None,
    printed: Mapping[str, float] | None = None,
    allow_lookahead: bool = False,
) -> Reconciliation:
    """List price conventions x share counts against the losses that were reported.

    Parameters
    ----------
    ticker : str
        The firm, by any of its tickers.
    date : date or str
        The session.
    reported_usd : float, optional
        A reported loss in USD, positive; by default the bundled press figures of that firm and day.
    rounding_usd : float, optional
        The unit `reported_usd` was given to; by default read off its digits (589e9: 1e9, 592.7e9: 1e8).
    prices, shares : optional
        As in `market_cap_change`.
    printed : mapping of str to float, optional
        Other prices of that evening by the name of their convention; by default the bundled ones, e.g. NVIDIA's
        preliminary close.
    allow_lookahead : bool, optional
        List counts filed on or after the session too, marked.

    Returns
    -------
    Reconciliation
        Counts known more than 400 days before the last one known on that day are not listed. Those older than what is
        known of splits (``prices.provenance["splits_since"]``) are left out, and ``notes`` names them.

    Raises
    ------
    InputError
        If `reported_usd` or `rounding_usd` is not positive, or nothing was reported.
    NotSessionError, PriceError, SharesError, UnknownNameError
        As in `market_cap_change`, whose own count may not be left out.
    """
    prices, shares = market_inputs(prices, shares)
    session = resolve_session("date", date)
    previous, _ = nearest_sessions(nyse(), session)
    firm = shares.firm_of(ticker)
    reported = _reported(firm, session, reported_usd, rounding_usd)
    if shares.table.loc[shares.table["firm"] == firm, "basis"].isin(OUTSTANDING).any():
        check_reach(shares.known_on(firm, session, allow_lookahead=allow_lookahead), prices)
    listed, notes = _within_reach(_counts(shares, firm, session, allow_lookahead), prices, session)
    rows = []
    for price, closes in _conventions(firm, session, printed):
        for count, counts in listed:
            change = raw_change(counts, firm, prices, previous, session, closes)
            band = {"low_usd": change["change_low_usd"], "high_usd": change["change_high_usd"]}
            rows.append(
                {
                    "price": price,
                    "close_before": change["close_before"],
                    "close_after": change["close_after"],
                    "count": count + _for_splits(change["split_factor"]),
                    **{name: change[name] for name in _COPIED},
                    **band,
                    **_matches(change["change_usd"], band, reported),
                }
            )
    return Reconciliation(firm, session, previous, pd.DataFrame(rows), reported, notes)


def _conventions(
    firm: str, session: np.datetime64, printed: Mapping[str, float] | None
) -> Iterator[tuple[str, dict[str, float]]]:
    yield OFFICIAL, {}
    if printed is not None:
        bad = [name for name, price in printed.items() if not (isinstance(price, (int, float)) and 0 < price < np.inf)]
        if bad:
            raise InputError("printed", f"{bad[0]!r} is {printed[bad[0]]!r}", "give positive prices")
        yield from ((name, {firm: float(price)}) for name, price in printed.items())
        return
    for row in _format.rows(printed_prices(firm, session)):
        yield row["convention"], {firm: row["price"]}


def printed_prices(firm: str, session: np.datetime64) -> pd.DataFrame:
    """Return the bundled prices that were printed that evening: ticker, date, price, convention, rounding, source."""
    known = pd.read_csv(bundled_path("figures", "printed_prices.csv"))
    return known[(known["ticker"] == firm) & (known["date"] == str(session))]


def _counts(
    shares: SharesTable, firm: str, session: np.datetime64, allow_lookahead: bool
) -> Iterator[tuple[str, pd.DataFrame]]:
    rows = shares.table[shares.table["firm"] == firm]
    rows = rows.assign(known=known_from(rows))
    rows = rows.assign(lookahead=rows["known"] >= pd.Timestamp(session)).sort_values("known", kind="stable")
    if rows["lookahead"].all() and not allow_lookahead:
        shares.known_on(firm, session)  # raises LookAheadError with the first date
    last = rows.loc[~rows["lookahead"], "known"].max()
    rows = rows[~(rows["known"] < last - pd.Timedelta(days=_RECENT)) & (allow_lookahead | ~rows["lookahead"])]
    for (known, basis), counts in rows.groupby(["known", "basis"], sort=False):
        unfiled = counts["filed"].isna().all()
        yield f"{basis} count {'dated' if unfiled else 'filed'} {known.date()}", counts


def _within_reach(
    listed: Iterable[tuple[str, pd.DataFrame]], prices: Prices, session: np.datetime64
) -> tuple[list[tuple[str, pd.DataFrame]], tuple[str, ...]]:
    """Return the counts that splits can be applied to, and what is to be said of them and of the others."""
    kept, notes = [], []
    late: tuple[str, str] | None = None
    for label, counts in listed:
        why = out_of_reach(counts, prices)
        if why:
            late = why
            notes.append(f"left out the {label}: {why[0]}")
        else:
            kept.append((label, counts))
            notes += spin_offs(counts, prices, session)
    if late and not kept:
        raise SharesError("shares", *late)
    priced = [ticker for _, counts in kept for ticker in counts["priced_at"]]
    return kept, tuple(dict.fromkeys(filter(None, [*notes, splits_note(prices, priced)])))


def _for_splits(factor: float) -> str:
    return "" if factor == 1 else f" x {factor:g} for splits"


def _reported(firm: str, session: np.datetime64, loss: float | None, rounding: float | None) -> pd.DataFrame:
    if rounding is not None and loss is None:
        raise InputError("rounding_usd", Words("given without ", Argument("reported_usd")), "give both, or neither")
    for name, value in (("reported_usd", loss), ("rounding_usd", rounding)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < np.inf):
            raise InputError(name, f"got {value!r}", "give a positive number of dollars")
    if loss is not None and loss < 1e6:
        raise InputError("reported_usd", f"got {loss:g} dollars", "give the whole amount: 589e9 is 589 billion")
    if loss is not None:
        unit = rounding or _digits_unit(loss)
        return pd.DataFrame({"loss_usd": [float(loss)], "rounding_usd": [unit], "outlet": ["as given"]})
    known = pd.read_csv(bundled_path("figures", "reported_losses.csv"))
    known = known[(known["firm"] == firm) & (known["date"] == str(session))].reset_index(drop=True)
    if known.empty:
        raise InputError("reported_usd", f"no reported loss of {firm} on {session} is bundled", "give reported_usd=")
    return known[["loss_usd", "rounding_usd", "outlet"]]


def _digits_unit(value: float) -> float:
    """Return the unit of the last digit given, at most a billion: 589e9 gives 1e9, 592.7e9 gives 1e8."""
    unit = 1e9
    while unit > 1 and abs(value / unit - round(value / unit)) > 1e-9:
        unit /= 10
    return unit


def _matches(change: float, band: Mapping[str, float], reported: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    loss, low, high = -change, -band["high_usd"], -band["low_usd"]
    centre, half = (
        reported["loss_usd"].to_numpy(dtype=float),
        reported["rounding_usd"].to_numpy(dtype=float) / 2,
    )
    holds = (centre - half <= loss) & (loss <= centre + half)
    meets = (centre - half <= high) & (low <= centre + half) & ~holds
    return {"matches": tuple(centre[holds]), "within_rounding": tuple(centre[meets])}


def _figures(losses: Sequence[float]) -> str:
    return ", ".join(f"{loss / 1e9:g}" for loss in losses) or _format.MISSING
