"""Findings on prices, factors and bars of the user: what each rule is, as a frame, in words, and what follows of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from .. import _format
from .._frame import ReadableFrame, Table
from .._typing import ON_FINDINGS, DateArray, OnFindings
from ..errors import Argument, PriceError, PriceWarning, UnknownNameError, Words, check_choice

REFUSE, WARN, NOTE = "refuse", "warn", "note"

_NAMED = 3  # findings that a message spells out
_NO_DAY = np.datetime64("NaT", "D")
COLUMNS = ("ticker", "date", "rule", "size", "cause", "severity")


class Rule(NamedTuple):
    """A rule of the checks."""

    what: str
    remedy: str


#: The rules by the names that ``tolerate=`` takes.
RULES: dict[str, Rule] = {
    "tick": Rule("x10 or x100 (or 1/) and back within 3 sessions", "correct it, or set it to NaN"),
    "unit": Rule("x100 (or 1/) and it stays", "bring all closes into one unit"),
    "unit_pair": Rule("x10 or x100 (or 1/) away and back within 250 sessions", "bring all closes into one unit"),
    "split_8plus": Rule("near a split ratio of 8 or more (or 1/), and it stays", "adjust the closes before for it"),
    "split_2to7": Rule("near a split ratio of 2 to 7 (or 1/), and it stays", "adjust the closes before for it"),
    "split_1.5": Rule("near 3/2 or 2/3, and it stays", "adjust the closes before for it"),
    "spike_x2": Rule("x2 or more (or 1/) and back within 3 sessions", "look it up, or set it to NaN"),
    "extreme": Rule("an open, high or low x2 or more (or 1/) off the closes beside it", "correct it, or set it to NaN"),
    "jump_x2": Rule("x2 or more (or 1/), near no split ratio, and it stays", "look it up"),
    "gap_level": Rule("20 sessions or more without a price, then x2 or more (or 1/)", "cut the series at the gap"),
    "stale_end_10": Rule("10 or more equal closes to the end of the series", "set the repeated closes to NaN"),
    "stale_10": Rule("10 or more equal closes", "set the repeated closes to NaN"),
    "stale_5": Rule("5 to 9 equal closes", "look them up"),
    "codes": Rule("a missing-value code, or a price that is zero or negative", "set it to NaN"),
    "infinite": Rule("an infinite value", "set it to NaN"),
    "returns_as_prices": Rule("small values of both signs where prices are meant", "pass them as returns="),
    "dividend": Rule("a dividend that the price does not follow", "correct the dividend or its unit"),
    "volume_basis": Rule("volume and close on different bases", "adjust both for the same splits"),
    "percent": Rule("factors in percent", "divide by 100"),
    "above_one": Rule(
        "a return of a factor or benchmark of 1 or more (or -1 or less), of a security above 1",
        "correct it, or set it to NaN",
    ),
    "scale": Rule("rows of another size than the others: percent among decimals", "bring all rows into decimals"),
    "currency": Rule(
        "a benchmark in another currency than the security", "convert both, or take a benchmark in its own"
    ),
    "other_market": Rule(
        "a benchmark of another market than the security", "name the benchmark of each event in a column benchmark"
    ),
    "closed_day": Rule("a row on a day on which the market was closed", "drop the row"),
}


#: Rules whose findings leave a fit as it is, more or less.
SLIGHT = ("stale_5", "closed_day", "currency")


@dataclass(frozen=True, slots=True)
class PriceFinding:
    """One thing found in a series."""

    ticker: str  # security or factor; "(all)" for a whole row
    day: np.datetime64  # datetime64[D]; NaT for a finding on no day
    rule: str  # a key of `RULES`
    size: float  # close over the close before; NaN where there is none
    cause: str  # what was seen and what it likely is, in words
    severity: str  # "refuse", "warn" or "note"
    # First and last day whose return it touches; the day itself if not given
    first: np.datetime64 = _NO_DAY
    last: np.datetime64 = _NO_DAY
    supported: bool = False  # whether volume or a split table supports the cause

    @property
    def reach(self) -> tuple[np.datetime64, np.datetime64]:
        """First and last day whose return it touches, both included."""
        ends = [self.day if np.isnat(end) else end for end in (self.first, self.last)]
        return ends[0], ends[1]

    @property
    def text(self) -> str:
        """The finding in words, with its ticker, day and rule."""
        day = "" if np.isnat(self.day) else f" on {self.day}"
        return f"{self.ticker}{day}: {self.cause} [{self.rule}]"


def by_severity(found: Iterable[PriceFinding]) -> tuple[PriceFinding, ...]:
    """Return findings in one order: what refuses first, then by ticker and day; none twice."""
    rank = {REFUSE: 0, WARN: 1, NOTE: 2}
    order = sorted(dict.fromkeys(found), key=lambda f: (rank[f.severity], f.ticker, str(f.day), f.rule))
    seen: dict[tuple[str, str, str], PriceFinding] = {}
    for finding in order:
        seen.setdefault((finding.ticker, str(finding.day), finding.rule), finding)
    return tuple(seen.values())


def findings_frame(found: Sequence[PriceFinding]) -> ReadableFrame:
    """Return findings as a frame: ticker, date, rule, size, cause, severity."""
    rows = [(f.ticker, f.day, f.rule, f.size, f.cause, f.severity) for f in found]
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    days: DateArray = np.array([f.day for f in found], dtype="datetime64[D]").astype("datetime64[s]")
    kinds = {name: "str" for name in COLUMNS if name not in ("date", "size")}
    return ReadableFrame.of(frame.assign(date=days).astype({**kinds, "size": float}), _table)


def _table(frame: pd.DataFrame) -> Table:
    head = ["severity", "ticker", "date", "rule", "size", "cause"]
    rows = [
        [
            r["severity"],
            r["ticker"],
            "" if pd.isna(r["date"]) else str(r["date"].date()),
            r["rule"],
            "" if np.isnan(r["size"]) else _format.number(r["size"], 4),
            r["cause"],
        ]
        for r in _format.rows(frame)
    ]
    return head, rows, []


def counts_of(found: Iterable[PriceFinding]) -> str:
    """Return how many findings there are of each severity: "1 warning, 2 notes"; "" for none."""
    severities = [f.severity for f in found]
    parts = [(severities.count(name), word) for name, word in ((WARN, "warning"), (NOTE, "note"))]
    return ", ".join(f"{n} {word}{'s' if n > 1 else ''}" for n, word in parts if n)


def first_of(found: Sequence[PriceFinding]) -> str:
    """Return the finding that a printed result names, in words: the first that may change a number; "" for none."""
    weighty = [f for f in found if f.rule not in SLIGHT]
    ordered = by_severity(weighty or found)
    return ordered[0].text if ordered else ""


@dataclass(frozen=True, slots=True)
class Handling:
    """What is done about findings: the rules that are tolerated, and "warn", "raise" or "ignore" for warnings."""

    tolerate: tuple[str, ...] = ()
    on_findings: OnFindings = "warn"

    @classmethod
    def of(cls, tolerate: Sequence[str], on_findings: OnFindings) -> Handling:
        """Check both options.

        Raises
        ------
        UnknownNameError
            If a rule is not known.
        ChoiceError
            If `on_findings` is not one of the three.
        """
        named = (tolerate,) if isinstance(tolerate, str) else tuple(map(str, tolerate))
        unknown = [name for name in named if name not in RULES]
        if unknown:
            raise UnknownNameError("tolerate", unknown, RULES, f"the rules are {', '.join(RULES)}")
        check_choice("on_findings", on_findings, ON_FINDINGS)
        return cls(named, on_findings)

    def settle(
        self, found: Iterable[PriceFinding], where: str = "", parameter: str = "prices", stacklevel: int = 4
    ) -> tuple[PriceFinding, ...]:
        """Raise or warn as the findings ask, and return them in order; those tolerated as notes.

        Parameters
        ----------
        found : iterable of PriceFinding
            Findings on what is read.
        where : str, optional
            Where all of them are listed, for the warning.
        parameter : str, optional
            The argument that errors name.
        stacklevel : int, optional
            Of the warning.

        Raises
        ------
        PriceError
            If a finding refuses and its rule is not tolerated, or if there is a warning and `on_findings` is "raise".

        Warns
        -----
        PriceWarning
            One for all warnings, with the first three by name.
        """
        found = tuple(found)
        if not found:
            return ()
        mild = [replace(f, severity=NOTE) if f.rule in self.tolerate else f for f in found]
        ordered = by_severity(mild)
        bad = [f for f in ordered if f.severity == REFUSE]
        warned = [f for f in ordered if f.severity == WARN]
        if bad:
            raise _error(parameter, bad)
        if warned and self.on_findings == "raise":
            raise _error(parameter, warned)
        if warned and self.on_findings == "warn":
            text = f"{parameter}: {_some(warned)}{f'; all are in {where}' if where else ''}"
            rules = list(dict.fromkeys(f.rule for f in warned))
            remedy = Words(". Look them up; ", Argument("tolerate", rules), " takes them as they are")
            warnings.warn(PriceWarning(Words(text, remedy)), stacklevel=stacklevel)
        return ordered


def _error(parameter: str, found: Sequence[PriceFinding]) -> PriceError:
    rules = list(dict.fromkeys(f.rule for f in found))
    remedies = list(dict.fromkeys(RULES[rule].remedy for rule in rules))
    remedy = Words("; ".join(remedies[:_NAMED]), ", or pass ", Argument("tolerate", rules), " to take it as it is")
    error = PriceError(parameter, _some(found), remedy)
    error.findings = findings_frame(found)
    return error


def _some(found: Sequence[PriceFinding]) -> str:
    more = f"; and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return "; ".join(f.text for f in found[:_NAMED]) + more
