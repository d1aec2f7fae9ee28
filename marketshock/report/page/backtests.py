"""Page sections of backtests: the account, the trades, random dates, comparison of rules."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from ..._frame import Printout
from ...backtests.compare import RuleComparison
from ...backtests.placebo import PlaceboTrades
from ...backtests.printed import printed_trades
from ...backtests.result import Backtest
from ..backtest import chosen_record, figures, placebo_figure, prices_record
from .blocks import Block, Part, Picture, Section, Table, Text
from .study import dates_table, exclusions_block

_PICTURES = {
    "equity": ("The account", "Equity at each close, with the benchmark if there is one; below it the drawdown."),
    "trade_path": (
        "The average trade in event time",
        "Mean cumulative return over the stake after costs, by closes after the fill; 95 % interval if dates differ.",
    ),
    "trades": ("Each trade", "Return of each trade against the date of its event."),
}
_MEASURE_TERMS = {
    "value": "After costs. Annual: of the sessions beside it. Sortino ratio: Sortino and van der Meer (1991).",
    "s.e., p, n": (
        "Of the Sharpe ratio: Lo (2002), Mertens (2002), with skewness and kurtosis. Of the mean trade: clustered by "
        "date, Liang and Zeger (1986). Of alpha: HAC."
    ),
}
_TRADE_TERMS = {
    "day 0": "Session of the event.",
    "entry": "Session of the entry.",
    "exit": "Session of the exit.",
    "stake": "Money of a leg of weight 1, in the currency of the prices.",
    "gross": "Before dividends and costs.",
    "costs": "Slippage, commission and borrowing.",
    "pnl": "gross + dividends - costs.",
    "return": "pnl over the stake.",
}
_RULE_TERMS = {
    "trades": "Events traded.",
    "dates": "Distinct event dates; each is one draw.",
    "mean": "Return of a trade over its stake, after costs.",
    "s.e.": "Of the mean, clustered by date. Liang and Zeger (1986).",
    "hit": "Share of trades with a profit.",
    "total": "Return of the account.",
    "Sharpe": "Annual.",
    "deflated": (
        "Probability that the true Sharpe ratio exceeds the best of as many rules without an edge. Bailey and Lopez de "
        "Prado (2014)."
    ),
    "placebo": "Mean return of a trade on random dates.",
    "p": "Share of random draws as extreme.",
    "p adjusted": "p adjusted for the number of rules tried. Holm (1979), or Benjamini and Hochberg (1995).",
}


def backtest_section(result: Backtest) -> Section:
    """Return the section of one rule's account."""
    traded = len(result.trades) > 0
    printed = result.printout()
    parts = [Part("Measures", [*([_measures(printed)] if traded else []), *_notes(result.notes)])]
    if traded:
        head, rows, _ = printed_trades(result.trades)
        parts.append(Part("Trades", [Table("Each trade", head, rows, terms=_TRADE_TERMS)]))
        drawn = figures(result)
        pictures = [Picture(*_PICTURES[name], partial(drawn.__getitem__, name)) for name in drawn]
        parts.append(Part("Pictures", pictures))
    parts += [
        Part("Dates", [dates_table(result.alignment, times=False)]),
        Part("Not traded", [exclusions_block(result.exclusions, "not traded")]),
    ]
    return Section(f"Backtest: {result.name}", tuple(printed.title), parts, _record(result))


def placebo_section(placebo: PlaceboTrades) -> Section:
    """Return the section of random dates."""
    printed = placebo.printout()
    table = Table("The events among random dates", ("measure", "value"), printed.tables[0].rows, notes=(_P_NOTE,))
    record = {
        "rule": placebo.rule,
        "how": placebo.how,
        "match": list(placebo.match),
        "alternative": placebo.alternative,
        "draws": len(placebo.distribution),
        "prices": prices_record(placebo._result),
    }
    parts = [Part("Where the events lie", [table, _placebo_picture(placebo, "")])]
    return Section(f"Random dates: {placebo.rule}", tuple(printed.title), parts, record)


def comparison_section(comparison: RuleComparison) -> Section:
    """Return the section of a comparison of rules."""
    printed = comparison.printout()
    made = printed.tables[0]
    table = Table(" ".join(printed.title), made.head, made.rows, terms=_RULE_TERMS, notes=(_P_NOTE,))
    pictures = [_placebo_picture(placebo, f"{name}: ") for name, placebo in comparison.placebos.items()]
    parts = [Part("Side by side", [table, *_notes(comparison.notes)])]
    parts += [Part("Random dates", pictures)] if pictures else []
    backtests = comparison.backtests
    parts.append(Part("Dates", _each(backtests, [dates_table(b.alignment, times=False) for b in backtests.values()])))
    left = [exclusions_block(b.exclusions, "not traded") for b in backtests.values()]
    parts.append(Part("Not traded", _each(backtests, left)))
    record = {"tried": comparison.tried, **{name: _record(b) for name, b in backtests.items()}}
    return Section("Rules side by side", (), parts, record)


_P_NOTE = "p: (1 + number of draws as extreme) / (draws + 1)."


def _each(names: Iterable[str], blocks: list[Block]) -> list[Block]:
    """Return blocks with the names of the rules that share them, because rules on the same events share dates."""
    by: dict[str, tuple[Block, list[str]]] = {}
    for name, block in zip(names, blocks, strict=True):
        by.setdefault(repr(block), (block, []))[1].append(name)
    return [part for block, rules in by.values() for part in (Text((f"{', '.join(rules)}:",)), block)]


def _measures(printed: Printout) -> Table:
    made = printed.tables[0]
    rows = [[cell.strip() for cell in row] for row in made.rows]
    return Table("The account and the trades", made.head, rows, terms=_MEASURE_TERMS)


def _placebo_picture(placebo: PlaceboTrades, name: str) -> Picture:
    words = f"Mean return of a trade in {len(placebo.distribution)} draws; the line is the mean return of the events."
    return Picture(f"{name}random dates", f"{name}{words}", partial(placebo_figure, placebo))


def _notes(notes: Iterable[str]) -> list[Block]:
    return [Text(tuple(notes), listed=True)] if notes else []


def _record(result: Backtest) -> dict[str, Any]:
    """Return the options and the prices of one rule."""
    spec, prices = result.spec, prices_record(result)
    return {**chosen_record(result), "benchmark": spec.benchmark, "risk_free": spec.risk_free, "prices": prices}
