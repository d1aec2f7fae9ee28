"""A verdict written out: what was stated, what went in, what each convention gives, and how rounding decides."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..catalog.claim import Stated, Unit
from ..explained.blocks import Block, Grid, Line, Step, step_of
from ..explained.explanation import Explanation
from ..explained.mathtext import literal
from .shown import show_stated

if TYPE_CHECKING:
    from .verdict import Finding, Measure, Verdict

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


def explain_verdict(verdict: Verdict, meaning: str) -> Explanation:
    """Return the derivation of a verdict; `meaning` is what its status means."""
    steps = [_claimed(verdict)]
    several = len(verdict.findings) > 1
    for k, finding in enumerate(verdict.findings, 1):
        lead = f"Part {k}{f', {literal(finding.part.what)}' if finding.part.what else ''}: " if several else ""
        steps += _of_part(finding, lead, f"part {k} " if several else "")
    steps.append(_decided(verdict, meaning))
    about = (f"{verdict.status.replace('_', ' ').capitalize()}: {meaning}.",)
    return Explanation(f"{literal(verdict.claim.id)}: {literal(verdict.claim.text)}", about, tuple(steps))


def _claimed(verdict: Verdict) -> Step:
    claim = verdict.claim
    event = f", event {claim.event}" if claim.event else ""
    body = [literal(f"{claim.text}."), literal(f"Stands in {claim.document}, paragraph {claim.paragraph}{event}.")]
    if any(finding.part.stated for finding in verdict.findings):
        body.append(literal(f"As a figure: {verdict.stated}."))
    return step_of("What is claimed", body, {})


def _of_part(finding: Finding, lead: str, name: str) -> Iterator[Step]:
    """Yield the steps of one part; figures of several parts are told apart by `name`."""
    yield _inputs(finding, lead, name)
    if finding.part.stated is None or not finding.answer.measures:
        return
    yield _interval(finding.part.stated, lead, name)
    yield _tried(finding, finding.part.stated, lead, name)


def _headed(lead: str, heading: str) -> str:
    return f"{lead}{heading}" if lead else heading[0].upper() + heading[1:]


def _inputs(finding: Finding, lead: str, name: str) -> Step:
    figures, body = {}, []
    for k, (what, value) in enumerate(finding.answer.inputs.items(), 1):
        if isinstance(value, str):
            body.append(literal(f"{what}: {value}"))
            continue
        figures[f"{name}input {k}"] = float(value)
        spec = ",.0f" if abs(value) >= 1e6 else ",.6g"
        body.append(f"{literal(what)}: {{{name}input {k}:{spec}}}")
    texts = [value for value in finding.answer.inputs.values() if isinstance(value, str)]
    beside = tuple(tail for text in texts if (tail := text.partition("; ")[2]))  # a fact stands beside its source
    body += [literal(f"Source of {source}") for source in finding.sources if not source.endswith(beside)]
    return step_of(_headed(lead, "the figures that went in"), body or ["None."], figures)


def _interval(stated: Stated, lead: str, name: str) -> Step:
    """Write out the interval that agrees, from the precision stated."""
    heading = _headed(lead, "what agrees with it")
    said = [literal(f"Stated: {show_stated(stated)}.")]
    if stated.reading:
        said.append(literal(f"{stated.reading.rstrip('.')}."))
    if stated.unit in _EXACT and stated.wording == "":
        return step_of(heading, [*said, "A whole number or a date agrees with itself alone."], {})
    low, high = stated.interval()
    figures = {f"{name}stated": stated.value, f"{name}step": stated.step, f"{name}low": low, f"{name}high": high}
    lines = [
        Line(side, *_bound(stated, side, name), _place(f"{name}{side}", stated))
        for side, bound in (("low", low), ("high", high))
        if math.isfinite(bound)
    ]
    return step_of(heading, [*said, _IN_WORDS[stated.wording], *lines], figures)


def _bound(stated: Stated, side: str, name: str) -> tuple[str, str]:
    """Return formula and numbers of a bound."""
    value, step = _place(f"{name}stated", stated), _place(f"{name}step", stated)
    if stated.wording not in ("", "about", "nearly"):
        return "stated", ""
    nearer = (side == "low") == (stated.value >= 0)  # the bound nearer to zero
    whole = stated.wording == "about" or (stated.wording == "nearly" and nearer)
    sign = "-" if side == "low" else "+"
    return (
        (f"stated {sign} step", f"{value} {sign} {step}")
        if whole
        else (
            f"stated {sign} step / 2",
            f"{value} {sign} {step} / 2",
        )
    )


def _tried(finding: Finding, stated: Stated, lead: str, name: str) -> Step:
    """List what each convention gives, and how far the one that decides lies from the bounds."""
    figures, rows = {}, []
    for k, measure in enumerate(finding.answer.measures, 1):
        figures[f"{name}tried {k}"] = measure.value
        cell = "-" if math.isnan(measure.value) else _place(f"{name}tried {k}", stated)
        rows.append((str(k), literal(measure.convention), cell, "yes" if finding.agrees(measure) else "no"))
    body: list[Block] = [
        _rule(finding),
        Grid(("no.", "convention", "computed", "agrees"), tuple(rows), left=2),
    ]
    for k in _told(finding):
        measure = finding.answer.measures[k - 1]
        text, margin = _distance(stated, measure, k, name)
        figures[f"{name}margin {k}"] = margin
        body.append(text)
    return step_of(_headed(lead, "the conventions tried"), body, figures)


def _rule(finding: Finding) -> str:
    """Say which of the conventions have to agree."""
    if len(finding.answer.measures) == 1:
        return "There is one."
    if finding.answer.stand_in:
        return "Other figures stand in for those that would settle it: every convention has to agree."
    if finding.answer.equal:
        return "The document leaves open which it means: it is plainly so only if all agree."
    return "The first is the plain reading. If only another agrees, it is so by that convention."


def _told(finding: Finding) -> list[int]:
    """Return which measures are spoken of: the plain reading, and the one the status rests on."""
    measures = finding.answer.measures
    chosen = next((k for k, m in enumerate(measures, 1) if m is finding.measure), 1)
    return [k for k in dict.fromkeys((1, chosen)) if not math.isnan(measures[k - 1].value)]


def _distance(stated: Stated, measure: Measure, k: int, name: str) -> tuple[str, float]:
    """Say how far a measure lies inside the interval that agrees, or outside it."""
    low, high = stated.interval()
    inside = min(measure.value - low, high - measure.value)
    agrees = stated.agrees(measure.value)
    if stated.unit in _EXACT and stated.wording == "":
        return f"Convention {k} gives {'what is' if agrees else 'something else than'} stated.", abs(inside)
    place = _place(f"{name}margin {k}", stated)
    where = "inside the interval by" if agrees else "outside the interval by"
    return f"Convention {k} gives {_place(f'{name}tried {k}', stated)}: {where} {place}.", abs(inside)


def _decided(verdict: Verdict, meaning: str) -> Step:
    """Say which rule made the verdict of these answers."""
    body = [literal(verdict.reason)] if verdict.reason else []
    if len(verdict.findings) > 1:
        parts = "; ".join(f"part {k} {f.status.replace('_', ' ')}" for k, f in enumerate(verdict.findings, 1))
        body.append(f"{parts[0].upper()}{parts[1:]}. The worst part that could be checked counts.")
    body.append(f"So: {verdict.status.replace('_', ' ')}: {meaning}.")
    return step_of("How that decides", body, {})


def _place(name: str, stated: Stated) -> str:
    """Return the place of a figure in the unit stated, with a digit more than was stated."""
    return f"{{{name}:{_spec(stated.unit, stated)}}}{_AFTER.get(stated.unit, '')}"


def _spec(unit: Unit, stated: Stated) -> str:
    digits = max(0, round(-math.log10(stated.step))) if stated.step > 0 else 2
    if unit == "percent":
        return f"pct{max(2, digits - 1)}"
    if unit == "usd":
        return "bn" if abs(stated.value) >= 1e8 else ",.0f"
    if unit in ("ratio", "index", "sigma"):
        return f".{max(3, digits + 1)}f"
    return "date" if unit == "date" else ",.6g" if unit in ("rank", "count") else ",.0f" if unit != "year" else ".0f"
