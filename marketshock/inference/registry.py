"""Registry of the tests. A new test is one function and one row here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from .._typing import Alternative
from ..errors import UnknownNameError
from . import calendar, joint, parametric, ranks, resample, signs
from .mean import MOSTLY_APART
from .moments import Streamed, Summary, windows_overlap
from .outcome import Inapplicable, Outcome
from .sample import Sample

Scope: TypeAlias = Literal["event", "sample"]
Assumption: TypeAlias = Literal["normal", "independent", "constant_variance", "one_sign", "complete"]

MEANING: MappingProxyType[Assumption, str] = MappingProxyType(
    {
        "normal": "normal residuals",
        "independent": "independent events",
        "constant_variance": "the event changes no variance",
        "one_sign": "effects of one sign",
        "complete": "complete windows",
    }
)
"""Assumptions in words: the column ``assumptions`` of `StudyResult.tests`."""

DOES_NOT_APPLY = "does not apply: "
MISLEADS = "misleads here: "
NOT_KEPT = "it needs the events' returns, which were not kept: use ms.event_study"


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
        "normal" residuals, "independent" cross-section, "constant_variance" on the event day, effects of "one_sign",
        "complete" windows.
    reference : str
        Paper.
    default : bool
        Whether it runs when no test is named (bootstraps do not).
    streams : bool
        Whether it needs sums over the events only (`Summary`), and none of their returns.
    """

    name: str
    label: str
    run: Callable[[Any, Alternative], Outcome]
    scope: Scope
    assumes: tuple[Assumption, ...]
    reference: str
    default: bool = True
    streams: bool = False

    def __repr__(self) -> str:
        return f"{self.label} ({self.reference})"


_ONE: tuple[Assumption, ...] = ("normal", "constant_variance")
_ONE_SIGN: tuple[Assumption, ...] = (*_ONE, "one_sign")
_ONE_WHOLE: tuple[Assumption, ...] = (*_ONE_SIGN, "complete")
_ONE_APART: tuple[Assumption, ...] = (*_ONE, "independent", "one_sign")
_SIGN: tuple[Assumption, ...] = ("one_sign",)
_APART: tuple[Assumption, ...] = ("independent", "one_sign")
_STEADY: tuple[Assumption, ...] = ("constant_variance", "one_sign")
_WHOLE: tuple[Assumption, ...] = ("one_sign", "complete")
_BMP = "Boehmer, Musumeci and Poulsen (1991)"
_CZ = "Corrado and Zivney (1992)"
_GHK = "Gelbach, Helland and Klick (2013)"
_KP = "Kolari and Pynnonen (2010)"
_KP_RANK = "Kolari and Pynnonen (2011)"

_ROWS = (
    Test("t_firm", "t, one firm", parametric.t_firm, "event", (*_ONE, "complete"), "Patell (1976)"),
    Test("sq", "SQ, one firm", ranks.sq, "event", ("constant_variance",), _GHK),
    Test("joint_f", "joint F", joint.joint_f, "sample", _ONE, "Schipper and Thompson (1985); Binder (1985)"),
    Test("joint_rank", "joint rank", joint.joint_rank, "sample", ("constant_variance",), f"Binder (1985); {_GHK}"),
    Test("joint_equal", "equality F", joint.joint_equal, "sample", _ONE, "Binder (1985)"),
    Test(
        "portfolio", "equal-weighted portfolio t", joint.portfolio, "sample", _ONE_SIGN, "Schipper and Thompson (1985)"
    ),
    Test("kolari_pynnonen", "Kolari-Pynnonen t", parametric.kolari_pynnonen, "sample", ("normal", *_WHOLE), _KP),
    Test("patell_adjusted", "adjusted Patell Z", parametric.patell_adjusted, "sample", _ONE_WHOLE, _KP),
    Test(
        "brown_warner", "Brown-Warner t", parametric.brown_warner, "sample", _ONE_WHOLE, "Brown and Warner (1980, 1985)"
    ),
    Test("grank_t", "GRANK-T", ranks.grank_t, "sample", _WHOLE, _KP_RANK),
    Test("sign_gsar", "SIGN-GSAR-T", signs.sign_gsar, "sample", _WHOLE, "Luoma (2011)"),
    Test("corrado", "Corrado Z", ranks.corrado, "sample", _STEADY, "Corrado (1989)"),
    Test("corrado_zivney", "Corrado-Zivney Z", ranks.corrado_zivney, "sample", _STEADY, _CZ),
    Test(
        "corrado_zivney_standardised",
        "Corrado-Zivney Z, re-standardized",
        ranks.corrado_zivney_standardised,
        "sample",
        _SIGN,
        _CZ,
    ),
    Test("permutation", "permutation over placebo dates", ranks.permutation, "sample", _STEADY, _GHK),
    Test(
        "calendar_time",
        "calendar-time portfolio Z",
        calendar.calendar_time,
        "sample",
        _ONE_SIGN,
        "Jaffe (1974); Mandelker (1974)",
    ),
    Test(
        "t_cross_sectional",
        "cross-sectional t",
        parametric.t_cross_sectional,
        "sample",
        ("normal", *_APART),
        _BMP,
        streams=True,
    ),
    Test("patell", "Patell Z", parametric.patell, "sample", _ONE_APART, "Patell (1976)", streams=True),
    Test("bmp", "BMP t", parametric.bmp, "sample", ("normal", *_APART), _BMP, streams=True),
    Test("mackinlay", "MacKinlay Z", parametric.mackinlay, "sample", _ONE_APART, "MacKinlay (1997)", streams=True),
    Test("grank_z", "GRANK-Z", ranks.grank_z, "sample", _APART, _KP_RANK),
    Test("sign", "sign Z", signs.sign, "sample", _APART, "Brown and Warner (1980)", streams=True),
    Test("generalized_sign", "generalized sign Z", signs.generalized_sign, "sample", _APART, "Cowan (1992)"),
    Test("wilcoxon", "Wilcoxon signed rank", ranks.wilcoxon, "sample", _APART, "Wilcoxon (1945)"),
    Test(
        "skewness_adjusted",
        "skewness-adjusted t of BHAR",
        parametric.skewness_adjusted,
        "sample",
        _APART,
        "Lyon, Barber and Tsai (1999)",
        streams=True,
    ),
    Test(
        "wild_bootstrap",
        "wild cluster bootstrap",
        resample.wild_bootstrap,
        "sample",
        _SIGN,
        "Cameron, Gelbach and Miller (2008)",
        default=False,
    ),
    Test(
        "block_bootstrap",
        "stationary block bootstrap",
        resample.block_bootstrap,
        "sample",
        _STEADY,
        "Politis and Romano (1994)",
        default=False,
    ),
)

TESTS = MappingProxyType({row.name: row for row in _ROWS})
"""Tests by name, in the order in which a table shows them: first those that stand one common date."""

PER_EVENT_LIMIT = 30  # above it the tests of single events are shown only when asked for


def select(which: Sequence[str] | str | None, n_events: int, common_date: bool) -> list[Test]:
    """Return the tests to run: those named, "all", or those that lead for such a sample.

    Raises
    ------
    UnknownNameError
        If a name is not in the registry.
    """
    if which is None or which == "all":
        few = common_date and n_events <= PER_EVENT_LIMIT
        return [row for row in _ROWS if (row.default or which == "all") and (few or row.scope == "sample")]
    names = [which] if isinstance(which, str) else list(which)
    unknown = [str(name) for name in names if name not in TESTS]
    if unknown or not names:
        raise UnknownNameError("which", unknown, list(TESTS))
    return [TESTS[name] for name in names]


def run(test: Test, sample: Sample | Streamed, alternative: Alternative) -> Outcome:
    """Run a test and note the assumptions that fail in this sample."""
    if isinstance(sample, Streamed) and not test.streams:
        return Inapplicable(test.name, NOT_KEPT, len(sample))
    if isinstance(sample, Sample):
        return sample.once(_noted, test, alternative)
    return _noted(sample, test, alternative)


def _noted(sample: Summary, test: Test, alternative: Alternative) -> Outcome:
    """Return the result of a test, its note with the assumptions that fail in this sample."""
    outcome = test.run(sample, alternative)
    if isinstance(outcome, Inapplicable):
        return outcome
    notes = [*failures(test, sample), outcome.note]
    return replace(outcome, note="; ".join(note for note in notes if note))


def rank_of(note: str) -> int:
    """Order rows by their notes: what applies, what misleads, what does not apply."""
    return 2 if note.startswith(DOES_NOT_APPLY) else int(note.startswith(MISLEADS))


def failures(test: Test, sample: Summary) -> list[str]:
    """Return the assumptions of a test that fail in a sample, in words."""
    notes = []
    if "independent" in test.assumes and len(sample) > 1:
        notes += _dependence(sample)
    if "one_sign" in test.assumes and len(sample.dates) == 1 and sample.n_positive and sample.n_negative:
        notes.append("effects of both signs cancel in a mean")
    if "complete" in test.assumes and sample.n_lacking:
        notes.append(f"{sample.n_lacking} of {len(sample)} event(s) lack days of the window")
    return notes


def _dependence(sample: Summary) -> list[str]:
    """Say whether windows overlap in calendar time, which the test takes for independence."""
    dates = sample.held.dates if isinstance(sample, Sample) else sample.dates
    n, r = sample.car_moments.n, sample.known_correlation
    if len(dates) == 1:
        told = "" if r is None else f" (mean correlation of the residuals {r:.2f})"
        return [f"{MISLEADS}the events share one date, and the test takes them as independent{told}"]
    if len(dates) <= MOSTLY_APART * n:
        told = "" if r is None else f" (mean correlation by overlap {r:.2f})"
        return [f"{MISLEADS}{n} events on {len(dates)} dates, which the test takes as independent{told}"]
    if not windows_overlap(dates, n, sample.reach):
        return []
    told = "" if r is None else f" (mean correlation by overlap {r:.3f})"
    return [f"windows overlap in calendar time{told}"]
