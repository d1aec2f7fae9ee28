"""Backtest results: the account, the trades, and their statistics."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy import special

from .._frame import Printable, PrintedTable, Printout, ReadableFrame
from .._typing import FloatArray, IntArray
from ..errors import check_share
from ..panel.alignment import Alignment
from ..providers.found import PriceFinding, counts_of, findings_frame, first_of
from ..sessions import SessionYear, day_named
from . import ledger
from .costs import Costs, Sizing
from .draws import check_draws, generator
from .engine import Account
from .exits import CLOSE, STILL_OPEN
from .information import InformationSet
from .printed import HEAD, measure_rows, printed_trades
from .stats import (
    BenchmarkRegression,
    CurveStats,
    TradeStats,
    benchmark_regression,
    bootstrap_by_date,
    clustered_mean,
    curve_stats,
    trade_stats,
)
from .timing import Rule
from .trading import Traded, event_paths

_FEW = 20  # trades that are printed


@dataclass(frozen=True, eq=False)
class BacktestSpec:
    """The options of a backtest."""

    rule: Rule
    costs: Costs
    sizing: Sizing
    capital: float  # cash before the first fill, in the currency of the prices
    benchmark: str | None  # security of the prices for alpha and beta
    risk_free: float  # annual rate (decimal) subtracted for the ratios
    delisting: FloatArray  # (S,): return (decimal) from the last close of a security that stops trading

    @property
    def reference_stake(self) -> float:
        """Stake by which `Costs.per_order` is divided where there is no account."""
        return self.sizing.reference_stake(self.capital)


@dataclass(frozen=True, eq=False, repr=False)
class Backtest(Printable):
    """A rule traded on events.

    Made by `backtest`. A *trade* is a traded event with all its legs. Its return is the profit after costs over the
    stake.

    Attributes
    ----------
    spec : BacktestSpec
        The options.
    alignment : DataFrame
        The session of each event, as `StudyResult.alignment`, indexed by event_id.
    exclusions : DataFrame
        Events that were not traded, as `StudyResult.exclusions`: ticker, date (as given), code, reason, indexed by
        event_id.
    notes : tuple of str
        Limitations of the figures.
    found : tuple of PriceFinding
        What the checks found in the prices that were traded: `findings` as records.
    """

    spec: BacktestSpec
    information: InformationSet
    traded: Traded
    account: Account
    dates: Alignment
    exclusions: pd.DataFrame
    notes: tuple[str, ...]
    found: tuple[PriceFinding, ...] = ()

    @property
    def findings(self) -> pd.DataFrame:
        """What the checks found in the prices that were traded: ticker, date, rule, size, cause, severity."""
        return findings_frame(self.found)

    @property
    def alignment(self) -> pd.DataFrame:
        """The session of each event, and how it was found."""
        return self.dates.to_frame()

    @cached_property
    def legs(self) -> pd.DataFrame:
        """The ledger, one row per leg, in the order of the events.

        event_id, ticker, side, weight; entry_session, entry_at (open, intraday, close), entry_price, entry_fill (after
        spread and slippage), shares; the same of the exit and exit_reason; n_sessions held (closes after the fill);
        scale (share of the desired size that the limits left); in money gross, dividends, slippage, commission, borrow,
        pnl; return (pnl over shares x price at the entry). Prices and shares are as traded on their day. gross +
        dividends - slippage - commission - borrow = pnl.
        """
        return ledger.legs_frame(self.information, self.traded, self.account, self.spec.costs)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every fill in the order of booking.

        session, at (open, intraday, close), event_id, ticker, shares (signed), price, fill, amount (price paid,
        signed), commission, cash_change (of the account).
        """
        return ledger.orders_frame(self.information, self.traded, self.account, self.spec.costs)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """Value of the positions at each close, sessions by tickers; short positions are negative."""
        return ledger.positions_frame(self.information, self.traded.fills, self.account).iloc[self._span]

    @cached_property
    def daily(self) -> pd.DataFrame:
        """The account at each close from the first fill to the last exit, indexed by session.

        equity = cash + long + short; return; gross_exposure and net_exposure (over equity); traded (value) and turnover
        (over the previous equity); commission, dividends, borrow, interest of the session; drawdown (decimal, not
        positive).
        """
        return ledger.daily_frame(self.information, self.account, self.spec.capital).iloc[self._span]

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row per trade, that is a traded event with all its legs, indexed by event_id, in the order of the events.

        ticker, group, date (day 0), entry_session, exit_session, n_legs, stake (money of a leg of weight 1), scale; in
        money gross, dividends, slippage, commission, borrow, pnl, as in `legs`; return (over the stake), pnl_share (of
        the profit of all trades), return_without (profit of the other trades over the capital, without interest).
        """
        spec, at = self.spec, self.traded_events
        frame = ledger.trades_frame(self.information, self.traded, self.account, spec.costs, spec.capital, at)
        return ReadableFrame.of(frame, printed_trades)

    @property
    def equity(self) -> pd.Series[float]:
        """Equity at each close."""
        return self.daily["equity"]

    @cached_property
    def session_year(self) -> SessionYear:
        """Sessions of a year on the calendar of the prices, by which figures become annual."""
        return self.information.market.returns.session_year

    @cached_property
    def curve(self) -> CurveStats:
        """Statistics of the returns of sessions, from the first fill to the last exit."""
        equity = self.daily["equity"].to_numpy()
        before = np.concatenate([[self.spec.capital], equity[:-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            return curve_stats(equity / before - 1, self.spec.risk_free, self.session_year.n)

    @cached_property
    def per_trade(self) -> TradeStats:
        """Statistics of the returns of trades; standard error clustered by date."""
        return trade_stats(self.trades["return"].to_numpy(), self._event_day)

    @cached_property
    def benchmark_regression(self) -> BenchmarkRegression | None:
        """Alpha and beta against ``spec.benchmark``; None without a benchmark or with fewer than 21 sessions."""
        if self.spec.benchmark is None:
            return None
        market = self.information.market
        benchmark = market.returns.values[self._span, market.names.index(self.spec.benchmark)]
        return benchmark_regression(
            self.daily["return"].to_numpy(), benchmark, self.spec.risk_free, self.session_year.n
        )

    @cached_property
    def performance(self) -> pd.DataFrame:
        """All statistics by part (account, trades, benchmark) and measure: value, se (NaN if there is none)."""
        line, daily = self.benchmark_regression, self.daily
        exposure = {"exposure": daily["gross_exposure"].mean(), "turnover": daily["turnover"].sum()}
        parts = {
            "account": asdict(self.curve) | exposure,
            "trades": asdict(self.per_trade),
            "benchmark": asdict(line) if line else {},
        }
        rows = []
        for part, values in parts.items():
            errors = {name.removesuffix("_se"): values[name] for name in values if name.endswith("_se")}
            if "se" in values:
                errors["mean"] = values["se"]
            measures = [name for name in values if name != "se" and not name.endswith("_se")]
            rows += [(part, name, float(values[name]), errors.get(name, np.nan)) for name in measures]
        return pd.DataFrame(rows, columns=["part", "measure", "value", "se"]).set_index(["part", "measure"])

    def path(self, confidence: float = 0.95) -> pd.DataFrame:
        """Return the average trade in event time.

        Parameters
        ----------
        confidence : float, optional
            Confidence level of the interval.

        Returns
        -------
        DataFrame
            Indexed by closes after the fill (0 is the fill itself, with its cost): mean cumulative return over the
            stake after costs (decimal), se clustered by date, ci_low and ci_high (t with the number of dates less one;
            NaN for one date), n_trades.
        """
        check_share("confidence", confidence, 0.95)
        frame = pd.DataFrame(
            [clustered_mean(values, self._event_day) for values in self.paths.to_numpy().T],
            columns=["mean", "se", "n_dates"],
            index=self.paths.columns,
        )
        se = frame["se"].mask(frame["se"] < 1e-15, 0.0)  # the cost of the entry may be the same for all trades
        half = se * special.stdtrit((frame["n_dates"] - 1).clip(lower=1), (1 + confidence) / 2)
        bounds = {"ci_low": frame["mean"] - half, "ci_high": frame["mean"] + half}
        return frame[["mean"]].assign(se=se, **bounds, n_trades=len(self.paths))

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Cumulative return of each trade over its stake (decimal), event_id by closes after the fill."""
        fills, at = self.traded.fills, self.traded_events
        steps = int((fills.exit.row - fills.entry.row + (fills.entry.phase != CLOSE)).max(initial=0))
        values = event_paths(self.traded, self.information, self.spec.costs, self.account.stake, steps)[at]
        index = pd.Index(self.information.table.event_id[at], name="event_id", dtype=object)
        return pd.DataFrame(values, index=index, columns=pd.RangeIndex(steps + 1, name="close"))

    def bootstrap(
        self, draws: int = 9999, confidence: float = 0.95, seed: int | np.random.Generator = 0
    ) -> tuple[float, float]:
        """Return a bootstrap interval of the mean return of a trade; event dates are drawn with replacement.

        Parameters
        ----------
        draws : int, optional
            Bootstrap samples.
        confidence : float, optional
            Confidence level of the percentile interval.
        seed : int or Generator, optional
            The same seed gives the same bytes.

        Returns
        -------
        tuple of float
            Lower and upper bound (decimal); NaN with fewer than two event dates.
        """
        check_share("confidence", confidence, 0.95)
        check_draws(draws)
        returns = self.trades["return"].to_numpy()
        return bootstrap_by_date(returns, self._event_day, draws, confidence, generator(seed))

    def split(self, date: object) -> pd.DataFrame:
        """Return the statistics of trades before and after a date, to fit a rule on one part and test it on the other.

        Parameters
        ----------
        date : date or str
            "before" contains the trades with day 0 and exit before it, "after" those with day 0 on it or later. Trades
            held across the date belong to neither (purged); they are the row "across".

        Returns
        -------
        DataFrame
            Indexed by part ("before", "across", "after"): the fields of `TradeStats`.
        """
        day = day_named("date", date).astype("datetime64[ns]")
        trades = self.trades
        starts, ends = trades["date"].to_numpy(), trades["exit_session"].to_numpy()
        parts = {
            "before": (starts < day) & (ends < day),
            "across": (starts < day) & (ends >= day),
            "after": starts >= day,
        }
        returns = trades["return"].to_numpy()
        rows = [trade_stats(returns[keep], self._event_day[keep]) for keep in parts.values()]
        return pd.DataFrame(rows, index=pd.Index(list(parts), name="part"))

    @property
    def name(self) -> str:
        """The rule in words."""
        return str(self.spec.rule)

    @cached_property
    def traded_events(self) -> IntArray:
        """Positions of the traded events in the information set, in the order of `trades`."""
        held = np.bincount(self.traded.fills.event, self.account.shares, len(self.information))
        return np.flatnonzero((self.account.stake > 0) & (held > 0))

    @property
    def _event_day(self) -> IntArray:
        return self.information.row[self.traded_events]

    @cached_property
    def _span(self) -> slice:
        """The sessions from the first fill to the last exit."""
        own, fills = self.account.traded_legs, self.traded.fills
        if not own.any():
            return slice(0, 0)
        return slice(int(fills.entry.row[own].min()), int(fills.exit.row[own].max()) + 1)

    @property
    def n_open(self) -> int:
        """Legs still open when the prices end, valued at the last close."""
        return int((self.traded.fills.exit.reason[self.account.traded_legs] == STILL_OPEN).sum())

    def to_frame(self) -> pd.DataFrame:
        """Return `performance`."""
        return self.performance

    def printout(self) -> Printout:
        """Return the printed form: measures of account and trades, and the trades where they are few."""
        spec, market, n = self.spec, self.information.market, len(self.dates.table)
        days, n_names = self.daily.index, len(market.names)
        span = f"{days[0].date()} to {days[-1].date()}" if len(days) else "no session"
        dates = _count(self.per_trade.n_dates, "date", "dates")
        securities = _count(n_names, "security", "securities")
        source = f"; prices: {market.source}, {securities}" if market.source else ""
        title = (
            f"Backtest: {self.name}",
            f"{len(self.trades)} of {_count(n, 'event', 'events')} traded, on {dates}; {span}",
            f"{spec.sizing}; {spec.costs}; capital {spec.capital:,.0f}{source}",
        )
        exposure = float(self.daily["gross_exposure"].mean())
        rows = measure_rows(
            self.curve, self.session_year, self.per_trade, self.benchmark_regression, spec.benchmark, exposure
        )
        tables = [PrintedTable(HEAD, rows)]
        if 0 < len(self.trades) <= _FEW:
            head, cells, notes = printed_trades(self.trades)
            tables.append(PrintedTable(head, cells, notes=notes))
        seen = f"{counts_of(self.found)} from the checks: result.findings: {first_of(self.found)}"
        return Printout(title, tables, (*self.notes, *([seen] if self.found else [])), folded=True, bullet="- ")


def _count(n: int, one: str, many: str) -> str:
    return f"{n} {one if n == 1 else many}"
