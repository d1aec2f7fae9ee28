"""Sections of a page: one row per kind of result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ...backtests.compare import RuleComparison
from ...backtests.placebo import PlaceboTrades
from ...backtests.result import Backtest
from ...claims.verify import Claims
from ...dollars.change import MarketCapChange
from ...dollars.reported import Reconciliation
from ...errors import InputError
from ...study.results import StudyResult
from ...volatility.fragility import Fragility
from ..fragility import FragilityReport
from ..reproduce import Reproduction
from . import backtests as shown_trades
from . import claims as shown_claims
from . import fragility as shown_fragility
from . import market_caps as shown_dollars
from . import study as shown_study
from .blocks import Section

KINDS: Mapping[type, Callable[[Any], Section]] = {
    StudyResult: shown_study.section,
    MarketCapChange: shown_dollars.change_section,
    Reconciliation: shown_dollars.reconciliation_section,
    Claims: shown_claims.section,
    Fragility: shown_fragility.section,
    FragilityReport: shown_fragility.report_section,
    Backtest: shown_trades.backtest_section,
    PlaceboTrades: shown_trades.placebo_section,
    RuleComparison: shown_trades.comparison_section,
}


def sections_of(result: Any) -> list[Section]:
    """Return one section per result.

    Parameters
    ----------
    result : object
        Of a kind in `KINDS`, a `Reproduction`, or a sequence or mapping of such; a mapping names its sections.

    Raises
    ------
    InputError
        If it is of another kind, or empty.
    """
    if isinstance(result, Reproduction):
        return _reproduced(result)
    if (maker := _maker(result)) is not None:
        return [maker(result)]
    if isinstance(result, Mapping):
        named = [(str(name), sections_of(one)) for name, one in result.items()]
        return _some(replace(s, title=_titled(name, s, len(many))) for name, many in named for s in many)
    if isinstance(result, Iterable) and not isinstance(result, (str, bytes)) and not hasattr(result, "columns"):
        return _some(section for one in result for section in sections_of(one))
    allowed = ", ".join(kind.__name__ for kind in KINDS if kind is not FragilityReport)
    raise InputError("result", f"got {type(result).__name__}", f"give a {allowed}, or a sequence or mapping of them")


def _maker(result: Any) -> Callable[[Any], Section] | None:
    return next((maker for kind, maker in KINDS.items() if isinstance(result, kind)), None)


def _titled(name: str, section: Section, n: int) -> str:
    return name if n == 1 else f"{name}: {section.title}"


def _some(sections: Iterable[Section]) -> list[Section]:
    made = list(sections)
    if not made:
        raise InputError("result", "there is none", "give at least one result")
    return made


def _reproduced(result: Reproduction) -> list[Section]:
    """Return the main job: what it found in short, then its results."""
    rest = sections_of([result.study, *result.changes, result.nvidia, result.claims])
    return [shown_study.in_short(result), rest[0], shown_study.dates_section(result.dated), *rest[1:]]
