"""Reported losses of market value, and the price and share count that give each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._bundled import bundled_path
from .._frame import Printable, PrintedTable, Printout
from .._typing import Frame, OnFindings
from ..errors import Argument, InputError, SharesError, Words
from ..providers.base import Prices
from ..providers.found import Handling, PriceFinding, findings_frame
from ..providers.shares import OUTSTANDING, SharesTable, known_from
from ..valuation import FirmShares, Valuation, change_of
from ._clock import clock_of, session_on
from .findings import checked_caps

OFFICIAL = "official close"
_AHEAD = "* count filed (or, where that is not known, dated) on or after the session: not known then"
_COPIED = ("shares", "rounding", "split_factor", "basis", "filed", "lookahead")
_CHANGES = ("change_usd", "change_low_usd", "change_high_usd")
_RECENT = 400  # days before the last count known; a table may hold fifteen years of them


@dataclass(frozen=True, eq=False, repr=False)
class Reconciliation(Printable):
    """Reported losses of a firm against prices and share counts.

    Attributes
    ----------
    firm : str
        The firm.
    session, previous : datetime64[D]
        The event's session and the one before it.
    table : DataFrame
        One row per price_convention and share_count: close_before, close_after (main ticker), shares,
        rounding, split_factor (of both, see `MarketCapChange.to_frame`), basis, filed (NaT where it is not known),
        lookahead, change_usd, change_low_usd, change_high_usd (rounding of the count), matches (reported figures whose
        rounding interval holds change_usd), within_rounding (those that only its band meets), official (whether the
        price is the official close) and is_own (whether the row is the figure of `market_cap_change`).
    reported : DataFrame
        The reported losses: loss_usd, rounding_usd, outlet.
    notes : tuple of str
        Counts that were left out, what is not known of splits, and which sessions were taken where the dates of the
        prices do not fit the NYSE.
    """

    firm: str
    session: np.datetime64
    previous: np.datetime64
    table: pd.DataFrame
    reported: pd.DataFrame
    notes: tuple[str, ...] = ()
    found: tuple[PriceFinding, ...] = ()

    @property
    def findings(self) -> pd.DataFrame:
        """What the checks found in the closes that are read: ticker, date, rule, size, cause, severity."""
        return findings_frame(self.found)

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    @property
    def matches(self) -> list[str]:
        """Each reported figure with the price and count that give it, one line each."""
        lines = []
        for loss in self.reported["loss_usd"]:
            ways = []
            for column, how in (("matches", ""), ("within_rounding", " (within the rounding of the count)")):
                rows = self.table[[loss in matched for matched in self.table[column]]]
                ways += [f"{p} x {c}{how}" for p, c in zip(rows["price_convention"], rows["share_count"], strict=True)]
            lines += [f"{loss / 1e9:g} = {way}" for way in ways or ["no price and count listed here"]]
        return lines

    @property
    def statement(self) -> str:
        """What the table shows and what it does not."""
        return (
            "A match is arithmetic, not testimony: no outlet states its method, so that which price and count it "
            "used is inference. The library's own figure is the official close x the last cover count filed before "
            "the event."
        )

    def printout(self) -> Printout:
        """Return the printed form: the loss by each price and count, and what it shows."""
        told = "; ".join(
            f"{r['loss_usd'] / 1e9:g} ±{r['rounding_usd'] / 2e9:g} ({r['outlet']})" for r in _format.rows(self.reported)
        )
        title = f"{self.firm}, {self.previous} to {self.session}: loss in USD bn. Reported: {told}"
        table = PrintedTable(*self._cells(), left=2, marks=[_AHEAD] if self.table["lookahead"].any() else [])
        return Printout((title,), (table,), [*self.matches, *self.notes, self.statement], folded=True, indent="")

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        head = ["price", "count", "shares bn", "close", "loss", "band", "matches", "in band"]
        rows = [
            [
                r["price_convention"],
                r["share_count"] + ("*" if r["lookahead"] else ""),
                _format.number(r["shares"] / 1e9, 3),
                _format.number(r["close_after"]),
                _format.number(-r["change_usd"] / 1e9, 1),
                f"{-r['change_high_usd'] / 1e9:,.1f} to {-r['change_low_usd'] / 1e9:,.1f}",
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
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
) -> Reconciliation:
    """Compare reported losses with every price convention times every share count.

    Parameters
    ----------
    ticker : str
        The firm, by any of its tickers.
    date : date or str
        The session, on the calendar of the firm, as in `market_cap_change` without a study.
    reported_usd : float, optional
        A reported loss in USD, positive; by default the bundled press figures of that firm and day.
    rounding_usd : float, optional
        The unit to which `reported_usd` was given; by default that of its last digit (589e9: 1e9, 592.7e9: 1e8).
    prices, shares : optional
        As in `market_cap_change`.
    printed : mapping of str to float, optional
        Other prices of that evening by the name of their convention, in the shares of that day; by default the bundled
        ones, e.g. NVIDIA's preliminary close. They are divided by the later splits that the closes are adjusted for.
    allow_lookahead : bool, optional
        List counts filed on or after the session too, marked.
    tolerate, on_findings : optional
        As in `market_cap_change`; ``findings`` of the result lists what was found.

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
    handling = Handling.of(tolerate, on_findings)
    valuation = Valuation.of(prices, shares)
    firm = valuation.shares.firm_of(ticker)
    clock = clock_of(valuation, firm)
    session = session_on(date, [clock])
    previous = clock.before(session)
    reported = _reported(firm, session, reported_usd, rounding_usd)
    listed, notes = _listed(valuation, firm, session, allow_lookahead)
    found = checked_caps([count.shares for count in listed], handling, "findings of the reconciliation")
    rows = [
        _row(count, price, closes, previous, reported)
        for price, closes in _conventions(valuation, firm, session, printed)
        for count in listed
    ]
    remarks = tuple(dict.fromkeys(filter(None, [*(f.text for f in found), *notes, clock.note])))
    return Reconciliation(firm, session, previous, pd.DataFrame(rows), reported, remarks, found)


@dataclass(frozen=True, slots=True)
class _Count:
    """A share count to be listed: its label, the counts by class, and whether the library itself values with it."""

    label: str
    shares: FirmShares
    is_own: bool


def _row(
    count: _Count, price: str, closes: Mapping[str, float], previous: np.datetime64, reported: pd.DataFrame
) -> dict[str, Any]:
    """Return the row of a price convention and a share count; the official close is the one that replaces none."""
    change, official = change_of(count.shares, count.shares.values(previous, closes)), not closes
    return {
        "price_convention": price,
        "close_before": change["close_before"],
        "close_after": change["close_after"],
        "share_count": count.label + _for_splits(change["split_factor"]),
        **{name: change[name] for name in (*_COPIED, *_CHANGES)},
        **_matches(change, reported),
        "official": official,
        "is_own": official and count.is_own,
    }


def _conventions(
    valuation: Valuation, firm: str, session: np.datetime64, printed: Mapping[str, float] | None
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the name of each price convention with the prices that replace the official closes of the session."""
    yield OFFICIAL, {}
    if printed is None:
        printed = {row["convention"]: row["price"] for row in _format.rows(printed_prices(firm, session))}
    for name, price in printed.items():
        if not (isinstance(price, (int, float)) and 0 < price < np.inf):
            raise InputError("printed", f"{name!r} is {price!r}", "give positive prices")
        yield name, {firm: valuation.requoted(firm, float(price), session)}


def printed_prices(firm: str, session: np.datetime64) -> pd.DataFrame:
    """Return the bundled prices that were printed that evening: ticker, date, price, convention, rounding, source."""
    known = pd.read_csv(bundled_path("figures", "printed_prices.csv"))
    return known[(known["ticker"] == firm) & (known["date"] == str(session))]


def _listed(
    valuation: Valuation, firm: str, session: np.datetime64, allow_lookahead: bool
) -> tuple[list[_Count], list[str]]:
    """Return the counts to which splits can be applied, and the notes on them and on those that are left out."""
    own = _own(valuation, firm, session, allow_lookahead)
    kept: list[_Count] = []
    notes: list[str] = []
    late: tuple[str, str] | None = None
    for label, counts in _counts(valuation.shares, firm, session, own, allow_lookahead):
        problem = valuation.out_of_reach(counts)
        if problem:
            late = problem
            notes.append(f"left out the {label}: {problem[0]}")
            continue
        shares = valuation.counted(firm, counts, session)
        kept.append(_Count(label, shares, set(counts.index) == own))
        notes += [*shares.spin_off_notes, *shares.unit_notes]
    if late and not kept:
        raise SharesError("shares", *late)
    return kept, [*notes, valuation.splits_note(ticker for count in kept for ticker in count.shares.tickers)]


def _own(valuation: Valuation, firm: str, session: np.datetime64, allow_lookahead: bool) -> set[int]:
    """Return the rows of the counts that `market_cap_change` takes; they may not be left out."""
    table = valuation.shares.table
    if not table.loc[table["firm"] == firm, "basis"].isin(OUTSTANDING).any():
        return set()
    counts = valuation.shares.known_on(firm, session, allow_lookahead=allow_lookahead)
    valuation.counted(firm, counts, session)  # raises SharesError where splits cannot be applied
    return set(counts.index)


def _counts(
    shares: SharesTable, firm: str, session: np.datetime64, own: set[int], allow_lookahead: bool
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the counts that became known on one day, by basis, with a label each, in the order of these days.

    A class that a filing leaves out keeps its last count of the same basis, as in `SharesTable.known_on`. Old counts
    are left out unless they are those of `market_cap_change`.
    """
    rows = shares.table[shares.table["firm"] == firm]
    rows = rows.assign(known=known_from(rows))
    rows = rows.assign(lookahead=rows["known"] >= pd.Timestamp(session)).sort_values("known", kind="stable")
    if rows["lookahead"].all() and not allow_lookahead:
        shares.known_on(firm, session)  # raises LookAheadError with the first date
    last = rows.loc[~rows["lookahead"], "known"].max()
    old = (rows["known"] < last - pd.Timedelta(days=_RECENT)) & ~rows.index.isin(own)
    recent = rows[~old & (allow_lookahead | ~rows["lookahead"])]
    for (known, basis), counts in recent.groupby(["known", "basis"], sort=False):
        dated = "dated" if counts["filed"].isna().all() else "filed"
        same = rows[
            (rows["basis"] == basis) & (rows["known"] < known) & ~rows["share_class"].isin(counts["share_class"])
        ]
        kept = same.sort_values(["as_of", "filed"], kind="stable").drop_duplicates("share_class", keep="last")
        yield f"{basis} count {dated} {known.date()}", pd.concat([counts, kept]).sort_index() if len(kept) else counts


def _for_splits(factor: float) -> str:
    if np.isnan(factor):
        return " x the splits of each class"
    return "" if factor == 1 else f" x {factor:g} for splits"


def _reported(firm: str, session: np.datetime64, loss: float | None, rounding: float | None) -> pd.DataFrame:
    """Return the loss as given with its unit, or the bundled ones of that firm and day."""
    if loss is not None:
        _check_dollars(loss, rounding)
        unit = _digits_unit(loss) if rounding is None else rounding
        return pd.DataFrame({"loss_usd": [float(loss)], "rounding_usd": [unit], "outlet": ["as given"]})
    if rounding is not None:
        raise InputError("rounding_usd", Words("given without ", Argument("reported_usd")), "give both, or neither")
    known = pd.read_csv(bundled_path("figures", "reported_losses.csv"))
    known = known[(known["firm"] == firm) & (known["date"] == str(session))].reset_index(drop=True)
    if known.empty:
        raise InputError("reported_usd", f"no reported loss of {firm} on {session} is bundled", "give reported_usd=")
    return known[["loss_usd", "rounding_usd", "outlet"]]


def _check_dollars(loss: float, rounding: float | None) -> None:
    for name, value in (("reported_usd", loss), ("rounding_usd", rounding)):
        if value is not None and not (isinstance(value, (int, float)) and 0 < value < np.inf):
            raise InputError(name, f"got {value!r}", "give a positive number of dollars")
    if loss < 1e6:
        raise InputError("reported_usd", f"got {loss:g} dollars", "give the whole amount: 589e9 is 589 billion")


def _digits_unit(value: float) -> float:
    """Return the unit of the last digit given, at most a billion: 589e9 gives 1e9, 592.7e9 gives 1e8."""
    unit = 1e9
    while unit > 1 and abs(value / unit - round(value / unit)) > 1e-9:
        unit /= 10
    return unit


def _matches(change: Mapping[str, Any], reported: pd.DataFrame) -> dict[str, tuple[float, ...]]:
    """Return the reported losses whose rounding interval holds the change, and those that only its band meets."""
    loss, low, high = (-change[name] for name in ("change_usd", "change_high_usd", "change_low_usd"))
    figure, unit = (reported[name].to_numpy(dtype=float) for name in ("loss_usd", "rounding_usd"))
    least, most = figure - unit / 2, figure + unit / 2
    holds = (least <= loss) & (loss <= most)
    meets = (least <= high) & (low <= most) & ~holds
    return {"matches": tuple(figure[holds]), "within_rounding": tuple(figure[meets])}


def _figures(losses: Sequence[float]) -> str:
    return ", ".join(f"{loss / 1e9:g}" for loss in losses) or _format.MISSING
