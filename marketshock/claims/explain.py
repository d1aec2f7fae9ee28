"""Derivation of a verdict: statement, figures that went in, value by each convention, and the rule that decides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from ..catalog.claim import Claim, Stated, Unit
from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.explanation import Explanation
from ..explained.mathtext import figure, literal
from .finding import Finding, Measure, Status
from .shown import show_stated

_EXACT = ("date", "count", "rank", "year", "days", "months")
_AFTER = {"usd": " USD", "sigma": " sigma", "persons": " persons", "days": " days", "months": " months"}
_IN_WORDS = {
    "": "A plain figure agrees with what rounds to it: half a step on both sides.",
    "about": "'About' agrees within one step on both sides.",
    "nearly": "'Nearly' agrees from one step short of the figure, in size, to what still rounds to it.",
    "more_than": "'More than' agrees above the figure, which is not included.",
    "less_than": "'Less than' (a fall of 'more than') agrees below the figure, which is not included.",
    "at_least": "'At least' agrees from the figure on.",
    "at_most": "'At most' agrees up to the figure.",
}


def explain_verdict(
    claim: Claim, findings: Sequence[Finding], status: Status, meaning: str, reason: str
) -> Explanation:
    """Return the derivation of a verdict from its parts; `meaning` and `reason` explain the status."""
    event = f", event {claim.event}" if claim.event else ""
    body = [literal(f"{claim.text}."), literal(f"Stands in {claim.document}, paragraph {claim.paragraph}{event}.")]
    if any(finding.part.stated for finding in findings):
        body.append(literal(f"As a figure: {'; '.join(finding.stated for finding in findings)}."))
    steps = [step_of("What is claimed", body, {})]
    several = len(findings) > 1
    for k, finding in enumerate(findings, 1):
        lead = f"Part {k}{f', {literal(finding.part.what)}' if finding.part.what else ''}: " if several else ""
        steps += _of_part(finding, lead, f"part {k} " if several else "")
    body = [literal(reason)] if reason else []
    if several:
        parts = "; ".join(f"part {k} {_words(finding.status)}" for k, finding in enumerate(findings, 1))
        body.append(f"{parts[0].upper()}{parts[1:]}. The worst part that could be checked counts.")
    steps.append(step_of("How that decides", [*body, f"So: {_words(status)}: {meaning}."], {}))
    about = (f"{_words(status).capitalize()}: {meaning}.",)
    return Explanation(f"{literal(claim.id)}: {literal(claim.text)}", about, tuple(steps))


def _words(status: Status) -> str:
    return status.replace("_", " ")


def _of_part(finding: Finding, lead: str, name: str) -> Iterator[Step]:
    """Yield the steps of one part; `name` keeps the figures of several parts apart."""
    made = {"the figures that went in": _inputs(finding, name)}
    stated = finding.part.stated
    if stated is not None and finding.answer.measures:
        made["what agrees with it"] = _interval(stated, name)
        made["the conventions tried"] = _tried(finding, stated, name)
    for heading, (body, figures) in made.items():
        yield step_of(f"{lead}{heading}" if lead else f"{heading[0].upper()}{heading[1:]}", body, figures)


_Body = tuple[list[Block], dict[str, float]]


def _inputs(finding: Finding, name: str) -> _Body:
    figures: dict[str, float] = {}
    body: list[Block] = []
    for k, (what, value) in enumerate(finding.answer.inputs.items(), 1):
        if isinstance(value, str):
            body.append(literal(f"{what}: {value}"))
            continue
        figures[f"{name}input {k}"] = float(value)
        body.append(f"{literal(what)}: {figure(f'{name}input {k}', ',.0f' if abs(value) >= 1e6 else ',.6g')}")
    sources = [f"{what}: {source}" for what, source in finding.sources if source not in finding.answer.cited]
    return [*body, *(literal(f"Source of {source}") for source in sources)] or ["None."], figures


def _exact(stated: Stated) -> bool:
    return stated.unit in _EXACT and stated.wording == ""


def _interval(stated: Stated, name: str) -> _Body:
    """Write out the interval that agrees, from the precision stated."""
    said: list[Block] = [literal(f"Stated: {show_stated(stated)}.")]
    if stated.reading:
        said.append(literal(f"{stated.reading.rstrip('.')}."))
    if _exact(stated):
        return [*said, "A whole number or a date agrees with itself alone."], {}
    low, high = stated.interval()
    figures = {f"{name}stated": stated.value, f"{name}step": stated.step, f"{name}low": low, f"{name}high": high}
    lines = [
        Line(side, *_bound(stated, side, name), _place(f"{name}{side}", stated))
        for side, bound in (("low", low), ("high", high))
        if math.isfinite(bound)
    ]
    return [*said, _IN_WORDS[stated.wording], *lines], figures


def _bound(stated: Stated, side: str, name: str) -> tuple[str, str]:
    """Return formula and numbers of a bound."""
    if stated.wording not in ("", "about", "nearly"):
        return "stated", ""
    nearer = (side == "low") == (stated.value >= 0)  # the bound nearer to zero
    half = "" if stated.wording == "about" or (stated.wording == "nearly" and nearer) else " / 2"
    sign = "-" if side == "low" else "+"
    value, step = _place(f"{name}stated", stated), _place(f"{name}step", stated)
    return f"stated {sign} step{half}", f"{value} {sign} {step}{half}"


def _tried(finding: Finding, stated: Stated, name: str) -> _Body:
    """List the value of each convention, and the distance of the deciding ones from the bounds."""
    measures, figures, rows = finding.answer.measures, {}, []
    for k, measure in enumerate(measures, 1):
        figures[f"{name}tried {k}"] = measure.value
        cell = "-" if math.isnan(measure.value) else _place(f"{name}tried {k}", stated)
        rows.append((str(k), literal(measure.convention), cell, "yes" if finding.agrees(measure) else "no"))
    body: list[Block] = [_rule(finding), Grid(("no.", "convention", "computed", "agrees"), tuple(rows))]
    chosen = next((k for k, measure in enumerate(measures, 1) if measure is finding.measure), 1)
    for k in dict.fromkeys((1, chosen)):  # the plain reading, and the one the status rests on
        measure = measures[k - 1]
        if not math.isnan(measure.value):
            low, high = stated.interval()
            figures[f"{name}margin {k}"] = abs(min(measure.value - low, high - measure.value))
            body.append(_distance(stated, measure, k, name))
    return body, figures


def _rule(finding: Finding) -> str:
    """Return which of the conventions have to agree."""
    if len(finding.answer.measures) == 1:
        return "There is one."
    if finding.answer.stand_in:
        return "Other figures stand in for those that would settle it: every convention has to agree."
    if finding.answer.equal:
        return "The document leaves open which it means: it is plainly so only if all agree."
    return "The first is the plain reading. If only another agrees, it is so by that convention."


def _distance(stated: Stated, measure: Measure, k: int, name: str) -> str:
    """Return how far a measure lies inside the interval that agrees, or outside it."""
    agrees = stated.agrees(measure.value)
    if _exact(stated):
        return f"Convention {k} gives {'what is' if agrees else 'something else than'} stated."
    where = "inside the interval by" if agrees else "outside the interval by"
    value, margin = _place(f"{name}tried {k}", stated), _place(f"{name}margin {k}", stated)
    return f"Convention {k} gives {value}: {where} {margin}."


def _place(name: str, stated: Stated) -> str:
    """Return the place of a figure in the unit stated, with one more digit than was stated."""
    return f"{figure(name, _spec(stated.unit, stated))}{_AFTER.get(stated.unit, '')}"


def _spec(unit: Unit, stated: Stated) -> str:
    digits = max(0, round(-math.log10(stated.step))) if stated.step > 0 else 2
    if unit == "percent":
        return f"pct{max(2, digits - 1)}"
    if unit == "usd":
        return "bn" if abs(stated.value) >= 1e8 else ",.0f"
    if unit in ("ratio", "index", "sigma"):
        return f".{max(3, digits + 1)}f"
    return "date" if unit == "date" else ",.6g" if unit in ("rank", "count") else ",.0f" if unit != "year" else ".0f"
