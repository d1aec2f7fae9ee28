"""The same question under every reasonable choice: the specification curve."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import Printable, PrintedTable, Printout
from .._typing import CalendarName, Duplicates, Frame, OnClosed, OnFindings
from ..catalog.table import Events
from ..errors import ExclusionWarning, InputError, NoUsableEventsError, UnknownNameError, WindowError, check_share
from ..models.base import ReturnModel
from ..providers.base import Prices
from ..providers.found import Handling
from ..study.results import StudyResult
from ..study.run import event_study
from ..windows import Window
from .compare import check_mean_test, mean_row, numbered

_ESTIMATES = ("car", "se", "t", "df", "pvalue", "ci_low", "ci_high", "n_events", "test", "note")


@dataclass(frozen=True, eq=False, repr=False)
class SpecificationCurve(Printable):
    """One estimate under every combination of choices.

    Made by `specification_curve`.

    Attributes
    ----------
    table : DataFrame
        A row a specification, in the order of the choices: model, window, estimation (as text), car (decimal), se, t,
        df, pvalue, ci_low, ci_high, n_events, test, note. A specification that could not be estimated has NaN and its
        reason in note.
    choices : mapping of str to tuple of str
        The options of "model", "window" and "estimation", in the order given.
    what : str
        What is estimated.
    confidence : float
        Coverage of the intervals.
    """

    table: pd.DataFrame
    choices: Mapping[str, tuple[str, ...]]
    what: str
    confidence: float

    def __len__(self) -> int:
        return len(self.table)

    def to_frame(self) -> pd.DataFrame:
        """Return `table`."""
        return self.table

    @property
    def estimated(self) -> pd.DataFrame:
        """The rows of `table` that could be estimated."""
        return self.table[self.table["car"].notna()]

    @property
    def median(self) -> float:
        """Median CAR over the specifications estimated (decimal)."""
        return float(self.estimated["car"].median())

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest CAR (decimal)."""
        return float(self.estimated["car"].min()), float(self.estimated["car"].max())

    @property
    def sign_agreement(self) -> float:
        """Share of the specifications whose CAR has the sign of the median; NaN if the median is zero."""
        sign = np.sign(self.median)
        return float((np.sign(self.estimated["car"]) == sign).mean()) if sign else np.nan

    def share_significant(self, level: float = 0.05) -> float:
        """Return the share of specifications with a p-value below `level`, NaN without any p-value.

        It describes the curve and is no test: the specifications see one and the same day. Raises `InputError` unless
        `level` is between 0 and 1.
        """
        check_share("level", level, 0.05)
        pvalue = self.table["pvalue"].dropna()
        return float((pvalue < level).mean()) if len(pvalue) else np.nan

    def printout(self) -> Printout:
        """Return the printed form: one row per specification, by its CAR."""
        low, high = self.range
        p = self.share_significant()
        significant = f"; p < 0.05 in {100 * p:.0f} %" if p == p else ""
        agree = self.sign_agreement
        agreement = "" if np.isnan(agree) else f"; {100 * agree:.0f} % have the median's sign"
        title = (
            f"Specification curve of {self.what}: {len(self.estimated)} of {len(self)} specifications estimated",
            f"CAR {_format.percent(low)} to {_format.percent(high)}, median {_format.percent(self.median)}"
            f"{agreement}{significant}",
        )
        notes = self.table["note"][self.table["note"] != ""].value_counts(sort=False)
        marks = [f"{count} specification(s): {note}" for note, count in notes.items()]
        return Printout(title, (PrintedTable(*self._cells(), left=3, marks=marks),))

    def _cells(self) -> tuple[list[str], list[list[str]]]:
        head = ["model", "window", "estimation", "CAR", "se", f"{100 * self.confidence:.0f} % interval", "t", "p"]
        rows = [
            [
                r["model"],
                r["window"],
                r["estimation"],
                _format.percent(r["car"]),
                _format.percent(r["se"]).removeprefix("+"),
                _format.interval(r["ci_low"], r["ci_high"], "percent"),
                _format.number(r["t"]),
                _format.pvalue(r["pvalue"]),
            ]
            for r in _format.rows(self.table.sort_values("car", kind="stable"))
        ]
        return head, rows


def specification_curve(
    events: Events,
    *,
    models: Sequence[ReturnModel],
    windows: Sequence[tuple[int, int]] = ((0, 0),),
    estimations: Sequence[tuple[int, int]] = ((-260, -11),),
    tickers: Sequence[str] | None = None,
    event_id: str | None = None,
    prices: Prices | Frame | None = None,
    returns: Frame | None = None,
    factors: Frame | None = None,
    test: str | None = None,
    confidence: float = 0.95,
    min_obs: int | None = None,
    on_closed: OnClosed = "raise",
    duplicates: Duplicates = "exclude",
    calendar: CalendarName = "auto",
    log: bool = False,
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
) -> SpecificationCurve:
    """Estimate the same CAR under every combination of model, window and estimation window.

    Parameters
    ----------
    events, tickers, prices, returns, factors, on_closed, duplicates, calendar, log, tolerate, on_findings
        As in `event_study`.
    models : sequence of ReturnModel
        The models to try.
    windows, estimations : sequence of pair of int, optional
        Event windows, over the whole of which the CAR is taken, and estimation windows: trading days relative to day 0.
    event_id : str, optional
        The event whose CAR is estimated; by default the mean over all events, or the one event there is.
    test : str, optional
        Test of the mean, as in `compare`.
    confidence : float, optional
        Coverage of the two-sided intervals.
    min_obs : int, optional
        Returns an event needs in the estimation window; by default 120, or nine tenths of a shorter window.

    Returns
    -------
    SpecificationCurve
        A specification whose windows overlap, or that no event meets, is a row with its reason, not an error.

    Raises
    ------
    InputError
        If a list of choices is empty or holds one twice, or no specification can be estimated.
    UnknownNameError, ChoiceError, WindowError, PriceError
        As in `event_study` and `compare`.

    Warns
    -----
    ExclusionWarning
        If some specifications leave events out: with other events they answer another question.
    PriceWarning
        As in `event_study`, once for all specifications.

    References
    ----------
    Simonsohn, Simmons and Nelson (2020), Specification curve analysis, Nature Human Behaviour 4, 1208-1214.

    Examples
    --------
    >>> import marketshock as ms
    >>> event, models = ms.load_catalog()["deepseek-selloff"], [ms.MarketModel("^GSPC"), ms.ConstantMean()]
    >>> data = {"tickers": ["NVDA"], "prices": ms.snapshot()}
    >>> curve = ms.specification_curve(event, **data, models=models, windows=[(0, 0), (0, 1)])
    >>> len(curve), curve.share_significant()
    (4, 0.5)
    """
    grids = _grids(models, windows, estimations)
    held = prices if prices is None or isinstance(prices, Prices) else Prices.from_frame(prices)
    common: dict[str, Any] = {"tickers": tickers, "prices": held, "returns": returns, "factors": factors}
    common |= {"on_closed": on_closed, "duplicates": duplicates, "calendar": calendar, "log": log}
    handling = Handling.of(tolerate, on_findings)
    common |= {"tolerate": tolerate, "on_findings": "raise" if on_findings == "raise" else "ignore"}
    made: list[StudyResult | str] = []
    for model, window, estimation in product(models, grids["window"], grids["estimation"]):
        made.append(_attempt(events, model, window, estimation, min_obs, common))
    studies = [study for study in made if isinstance(study, StudyResult)]
    if not studies:
        raise InputError("models", f"no specification can be estimated; the first: {made[0]}", "change the windows")
    check_mean_test(test)
    what = _what(studies, event_id)
    names = (
        numbered(_model_names(models, made)),
        *([str(w) for w in grids[k]] for k in ("window", "estimation")),
    )
    rows = []
    for labels, study in zip(product(*names), made, strict=True):
        answer = _answer(study, event_id, test, confidence)
        rows.append({**dict(zip(("model", "window", "estimation"), labels, strict=True)), **answer})
    table = pd.DataFrame(rows, columns=["model", "window", "estimation", *_ESTIMATES]).rename_axis("specification")
    _warn_of_exclusions(studies, len(made))
    handling.settle({found for study in studies for found in study.found}, stacklevel=3)
    choices = dict(zip(("model", "window", "estimation"), map(tuple, names), strict=True))
    return SpecificationCurve(table, choices, what, confidence)


def _model_names(models: Sequence[ReturnModel], made: Sequence[StudyResult | str]) -> list[str]:
    """Return the models by name, those of events with several benchmarks with all of them."""
    n = len(made) // len(models)
    blocks = (made[k * n : (k + 1) * n] for k in range(len(models)))
    found = (next((s.model_name for s in block if isinstance(s, StudyResult)), "") for block in blocks)
    return [name or model.name for name, model in zip(found, models, strict=True)]


def _grids(models: Sequence[ReturnModel], windows: Sequence[object], estimations: Sequence[object]) -> dict[str, Any]:
    """Read the windows, and refuse empty lists and choices given twice."""
    given = {"models": models, "windows": windows, "estimations": estimations}
    for name, choices in given.items():
        if not isinstance(choices, Sequence) or not len(choices):
            raise InputError(name, f"got {choices!r}", "give a list with one choice or more")
    read: dict[str, Any] = {name: [Window.of(name, w) for w in given[name]] for name in ("windows", "estimations")}
    for name, choices in {**given, **read}.items():
        twice = [choice for k, choice in enumerate(choices) if choice in choices[:k]]
        if twice:
            raise InputError(name, f"{twice[0]} is given twice", "name each choice once")
    return {"window": read["windows"], "estimation": read["estimations"]}


def _attempt(
    events: Events, model: ReturnModel, window: Window, estimation: Window, min_obs: int | None, common: dict[str, Any]
) -> StudyResult | str:
    """Return one study, or why there is none."""
    needed = min(120, -(-9 * len(estimation) // 10)) if min_obs is None else min_obs
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExclusionWarning)  # one warning for the whole curve follows
        try:
            study: StudyResult = event_study(
                events,
                model=model,
                window=(window.first, window.last),
                estimation=(estimation.first, estimation.last),
                min_obs=needed,
                **common,
            )
            return study
        except (WindowError, NoUsableEventsError) as error:
            return str(error)


def _what(studies: Sequence[StudyResult], event_id: str | None) -> str:
    known = list(dict.fromkeys(str(i) for study in studies for i in study.panel.event_id))
    if event_id is None:
        return known[0] if len(known) == 1 else f"the mean of {len(known)} events"
    if event_id not in known:
        raise UnknownNameError("event_id", [event_id], known)
    return event_id


def _answer(study: StudyResult | str, event_id: str | None, test: str | None, confidence: float) -> dict[str, Any]:
    blank = {**dict.fromkeys(_ESTIMATES, np.nan), "n_events": 0, "test": ""}
    if isinstance(study, str):
        return {**blank, "note": study}
    first, last = study.spec.window.first, study.spec.window.last
    if event_id is None and len(study) > 1:
        return mean_row(study, first, last, test, confidence)
    car = study.car(first, last, confidence=confidence)
    wanted = event_id or str(car.index[0])
    if wanted not in car.index:
        reason = str(study.exclusions["reason"].loc[wanted])
        return {**blank, "note": f"{wanted} is left out: {reason}"}
    return {**dict(car.loc[wanted]), "n_events": 1, "test": "t_firm"}


def _warn_of_exclusions(studies: Sequence[StudyResult], n_specifications: int) -> None:
    lacking = [study for study in studies if len(study.exclusions)]
    if lacking:
        first = lacking[0].exclusions
        warnings.warn(
            f"{len(lacking)} of {n_specifications} specifications leave events out (see n_events); the first is "
            f"{first.index[0]}: {first['reason'].iloc[0]}",
            ExclusionWarning,
            stacklevel=3,
        )
