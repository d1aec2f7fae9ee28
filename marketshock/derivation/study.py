"""Derivation of one event of a study."""

from __future__ import annotations

from ..explained.explanation import Explanation
from ..explained.mathtext import literal
from ..providers.shares import SharesTable
from .days import days_step, test_step, total_step
from .dollars import dollars_step
from .event import DerivedEvent
from .figures import figures_of
from .fit import model_step, variance_step
from .returns import closes_of, index_of, legend_of, returns_step, window_step


def explain_event(event: DerivedEvent, shares: SharesTable | None) -> Explanation:
    """Write out an event from its closes to its p-value and, where share counts are known, its dollars."""
    figures = {**figures_of(event), **closes_of(event), **index_of(event)}
    made = [step(event, figures) for step in (returns_step, window_step, model_step, variance_step)]
    if event.summed:
        made += [step(event, figures) for step in (days_step, total_step, test_step)]
        made.append(dollars_step(event, figures, shares))
    else:
        made.append(total_step(event, figures))
    begin = "returns" if event.prices is None else "closing prices"
    title = f"{literal(str(event.panel.event_id[0]))}: {event.label} from {begin} to p-value"
    return Explanation(title, tuple(_about(event)), tuple(made))


def _about(event: DerivedEvent) -> list[str]:
    said = [f"{literal(event.ticker)}, day 0 is {event.date(0)}; {literal(event.spec.model.name)}."]
    if event.summed:
        said.append(
            f"{event.label} = {{car:pct}}, {{confidence:share}} interval {{low:pct}} to {{high:pct}}, "
            "t({df:d}) = {t:.2f}, p = {p:.3g}."
        )
    kind, sessions = "Log" if event.spec.log else "Simple", event.panel.returns.sessions.name
    said.append(f"{kind} returns, as decimals: -0.17 is -17 %. Days are counted in {sessions} sessions.")
    said.append(legend_of(event))
    if event.prices is not None:
        said.append(f"Prices: {literal(str(event.prices.provenance.get('source', 'not said')))}.")
    if event.spec.factor_vintage:
        said.append(f"Factors: vintage {literal(event.spec.factor_vintage)}.")
    return said
