"""The same rule on random dates: how often chance does as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from .. import _format
from .._typing import ALTERNATIVES, Alternative, FloatArray, IntArray, StrArray
from ..catalog.table import EventTable, repeated
from ..engines.progress import Progress, watched
from ..errors import InputError, check_choice, check_share
from ..inference.outcome import tails
from .draws import MATCHES, Drawn, Group, Match, drawn_dates, drawn_pairs, shifted_dates
from .exits import STILL_OPEN
from .known import Known
from .result import Backtest, check_draws, generator, reference_stake
from .timing import Rule, regardless
from .trading import MARKET, event_paths, event_returns, known_of, trade

How: TypeAlias = Literal["dates", "shift"]
HOWS: tuple[How, ...] = get_args(How)

_AT_ONCE = 200_000  # placebo trades


@dataclass(frozen=True, eq=False, repr=False)
class PlaceboTrades:
    """The mean return of a trade among those of the same rule on random dates.

    Made by `placebo_trades`.

    Attributes
    ----------
    observed : float
        Mean return of the trades that ended inside the prices (decimal); commissions an order on the stake the account
        begins with.
    distribution : ndarray of shape (draws,)
        Mean return of a trade in each draw.
    pvalue : float
        Against `alternative`: (1 + number of draws as extreme) / (draws + 1).
    alternative : {"greater", "less", "two-sided"}
        "greater" asks whether the rule earned more than on random dates.
    n_trades, n_dates : int
        These trades, and their dates.
    traded : ndarray of shape (draws,), int
        Placebo events traded in each draw.
    how : {"dates", "shift"}
        How dates were drawn.
    match : tuple of str
        What a random date shares with the event's.
    rule : str
        The rule in words.
    """

    observed: float
    distribution: FloatArray
    pvalue: float
    alternative: Alternative
    n_trades: int
    n_dates: int
    traded: IntArray
    how: How
    match: tuple[Match, ...]
    rule: str
    _result: Backtest
    _kinds: _Kinds
    _drawn: Drawn

    def band(self, level: float = 0.95) -> pd.DataFrame:
        """Return where the average trade of random dates lies in event time.

        Parameters
        ----------
        level : float, optional
            Share of the draws inside the band, at each close by itself.

        Returns
        -------
        DataFrame
            Indexed by closes after the fill, as ``Backtest.path()``: mean, low, high (decimal).
        """
        check_share("level", level, 0.95)
        draw, row, kind = self._drawn
        width = len(self._kinds.column)
        unique, place = np.unique(row * width + kind, return_inverse=True)
        steps = self._result.paths.shape[1] - 1
        blocks = [unique[lo : lo + _AT_ONCE] for lo in range(0, len(unique), _AT_ONCE)]
        paths = np.concatenate([_paths(self._result, self._kinds, b // width, b % width, steps) for b in blocks])
        n = len(self.distribution)
        means = np.empty((n, steps + 1))
        there = np.isfinite(paths[:, 0])[place]
        counted = np.bincount(draw[there], minlength=n)
        with np.errstate(invalid="ignore", divide="ignore"):
            for k in range(steps + 1):
                means[:, k] = np.bincount(draw[there], paths[place[there], k], n) / counted
        low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
        index = pd.RangeIndex(steps + 1, name="close")
        return pd.DataFrame({"mean": np.nanmean(means, axis=0), "low": low, "high": high}, index=index)

    def to_frame(self) -> pd.DataFrame:
        """Return the figures as one row."""
        return pd.DataFrame([self._figures])

    @cached_property
    def _figures(self) -> dict[str, float | int | str]:
        there = self.distribution[np.isfinite(self.distribution)]
        return {
            "observed": self.observed,
            "placebo_mean": float(there.mean()),
            "placebo_sd": float(there.std(ddof=1)),
            "placebo_low": float(np.quantile(there, 0.025)),
            "placebo_high": float(np.quantile(there, 0.975)),
            "pvalue": self.pvalue,
            "alternative": self.alternative,
            "draws": len(there),
            "n_trades": self.n_trades,
            "n_dates": self.n_dates,
        }

    def __repr__(self) -> str:
        head, rows = self._summary()
        return f"{self._caption()}\n\n{_format.text_table(head, rows)}"

    def _repr_html_(self) -> str:
        return _format.html_table(self._caption(), *self._summary())

    def _caption(self) -> str:
        what = "dates drawn without replacement"
        if self.how == "shift":
            what = f"all dates shifted together, {len(self.distribution)} of the shifts there are"
        same = f", the same {' and '.join(self.match)}" if self.match else ""
        few = ""
        if self.traded.min(initial=self.n_trades) < self.n_trades:
            few = f"\non average {self.traded.mean():.1f} of {self.n_trades} placebo events were traded"
        text = f"Placebo trades: {self.rule}; {what}{same}"
        alone = "\none date: where it lies among others, no more" if self.n_dates == 1 else ""
        return _format.wrapped(text, "  ") + few + alone

    def _summary(self) -> tuple[list[str], list[list[str]]]:
        f = self._figures
        low, high = (_format.percent(float(f[name])) for name in ("placebo_low", "placebo_high"))
        rows = [
            [
                f"mean return of a trade, {self.n_trades} on {self.n_dates} date{'s' if self.n_dates != 1 else ''}",
                _format.percent(self.observed),
            ],
            [f"mean of {f['draws']} draws", _format.percent(float(f["placebo_mean"]))],
            ["their central 95 %", f"{low} to {high}"],
            [f"p ({self.alternative})", _format.pvalue(self.pvalue)],
        ]
        return ["", "value"], rows


def placebo_trades(
    result: Backtest,
    draws: int = 999,
    *,
    match: Sequence[Match] | Match = ("ticker",),
    how: How = "dates",
    alternative: Alternative = "greater",
    seed: int | np.random.Generator = 0,
    progress: Progress = None,
) -> PlaceboTrades:
    """Trade the same rule on random dates, many times, and see where the mean return of the events lies.

    Parameters
    ----------
    result : Backtest
        Its events, rule, prices and costs.
    draws : int, optional
        Random sets of dates.
    match : sequence of {"ticker", "weekday", "volatility"}, optional
        What a random date shares with the event's: the securities traded; the day of the week; the fifth in which the
        trailing volatility (63 sessions, mean of the ranks of its securities) lies. Without "ticker" securities are
        drawn at random too, indices (names with ^) apart.
    how : {"dates", "shift"}, optional
        "dates" draws them without replacement; events of one date stay together. "shift" moves all dates by one random
        number of sessions, round the ends of the prices: what lies between the events, and so their overlap, is kept.
    alternative : {"greater", "less", "two-sided"}, optional
        Of "the rule earns more on the events than on random dates".
    seed : int or Generator, optional
        The same seed gives the same bytes.
    progress : bool or callable, optional
        True shows a bar; ``progress(parts, n)`` wraps the work in one of your own.

    Returns
    -------
    PlaceboTrades
        A random date is one on which the rule would trade and whose trade ends inside the prices; the dates of the
        events themselves are among them. A rule that waits for a condition on day 0 and can say what it would hold
        without (`AfterDrop`) is compared with that.

    Raises
    ------
    InputError
        If nothing was traded, an option is not known, or too few dates match.

    Notes
    -----
    The p-value is exact if, but for the rule, the event dates are as good as drawn at random from the matched ones
    (``how="dates"``), or their calendar as good as any shift of it (``"shift"``). The statistic is the mean of the
    trades' returns over their stakes, after costs: no size enters, but which events were traded at all may depend on
    the limits. Trades cut off by the end of the prices are on neither side.

    References
    ----------
    Brown and Warner (1980), Journal of Financial Economics 8, for random event dates; Phipson and Smyth (2010), for the
    1 in both counts.
    """
    if not isinstance(match, (str, Sequence)):
        raise InputError("match", f"got {match!r}", f"give some of {', '.join(MATCHES)}")
    chosen = (match,) if isinstance(match, str) else tuple(match)
    for name in chosen:
        check_choice("match", name, MATCHES)
    check_choice("how", how, HOWS)
    check_choice("alternative", alternative, ALTERNATIVES)
    check_draws(draws)
    if not isinstance(result, Backtest):
        raise InputError("result", f"got {type(result).__name__}", "give what marketshock.backtest returned")
    if "volatility" in chosen and "ticker" not in chosen:
        raise InputError("match", f"got {chosen}", "'volatility' is matched for the tickers kept: add 'ticker'")
    if how == "shift" and set(chosen) - {"ticker"}:
        raise InputError("match", f"got {chosen} with how='shift'", "a shift keeps the tickers alone")
    if how == "shift" and "ticker" not in chosen:
        raise InputError("match", "has no 'ticker' with how='shift'", "a shift keeps the tickers")
    own, market = result.spec.rule.own_tickers, result.known.market
    kinds, groups = _kinds(result, "ticker" in chosen or not own)
    rng = generator(seed)
    table = _table(result, kinds, progress)
    if how == "shift":
        drawn = shifted_dates(groups, table, draws, rng)
    elif own and "ticker" not in chosen:
        drawn = drawn_pairs(market, groups, table, draws, chosen, rng)
    else:
        drawn = drawn_dates(market, groups, kinds.column, table, draws, chosen, rng)
    n_draws = int(drawn[0].max()) + 1
    values = table[drawn[1], drawn[2]]
    there = np.isfinite(values)
    counted = np.bincount(drawn[0][there], minlength=n_draws)
    with np.errstate(invalid="ignore", divide="ignore"):
        distribution = np.bincount(drawn[0][there], values[there], n_draws) / counted
    observed = _observed(result)
    return PlaceboTrades(
        observed,
        distribution,
        _pvalue(observed, distribution, alternative),
        alternative,
        sum(len(group.kinds) for group in groups),
        len(groups),
        counted,
        how,
        chosen if own else tuple(name for name in chosen if name != "ticker"),
        result.name,
        result,
        kinds,
        drawn,
    )


@dataclass(frozen=True, slots=True)
class _Kinds:
    """What can be traded on a date: security (one past the last stands for none) and group, (K,) each."""

    column: IntArray
    group: StrArray


def _kinds(result: Backtest, same: bool) -> tuple[_Kinds, list[Group]]:
    """Return the kinds of trades, and the traded events of each date as places among them."""
    known, at = result.known, _ended(result)
    nowhere = len(known.market.names)
    columns = np.where(known.column[at] < 0, nowhere, known.column[at])
    reads = bool(getattr(result.spec.rule, "reads_labels", True))
    labels = known.table.group[at] if reads else np.full(len(at), "", dtype=object)
    if same:
        pairs = sorted(set(zip(columns.tolist(), labels.tolist(), strict=True)))
    else:
        if len(set(labels.tolist())) > 1:
            what = "has no 'ticker', and the rule may read the groups of the events"
            raise InputError("match", what, "keep 'ticker', or give events of one group")
        pairs = [(k, str(labels[0])) for k, name in enumerate(known.market.names) if "^" not in name]
    place = {pair: k for k, pair in enumerate(pairs)}
    rows = known.row[at]
    groups = []
    for row in np.unique(rows):
        own = np.flatnonzero(rows == row)
        kinds = tuple(place.get((int(columns[i]), str(labels[i])), 0) for i in own)
        groups.append(Group(int(row), tuple(sorted(kinds)), tuple(int(c) for c in columns[own])))
    group = np.empty(len(pairs), dtype=object)
    group[:] = [label for _, label in pairs]
    return _Kinds(np.array([c for c, _ in pairs], dtype=np.int64), group), groups


def _ended(result: Backtest) -> IntArray:
    """Return the traded events whose trades end inside the prices: only such are drawn, and only such are compared."""
    fills = result.traded.fills
    cut = np.unique(fills.event[(fills.why == STILL_OPEN) & (result.book.shares > 0)])
    at = np.setdiff1d(result._traded_events, cut)
    if not len(at):
        n = len(result._traded_events)
        what = f"{n} events were traded, and none until its way out" if n else "no event was traded"
        raise InputError("result", what, "see result.skipped")
    return at


def _known(result: Backtest, rule: Rule, row: IntArray, column: IntArray, group: StrArray) -> Known:
    market = result.known.market
    n, nowhere = len(row), len(market.names)
    names = np.array([*market.names, MARKET], dtype=object)
    blank = repeated("", n)
    ids = np.arange(n).astype(str).astype(object)
    no_time = repeated(np.datetime64("NaT", "us"), n)
    table = EventTable(names, column, market.days[row], no_time, blank, blank, group, ids, ids)
    return known_of(table, row, np.where(column == nowhere, -1, column), market, rule)


def _table(result: Backtest, kinds: _Kinds, progress: Progress) -> FloatArray:
    """Return the return of a trade of each kind at each session, (T, K); NaN where there is none to its end."""
    spec, market = result.spec, result.known.market
    if spec.rule.timing.entry == "intraday":
        raise InputError("rule", "enters within the day, and random dates have no time of day", "give another entry")
    rule, stake = regardless(spec.rule), reference_stake(spec.sizing, spec.capital)
    n_days = len(market.days)
    out = np.full(n_days * len(kinds.column), np.nan)
    starts = range(0, len(out), _AT_ONCE)
    for lo in watched(starts, len(starts), progress):
        cell = np.arange(lo, min(lo + _AT_ONCE, len(out)))
        kind = cell // n_days
        known = _known(result, rule, cell % n_days, kinds.column[kind], kinds.group[kind])
        made = trade(rule, known, spec.costs, spec.delisting)
        value = event_returns(made, len(known), spec.costs, stake)
        value[made.fills.event[made.fills.why == STILL_OPEN]] = np.nan  # cut off by the end of the prices
        out[cell] = value
    return out.reshape(len(kinds.column), n_days).T


def _paths(result: Backtest, kinds: _Kinds, row: IntArray, kind: IntArray, steps: int) -> FloatArray:
    spec = result.spec
    rule = regardless(spec.rule)
    known = _known(result, rule, row, kinds.column[kind], kinds.group[kind])
    made = trade(rule, known, spec.costs, spec.delisting)
    return event_paths(made, known, spec.costs, reference_stake(spec.sizing, spec.capital), steps)


def _observed(result: Backtest) -> float:
    spec = result.spec
    stake = reference_stake(spec.sizing, spec.capital)
    return float(event_returns(result.traded, len(result.known), spec.costs, stake)[_ended(result)].mean())


def _pvalue(observed: float, distribution: FloatArray, alternative: Alternative) -> float:
    known = distribution[np.isfinite(distribution)]
    close = 1e-12 * (1 + abs(observed))  # the same trades summed in another order are the same mean
    greater = (1 + int((known >= observed - close).sum())) / (len(known) + 1)
    less = (1 + int((known <= observed + close).sum())) / (len(known) + 1)
    return float(tails(less, greater, alternative))
