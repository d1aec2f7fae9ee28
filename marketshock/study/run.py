"""One study from end to end: orchestration, no formula."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal, TypeAlias, get_args, overload

import pandas as pd

from .._typing import CalendarName, Duplicates, Frame, OnClosed, StrArray
from ..catalog.table import Events, EventTable, event_table
from ..engines.progress import Progress
from ..engines.run import Engine, check_engine, run_partitions
from ..errors import Argument, ExclusionWarning, InputError, NoUsableEventsError, UnknownNameError, Words, check_choice
from ..models.base import ReturnModel, factor_data
from ..panel.alignment import Exclusion
from ..panel.build import exclude_unestimable
from ..panel.estimation import CELLS, Estimated, Pieces, assembled, estimate, estimate_piece
from ..panel.event_panel import EventPanel
from ..panel.returns import Returns, factor_columns, returns_of_frame, returns_of_prices
from ..panel.spec import StudySpec
from ..providers.base import Prices
from ..providers.dataset import Dataset, ReturnsDataset, is_dataset
from ..providers.frames import dated
from ..providers.snapshot import bundled_factors
from ..windows import Window
from .folder import FolderPartitions, folder_market
from .partition import (
    PanelPartitions,
    Wanted,
    located,
    part_of_exclusions,
    parts_of_build,
    study_partition,
    summed_windows,
)
from .results import StudyResult
from .streamed import StudySummary

Keep: TypeAlias = Literal["all", "car", "aggregates"]
KEEP: tuple[Keep, ...] = get_args(Keep)


@overload
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
    keep: Literal["all"] = "all",
    windows: Sequence[tuple[int, int]] | None = None,
    engine: Engine = None,
    progress: Progress = None,
) -> StudyResult: ...


@overload
def event_study(
    events: Events,
    *,
    tickers: Sequence[str] | None = None,
    prices: Prices | Frame | None = None,
    returns: Frame | Dataset | None = None,
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
    keep: Literal["car", "aggregates"],
    windows: Sequence[tuple[int, int]] | None = None,
    engine: Engine = None,
    progress: Progress = None,
) -> StudySummary: ...


def event_study(
    events: Events,
    *,
    tickers: Sequence[str] | None = None,
    prices: Prices | Frame | None = None,
    returns: Frame | Dataset | None = None,
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
    keep: Keep = "all",
    windows: Sequence[tuple[int, int]] | None = None,
    engine: Engine = None,
    progress: Progress = None,
) -> StudyResult | StudySummary:
    """Estimate abnormal returns around events.

    Parameters
    ----------
    events : Event, sequence of Event, Catalog, or DataFrame
        A frame has columns ticker and date (a date, or a timestamp with its zone), and optionally event_id (unique),
        group, timing ("before_open", "during", "after_close") and on_closed.
    tickers : sequence of str, optional
        On which securities to study market-wide events (and frames without a ticker column). An event that names its
        own securities keeps them.
    prices : Prices or DataFrame
        Prices, or a frame of closes as `Prices.from_frame` takes it. Returns are computed from adjusted closes.
    returns : DataFrame, path, or pyarrow.dataset.Dataset
        Instead of prices: a frame of decimal returns, wide (dates by tickers) or long (date, ticker, ret). A Parquet
        folder in long form, each security in one file, or an Arrow dataset, is read a few securities at a time and
        needs ``keep="car"`` or ``"aggregates"``; its sessions are the dates of `factors`.
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
    keep : {"all", "car", "aggregates"}, optional
        What is kept of each event: its daily abnormal returns and its fit; its CARs; or nothing but its share in sums.
        The last needs some 200 bytes an event where the returns are in memory, and less where they are in files.
    windows : sequence of pair of int, optional
        With ``keep="car"`` and ``"aggregates"``: windows to cumulate over, besides the whole event window; averages and
        tests of each single day are always there.
    engine : None, concurrent.futures.Executor, or distributed.Client, optional
        Where the work is done: here, on an executor's workers, or on a Dask cluster. The numbers do not depend on it.
    progress : bool or callable, optional
        True shows a bar over the partitions; ``progress(items, n)`` wraps them in one of your own.

    Returns
    -------
    StudyResult
        With ``exclusions`` (every event left out, and why) and ``alignment`` (what was done with every date).
    StudySummary
        With ``keep="car"`` or ``"aggregates"``: averages, tests, and exclusions counted by reason.

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
        If prices, windows, names or options are not usable; the message says what to do.

    Warns
    -----
    ExclusionWarning
        If some events were left out.
    CalendarWarning
        If ``calendar="auto"`` finds that the dates do not fit the NYSE.

    Examples
    --------
    >>> import marketshock as ms
    >>> study = ms.event_study(
    ...     ms.load_catalog()["deepseek-selloff"],
    ...     tickers=["NVDA"],
    ...     prices=ms.snapshot(),
    ...     model=ms.MarketModel("^GSPC"),
    ... )
    >>> round(float(study.ar.loc["deepseek-selloff/NVDA", 0]), 4)
    -0.1326
    """
    _check_model(model)
    factor_frame = _factors(model, factors)
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
        factor_vintage="" if factor_frame is None else str(factor_frame.attrs.get("vintage", "")),
    )
    if tickers is not None:
        tickers = (tickers,) if isinstance(tickers, str) else tuple(str(t) for t in tickers)
    check_choice("keep", keep, KEEP)
    check_engine(engine)
    if windows is not None and keep == "all":
        raise InputError("windows", "with keep='all' every window can be read afterwards", "leave it out")
    table = event_table(events, tickers)
    if log and factor_frame is not None:
        remedy = Words("leave ", Argument("log", True), " out")
        raise InputError("factors", "the factors are simple returns, and log returns were asked for", remedy)
    _refuse_clash(factor_frame, table.names)
    wanted = Wanted(spec, summed_windows(spec.window, windows), keep == "car")
    if is_dataset(returns):
        if prices is not None or keep == "all":
            problem = "prices= is given too" if prices is not None else "a dataset is read and forgotten"
            raise InputError("returns", problem, "give one of the two" if prices is not None else "pass keep='car'")
        dataset = ReturnsDataset.open("returns", returns)
        _refuse_unknown(tickers, dataset.tickers)
        summary = _study_folder(wanted, table, dataset, factor_frame, engine, progress)
        _warn_of_exclusions(summary, len(table))
        return summary
    held = _prices(prices, returns)  # type: ignore[arg-type]
    market = _market(held, returns, factor_frame, spec, copy=keep == "all")  # type: ignore[arg-type]
    _refuse_unknown(tickers, market.all_names)
    study: StudyResult | StudySummary
    if keep == "all":
        study = replace(run_study(spec, table, market, engine, progress), prices=held)
    else:
        study = _summarised(wanted, table, market, engine, progress)
    _warn_of_exclusions(study, len(table))
    return study


def _summarised(wanted: Wanted, table: EventTable, market: Returns, engine: Engine, progress: Progress) -> StudySummary:
    """Study events whose returns are in memory, and keep sums."""
    build = located(wanted.spec, table, market)
    cells = None if engine is None and not progress else CELLS
    partitions = PanelPartitions(wanted, build.panel, cells) if len(build.panel) else ()
    parts = run_partitions(study_partition, partitions, engine, progress)
    return _checked(StudySummary.of(wanted, market.sessions.name, table, [parts_of_build(build), *parts]))


def _study_folder(
    wanted: Wanted,
    table: EventTable,
    dataset: ReturnsDataset,
    factors: pd.DataFrame | None,
    engine: Engine,
    progress: Progress,
) -> StudySummary:
    """Study events whose returns lie in files, and keep sums."""
    spec = wanted.spec
    market = folder_market(dataset, factors, spec.model, spec.calendar, spec.log)
    partitions = FolderPartitions(wanted, dataset, table, market)
    parts = run_partitions(study_partition, partitions, engine, progress)
    return _checked(StudySummary.of(wanted, market.sessions.name, table, [part_of_exclusions(partitions.left), *parts]))


def _checked(summary: StudySummary) -> StudySummary:
    if not len(summary):
        left = summary.exclusions.reset_index()
        first = [
            Exclusion(
                r["event_id"], r["ticker"], r["date"].to_datetime64().astype("datetime64[D]"), r["code"], r["reason"]
            )
            for r in left.to_dict("records")
        ]
        raise NoUsableEventsError(tuple(first), int(left["n_events"].sum()))
    return summary


def _refuse_unknown(tickers: Sequence[str] | None, known: Sequence[str]) -> None:
    unknown = [t for t in tickers or () if t not in known]
    if unknown:
        raise UnknownNameError("tickers", unknown, known)


def run_study(
    spec: StudySpec, table: EventTable, market: Returns, engine: Engine = None, progress: Progress = None
) -> StudyResult:
    """Study the events of a table by a spec, on returns that are read already: what `event_study` does last.

    Raises
    ------
    NoUsableEventsError
        If every event is excluded.
    NotSessionError, UnknownNameError
        As in `event_study`.
    """
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


def _refuse_clash(factors: pd.DataFrame | None, tickers: StrArray) -> None:
    """Refuse a factor that bears the name of a security studied (CMA and RF are tickers too)."""
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


def _market(
    held: Prices | None, returns: Frame | None, factors: pd.DataFrame | None, spec: StudySpec, copy: bool
) -> Returns:
    if held is not None:
        market = returns_of_prices(held, spec.calendar, spec.log)
    else:
        market = returns_of_frame(returns, spec.calendar, spec.log, copy)  # type: ignore[arg-type]
    return market if factors is None else factor_columns(market, factors)


def _prices(prices: Prices | Frame | None, returns: Frame | None) -> Prices | None:
    if (prices is None) == (returns is None):
        came = "neither" if prices is None else "both"
        raise InputError("prices", f"{came} of prices= and returns= given", "give exactly one of the two")
    return prices if prices is None or isinstance(prices, Prices) else Prices.from_frame(prices)


def _warn_of_exclusions(study: StudyResult | StudySummary, total: int) -> None:
    if len(study) < total:
        left = study.exclusions.reset_index()
        warnings.warn(
            f"{total - len(study)} of {total} events left out (see study.exclusions); the first is "
            f"{left['event_id'].iloc[0]}: {left['reason'].iloc[0]}",
            ExclusionWarning,
            stacklevel=3,
        )
