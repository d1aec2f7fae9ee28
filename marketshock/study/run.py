"""Event studies from events and prices to results: orchestration, no formula."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd

from .._typing import CalendarName, Duplicates, Frame, Gaps, OnClosed, OnFindings, OnHalt
from ..catalog.table import Events, EventTable
from ..engines.progress import Progress
from ..engines.run import Engine, check_engine, run_partitions
from ..errors import ExclusionWarning, InputError, NoUsableEventsError
from ..markets import Markets, markets_by_name
from ..models.base import ReturnModel
from ..panel.alignment import Exclusion, Exclusions, joined_alignment
from ..panel.build import PanelBuild, Requirements, exclude_unestimable
from ..panel.estimation import CELLS, Estimated, Pieces, assembled, estimate, estimate_piece
from ..panel.event_panel import EventPanel
from ..panel.joined import JoinedPanel, joined_abnormal, joined_fit
from ..panel.returns import Returns
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..providers.dataset import is_dataset
from ..providers.found import Handling
from ..windows import Window
from .findings import checked_study, off_days
from .foreign import Held, foreign_benchmarks
from .inputs import prices_of, refuse_unknown, sheet_of, study_inputs
from .markets import MarketPart, market_parts
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
    markets: Markets | None = None,
    log: bool = False,
    gaps: Gaps = "missing",
    on_halt: OnHalt = "keep",
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
        group, timing ("before_open", "during", "after_close") and on_closed; market, benchmark and calendar, where the
        event is not of the market of the others; window_first, window_last, estimation_first and estimation_last, its
        own windows. Other columns are kept as traits. Rows that differ only in group are one event of several groups:
        it is in each of them, and counts once in what is not by group.
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
    calendar : str, optional
        On which sessions days are counted: "NYSE", another exchange's code such as "XETR" (needs the extra
        ``calendars``), "24/7", or "index" for the days on which the benchmark has a price; without a benchmark
        for all dates given. "auto" is New York's table if the days of the benchmark (without one, of the security) are
        its sessions but for stray rows, otherwise those days. Rows on which only others have a price are no sessions.
    markets : Market, sequence of Market, or mapping of str to Market, optional
        Markets that the columns ``market`` or ``benchmark`` of the events name; a single one is the market of all
        events. Each event is studied on the sessions and against the benchmark of its own market.
    log : bool, optional
        Log returns; with ``returns=`` it says that they are logarithmic.
    gaps : {"missing", "span", "trade_to_trade"}, optional
        The return over sessions without a price: "missing" leaves it out. "span" takes it for the return of the first
        day with a price, against the benchmark over the same sessions, if the last price is ten sessions back at most.
        "trade_to_trade" does so for gaps of any length, with mean and variance that grow with the sessions n
        (``R = n alpha + beta Rm + e``, weights 1/n). Both need prices, and a model of one session at a time.
    on_halt : {"keep", "reopen", "exclude"}, optional
        An event on whose day the security has no price: "keep" says in the notes when the price came back and how far
        it moved; "reopen" makes day 0 the first session with a price, with the return over the halt in it, and leaves
        the estimation window where it was; "exclude" leaves the event out.
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
    rest = (min_obs, min_event_obs, on_closed, duplicates, calendar, log, gaps, on_halt)
    inputs = study_inputs(events, tickers, factors, model, window, estimation, *rest)
    if is_dataset(returns):
        what = "a folder or dataset is read a few securities at a time, and its events are not kept"
        raise InputError("returns", what, "use ms.summarize_events, or read it into a frame")
    held = prices_of(prices, returns)
    sheet = sheet_of(inputs, held, returns, copy=True)
    refuse_unknown(inputs.tickers, inputs.known(sheet.names))
    known = markets_by_name(markets)
    parts = market_parts(inputs.spec, inputs.table, sheet, inputs.factors, known)
    study = run_parts(inputs.spec, inputs.table, parts, engine, progress)
    own = study.parts or (study,)
    read = [(part.single_panel, part.spec.model) for part in own]
    foreign = foreign_benchmarks([Held(part.single_panel, part.spec, part.market) for part in own], held, known)
    found = checked_study(read, held, handling, [*off_days(read), *foreign])
    study = study.with_prices(held, found)
    warn_of_exclusions(study.exclusions, len(study), len(inputs.table))
    return study


def run_parts(
    spec: StudySpec, table: EventTable, parts: Sequence[MarketPart], engine: Engine = None, progress: Progress = None
) -> StudyResult:
    """Study the events of each market on its own sessions, and join them; raises as `event_study` does."""
    need = Requirements(spec.min_obs, spec.min_event_obs, spec.on_closed, spec.duplicates, on_halt=spec.on_halt)
    done = [_run(part, part.build(table, need), engine, progress) for part in parts]
    if len(done) == 1 and len(parts[0].events) == len(table):
        study, exclusions = done[0][0], done[0][1].exclusions.named()
    else:
        study, exclusions = _joined(spec, table, parts, done)
    if study is None:
        raise NoUsableEventsError(exclusions)
    return study


def run_study(
    spec: StudySpec, table: EventTable, market: Returns, engine: Engine = None, progress: Progress = None
) -> StudyResult:
    """Study the events of a table by a spec, on returns that are read already; raises as `event_study` does."""
    return run_parts(spec, table, [MarketPart(np.arange(len(table)), spec, market)], engine, progress)


def _run(
    part: MarketPart, build: PanelBuild, engine: Engine, progress: Progress
) -> tuple[StudyResult | None, PanelBuild]:
    """Estimate the events of a build; no study where none can be."""
    if not len(build.panel):
        return None, build
    spec, panel = part.spec, build.panel
    made = _estimated(panel, spec.model, engine, progress)
    fit, abnormal = made.fit, made.abnormal
    estimable = fit.problem == ""
    if not estimable.all():
        build = exclude_unestimable(build, fit.problem)
        fit, abnormal = fit.take(estimable), abnormal.take(estimable)
    if not len(build.panel):
        return None, build
    left = build.exclusions.named()
    return StudyResult(spec, build.panel, fit, abnormal, build.alignment, left, market=part.market), build


def _once(studies: Sequence[StudyResult], left: Exclusions) -> list[StudyResult]:
    """Leave out every event after the first of the same security and session, whatever its benchmark and windows."""
    if len(studies) < 2:
        return list(studies)
    table = left.table
    position = np.concatenate([study.panel.position for study in studies])
    session = np.concatenate([study.panel.session for study in studies])
    order = np.argsort(position, kind="stable")
    events = position[order]
    key = pd.Series((table.security[events].astype(np.int64) << 32) + session[order].astype(np.int64))
    again = key.duplicated().to_numpy()
    first = dict(zip(key[~again].tolist(), events[~again].tolist(), strict=True))
    for at in np.flatnonzero(again):
        name, other = table.names[table.security[events[at]]], table.id_of(first[int(key[at])])
        what = f"{name} on the same session is already event {other!r}, with another benchmark or other windows"
        left.add(events[at], "duplicate", f"{what}: counted once, as duplicates is 'exclude'; 'keep' keeps both")
    kept = [~np.isin(study.panel.position, events[again]) for study in studies]
    return [study if keep.all() else study.some(keep) for study, keep in zip(studies, kept, strict=True) if keep.any()]


def _joined(
    spec: StudySpec,
    table: EventTable,
    parts: Sequence[MarketPart],
    done: Sequence[tuple[StudyResult | None, PanelBuild]],
) -> tuple[StudyResult | None, tuple[Exclusion, ...]]:
    """Join the studies of the markets in the order of the events, and what they left out."""
    left = Exclusions(table)
    for part, (_, build) in zip(parts, done, strict=True):
        for position, (code, reason) in build.exclusions.items():
            left.add(part.events[position], code, reason)
    aligned = [(part.events, build.alignment) for part, (_, build) in zip(parts, done, strict=True)]
    alignment = joined_alignment(table, aligned)
    studies = [
        study.among(table, part.events) for part, (study, _) in zip(parts, done, strict=True) if study is not None
    ]
    if spec.duplicates == "exclude":
        studies = _once([study for study in studies if len(study)], left)
    exclusions = left.named()
    if not studies:
        return None, exclusions
    panel = JoinedPanel.of([study.single_panel for study in studies])
    fit = joined_fit(panel, [study.fit for study in studies])
    abnormal = joined_abnormal(panel, [study.abnormal for study in studies])
    before = min(panel.estimation.last, panel.window.first - 1)
    whole = replace(spec, window=panel.window, estimation=Window(min(panel.estimation.first, before), before))
    return StudyResult(whole, panel, fit, abnormal, alignment, exclusions, parts=tuple(studies)), exclusions


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
