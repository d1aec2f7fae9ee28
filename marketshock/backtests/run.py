"""One backtest from end to end: orchestration, no formula."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from .._typing import CALENDARS, DUPLICATES, ON_CLOSED, CalendarName, Duplicates, Frame, OnClosed
from ..catalog.table import Events, EventTable, event_table
from ..errors import InputError, UnknownNameError, check_choice
from ..providers.base import Prices
from .costs import Costs, Sizing
from .engine import Book, run_account
from .exits import delisting_returns
from .market import Market, market_of
from .notes import dangers_of, notes_of
from .result import Backtest, BacktestSpec, check_benchmark
from .timing import Rule, Timed, found_events, is_number, tickers_named
from .trading import MARKET, Located, Traded, located, trade

_FREE = Costs()
_A_TENTH = Sizing()


def backtest(
    events: Events | None,
    prices: Prices | Frame,
    rule: Rule,
    *,
    tickers: Sequence[str] | None = None,
    costs: Costs = _FREE,
    sizing: Sizing = _A_TENTH,
    capital: float = 1_000_000.0,
    benchmark: str | None = None,
    risk_free: float = 0.0,
    delisting_return: float | Mapping[str, float] = 0.0,
    intraday: Frame | None = None,
    on_closed: OnClosed = "raise",
    duplicates: Duplicates = "exclude",
    calendar: CalendarName = "auto",
) -> Backtest:
    """Trade a rule on events, after costs.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, DataFrame, or None
        As in `event_study`. None for a rule that finds its own, such as `rules.AfterDrop`: in every security but
        indices (a name with ^) and the benchmark, or in `tickers`.
    prices : Prices or DataFrame
        Fills are at quoted opens and closes (split-adjusted, not dividend-adjusted), dividends are paid as cash,
        signals read total returns. A frame of closes alone has no opens: give the rule ``entry="next_close"``.
    rule : Rule
        Of `marketshock.rules`, or any object with `timing`, `own_tickers` and ``legs(known)``.
    tickers : sequence of str, optional
        Securities on which market-wide events are traded.
    costs : Costs, optional
        None by default, which no market offers.
    sizing : Sizing, optional
        By default a tenth of equity an event, without leverage.
    capital : float, optional
        Cash before the first fill, in the currency of the prices.
    benchmark : str, optional
        A security of the prices, for alpha and beta.
    risk_free : float, optional
        Annual rate (decimal) taken off for the Sharpe and Sortino ratios.
    delisting_return : float or mapping of str to float, optional
        Return (decimal) from the last close of a security whose prices end before those of the others. 0 is sanguine:
        Shumway (1997) finds -0.30 for delistings for cause on the NYSE and AMEX.
    intraday : DataFrame, optional
        Bars as `yahoo_intraday` returns them, for ``entry="intraday"``.
    on_closed : {"raise", "next", "previous", "drop"}, optional
        What to do with a date on which the market was closed.
    duplicates : {"exclude", "keep"}, optional
        A second event of a security (of a rule for the market: of any) and session is left out, or a second position.
    calendar : {"auto", "NYSE", "index"}, optional
        As in `event_study`.

    Returns
    -------
    Backtest
        ``.performance``, ``.trades`` (an event with all its legs each), ``.legs``, ``.orders``, ``.positions``,
        ``.daily``, ``.skipped``, ``.notes``, ``.path()``, ``.bootstrap()``, ``.split(date)``; `placebo_trades` compares
        it with random dates.

    Raises
    ------
    InputError
        If an option is out of range, the prices are of several currencies, or the rule cannot be traded on them.
    NotSessionError
        If a date is no session and nothing says what to do with it.

    Warns
    -----
    LookAheadWarning
        If positions are taken at the close of day 0 and the events do not say that the news came before it.
    OverlapWarning
        If positions of several events are held in one security at the same time.
    SurvivorshipWarning
        If the events span more than a year and several securities are traded, all of which live to the end of the
        prices.
    CalendarWarning
        As in `event_study`.

    Notes
    -----
    Three dangers no engine can remove. *Look-ahead*: an order filled in a session is decided on closes up to the
    session before, and no rule here is shown more; but which events are in the list, and which rule is tried, were
    chosen by someone who had seen what came after. *Survivorship*: who is in the prices is usually who is still there.
    *Overlap*: trades held at the same time share the market's days; standard errors are clustered by event date, and
    ``placebo_trades(..., how="shift")`` keeps the spacing of the events.

    Within a session: dividends, fees and interest on what was held overnight; then at the open, within the day and at
    the close first the ways out, then the ways in. Sizes and limits read the account at the close before. Positions of
    several events in one security add up and are not netted: gross exposure and borrow fees count each.

    References
    ----------
    Shumway (1997), Journal of Finance 52, 327-340.

    Examples
    --------
    >>> import marketshock as ms
    >>> events = ms.load_catalog()["deepseek-selloff"]
    >>> rule = ms.rules.HoldAfter(days=5)
    >>> result = ms.backtest(events, ms.snapshot(), rule, tickers=["NVDA"], costs=ms.Costs(bps=5))
    >>> str(result.legs["entry_date"].iloc[0].date()), round(float(result.per_trade.mean), 4)
    ('2025-01-28', -0.0433)
    """
    check_options(rule, costs, sizing, capital, risk_free)
    check_choice("calendar", calendar, CALENDARS)
    check_choice("on_closed", on_closed, ON_CLOSED)
    check_choice("duplicates", duplicates, DUPLICATES)
    market = market_of(prices, calendar, intraday)
    check_benchmark(benchmark, market.names)
    delisting = delisting_returns(delisting_return, market.names)
    spec = BacktestSpec(rule, costs, sizing, float(capital), benchmark, risk_free, delisting)
    return run_backtest(spec, table_of(events, market, rule, tickers, benchmark), market, on_closed, duplicates)


def run_backtest(
    spec: BacktestSpec, table: EventTable, market: Market, on_closed: OnClosed, duplicates: Duplicates
) -> Backtest:
    """Trade a table of events, and name the dangers that show in the data."""
    place = located(table, market, spec.rule, on_closed, duplicates)
    traded = trade(spec.rule, place.known, spec.costs, spec.delisting)
    n = len(place.known)
    book = run_account(traded.fills, traded.each, market, n, spec.costs, spec.sizing, spec.capital)
    dangers = list(dangers_of(spec.rule.timing, place.known, traded.fills, book.shares > 0))
    for kind, text in dangers:
        warnings.warn(text, kind, stacklevel=4)
    notes = (*(text for _, text in dangers), *notes_of(spec, place.known, traded, book))
    return Backtest(spec, place.known, traded, book, place.alignment, _skipped(place, traded, book), notes)


def table_of(
    events: Events | None,
    market: Market,
    rule: Rule,
    tickers: Sequence[str] | None,
    benchmark: str | None = None,
) -> EventTable:
    """Return the events as a table; those that the rule finds in the prices where none are given.

    Found are those of `tickers`, or of every security but indices (a name with ^) and the benchmark.

    Raises
    ------
    InputError
        If there are none, and the rule finds none.
    """
    if events is None:
        found = found_events(rule, market)
        among = [name for name in market.names if "^" not in name and name != benchmark]
        if tickers:
            among = list(tickers_named("tickers", tickers))
            unknown = [name for name in among if name not in market.names]
            if unknown:
                raise UnknownNameError("tickers", unknown, market.names)
        found = found[found["ticker"].isin(among)]
        if found.empty:
            raise InputError("events", f"{rule} finds none in the prices", "give a longer history or another rule")
        return event_table(found, None)
    if not rule.own_tickers and not tickers:
        tickers = (MARKET,)
    return event_table(events, tickers)


def check_options(rule: object, costs: object, sizing: object, capital: object, risk_free: object) -> None:
    """Raise `InputError` for what is no rule, no costs, no sizing, or out of range."""
    if isinstance(rule, type) or not isinstance(rule, Rule) or not isinstance(rule.timing, Timed):
        raise InputError("rule", f"got {rule!r}", "give one of marketshock.rules, such as rules.HoldAfter(days=5)")
    for name, value, kind in (("costs", costs, Costs), ("sizing", sizing, Sizing)):
        if not isinstance(value, kind):
            raise InputError(name, f"got {value!r}", f"give marketshock.{kind.__name__}(...)")
    if not is_number(capital) or not 0 < capital < np.inf:  # type: ignore[operator]
        raise InputError("capital", f"got {capital!r}", "give a positive amount of money")
    if not is_number(risk_free) or not -1 < risk_free < 1:  # type: ignore[operator]
        raise InputError("risk_free", f"got {risk_free!r}", "give an annual decimal rate, such as 0.04")


def _skipped(place: Located, traded: Traded, book: Book) -> pd.DataFrame:
    """Return every event that was not traded, with its reason."""
    known = place.known
    rows = [(e.event_id, e.ticker, e.date, e.code, e.reason) for e in place.exclusions.named()]
    refused = [(int(i), "no_room", str(book.refused[i])) for i in np.flatnonzero(book.refused != "")]
    at = sorted({i: (code, why) for i, code, why in [*traded.left, *refused]}.items())
    if at:
        ids, tickers, days = known.table.event_id, known.table.ticker, known.market.days
        rows += [(str(ids[i]), str(tickers[i]), days[known.row[i]], code, why) for i, (code, why) in at]
    frame = pd.DataFrame(rows, columns=["event_id", "ticker", "date", "code", "reason"])
    return frame.astype({"date": "datetime64[ns]"})
