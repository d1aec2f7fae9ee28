"""Securities held against the benchmark of another market: another currency, other sessions, another exchange."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from .._typing import BoolArray
from ..markets import Market
from ..models.base import clock_of
from ..panel.event_panel import EventPanel
from ..panel.returns import Returns
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..providers.found import WARN, PriceFinding
from .timestamps import of_another_exchange

_MINOR = {"GBp": "GBP", "GBX": "GBP", "ILA": "ILS", "ZAc": "ZAR"}  # hundredths, in which some exchanges quote
_NO_DAY = np.datetime64("NaT", "D")
_LACKS = (
    0.01  # share of a market's sessions without a benchmark from which it is that of another: NYSE lacks 3 % of XETR's
)
_HOLES = 3  # separate gaps that it takes: a vendor's hole is one
#: New York's own by the symbols of vendors: what a security of another exchange is held against by mistake.
_NEW_YORKS = ("^GSPC", "^SPX", "^DJI", "^IXIC", "^NDX", "^RUT", "SPY", "QQQ", "DIA", "IWM", "VTI")


class Held(NamedTuple):
    """Events with what they are held against."""

    panel: EventPanel
    spec: StudySpec
    market: Market | None  # None where nothing is stated


def foreign_benchmarks(parts: Sequence[Held], held: Prices | None, markets: Mapping[str, Market]) -> list[PriceFinding]:
    """Return the securities and benchmarks that are of different markets, as far as currencies, days and names tell.

    Parameters
    ----------
    parts : sequence of Held
        The studied events, by market.
    held : Prices or None
        The prices, which may know currencies.
    markets : mapping of str to Market
        The markets of the study.
    """
    found = []
    for part in parts:
        benchmark = next(iter(clock_of(part.spec.model)), "")
        if benchmark and len(part.panel):
            of_days = list(_other_days(part, benchmark))
            of_units = list(_other_currencies(part, benchmark, currencies_of([part], held, markets)))
            found += [*of_days, *of_units, *([] if of_days or of_units else _other_exchanges(part, benchmark))]
    return found


def currencies_of(
    parts: Sequence[Held], held: Prices | None, markets: Mapping[str, Market] | None = None
) -> dict[str, str]:
    """Return the currency of each series of which it is known: that of the prices, otherwise that of its market.

    A market's is that of its benchmark and of the securities of its events.
    """
    known = dict.fromkeys(_NEW_YORKS, "USD")
    known |= {m.benchmark: m.currency for m in (markets or {}).values() if m.benchmark and m.currency}
    for panel, _, market in parts:
        if market is not None and market.currency:
            known |= dict.fromkeys(_studied(panel), market.currency)
            known |= {market.benchmark: market.currency} if market.benchmark else {}
    said = held.provenance.get("currency") if held is not None else None
    if isinstance(said, str) and held is not None:
        return known | dict.fromkeys(held.tickers, said)
    return known | ({str(k): str(v) for k, v in said.items() if v} if isinstance(said, Mapping) else {})


def _other_currencies(part: Held, benchmark: str, known: Mapping[str, str]) -> Iterator[PriceFinding]:
    """Yield the securities that are quoted in another currency than their benchmark: one finding each."""
    unit = known.get(benchmark)
    for name in _studied(part.panel) if unit else ():
        own = known.get(name, unit)
        if _MINOR.get(str(own), own) != _MINOR.get(str(unit), unit):
            cause = f"quoted in {own}, its benchmark {benchmark} in {unit}: the rate is in the abnormal return"
            yield PriceFinding(name, _NO_DAY, "currency", np.nan, cause, WARN)


def _other_days(part: Held, benchmark: str) -> Iterator[PriceFinding]:
    """Yield the benchmark if it has no price on many days on which its securities trade, by a stated calendar."""
    panel, returns = part.panel, part.panel.returns
    if returns.sessions.name == "index" or (part.market is None and part.spec.calendar == "auto"):
        return
    rows = np.arange(
        max(int(panel.row.min()) + part.spec.estimation.first, 0),
        min(int(panel.row.max()) + part.spec.window.last + 1, len(returns.days)),
    )
    there = _priced(returns, benchmark)
    known = np.flatnonzero(there)
    if not len(known):
        return
    rows = rows[(rows >= known[0]) & (rows <= known[-1])]
    traded = np.any([_priced(returns, name)[rows] for name in _studied(panel)], axis=0)
    lacks = traded & ~there[rows]
    n, runs = int(lacks.sum()), int((lacks[1:] & ~lacks[:-1]).sum()) + int(lacks[:1].sum())
    if runs >= _HOLES and n >= _LACKS * len(rows):
        cause = f"no price on {n} of the {len(rows)} sessions of {returns.sessions.name}: another market's index? "
        cause += "name the benchmark of each event in a column benchmark"
        yield PriceFinding(benchmark, _NO_DAY, "other_market", np.nan, cause, WARN)


def _other_exchanges(part: Held, benchmark: str) -> Iterator[PriceFinding]:
    """Yield the securities with the suffix of another exchange whose benchmark is New York's, where nothing is said."""
    if benchmark not in _NEW_YORKS or (part.market is not None and part.market.benchmark == benchmark):
        return
    if (part.panel.table.benchmark[part.panel.position] != "").all():  # somebody has chosen it
        return
    for name in _studied(part.panel):
        if of_another_exchange(name):
            cause = f"of another exchange by its suffix, and its benchmark is {benchmark}: "
            cause += "name the benchmark of each event in a column benchmark"
            yield PriceFinding(name, _NO_DAY, "other_market", np.nan, cause, WARN)


def _studied(panel: EventPanel) -> list[str]:
    return [panel.returns.names[k] for k in np.unique(panel.column)]


def _priced(returns: Returns, name: str) -> BoolArray:
    """Return the sessions on which a series has a price or, where there are none, a return, (T,)."""
    if name in returns.factor_names or returns.levels is None:
        return np.asarray(np.isfinite(returns.column(name)))
    return np.asarray(np.isfinite(returns.levels[:, returns.names.index(name)]))
