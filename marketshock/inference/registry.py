"""One row per test. A new test is one function and one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, TypeAlias

from .._typing import Alternative
from ..errors import UnknownNameError
from . import joint, parametric, ranks
from .base import Inapplicable, Outcome, Sample

Scope: TypeAlias = Literal["event", "sample"]
Assumption: TypeAlias = Literal["normal", "independent", "constant_variance", "one_sign"]


@dataclass(frozen=True, slots=True)
class Test:
    """A row of the registry.

    Attributes
    ----------
    name, label : str
        For machines and for tables.
    run : callable
        ``run(sample, alternative)``.
    scope : {"event", "sample"}
        Whether it tests one event or the sample of events.
    assumes : tuple of str
        "normal" residuals, "independent" cross-section, "constant_variance" on the event day, effects of "one_sign".
    reference : str
        Paper.
    """

    name: str
    label: str
    run: Callable[[Sample, Alternative], Outcome]
    scope: Scope
    assumes: tuple[Assumption, ...]
    reference: str


_ROWS = (
    Test("t_firm", "t, one firm", parametric.t_firm, "event", ("normal", "constant_variance"), "Patell (1976)"),
    Test("sq", "SQ, one firm", ranks.sq, "event", ("constant_variance",), "Gelbach, Helland and Klick (2013)"),
    Test(
        "joint_f",
        "joint F",
        joint.joint_f,
        "sample",
        ("normal", "constant_variance"),
        "Schipper and Thompson (1983); Binder (1985)",
    ),
    Test(
        "joint_equal",
        "equality F",
        joint.joint_equal,
        "sample",
        ("normal", "constant_variance"),
        "Binder (1985)",
    ),
    Test(
        "portfolio",
        "equal-weighted portfolio t",
        joint.portfolio,
        "sample",
        ("normal", "constant_variance", "one_sign"),
        "Schipper and Thompson (1983); Jaffe (1974)",
    ),
    Test(
        "t_cross_sectional",
        "cross-sectional t",
        parametric.t_cross_sectional,
        "sample",
        ("normal", "independent", "one_sign"),
        "Brown and Warner (1980)",
    ),
)

TESTS = MappingProxyType({row.name: row for row in _ROWS})
"""Tests by name, in the order in which a table shows them."""

PER_EVENT_LIMIT = 30  # above it the tests of single events are shown only when asked for


def select(which: Sequence[str] | str | None, n_events: int, common_date: bool) -> list[Test]:
    """Return the tests to run: those named, or those that lead for such a sample.

    Raises
    ------
    UnknownNameError
        If a name is not in the registry.
    """
    if which is None:
        few = common_date and n_events <= PER_EVENT_LIMIT
        return [row for row in _ROWS if few or row.scope == "sample"]
    names = [which] if isinstance(which, str) else list(which)
    unknown = [name for name in names if name not in TESTS]
    if unknown:
        raise UnknownNameError("which", unknown, list(TESTS))
    return [TESTS[name] for name in names]


def run(test: Test, sample: Sample, alternative: Alternative) -> Outcome:
    """Run a test and note the assumptions that fail in this sample."""
    outcome = test.run(sample, alternative)
    if isinstance(outcome, Inapplicable):
        return outcome
    notes = [note for note in (outcome.note, *_failures(test, sample)) if note]
    return replace(outcome, note="; ".join(notes))


def _failures(test: Test, sample: Sample) -> list[str]:
    notes = []
    if "independent" in test.assumes and sample.common_date and len(sample) > 1:
        notes.append(
            "misleads here: the events share one date, and the test takes them as independent (mean correlation of the "
            f"residuals {sample.mean_correlation:.2f})"
        )
    car = sample.sum.car
    if "one_sign" in test.assumes and (car > 0).any() and (car < 0).any():
        notes.append("effects of both signs cancel in a mean")
    if test.scope == "sample" and (sample.sum.n_days < sample.ar.shape[1]).any():
        notes.append("some events lack days of the window")
    return notes
