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
from ..inference.mean import How, mean_car
from ..inference.options import Conventions
from ..inference.outcome import Inapplicable, t_pvalue, t_quantile
from ..inference.registry import DOES_NOT_APPLY, TESTS, failures, run
from ..inference.sample import Sample
from ..panel.spec import StudySpec
from ..study.results import StudyResult
from ..windows import days_of

MEAN = "(mean)"
_OF_THE_MEAN = ("portfolio", "t_cross_sectional", "mackinlay", "brown_warner")  # statistic = mean CAR / se
_TEST_OF: Mapping[How, str] = {"portfolio": "portfolio", "cross-sectional": "t_cross_sectional"}
_COLUMNS = ("ticker", "date", "model", "benchmark", "window", "estimation", "n_events")


def compare(
    studies: Mapping[str, StudyResult] | Sequence[StudyResult],
    first: int | None = None,
    last: int | None = None,
    *,
    test: str | None = None,
    confidence: float = 0.95,
    conventions: Conventions | None = None,
) -> pd.DataFrame:
    """Set studies side by side: the CAR of each event, and of their mean, with its uncertainty.

    Parameters
    ----------
    studies : mapping of str to StudyResult, or sequence of StudyResult
        With their labels; a sequence is labeled by the options on which its studies differ.
    first, last : int, optional
        Trading days relative to day 0, both included, inside the window of every study; by default the whole event
        window of each.
    test : str, optional
        Test of the mean, one of ``ms.TESTS`` that test the sample. By default the mean with the standard error that the
        dates of the events allow, as in `StudyResult.aar`.
    confidence : float, optional
        Coverage of the two-sided intervals.
    conventions : Conventions, optional
        Where papers differ, for the test of the mean.

    Returns
    -------
    DataFrame
        Indexed by label and event_id, with a row "(mean)" for each study of two events or more: ticker, date (day 0;
        NaT for a mean over several), model, benchmark, window, estimation, n_events, first, last (the days cumulated),
        car (decimal), se, t (the statistic), df, pvalue (two-sided), ci_low, ci_high, test, note. ``test`` is "t_firm"
        for an event; for the mean, the test named, or by default "portfolio" on one date, "t_cross_sectional" on dates
        of their own, and "portfolios" of one portfolio per date. The mean is over the events with a return in those
        days. Its se and interval are NaN where the statistic of the test named is not the mean over a standard error;
        with a test that does not apply, so are t and pvalue, and note gives the reason.

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
    >>> ms.compare(made, 0, 0)["car"].round(4).tolist()
    [-0.1326, -0.174]
    """
    labeled = _labeled(studies)
    check_mean_test(test)
    frames = []
    windows = [days_of(study.spec.window, first, last) for study in labeled.values()]
    for study, window in zip(labeled.values(), windows, strict=True):
        days = {"first": window.first, "last": window.last}
        events = _event_rows(study, **days, confidence=confidence)
        if len(study) > 1:
            mean = mean_row(study, **days, test=test, confidence=confidence, conventions=conventions)
            mean = {**_of_spec(study), **days, **mean}
            events = pd.concat([events, _row_frame(mean, events)])
        frames.append(events)
    together = pd.concat(frames, keys=list(labeled), names=["label", "event_id"])
    label = f"CAR{windows[0]}".replace(" ", "") if len(set(windows)) == 1 else "CAR"
    return ReadableFrame.of(together, partial(_printed, label=label, confidence=confidence))


def check_mean_test(test: str | None) -> None:
    """Refuse what does not test the mean of a sample; None is the mean with the standard error its dates allow."""
    of_samples = [name for name, row in TESTS.items() if row.scope == "sample"]
    if test is not None and test not in TESTS:
        raise UnknownNameError("test", [test], of_samples)
    if test is not None and test not in of_samples:
        raise ChoiceError("test", test, of_samples)


def mean_row(
    study: StudyResult,
    first: int,
    last: int,
    test: str | None,
    confidence: float,
    conventions: Conventions | None = None,
) -> dict[str, Any]:
    """Return the mean CAR of a study with its test: car, se, t, df, pvalue, ci_low, ci_high, test, note."""
    sample = study.sample(first, last, conventions=conventions)
    row = _by_dates(sample, confidence) if test is None else _by_test(sample.pooled, test, confidence)
    return {**row, "note": "; ".join(part for part in (row["note"], sample.left_note) if part)}


def _by_dates(sample: Sample, confidence: float) -> dict[str, Any]:
    """Return the row of a mean with the standard error that its dates allow."""
    mean = mean_car(sample)
    low, high = mean.interval(confidence)
    t = mean.mean / mean.se if mean.se > 0 else np.nan
    named = _TEST_OF.get(mean.how, "portfolio")
    notes = [] if mean.how == "none" else failures(TESTS[named], sample)
    notes += [] if any(note.startswith(mean.note) for note in notes) else [mean.note]
    return {
        "car": mean.mean,
        "se": mean.se,
        "t": t,
        "df": mean.df,
        "pvalue": float(t_pvalue(np.array(t), mean.df, "two-sided")),
        "ci_low": low,
        "ci_high": high,
        "test": _TEST_OF.get(mean.how, mean.how),
        "n_events": mean.n,
        "note": (DOES_NOT_APPLY if mean.how == "none" else "") + "; ".join(notes),
    }


def _by_test(sample: Sample, test: str, confidence: float) -> dict[str, Any]:
    """Return the row of a mean with a named test."""
    mean = sample.car_moments.mean
    row: dict[str, Any] = {
        "car": mean,
        "n_events": sample.car_moments.n,
        **dict.fromkeys(("se", "t", "df", "pvalue", "ci_low", "ci_high"), np.nan),
    }
    outcome = run(TESTS[test], sample, "two-sided")
    if isinstance(outcome, Inapplicable):
        return {**row, "test": test, "note": f"{DOES_NOT_APPLY}{outcome.reason}"}
    row |= {"t": outcome.statistic, "pvalue": outcome.pvalue, "test": test, "note": outcome.note}
    row["df"] = outcome.df if np.isnan(outcome.df2) else np.nan
    se = _standard_error(test, mean, outcome.statistic, sample)
    reach = se * float(t_quantile(0.5 + confidence / 2, np.array(np.inf if np.isnan(outcome.df) else outcome.df)))
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
    car = (
        pd.DataFrame(study.car(first, last, confidence=confidence))
        .drop(columns=["n_days", "n_sessions"])
        .astype({"df": float})
    )
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


def _labeled(studies: Mapping[str, StudyResult] | Sequence[StudyResult]) -> dict[str, StudyResult]:
    if isinstance(studies, Mapping):
        labeled = {str(label): study for label, study in studies.items()}
    elif isinstance(studies, (list, tuple)):
        labeled = dict(zip(_labels(studies), studies, strict=True))
    else:
        labeled = {}
    if not labeled:
        raise InputError("studies", f"got {type(studies).__name__}", "give a list of studies, or a dict by label")
    for label, study in labeled.items():
        if not isinstance(study, StudyResult):
            raise InputError("studies", f"{label!r} is {type(study).__name__}", "give what event_study returns")
    return labeled


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


def _printed(frame: pd.DataFrame, label: str, confidence: float) -> Table:
    head = ["study", "event", label, "se", f"{100 * confidence:.0f} % interval", "t", "p", "test"]
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
