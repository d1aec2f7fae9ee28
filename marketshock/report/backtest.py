"""Backtests as text, files and pictures, for ``marketshock backtest``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._files import together
from .._format import wrapped
from ..backtests.compare import RuleComparison, compare_rules
from ..backtests.placebo import PlaceboTrades, placebo_trades
from ..backtests.result import Backtest
from ..engines.progress import Progress
from .files import save_figure, write_frames, write_record
from .reproduce import records

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMED = 6  # tickers listed


@dataclass(frozen=True)
class BacktestReport:
    """Rules traded on the same events, by name, with their placebo trades and the comparison of several rules.

    `asked` is the plan as given: files, rules, costs, options.
    """

    backtests: Mapping[str, Backtest]
    placebos: Mapping[str, PlaceboTrades]
    comparison: RuleComparison | None
    asked: Mapping[str, Any] = field(default_factory=dict)


def judged_report(
    backtests: Mapping[str, Backtest],
    asked: Mapping[str, Any],
    progress: Progress = None,
    *,
    placebo: int | None = None,
    tried: int | None = None,
    **random: Any,
) -> BacktestReport:
    """Compare backtests with random dates, and several of them, or one of several tried, with each other.

    `asked` is the plan as it was given. `placebo` is the number of sets of random dates, by default none for one rule
    and otherwise 999; `tried` is as in `compare_rules`, and `random` has the options ``match``, ``how`` and ``seed`` of
    `placebo_trades`.
    """
    if len(backtests) > 1 or tried:
        compared = compare_rules(backtests, tried=tried, draws=placebo or 999, **random)
        return BacktestReport(backtests, compared.placebos, compared, asked)
    traded = {name: result for name, result in backtests.items() if placebo and len(result.trades)}
    placebos = {n: placebo_trades(r, placebo or 0, progress=progress, **random) for n, r in traded.items()}
    return BacktestReport(backtests, placebos, None, asked)


def sections(report: BacktestReport) -> Iterator[tuple[str, str]]:
    """Yield (heading, text) of a report."""
    if report.comparison is not None:
        yield "Rules side by side", repr(report.comparison)
        yield "Notes", "\n".join(wrapped(f"- {note}", "  ") for note in _notes(report))
    else:
        for result in report.backtests.values():
            yield "Backtest", repr(result)
        for placebo in report.placebos.values():
            yield "Random dates", repr(placebo)
    excluded = [
        row for name, result in report.backtests.items() for row in _not_traded(name, result, len(report.backtests))
    ]
    if excluded:
        yield "Not traded", "\n".join(wrapped(row, "  ") for row in excluded)


def _notes(report: BacktestReport) -> Iterator[str]:
    """Yield the notes of all rules, then those of some rules with the names of the rules."""
    by: dict[str, list[str]] = {}
    for name, result in report.backtests.items():
        for note in result.notes:
            by.setdefault(note, []).append(name)
    everywhere = len(report.backtests)
    yield from (note for note, names in by.items() if len(names) == everywhere)
    yield from (f"{', '.join(names)}: {note}" for note, names in by.items() if len(names) < everywhere)


def _not_traded(name: str, result: Backtest, n_rules: int) -> Iterator[str]:
    """Yield one line per code: number of events, tickers, and the first event with its reason."""
    prefix = f"{name}: " if n_rules > 1 else ""
    for code, frame in result.exclusions.groupby("code", sort=False):
        tickers = list(dict.fromkeys(frame["ticker"]))
        named = ", ".join(tickers[:_NAMED]) + (", ..." if len(tickers) > _NAMED else "")
        what = f"{len(frame)} {str(code).replace('_', ' ')} ({named})"
        yield f"{prefix}{what}, the first {frame.index[0]}: {frame['reason'].iloc[0]}"


def to_dict(report: BacktestReport) -> dict[str, Any]:
    """Return everything as plain values, ready for JSON."""
    return {
        "asked": dict(report.asked),
        "prices": prices_record(next(iter(report.backtests.values()))),
        "versions": {name: version(name) for name in ("marketshock", "numpy", "pandas")},
        "rules": {
            name: {
                **chosen_record(result),
                **{part: _finite(values) for part, values in _statistics(result).items()},
                "placebo": records(report.placebos[name].to_frame())[0] if name in report.placebos else None,
                "trades": records(result.trades),
                "exclusions": records(result.exclusions),
                "notes": list(result.notes),
            }
            for name, result in report.backtests.items()
        },
        "comparison": None if report.comparison is None else records(report.comparison.table),
    }


def _statistics(result: Backtest) -> dict[str, Any]:
    line = result.benchmark_regression
    return {
        "account": asdict(result.curve),
        "per_trade": asdict(result.per_trade),
        "benchmark": None if line is None else asdict(line),
    }


def prices_record(result: Backtest) -> dict[str, Any]:
    """Return source, sessions and securities of the prices of a backtest."""
    market, days = result.information.market, result.information.market.days
    sessions = [str(days[0]), str(days[-1]), len(days)]
    return {"source": market.source, "sessions": sessions, "securities": list(market.names)}


def chosen_record(result: Backtest) -> dict[str, Any]:
    """Return rule, costs, sizing and capital as plain values."""
    costs, sizing = asdict(result.spec.costs), _finite(asdict(result.spec.sizing))
    return {"rule": result.name, "costs": costs, "sizing": sizing, "capital": result.spec.capital}


def write(report: BacktestReport, folder: Path, inputs: Iterable[str] = ()) -> list[Path]:
    """Write the frames of each rule as CSV, everything as JSON, and pictures; return the paths.

    `inputs` are files that must not be replaced; see `together`.
    """
    with together(folder, "backtest.json", inputs=inputs) as fresh:
        written = [*_written(report, fresh), write_record(fresh / "backtest.json", to_dict(report))]
    return [folder / path.name for path in written]


def _written(report: BacktestReport, folder: Path) -> list[Path]:
    written = []
    several = len(report.backtests) > 1
    for k, (name, result) in enumerate(report.backtests.items(), start=1):
        stem = f"{k}_{_slug(name)}_" if several else ""
        names = ("legs", "orders", "trades", "exclusions", "alignment", "daily", "positions")
        written += write_frames({f"{stem}{name}": getattr(result, name) for name in names}, folder)
        if len(result.trades):
            written += draw(result, report.placebos.get(name), folder, stem)
    if report.comparison is not None:
        written += write_frames({"comparison": report.comparison.table}, folder)
    return written


def draw(result: Backtest, placebo: PlaceboTrades | None, folder: Path, stem: str = "") -> list[Path]:
    """Save the pictures of one rule and return their paths."""
    return [save_figure(figure, folder / f"{stem}{name}.png") for name, figure in figures(result, placebo).items()]


def figures(result: Backtest, placebo: PlaceboTrades | None = None) -> dict[str, Figure]:
    """Draw equity, the average trade, each trade, and the placebo trades if given."""
    from .. import plots
    from ..plots._style import alone

    equity = plots.bare_figure()
    plots.equity(result, figure=equity)
    drawn = {
        "equity": equity,
        "trade_path": alone(partial(plots.trade_path, result, placebo), (6.8, 3.9)),
        "trades": alone(partial(plots.trades, result), (7.0, 4.0)),
    }
    return drawn if placebo is None else {**drawn, "placebo": placebo_figure(placebo)}


def placebo_figure(placebo: PlaceboTrades) -> Figure:
    """Draw the placebo trades."""
    from .. import plots
    from ..plots._style import alone

    return alone(partial(plots.placebo_trades, placebo), (7.0, 3.8))


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:40]


def _finite(values: Any) -> Any:
    """Return plain values with None for numbers that JSON cannot represent."""
    if not isinstance(values, Mapping):
        return values
    bad = (float("inf"), float("-inf"))
    return {k: None if isinstance(v, float) and (v != v or v in bad) else v for k, v in values.items()}
