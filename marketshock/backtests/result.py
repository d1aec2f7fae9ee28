"""What a backtest returns: the account, the trades, and how sure one can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from .. import _format
from .._frame import ReadableFrame
from .._typing import FloatArray, IntArray
from ..errors import InputError, UnknownNameError, check_share
from ..panel.alignment import Alignment
from ..sessions import day_named
from . import ledger
from .costs import Costs, Sizing
from .engine import Book
from .exits import CLOSE, STILL_OPEN
from .known import Known
from .printed import HEAD, measure_rows
from .stats import (
    CurveStats,
    MarketLine,
    TradeStats,
    bootstrap_by_date,
    clustered_se,
    curve_stats,
    market_line,
    trade_stats,
)
from .timing import Rule
from .trading import Traded, event_paths

_FEW = 20  # trades that are printed


@dataclass(frozen=True, eq=False)
class BacktestSpec:
    """Everything that was chosen.

    Attributes
    ----------
    rule : Rule
    costs : Costs
    sizing : Sizing
    capital : float
        Cash before the first fill, in the currency of the prices.
    benchmark : str or None
        Security of the prices for alpha and beta.
    risk_free : float
        Annual rate (decimal) taken off for the ratios.
    delisting : ndarray of shape (S,)
        Return of a security from its last close, where it stops trading.
    """

    rule: Rule
    costs: Costs
    sizing: Sizing
    capital: float
    benchmark: str | None
    risk_free: float
    delisting: FloatArray


@dataclass(frozen=True, eq=False, repr=False)
class Backtest:
    """A rule traded on events.

    Made by `backtest`. A *trade* is an event that was traded, with all its legs; its return is its profit after costs
    over its stake.

    Attributes
    ----------
    spec : BacktestSpec
        What was chosen.
    alignment : DataFrame
        What was done with each event's date, indexed by event_id.
    skipped : DataFrame
        Events that were not traded: event_id, ticker, date, code, reason.
    notes : tuple of str
        What limits the figures; to be read with them.
    """

    spec: BacktestSpec
    known: Known
    traded: Traded
    book: Book
    dates: Alignment
    skipped: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def alignment(self) -> pd.DataFrame:
        """What was done with each event's date."""
        a = self.dates
        return pd.DataFrame(
            {
                "ticker": a.table.ticker,
                "given": a.table.given.astype("datetime64[ns]"),
                "session": a.session.astype("datetime64[ns]"),
                "moved": a.moved,
                "rule": a.rule,
            },
            index=pd.Index(a.table.event_id, name="event_id", dtype=object),
        )

    @cached_property
    def legs(self) -> pd.DataFrame:
        """The ledger, one row a leg, in the order of the events.

        event_id, ticker, side, weight; entry_date, entry (moment), entry_price, entry_fill (after spread and slippage),
        shares; the same of the exit and why; sessions held (closes after the fill); scale (what the limits left of the
        size wanted); and in money gross, dividends, slippage, commission, borrow, pnl; return (pnl over shares x price
        at the way in). Prices and shares are as traded on their day. gross + dividends - slippage - commission - borrow
        = pnl.
        """
        return ledger.legs_frame(self.known, self.traded.fills, self.traded.each, self.book, self.spec.costs)

    @cached_property
    def orders(self) -> pd.DataFrame:
        """Every fill in the order of booking: date, moment, event_id, ticker, shares (signed), price, fill, value
        (signed), commission, cash (what it added to the account).
        """
        return ledger.orders_frame(self.known, self.traded.fills, self.traded.each, self.book, self.spec.costs)

    @cached_property
    def positions(self) -> pd.DataFrame:
        """Value of what is held at each close, dates by tickers, short positions negative."""
        return ledger.positions_frame(self.known, self.traded.fills, self.book).iloc[self._span]

    @cached_property
    def daily(self) -> pd.DataFrame:
        """The account at each close from the first fill to the last way out.

        equity = cash + long + short; return; gross and net (over equity); traded (value) and turnover (over the equity
        before); commission, dividends, borrow, interest of the day; drawdown (decimal, not positive).
        """
        return ledger.daily_frame(self.known, self.book, self.spec.capital, self._span)

    @cached_property
    def trades(self) -> pd.DataFrame:
        """One row a trade, that is an event with all its legs, indexed by event_id, in the order of the events.

        ticker, group, date (day 0), entry_date, exit_date, legs, stake (what a leg of weight 1 got), scale; in money
        gross, dividends, slippage, commission, borrow, pnl, as in `legs`; return (over the stake), share (of the profit
        of all), without (profit of the others over the capital, interest apart).
        """
        frame = ledger.trades_frame(
            self.known, self.traded.fills, self.traded.each, self.book, self.spec.costs, self.spec.capital
        )
        return ReadableFrame.of(frame, _printed_trades)

    @property
    def equity(self) -> pd.Series[float]:
        """Equity at each close."""
        return self.daily["equity"]

    @cached_property
    def curve(self) -> CurveStats:
        """Statistics of the daily returns, from the first fill to the last way out."""
        equity = self.daily["equity"].to_numpy()
        before = np.concatenate([[self.spec.capital], equity[:-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            return curve_stats(equity / before - 1, self.spec.risk_free)

    @cached_property
    def per_trade(self) -> TradeStats:
        """Statistics of the returns of trades; standard error clustered by date."""
        return trade_stats(self.trades["return"].to_numpy(), self._event_day)

    @cached_property
    def market(self) -> MarketLine | None:
        """Alpha and beta against ``spec.benchmark``, None without one or with fewer than ten sessions."""
        if self.spec.benchmark is None:
            return None
        column = self.known.market.names.index(self.spec.benchmark)
        benchmark = self.known.market.returns.values[self._span, column]
        return market_line(self.daily["return"].to_numpy(), benchmark, self.spec.risk_free)

    @cached_property
    def performance(self) -> pd.DataFrame:
        """All statistics by name: value and, where there is one, standard error."""
        rows: list[tuple[str, str, float, float]] = []
        curve, trades, line = asdict(self.curve), asdict(self.per_trade), self.market
        se = {"sharpe": self.curve.sharpe_se, "mean": self.per_trade.se}
        for part, values in (("account", curve), ("trades", trades), ("market", asdict(line) if line else {})):
            for name, value in values.items():
                if name in ("sharpe_se", "se", "alpha_se", "beta_se"):
                    continue
                rows.append((part, name, float(value), values.get(f"{name}_se", se.get(name, np.nan))))
        daily = self.daily
        for name, value in (("exposure", daily["gross"].mean()), ("turnover", daily["turnover"].sum())):
            rows.append(("account", name, float(value), np.nan))
        frame = pd.DataFrame(rows, columns=["part", "measure", "value", "se"])
        return frame.sort_values(
            "part", key=lambda p: p.map({"account": 0, "trades": 1, "market": 2}), kind="stable"
        ).set_index(["part", "measure"])

    def path(self, confidence: float = 0.95) -> pd.DataFrame:
        """Return the average trade in event time.

        Parameters
        ----------
        confidence : float, optional
            Of the band.

        Returns
        -------
        DataFrame
            Indexed by closes after the fill (0 is the fill itself, with its cost): mean cumulative return over the
            stake after costs (decimal), se clustered by date, ci_low and ci_high (t of the number of dates less one;
            NaN for one date), n (trades).
        """
        check_share("confidence", confidence, 0.95)
        paths = self.paths.to_numpy()
        from scipy import special

        rows = []
        for k in range(paths.shape[1]):
            se, n_dates = clustered_se(paths[:, k], self._event_day) if len(paths) else (np.nan, 0)
            se = 0.0 if se < 1e-15 else se  # the cost of the way in is the same for all
            wide = se * special.stdtrit(max(n_dates - 1, 1), (1 + confidence) / 2)
            mean = paths[:, k].mean() if len(paths) else np.nan
            rows.append((mean, se, mean - wide, mean + wide, len(paths)))
        columns = ["mean", "se", "ci_low", "ci_high", "n"]
        return pd.DataFrame(rows, columns=columns, index=pd.RangeIndex(paths.shape[1], name="close"))

    @cached_property
    def paths(self) -> pd.DataFrame:
        """Cumulative return of each trade over its stake, event_id by closes after the fill."""
        fills = self.traded.fills
        steps = int((fills.out_row - fills.row + (fills.phase != CLOSE)).max(initial=0))
        made = event_paths(self.traded, self.known, self.spec.costs, self.book.stake, steps)
        at = self._traded_events
        index = pd.Index(self.known.table.event_id[at], name="event_id", dtype=object)
        return pd.DataFrame(made[at], index=index, columns=pd.RangeIndex(steps + 1, name="close"))

    def bootstrap(
        self, draws: int = 9999, confidence: float = 0.95, seed: int | np.random.Generator = 0
    ) -> tuple[float, float]:
        """Return an interval of the mean return of a trade, event dates drawn with replacement.

        Parameters
        ----------
        draws : int, optional
            Samples.
        confidence : float, optional
            Of the percentile interval.
        seed : int or Generator, optional
            The same seed gives the same bytes.

        Returns
        -------
        tuple of float
            Low and high (decimal); NaN with fewer than two event dates, where there is nothing to draw from.
        """
        check_share("confidence", confidence, 0.95)
        check_draws(draws)
        returns = self.trades["return"].to_numpy()
        return bootstrap_by_date(returns, self._event_day, draws, confidence, generator(seed))

    def split(self, date: object) -> pd.DataFrame:
        """Return the statistics of trades before and from a date, to fit on the one and judge on the other.

        Parameters
        ----------
        date : date or str
            Trades whose event lies before it and whose way out does too are "before"; those of events from it on are
            "after"; those held across it belong to neither (purged), and are a row of their own.

        Returns
        -------
        DataFrame
            Indexed by part ("before", "across", "after"): the figures of `TradeStats`.
        """
        day = day_named("date", date).astype("datetime64[ns]")
        events = self.trades
        starts, ends = events["date"].to_numpy(), events["exit_date"].to_numpy()
        parts = {
            "before": (starts < day) & (ends < day),
            "across": (starts < day) & (ends >= day),
            "after": starts >= day,
        }
        returns = events["return"].to_numpy()
        rows = {name: asdict(trade_stats(returns[keep], self._event_day[keep])) for name, keep in parts.items()}
        return (
            pd.DataFrame.from_dict(rows, orient="index").rename_axis("part").astype({"n_trades": int, "n_dates": int})
        )

    @property
    def name(self) -> str:
        """The rule in words."""
        return str(self.spec.rule)

    @cached_property
    def _traded_events(self) -> IntArray:
        n = len(self.known)
        return np.flatnonzero((self.book.stake > 0) & (np.bincount(self.traded.fills.event, self.book.shares, n) > 0))

    @property
    def _event_day(self) -> IntArray:
        return self.known.row[self._traded_events]

    @cached_property
    def _span(self) -> slice:
        own = self.book.shares > 0
        fills = self.traded.fills
        if not own.any():
            return slice(0, 0)
        return slice(int(fills.row[own].min()), int(fills.out_row[own].max()) + 1)

    @property
    def n_open(self) -> int:
        """Legs still open when the prices end, valued at the last close."""
        return int((self.traded.fills.why[self.book.shares > 0] == STILL_OPEN).sum())

    def to_frame(self) -> pd.DataFrame:
        """Return `performance`."""
        return self.performance

    def __repr__(self) -> str:
        parts = [self._caption(), _format.text_table(HEAD, self._measures())]
        if 0 < len(self.trades) <= _FEW:
            parts.append(repr(self.trades))
        parts.append("\n".join(_format.wrapped(f"- {note}", "  ") for note in self.notes))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        return _format.html_table("\n".join([self._caption(), *self.notes]), HEAD, self._measures())

    def _measures(self) -> list[list[str]]:
        exposure = float(self.daily["gross"].mean())
        return measure_rows(self.curve, self.per_trade, self.market, self.spec.benchmark, exposure)

    def _source(self) -> str:
        market = self.known.market
        return f"; prices: {market.source}, {_count(len(market.names), 'security')}" if market.source else ""

    def _caption(self) -> str:
        spec, n, dates = self.spec, len(self.dates.table), self.per_trade.n_dates
        days = self.daily.index
        span = f"{days[0].date()} to {days[-1].date()}" if len(days) else "no session"
        lines = (
            f"Backtest: {self.name}",
            f"{len(self.trades)} of {_count(n, 'event')} traded, on {_count(dates, 'date')}; {span}",
            f"{spec.sizing}; {spec.costs}; capital {spec.capital:,.0f}{self._source()}",
        )
        return "\n".join(_format.wrapped(line, "  ") for line in lines)


def _count(n: int, what: str) -> str:
    many = what.removesuffix("y") + "ies" if what.endswith("y") else f"{what}s"
    return f"{n} {what if n == 1 else many}"


def reference_stake(sizing: Sizing, capital: float) -> float:
    """Return the money that commissions an order are spread over where there is no account."""
    return {"fixed": sizing.money, "equal": capital * sizing.money}.get(sizing.by, capital / 10)


def check_draws(draws: object, parameter: str = "draws") -> None:
    """Raise `InputError` unless `draws` is a whole number from 19 to a million."""
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or not 19 <= draws <= 10**6:
        raise InputError(parameter, f"got {draws!r}", "give a whole number from 19, such as 999")


def generator(seed: object) -> np.random.Generator:
    """Return the generator of a seed.

    Raises
    ------
    InputError
        If it is none.
    """
    try:
        return np.random.default_rng(seed)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise InputError("seed", f"got {seed!r}", "give a whole number, or a numpy Generator") from error


def check_benchmark(benchmark: str | None, names: Sequence[str]) -> None:
    """Raise `UnknownNameError` unless the benchmark is a security of the prices."""
    if benchmark is not None and not isinstance(benchmark, str):
        raise InputError("benchmark", f"got {benchmark!r}", "name one security of the prices")
    if benchmark is not None and benchmark not in names:
        raise UnknownNameError("benchmark", [benchmark], names)


def _printed_trades(frame: pd.DataFrame) -> tuple[list[str], list[list[str]], list[str]]:
    head = ["event", "day 0", "in", "out", "stake", "gross", "dividends", "costs", "pnl", "return"]
    rows = []
    for r in _format.rows(frame.sort_values("entry_date", kind="stable")):
        costs = r["slippage"] + r["commission"] + r["borrow"]
        money = (r["stake"], r["gross"], r["dividends"], costs, r["pnl"])
        rows.append(
            [
                str(r["event_id"]),
                *(str(r[name].date()) for name in ("date", "entry_date", "exit_date")),
                *(_format.number(value + 0.0, 0) for value in money),
                _format.percent(r["return"]),
            ]
        )
    return head, rows, ["pnl = gross + dividends - costs, in the currency of the prices; return: over the stake"]
