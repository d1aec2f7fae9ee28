"""The derivation of one event of a study."""

from __future__ import annotations

from ..explained.blocks import Step
from ..explained.explanation import Explanation
from ..explained.mathtext import literal
from ..providers.shares import SharesTable
from .case import Case
from .days import days_step, test_step, total_step
from .dollars import dollars_step
from .figures import figures_of
from .fit import model_step, variance_step
from .returns import closes_of, index_of, legend_of, returns_step, window_step


def explain_event(case: Case, shares: SharesTable | None) -> Explanation:
    """Write out an event from its closes to its p-value and, where its share counts are known, its dollars.

    Parameters
    ----------
    case : Case
        The event and the days.
    shares : SharesTable or None
        Share counts; the bundled ones by default.
    """
    figures = {**figures_of(case), **closes_of(case), **index_of(case)}
    steps: list[Step] = [
        returns_step(case, figures),
        window_step(case, figures),
        model_step(case, figures),
        variance_step(case, figures),
        *([days_step(case, figures)] if case.summed else []),
        total_step(case, figures),
    ]
    if case.summed:
        steps += [test_step(case, figures), dollars_step(case, figures, shares)]
    label = f"CAR({case.window.first}, {case.window.last})"
    title = f"{literal(str(case.panel.event_id[0]))}: {label} from closing prices to p-value"
    if case.prices is None:
        title = title.replace("closing prices", "returns")
    return Explanation(title, tuple(_about(case, label)), tuple(steps))


def _about(case: Case, label: str) -> list[str]:
    said = [f"{literal(case.ticker)}, day 0 is {case.date(0)}; {literal(case.spec.model.name)}."]
    if case.summed:
        said.append(
            f"{label} = {{car:pct}}, {{confidence:share}} interval {{low:pct}} to {{high:pct}}, "
            "t({df:d}) = {t:.2f}, p = {p:.3g}."
        )
    kind = "Log" if case.spec.log else "Simple"
    said.append(f"{kind} returns, as decimals: -0.17 is -17 %. Days are counted in {_calendar(case)} sessions.")
    said += legend_of(case)
    if case.prices is not None:
        said.append(f"Prices: {literal(str(case.prices.provenance.get('source', 'not said')))}.")
    if case.spec.factor_vintage:
        said.append(f"Factors: vintage {literal(case.spec.factor_vintage)}.")
    return said


def _calendar(case: Case) -> str:
    return str(case.panel.returns.sessions.name)
