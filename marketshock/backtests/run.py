"""`backtest`: a rule traded on events, from the inputs to the result."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from .._typing import DUPLICATES, ON_CLOSED, CalendarName, Duplicates, Frame, OnClosed, OnFindings
from ..catalog.table import Events, EventTable, event_table
from ..errors import InputError, check_choice
from ..markets import check_calendar
from ..providers.base import Prices
from ..providers.found import Handling
from .costs import Costs, Sizing
from .engine import Account, run_account
from .exits import delisting_returns
from .findings import checked_backtest
from .market import Market, market_of
from .notes import notes_of, warnings_of
from .result import Backtest, BacktestSpec
from .stated import calendar_stated
from .timing import Rule, check_rule, found_events, is_number, securities_of, sorts_all, tickers_named
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
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
) -> Backtest:
    """Trade a rule on events and account for costs.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, DataFrame, or None
        As in `event_study`. None for a rule that finds its own events, such as `rules.AfterDrop`: in every security
        except indices (a name with ^) and the benchmark, or in `tickers`.
    prices : Prices or DataFrame
        Fills are at quoted opens and closes (split-adjusted, not dividend-adjusted), dividends are paid as cash, and
        signals use total returns. A frame of closes has no opens: give the rule ``entry="next_close"``.
    rule : Rule
        One of `marketshock.rules`, or any object with `timing`, `own_tickers` and ``legs(info)``.
    tickers : sequence of str, optional
        Securities on which market-wide events are traded, and others that a rule of your own trades.
    costs : Costs, optional
        No costs by default, which is not realistic.
    sizing : Sizing, optional
        By default a tenth of equity per event, without leverage.
    capital : float, optional
        Cash before the first fill, in the currency of the prices.
    benchmark : str, optional
        A security of the prices, for alpha and beta. The account is on its sessions, and lasts as long as it does.
    risk_free : float, optional
        Annual rate (decimal) subtracted for the Sharpe and Sortino ratios.
    delisting_return : float or mapping of str to float, optional
        Return (decimal) from the last close of a security whose prices end before those of the benchmark or of
        others traded (in New York: any other of New York). The default of 0 is optimistic: Shumway (1997) finds -0.30
        for delistings for cause on the NYSE and AMEX.
    intraday : DataFrame, optional
        Bars as `yahoo_intraday` returns them, for ``entry="intraday"``.
    on_closed : {"raise", "next", "previous", "drop"}, optional
        Treatment of a date on which the market was closed.
    duplicates : {"exclude", "keep"}, optional
        Whether a second event of one security and session is excluded or traded as a second position. For a rule that
        does not trade the event's own security, a second event of any security counts.
    calendar : {"auto", "NYSE", "index"}, optional
        As in `event_study`: by default the sessions of the benchmark or, without one, of the securities traded (those
        of the events, of `tickers` and of the rule). Where these have different sessions, the account is on those that
        most of them share, and a note names the others. No other column of the prices counts. A column ``calendar`` of
        the events may say it instead, the same for all.
    tolerate, on_findings : optional
        As in `event_study`. Checked are the prices of each position, from day 0 to its exit, and those of the
        benchmark; ``result.findings`` lists what was found.

    Returns
    -------
    Backtest
        ``.performance``, ``.trades`` (one row per event with all its legs), ``.legs``, ``.orders``, ``.positions``,
        ``.daily``, ``.exclusions``, ``.notes``, ``.path()``, ``.bootstrap()``, ``.split(date)``; `placebo_trades`
        compares it with random dates.

    Raises
    ------
    InputError
        If an option is out of range, the prices are in several currencies, or the rule cannot be traded on them.
    NotSessionError
        If a date is not a session and `on_closed` is "raise".
    PriceError
        If a price that is read is refused by the checks: see `check_prices`.

    Warns
    -----
    PriceWarning
        If prices that are read look wrong.
    LookAheadWarning
        If positions are taken at the close of day 0 and the events do not state that the news came before it.
    OverlapWarning
        If positions of several events are held in one security at the same time.
    SurvivorshipWarning
        If the events span more than a year and several securities are traded, all of which have prices to the end.
    CalendarWarning
        As in `event_study`.

    Notes
    -----
    No engine can remove three dangers. *Look-ahead*: an order filled in a session is decided on closes up to the
    session before, and a rule receives nothing later. But the events and the rule were chosen by someone who knew what
    happened later. *Survivorship*: prices usually cover the firms that survived. *Overlap*: trades held at the same
    time share the same market days. Standard errors are clustered by event date, and ``placebo_trades(...,
    how="shift")`` keeps the spacing of the events.

    The order within a session: dividends, fees and interest on the positions held overnight; then at the open, intraday
    and at the close first the exits, then the entries. Stakes and limits use the account at the previous close.
    Positions of several events in one security add up and are not netted: gross exposure and borrow fees count each.

    References
    ----------
    Shumway (1997), Journal of Finance 52, 327-340.

    Examples
    --------
    >>> import marketshock as ms
    >>> events = ms.load_catalog()["deepseek-selloff"]
    >>> rule = ms.rules.HoldAfter(days=5)
    >>> result = ms.backtest(events, ms.snapshot(), rule, tickers=["NVDA"], costs=ms.Costs(bps=5))
    >>> str(result.legs["entry_session"].iloc[0].date()), round(float(result.per_trade.mean), 4)
    ('2025-01-28', -0.0433)
    """
    check_options(rule, costs, sizing, capital, risk_free)
    check_calendar("calendar", calendar)
    check_choice("on_closed", on_closed, ON_CLOSED)
    check_choice("duplicates", duplicates, DUPLICATES)
    if benchmark is not None and not isinstance(benchmark, str):
        raise InputError("benchmark", f"got {benchmark!r}", "name one security of the prices")
    handling = Handling.of(tolerate, on_findings)
    held = prices if isinstance(prices, Prices) else Prices.from_frame(prices)
    given = None if events is None else _given(events, rule, tickers)
    calendar = calendar if given is None else calendar_stated(given, calendar, benchmark)
    market = market_of(held, calendar, intraday, _traded(given, rule, tickers, held, benchmark), benchmark)
    if benchmark is not None:
        market.columns("benchmark", [benchmark])
    delisting = delisting_returns(delisting_return, market.names)
    spec = BacktestSpec(rule, costs, sizing, float(capital), benchmark, risk_free, delisting)
    table = _found(market, rule, tickers, benchmark) if given is None else given
    result = run_backtest(spec, table, market, on_closed, duplicates)
    return replace(result, found=checked_backtest(result, held, handling))


def run_backtest(
    spec: BacktestSpec, table: EventTable, market: Market, on_closed: OnClosed, duplicates: Duplicates
) -> Backtest:
    """Trade a table of events, and warn of the dangers that the data reveal."""
    place = located(table, market, spec.rule, on_closed, duplicates)
    info = place.information
    traded = trade(spec.rule, info, spec.costs, spec.delisting)
    account = run_account(traded.fills, traded.each, market, len(info), spec.costs, spec.sizing, spec.capital)
    dangers = list(warnings_of(spec.rule.timing, info, traded.fills, account.traded_legs))
    for kind, text in dangers:
        warnings.warn(text, kind, stacklevel=4)
    notes = (*(text for _, text in dangers), *notes_of(spec, info, traded, account))
    return Backtest(spec, info, traded, account, place.alignment, _exclusions(place, traded, account), notes)


def _given(events: Events, rule: Rule, tickers: Sequence[str] | None) -> EventTable:
    """Return the given events as a table; those of a rule that trades other securities need none."""
    return event_table(events, tickers if rule.own_tickers or tickers else (MARKET,))


def _traded(
    given: EventTable | None, rule: Rule, tickers: Sequence[str] | None, held: Prices, benchmark: str | None
) -> list[str]:
    """Return the securities that a rule may trade, by whose days the account goes where there is no benchmark.

    Those of the events and of `tickers`, and those that the rule itself names. A rule that names none and does not
    trade the events' own may trade every security except indices and the benchmark.
    """
    stated = [tickers] if isinstance(tickers, str) else list(tickers or ())
    named = securities_of(rule)
    if given is not None and rule.own_tickers:
        return [*map(str, given.names), *stated, *named]
    if given is None and stated:
        return [*stated, *named]
    if given is not None and named and not sorts_all(rule):
        return named
    return [*_tradable(held.tickers, benchmark), *named]


def _tradable(names: Sequence[str], benchmark: str | None) -> list[str]:
    return [name for name in names if "^" not in name and name != benchmark]


def _found(market: Market, rule: Rule, tickers: Sequence[str] | None, benchmark: str | None) -> EventTable:
    """Return the events that a rule finds in `tickers`, or in every security except indices and the benchmark.

    Raises `InputError` if the rule finds none.
    """
    found = found_events(rule, market)
    among = _tradable(market.names, benchmark)
    if tickers:
        among = list(tickers_named("tickers", tickers))
        market.columns("tickers", among)
    found = found[found["ticker"].isin(among)]
    if found.empty:
        raise InputError("events", f"{rule}: no such event in the prices", "give a longer history or another rule")
    return event_table(found, None)


def check_options(rule: object, costs: object, sizing: object, capital: object, risk_free: object) -> None:
    """Raise `InputError` for an option of the wrong type or out of range."""
    check_rule(rule)
    for name, value, kind in (("costs", costs, Costs), ("sizing", sizing, Sizing)):
        if not isinstance(value, kind):
            raise InputError(name, f"got {value!r}", f"give marketshock.{kind.__name__}(...)")
    if not is_number(capital) or not 0 < capital < np.inf:  # type: ignore[operator]
        raise InputError("capital", f"got {capital!r}", "give a positive amount of money")
    if not is_number(risk_free) or not -1 < risk_free < 1:  # type: ignore[operator]
        raise InputError("risk_free", f"got {risk_free!r}", "give an annual decimal rate, such as 0.04")


def _exclusions(place: Located, traded: Traded, account: Account) -> pd.DataFrame:
    """Return every event that was not traded, with its date as given and its reason."""
    table = place.information.table
    refused = ((int(i), "no_room", str(account.refused[i])) for i in np.flatnonzero(account.refused != ""))
    at = {i: (code, reason) for i, code, reason in [*traded.excluded, *refused]}
    rows = [(e.event_id, e.ticker, e.date, e.code, e.reason) for e in place.exclusions.named()]
    rows += [(str(table.event_id[i]), str(table.ticker[i]), table.given[i], *at[i]) for i in sorted(at)]
    frame = pd.DataFrame(rows, columns=["event_id", "ticker", "date", "code", "reason"])
    return frame.astype({"date": "datetime64[ns]"}).set_index("event_id")
