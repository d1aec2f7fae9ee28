"""Studies side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import ReadableFrame, Table
from ..errors import ChoiceError, InputError, UnknownNameError
from ..inference.options import Conventions
from ..inference.outcome import Inapplicable, t_quantile
from ..inference.registry import DOES_NOT_APPLY, TESTS, run
from ..inference.sample import Sample
from ..panel.spec import StudySpec
from ..study.results import StudyResult

MEAN = "(mean)"
_OF_THE_MEAN = ("portfolio", "t_cross_sectional", "mackinlay", "brown_warner")  # statistic = mean CAR / se
_COLUMNS = ("ticker", "date", "model", "benchmark", "window", "estimation", "n_events")


def compare(
    studies: Mapping[str, StudyResult] | Sequence[StudyResult],
    first: int = 0,
    last: int = 0,
    *,
    test: str | None = None,
    confidence: float = 0.95,
    conventions: Conventions | None = None,
) -> pd.DataFrame:
    """Set studies side by side: the CAR of each event, and of their mean, with its uncertainty.

    Parameters
    ----------
    studies : mapping of str to StudyResult, or sequence of StudyResult
        With their labels; a sequence is labelled by the options on which its studies differ.
    first, last : int, optional
        Trading days relative to day 0, both included, inside the window of every study.
    test : str, optional
        Test of the mean, one of ``ms.TESTS`` that test the sample. By default "portfolio" where every study has one
        common date, otherwise "brown_warner": both allow for events that are correlated.
    confidence : float, optional
        Coverage of the two-sided intervals.
    conventions : Conventions, optional
        Where papers differ, for the test of the mean.

    Returns
    -------
    DataFrame
        Indexed by label and event_id, with a row "(mean)" for each study of two events or more: ticker, date (day 0;
        NaT for a mean over several), model, benchmark, window, estimation, n_events, car (decimal), se, t (the
        statistic), df, pvalue (two-sided), ci_low, ci_high, test ("t_firm" for an event), note. The mean is over the
        events with a return in those days. Its se and interval are NaN where the test's statistic is not the mean over
        a standard error; with a test that does not apply, so are t and pvalue, and note has the reason.

    Raises
    ------
    InputError
        If there is no study, or `confidence` is not between 0 and 1.
    WindowError
        If the days are not inside the window of a study.
    UnknownNameError, ChoiceError
        If the test is not known, or tests single events.

    Examples
    --------
    >>> import marketshock as ms
    >>> selloff, prices = ms.load_catalog()["deepseek-selloff"], ms.snapshot()
    >>> models = {"market": ms.MarketModel("^GSPC"), "mean": ms.ConstantMean()}
    >>> made = {n: ms.event_study(selloff, tickers=["NVDA"], prices=prices, model=m) for n, m in models.items()}
    >>> ms.compare(made)["car"].round(4).tolist()
    [-0.1326, -0.174]
    """
    labelled = _labelled(studies)
    chosen = mean_test(test, list(labelled.values()))
    frames = []
    for study in labelled.values():
        events = _event_rows(study, first, last, confidence)
        if len(study) > 1:
            mean = {**_of_spec(study), **mean_row(study, first, last, chosen, confidence, conventions)}
            events = pd.concat([events, _row_frame(mean, events)])
        frames.append(events)
    together = pd.concat(frames, keys=list(labelled), names=["label", "event_id"])
    return ReadableFrame.of(together, partial(_printed, days=f"CAR({first},{last})", confidence=confidence))


def mean_test(test: str | None, studies: Sequence[StudyResult]) -> str:
    """Return the test of the mean, after checking that it is one."""
    if test is None:
        one_date = all(len(np.unique(study.panel.row)) == 1 for study in studies)
        return "portfolio" if one_date else "brown_warner"
    of_samples = [name for name, row in TESTS.items() if row.scope == "sample"]
    if test not in TESTS:
        raise UnknownNameError("test", [test], of_samples)
    if test not in of_samples:
        raise ChoiceError("test", test, of_samples)
    return test


def mean_row(
    study: StudyResult, first: int, last: int, test: str, confidence: float, conventions: Conventions | None = None
) -> dict[str, Any]:
    """Return the mean CAR of a study with the answer of a test: car, se, t, df, pvalue, ci_low, ci_high, test, note."""
    sample = study.sample(first, last, conventions=conventions)
    car = sample.sum.car
    mean = float(np.nanmean(car)) if sample.there.any() else np.nan
    row: dict[str, Any] = {"car": mean, **dict.fromkeys(("se", "t", "df", "pvalue", "ci_low", "ci_high"), np.nan)}
    outcome = run(TESTS[test], sample, "two-sided")
    if isinstance(outcome, Inapplicable):
        return {**row, "test": test, "note": f"{DOES_NOT_APPLY}{outcome.reason}"}
    row |= {"t": outcome.statistic, "pvalue": outcome.pvalue, "test": test, "note": outcome.note}
    row["df"] = outcome.df[0] if len(outcome.df) == 1 else np.nan
    se = _standard_error(test, mean, outcome.statistic, sample)
    reach = se * float(t_quantile(0.5 + confidence / 2, np.array(outcome.df[0] if outcome.df else np.inf)))
    return {**row, "se": se, "ci_low": mean - reach, "ci_high": mean + reach}


def options_of(spec: StudySpec) -> dict[str, str]:
    """Return a spec's model, benchmark, window and estimation window as text."""
    terms = [*spec.model.terms, *([spec.model.offset] if spec.model.offset else [])]
    return {
        "model": spec.model.name,
        "benchmark": ", ".join(map(str, terms)),
        "window": str(spec.window),
        "estimation": str(spec.estimation),
    }


def _standard_error(test: str, mean: float, statistic: float, sample: Sample) -> float:
    """Return the standard error a statistic implies, NaN where its numerator is not quite the mean CAR.

    Brown and Warner sum daily means, which a gap in the window sets apart from the mean CAR; the portfolio is estimated
    on the days that all firms share, which a gap in the estimation window sets apart.
    """
    whole = {
        "brown_warner": bool(sample.mask.all()),
        "portfolio": bool((sample.evidence.mask == sample.evidence.mask[:1]).all()),
    }
    exact = test in _OF_THE_MEAN and whole.get(test, True)
    return mean / statistic if exact and statistic else np.nan


def _event_rows(study: StudyResult, first: int, last: int, confidence: float) -> pd.DataFrame:
    car = pd.DataFrame(study.car(first, last, confidence=confidence)).drop(columns="n_days").astype({"df": float})
    note = car.pop("note")
    frame = car.assign(**_of_spec(study), test="t_firm", note=note)
    return frame[[*_COLUMNS, *(c for c in frame.columns if c not in _COLUMNS)]]


def _of_spec(study: StudyResult) -> dict[str, Any]:
    return {**options_of(study.spec), "n_events": len(study)}


def _row_frame(mean: dict[str, Any], like: pd.DataFrame) -> pd.DataFrame:
    dates = like["date"].unique()
    date = dates[0] if len(dates) == 1 else pd.NaT
    frame = pd.DataFrame({**mean, "ticker": "", "date": date}, index=pd.Index([MEAN], name="event_id"))
    return frame[list(like.columns)].astype({"date": like["date"].dtype})


def _labelled(studies: Mapping[str, StudyResult] | Sequence[StudyResult]) -> dict[str, StudyResult]:
    if isinstance(studies, Mapping):
        labelled = {str(label): study for label, study in studies.items()}
    elif isinstance(studies, (list, tuple)):
        labelled = dict(zip(_labels(studies), studies, strict=True))
    else:
        labelled = {}
    if not labelled:
        raise InputError("studies", f"got {type(studies).__name__}", "give a list of studies, or a dict by label")
    for label, study in labelled.items():
        if not isinstance(study, StudyResult):
            raise InputError("studies", f"{label!r} is {type(study).__name__}", "give what event_study returns")
    return labelled


def _labels(studies: Sequence[StudyResult]) -> list[str]:
    """Name each study by the options on which they differ; equal names are numbered."""
    for study in studies:
        if not isinstance(study, StudyResult):
            raise InputError("studies", f"got {type(study).__name__} among them", "give what event_study returns")
    options = []
    for study in studies:
        text = options_of(study.spec)
        returns = "log returns" if study.spec.log else "simple returns"
        options.append((text["model"], f"window {text['window']}", f"estimation {text['estimation']}", returns))
    differing = [k for k in range(4) if len({option[k] for option in options}) > 1] or [0]
    return numbered([", ".join(option[k] for k in differing) for option in options])


def numbered(names: Sequence[str]) -> list[str]:
    """Make equal names distinct: the second is "market model #2"."""
    seen: dict[str, int] = {}
    out = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 else f"{name} #{seen[name]}")
    return out


def _printed(frame: pd.DataFrame, days: str, confidence: float) -> Table:
    head = ["study", "event", days, "se", f"{100 * confidence:.0f} % interval", "t", "p", "test"]
    records = _format.rows(frame)
    rows = [
        [
            r["label"],
            r["event_id"],
            _format.percent(r["car"]) + ("*" if r["note"] else ""),
            _format.percent(r["se"]).removeprefix("+"),
            _format.interval(r["ci_low"], r["ci_high"], "percent"),
            _format.number(r["t"]),
            _format.pvalue(r["pvalue"]),
            r["test"],
        ]
        for r in records
    ]
    return head, rows, [f"* {r['label']}, {r['event_id']}: {r['note']}" for r in records if r["note"]]
