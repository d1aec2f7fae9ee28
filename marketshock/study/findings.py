"""The checks of prices and factors, on the columns and rows that a study reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from .._typing import BoolArray, DateArray, IntArray, StrArray
from ..models.base import ReturnModel, columns_read
from ..panel.event_panel import EventPanel
from ..panel.returns import Returns
from ..providers.base import Prices
from ..providers.found import NOTE, REFUSE, WARN, Handling, PriceFinding
from ..providers.plausible_frames import factor_findings
from ..providers.price_findings import price_findings
from ..windows import Window

_REGRESSED = "the model regresses on it: its coefficient is per percent; a rate that is subtracted must be decimal"
_WRONG = ("tick", "unit", "unit_pair", "codes")  # prices that are wrong: tolerated, they also spoil the estimation
_SPLITS = ("split_8plus", "split_2to7", "split_1.5")


def checked_study(
    parts: Sequence[tuple[EventPanel, ReturnModel]],
    held: Prices | None,
    handling: Handling,
    more: Iterable[PriceFinding] = (),
) -> tuple[PriceFinding, ...]:
    """Check what a study reads; raise, warn, and return the findings: see `Handling.settle`.

    Parameters
    ----------
    parts : sequence of (EventPanel, ReturnModel)
        The studied events with their model: one pair, or one of each market.
    held : Prices or None
        The prices; None of a study on returns, which are checked as they are read.
    handling : Handling
        What is tolerated, and what is done about warnings.
    more : iterable of PriceFinding, optional
        Findings from elsewhere, such as rows on closed days.
    """
    factors = [f for panel, model in parts for f in _of_factors(panel, model)]
    settled = handling.settle(factors, "study.findings", parameter="factors", stacklevel=4)
    found = list(more)
    if held is not None:
        found += [f for panel, model in parts for f in _of_prices(panel, model, held)]
    return (*handling.settle(found, "study.findings", stacklevel=4), *settled)


def off_days(parts: Sequence[tuple[EventPanel, ReturnModel]]) -> list[PriceFinding]:
    """Return the rows with a price on days on which the market of a security or benchmark was closed: left out.

    One finding for each series, on the first of its rows, within the days that the events read: a note where the price
    was carried on, a warning where it moved.
    """
    found = []
    for panel, model in parts:
        returns = panel.returns
        if not len(returns.off_days) or not len(panel):
            continue
        lo, hi = _days(panel, panel.row, panel.estimation.first).min(), _days(panel, panel.row, panel.window.last).max()
        inside = (returns.off_days >= lo) & (returns.off_days <= hi)
        names = {returns.names[k] for k in np.unique(panel.column)} | {*columns_read(model)}
        for k, name in enumerate(returns.names):
            at = np.flatnonzero(inside & returns.off[:, k]) if name in names else ()
            if len(at):
                found.append(_closed(name, returns.off_days[at], returns.off_moved[at, k], returns.sessions.name))
    return found


def _closed(name: str, days: DateArray, moved: BoolArray, market: str) -> PriceFinding:
    """Return the finding of a series with prices on days on which its market was closed, (n,)."""
    if moved.any():
        n = int(moved.sum())
        several = f"{n} days, the last {days[moved][-1]}," if n > 1 else "a day"
        cause = f"its market ({market}) was closed on {several} on which {name} moved (left out): "
        return PriceFinding(name, days[moved][0], "closed_day", np.nan, f"{cause}another market's calendar?", WARN)
    more = f"{len(days)} rows, the last on {days[-1]}," if len(days) > 1 else "a row"
    cause = f"{more} on a day on which its market ({market}) was closed: left out"
    return PriceFinding(name, days[0], "closed_day", np.nan, cause, NOTE)


def _of_factors(panel: EventPanel, model: ReturnModel) -> list[PriceFinding]:
    """Return what is found in the factors that a model reads, from the first day to the last that it reads."""
    if panel.returns.factors is None or not len(panel):
        return []
    lo = max(int(panel.row.min()) + panel.estimation.first, 0)
    rows = slice(lo, int(panel.row.max()) + max(panel.window.last, panel.estimation.last) + 1)
    return findings_of_factors(panel.returns, model, rows)


def findings_of_factors(returns: Returns, model: ReturnModel, rows: slice = slice(None)) -> list[PriceFinding]:
    """Return what is found in the factors that a model reads on some rows.

    Factors in percent refuse where the model subtracts them as they are. Where it only regresses on them the abnormal
    returns are those of decimals, and only the coefficients are off by 100: a warning.
    """
    names = [name for name in columns_read(model) if name in returns.factor_names]
    if returns.factors is None or not names:
        return []
    places = [returns.factor_names.index(name) for name in names]
    subtracted = model.offset.reads if model.offset else ()
    found = factor_findings(names, returns.days[rows], returns.factors[rows][:, places])
    return [
        replace(f, severity=WARN, cause=f"{f.cause} ({_REGRESSED})")
        if f.rule == "percent" and f.ticker not in subtracted
        else f
        for f in found
    ]


def _of_prices(panel: EventPanel, model: ReturnModel, held: Prices) -> list[PriceFinding]:
    """Return what is found in the prices of the events and of the model's columns, on the days that are read."""
    if not len(panel):
        return []
    own = np.unique(panel.column)
    read = [name for name in columns_read(model) if name not in panel.returns.factor_names]
    tickers = dict.fromkeys([*(panel.returns.names[k] for k in own), *read])
    first = panel.returns.days[max(int(panel.row.min()) + panel.estimation.first, 0)]
    found = price_findings(held, tickers, first, held.days[-1])
    return [kept for f in found if (kept := _as_read(f, panel, f.ticker in read)) is not None]


def _as_read(finding: PriceFinding, panel: EventPanel, is_benchmark: bool) -> PriceFinding | None:
    """Return a finding as it concerns the events, None if none of them reads its days."""
    own = np.ones(len(panel), dtype=bool) if is_benchmark else _own(panel, finding.ticker)
    touched = own & (_touches(panel, panel.estimation, finding) | _touches(panel, panel.window, finding))
    if finding.rule == "stale_end_10":
        return replace(finding, severity=REFUSE if touched.any() else WARN)
    if not touched.any():
        return None
    guess = finding.rule in _SPLITS and finding.severity != REFUSE and not finding.supported
    if guess and not is_benchmark and (panel.session[touched] == finding.day).all():
        cause = f"x{finding.size:.4g} on day 0: the event, or a split not applied"
        return replace(finding, severity=NOTE, cause=cause)
    return finding


def _own(panel: EventPanel, ticker: str) -> BoolArray:
    return np.asarray(panel.column == panel.returns.names.index(ticker))


def _touches(panel: EventPanel, window: Window, finding: PriceFinding) -> BoolArray:
    """Return which events read a return that a finding touches in one of their windows, (E,)."""
    first, last = finding.reach
    return np.asarray(
        (_days(panel, panel.row, window.first) <= last) & (_days(panel, panel.row, window.last) >= first), dtype=bool
    )


def _days(panel: EventPanel, row: IntArray, offset: int) -> DateArray:
    """Return the session so many days from some rows; beyond the data the first or the last."""
    days = panel.returns.days
    return np.asarray(days[np.clip(row + offset, 0, len(days) - 1)])


def with_findings(notes: StrArray, found: Sequence[PriceFinding], panel: EventPanel, window: Window) -> StrArray:
    """Return the notes of the events with what was found in their own prices on the days of a window.

    Parameters
    ----------
    notes : ndarray of shape (E,)
        "" where there is nothing to note.
    found : sequence of PriceFinding
        The findings of the study.
    panel : EventPanel
        The events.
    window : Window
        Days relative to day 0.
    """
    if not found:
        return notes
    out = notes.astype(object)
    for finding in found:
        if finding.ticker in panel.returns.names:
            touched = _touches(panel, window, finding)
            if finding.rule in _WRONG:
                touched |= _touches(panel, panel.estimation, finding)
            for i in np.flatnonzero(_own(panel, finding.ticker) & touched):
                told = finding.cause if "on day 0" in finding.cause else f"{finding.cause} ({finding.day})"
                out[i] = "; ".join(filter(None, [str(out[i]), f"{told} [{finding.rule}]"]))
    return out
