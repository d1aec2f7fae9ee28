"""Inputs of a study: options validated, events as a table, factors and returns as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from .._typing import CalendarName, Duplicates, Frame, Gaps, IntArray, OnClosed, OnHalt, StrArray
from ..catalog.table import Events, EventTable, event_table
from ..errors import Argument, InputError, UnknownNameError, Words, check_choice
from ..models.base import ReturnModel, factor_data
from ..panel.alignment import Exclusion
from ..panel.joined import AnyPanel
from ..panel.returns import Sheet
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..providers.frames import dated, pandas_frame
from ..providers.snapshot import bundled_factors
from ..windows import Window


@dataclass(frozen=True, slots=True, eq=False)
class StudyInputs:
    """Options, events, factor returns (decimal, dates by factors; None if the model reads none) and tickers of a study.

    The tickers are the securities named by the caller for market-wide events.
    """

    spec: StudySpec
    table: EventTable
    factors: pd.DataFrame | None
    tickers: tuple[str, ...] | None

    def known(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return names of securities with those of the factors."""
        return (*names, *(map(str, self.factors.columns) if self.factors is not None else ()))


def study_inputs(
    events: Events,
    tickers: Sequence[str] | None,
    factors: Frame | None,
    model: ReturnModel,
    window: tuple[int, int],
    estimation: tuple[int, int],
    min_obs: int,
    min_event_obs: int,
    on_closed: OnClosed,
    duplicates: Duplicates,
    calendar: CalendarName,
    log: bool,
    gaps: Gaps = "missing",
    on_halt: OnHalt = "keep",
) -> StudyInputs:
    """Validate the options of a study and read its events and factors; parameters as in `event_study`."""
    _check_model(model)
    frame = _factors(model, factors)
    spec = StudySpec(
        model=model,
        window=Window.of("window", window),
        estimation=Window.of("estimation", estimation),
        min_obs=min_obs,
        min_event_obs=min_event_obs,
        on_closed=on_closed,
        duplicates=duplicates,
        calendar=calendar,
        log=log,
        factor_vintage="" if frame is None else str(frame.attrs.get("vintage", "")),
        gaps=gaps,
        on_halt=on_halt,
    )
    if tickers is not None:
        tickers = (tickers,) if isinstance(tickers, str) else tuple(str(t) for t in tickers)
    table = event_table(events, tickers)
    if spec.log and frame is not None:
        remedy = Words("leave ", Argument("log", True), " out")
        raise InputError("factors", "the factors are simple returns, and log returns were asked for", remedy)
    _refuse_clash(frame, table.names)
    return StudyInputs(spec, table, frame, tickers)


def prices_of(prices: Prices | Frame | None, returns: object) -> Prices | None:
    """Return the prices given, a frame read as such; None where returns were given instead."""
    if (prices is None) == (returns is None):
        came = "neither" if prices is None else "both"
        raise InputError("prices", f"{came} of prices= and returns= given", "give exactly one of the two")
    return prices if prices is None or isinstance(prices, Prices) else Prices.from_frame(pandas_frame("prices", prices))


def sheet_of(inputs: StudyInputs, held: Prices | None, returns: Frame | None, copy: bool) -> Sheet:
    """Return prices or returns as they were given."""
    log = inputs.spec.log
    return Sheet.of_prices(held, log) if held is not None else Sheet.of_frame(returns, log, copy)  # type: ignore[arg-type]


def refuse_unknown(tickers: Sequence[str] | None, known: Sequence[str]) -> None:
    """Raise `UnknownNameError` if a ticker has no returns."""
    unknown = [t for t in tickers or () if t not in known]
    if unknown:
        raise UnknownNameError("tickers", unknown, known)


def positions_of(
    panel: AnyPanel, event_id: str | Sequence[str] | None, exclusions: Sequence[Exclusion] = ()
) -> IntArray:
    """Return the places of events by id, or of all for None.

    Raises
    ------
    UnknownNameError
        If no event has an id; where the event was excluded the message gives the reason.
    InputError
        If no event is named.
    """
    known = [str(name) for name in panel.event_id]
    names = known if event_id is None else [event_id] if isinstance(event_id, str) else list(map(str, event_id))
    unknown = [name for name in names if name not in known]
    if unknown:
        left = next((e.reason for e in exclusions if e.event_id == unknown[0]), "")
        raise UnknownNameError("event_id", unknown, known, f"it was left out: {left}" if left else "")
    if not names:
        raise InputError("event_id", "names no event", "name one or more, or leave it out")
    place = {name: at for at, name in enumerate(known)}
    return np.array([place[name] for name in names])


def _refuse_clash(factors: pd.DataFrame | None, tickers: StrArray) -> None:
    """Refuse a factor with the name of a security studied (CMA and RF are tickers too)."""
    clash = sorted(set(map(str, factors.columns)) & set(map(str, tickers))) if factors is not None else []
    if clash:
        raise InputError("factors", f"{clash[0]!r} is a factor and a security studied", "rename the factor's column")


def _factors(model: ReturnModel, factors: Frame | None) -> pd.DataFrame | None:
    """Return the user's factors, or the bundled ones where the model reads them."""
    if factors is not None:
        return dated("factors", factors)
    if not factor_data(model):
        return None
    check_choice("factor_data", factor_data(model), ("french",))
    return bundled_factors()


def _check_model(model: object) -> None:
    parts = ("name", "terms", "intercept", "offset", "param_names", "fit")
    if isinstance(model, type) or not all(hasattr(model, part) for part in parts):
        shown = model.__name__ if isinstance(model, type) else repr(model)
        raise InputError("model", f"got {shown}", 'give a model such as ms.MarketModel("^GSPC")')
