"""Event studies from events and prices to results: orchestration, no formula."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from .._typing import CalendarName, Duplicates, Frame, OnClosed, OnFindings
from ..catalog.table import Events, EventTable
from ..engines.progress import Progress
from ..engines.run import Engine, check_engine, run_partitions
from ..errors import ExclusionWarning, InputError, NoUsableEventsError
from ..models.base import ReturnModel
from ..panel.build import exclude_unestimable
from ..panel.estimation import CELLS, Estimated, Pieces, assembled, estimate, estimate_piece
from ..panel.event_panel import EventPanel
from ..panel.returns import Returns
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..providers.dataset import is_dataset
from ..providers.found import Handling
from .findings import checked_study
from .inputs import market_of, prices_of, refuse_unknown, study_inputs
from .partition import located
from .results import StudyResult


def event_study(
    events: Events,
    *,
    tickers: Sequence[str] | None = None,
    prices: Prices | Frame | None = None,
    returns: Frame | None = None,
    factors: Frame | None = None,
    model: ReturnModel,
    window: tuple[int, int] = (-1, 5),
    estimation: tuple[int, int] = (-260, -11),
    min_obs: int = 120,
    min_event_obs: int = 1,
    on_closed: OnClosed = "raise",
    duplicates: Duplicates = "exclude",
    calendar: CalendarName = "auto",
    log: bool = False,
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
    engine: Engine = None,
    progress: Progress = None,
) -> StudyResult:
    """Estimate abnormal returns around events.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, or DataFrame
        A frame has columns ticker and date (a date, or a timestamp with its zone), and optionally event_id (unique),
        group, timing ("before_open", "during", "after_close") and on_closed. Rows that differ only in group are one
        event of several groups: it is in each of them, and counts once in what is not by group.
    tickers : sequence of str, optional
        On which securities to study market-wide events (and frames without a ticker column). An event that names its
        own securities keeps them.
    prices : Prices or DataFrame, optional
        Prices, or a frame of closes as read by `Prices.from_frame`. Returns are computed from adjusted closes.
    returns : DataFrame, optional
        Instead of prices: a frame of decimal returns, wide (dates by tickers) or long (date, ticker, ret).
    factors : DataFrame, optional
        Factor returns (decimal, dates by factors) for a `FactorModel`, as `french_factors` returns them. Without them
        `FamaFrench` reads the bundled ones; ``attrs["vintage"]`` of the frame, if there is one, goes into
        ``spec.factor_vintage``.
    model : ReturnModel
        `MarketModel`, `MarketAdjusted`, `ConstantMean`, `FactorModel`, `CAPM`, `FamaFrench`, `ScholesWilliams`,
        `Dimson`, `HuberModel`, `GarchModel`, or one of them inside `RecentVolatility`.
    window, estimation : pair of int, optional
        Trading days relative to day 0, both ends included; the estimation window must end before the event window.
    min_obs, min_event_obs : int, optional
        Returns an event needs in either window; events with fewer are excluded with the reason.
    on_closed : {"raise", "next", "previous", "drop"}, optional
        What to do with a date (without a time) on which the market was closed, where the event itself does not say.
    duplicates : {"exclude", "keep"}, optional
        Whether to leave out a second event of the same security and session.
    calendar : {"auto", "NYSE", "index"}, optional
        On which sessions days are counted: the NYSE table, the dates of the prices, or the table where the dates fit.
    log : bool, optional
        Log returns; with ``returns=`` it says that they are logarithmic.
    tolerate : sequence of str, optional
        Rules of `check_prices` whose findings are notes only, such as "tick".
    on_findings : {"warn", "raise", "ignore"}, optional
        What to do about warnings of the checks of prices and factors. What refuses raises in any case, unless its rule
        is tolerated; ``study.findings`` lists everything.
    engine : None, concurrent.futures.Executor, or distributed.Client, optional
        Where the estimation runs: here, on an executor's workers, or on a Dask cluster. The numbers are the same bytes.
    progress : bool or callable, optional
        True shows a bar over the partitions; ``progress(items, n)`` wraps them in one of your own.

    Returns
    -------
    StudyResult
        With ``exclusions`` (every excluded event and the reason) and ``alignment`` (the session of every date).

    See Also
    --------
    summarize_events : The same study for millions of events, or for returns in files: sums instead of events.

    Notes
    -----
    Frames may be of pandas, polars or Arrow; dates are their index or a column named date.

    Raises
    ------
    NoUsableEventsError
        If every event is excluded.
    NotSessionError
        If a date is no session and nothing says what to do.
    EngineError
        If partitions were lost with their workers.
    PriceError, WindowError, UnknownNameError, InputError
        If prices, windows, names or options are not usable; the message says what to do. Prices are checked on the
        columns and days that are read.

    Warns
    -----
    ExclusionWarning
        If some events were excluded.
    CalendarWarning
        If ``calendar="auto"`` finds that the dates do not fit the NYSE.
    PriceWarning
        If prices that are read look wrong: see `check_prices`.

    Examples
    --------
    >>> import marketshock as ms
    >>> event, model = ms.load_catalog()["deepseek-selloff"], ms.MarketModel("^GSPC")
    >>> study = ms.event_study(event, tickers=["NVDA"], prices=ms.snapshot(), model=model)
    >>> round(float(study.ar.loc["deepseek-selloff/NVDA", 0]), 4)
    -0.1326
    """
    check_engine(engine)
    handling = Handling.of(tolerate, on_findings)
    rest = (min_obs, min_event_obs, on_closed, duplicates, calendar, log)
    inputs = study_inputs(events, tickers, factors, model, window, estimation, *rest)
    if is_dataset(returns):
        what = "a folder or dataset is read a few securities at a time, and its events are not kept"
        raise InputError("returns", what, "use ms.summarize_events, or read it into a frame")
    held = prices_of(prices, returns)
    market = market_of(inputs, held, returns, copy=True)
    refuse_unknown(inputs.tickers, market.all_names)
    study = run_study(inputs.spec, inputs.table, market, engine, progress)
    found = checked_study([(study.panel, inputs.spec.model)], held, handling)
    study = replace(study, prices=held, found=found)
    warn_of_exclusions(study.exclusions, len(study), len(inputs.table))
    return study


def run_study(
    spec: StudySpec, table: EventTable, market: Returns, engine: Engine = None, progress: Progress = None
) -> StudyResult:
    """Study the events of a table by a spec, on returns that are read already; raises as `event_study` does."""
    build = located(spec, table, market)
    if not len(build.panel):
        raise NoUsableEventsError(build.exclusions.named())
    made = _estimated(build.panel, spec.model, engine, progress)
    fit, abnormal = made.fit, made.abnormal
    estimable = fit.problem == ""
    if not estimable.all():
        build = exclude_unestimable(build, fit.problem)
        fit, abnormal = fit.take(estimable), abnormal.take(estimable)
    if not len(build.panel):
        raise NoUsableEventsError(build.exclusions.named())
    return StudyResult(spec, build.panel, fit, abnormal, build.alignment, build.exclusions.named())


def _estimated(panel: EventPanel, model: ReturnModel, engine: Engine, progress: Progress) -> Estimated:
    """Estimate all events, on an engine a few securities at a time."""
    if engine is None and not progress:
        return estimate(panel, model)
    work = partial(estimate_piece, model=model)
    return assembled(panel, run_partitions(work, Pieces(panel, CELLS), engine, progress))


def warn_of_exclusions(exclusions: pd.DataFrame, studied: int, given: int) -> None:
    """Warn of excluded events, with the first of them; `exclusions` is indexed by event_id."""
    if studied < given:
        first = exclusions["reason"].index[0], exclusions["reason"].iloc[0]
        what = (
            f"{given - studied} of {given} events excluded (see study.exclusions); the first is {first[0]}: {first[1]}"
        )
        warnings.warn(what, ExclusionWarning, stacklevel=3)
