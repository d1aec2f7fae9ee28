"""Streamed event studies: events are estimated, summed and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .._typing import CalendarName, Duplicates, Frame, Gaps, OnClosed, OnFindings, OnHalt
from ..catalog.table import Events, EventTable
from ..engines.progress import Progress
from ..engines.run import Engine, check_engine, run_partitions
from ..errors import InputError, NoUsableEventsError, check_flag
from ..models.base import ReturnModel
from ..panel.alignment import Exclusion
from ..panel.build import PanelBuild
from ..panel.estimation import CELLS
from ..panel.returns import Sheet
from ..panel.spans import refuse_over_gaps
from ..providers.base import Prices
from ..providers.dataset import Dataset, ReturnsDataset, is_dataset
from ..providers.found import Handling
from .findings import checked_study, findings_of_factors, off_days
from .folder import FolderPartitions, folder_market
from .inputs import StudyInputs, prices_of, refuse_unknown, sheet_of, study_inputs
from .markets import MarketPart, market_parts
from .partition import PanelPartitions, StreamRequest, located, study_partition, summed_windows, sums_of_build
from .run import warn_of_exclusions
from .streamed import StreamedStudy


def summarize_events(
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
    gaps: Gaps = "missing",
    on_halt: OnHalt = "keep",
    tolerate: Sequence[str] = (),
    on_findings: OnFindings = "warn",
    windows: Sequence[tuple[int, int]] | None = None,
    cars: bool = False,
    engine: Engine = None,
    progress: Progress = None,
) -> StreamedStudy:
    """Estimate abnormal returns around events and keep sums over the events, not the events.

    The streamed form of `event_study`, for millions of events or for returns in files. The averages and tests are
    those of `event_study` up to the order of summation, and the same bytes however the work is divided.

    Parameters
    ----------
    events, tickers, prices, factors, model, window, estimation, min_obs, min_event_obs, on_closed, duplicates
        As in `event_study`, and so are the exceptions and warnings.
    calendar, log, gaps, on_halt, tolerate, on_findings, engine, progress
        As in `event_study`; of returns in files gaps and halts as by default. Of these the factors are checked, and the
        returns themselves as they are read.
    returns : DataFrame, path, or pyarrow.dataset.Dataset, optional
        Instead of prices: a frame of decimal returns as in `event_study`; or a Parquet folder in long form with each
        security in one file, or an Arrow dataset, which are read a few securities at a time. The sessions of a folder
        are the dates of `factors`.
    windows : sequence of pair of int, optional
        Windows to cumulate over, besides the whole event window. Single days are always summed.
    cars : bool, optional
        Keep each event's CAR over these windows, for `StreamedStudy.car`. Without it about 200 bytes per event are
        held where the returns are in memory, and less where they are in files.

    Returns
    -------
    StreamedStudy
        Averages, tests, CARs if `cars`, and exclusions counted by reason.

    See Also
    --------
    event_study : The same study with every event kept.

    Examples
    --------
    >>> import marketshock as ms
    >>> event, model = ms.load_catalog()["deepseek-selloff"], ms.MarketModel("^GSPC")
    >>> study = ms.summarize_events(event, tickers=ms.MAGNIFICENT_SEVEN, prices=ms.snapshot(), model=model)
    >>> round(float(study.aar().loc[0, "aar"]), 4)
    -0.0055
    """
    check_engine(engine)
    handling = Handling.of(tolerate, on_findings)
    cars = check_flag("cars", cars)
    rest = (min_obs, min_event_obs, on_closed, duplicates, calendar, log, gaps, on_halt)
    inputs = study_inputs(events, tickers, factors, model, window, estimation, *rest)
    request = StreamRequest(inputs.spec, summed_windows(inputs.spec.window, windows), cars)
    if is_dataset(returns):
        if prices is not None:
            raise InputError("returns", "prices= is given too", "give one of the two")
        refuse_over_gaps(inputs.spec.gaps, inputs.spec.on_halt == "reopen")
        dataset = ReturnsDataset.open("returns", returns)
        refuse_unknown(inputs.tickers, dataset.tickers)
        _refuse_own_markets(inputs.table)
        study = _of_folder(request, inputs, dataset, handling, engine, progress)
    else:
        held = prices_of(prices, returns)
        sheet = sheet_of(inputs, held, returns, copy=False)  # type: ignore[arg-type]
        refuse_unknown(inputs.tickers, inputs.known(sheet.names))
        part = single_market(inputs, sheet)
        build = located(part.spec, inputs.table, part.returns)
        read = [(build.panel, part.spec.model)]
        found = checked_study(read, held, handling, off_days(read))
        study = replace(_in_memory(request, part, build, engine, progress), found=found)
    warn_of_exclusions(study.exclusions, len(study), len(inputs.table))
    return study


def _refuse_own_markets(table: EventTable) -> None:
    """Refuse what a study of returns in files does not read of its events."""
    given = [name for name in ("market", "benchmark", "calendar") if (getattr(table, name) != "").any()]
    given += ["window_first, ..."] if table.own_windows is not None else []
    if given:
        what = f"the column {given[0]!r} is not read where returns are in files"
        raise InputError("events", what, "use ms.event_study, or summarize each market by itself")


def single_market(inputs: StudyInputs, sheet: Sheet) -> MarketPart:
    """Return the only market of the events; raise `InputError` if there are several, or windows of their own."""
    parts = market_parts(inputs.spec, inputs.table, sheet, inputs.factors)
    if len(parts) > 1:
        what = f"the events lie in {len(parts)} markets, or have windows of their own"
        raise InputError("events", what, "use ms.event_study, or summarize each market by itself")
    return parts[0]


def _in_memory(
    request: StreamRequest, part: MarketPart, build: PanelBuild, engine: Engine, progress: Progress
) -> StreamedStudy:
    """Study events whose returns are in memory."""
    request = replace(request, spec=part.spec)
    cells = None if engine is None and not progress else CELLS
    partitions = PanelPartitions(request, build.panel, cells) if len(build.panel) else ()
    parts = run_partitions(study_partition, partitions, engine, progress)
    calendar = part.returns.sessions.name
    return _checked(StreamedStudy.of(request, calendar, build.panel.table, [sums_of_build(build), *parts]))


def _of_folder(
    request: StreamRequest,
    inputs: StudyInputs,
    dataset: ReturnsDataset,
    handling: Handling,
    engine: Engine,
    progress: Progress,
) -> StreamedStudy:
    """Study events whose returns are in files."""
    spec, table = request.spec, inputs.table
    market = folder_market(dataset, inputs.factors, spec.model, spec.calendar, spec.log)
    read, given = findings_of_factors(market, spec.model), inputs.known(())  # benchmarks in the files are among them
    found = handling.settle([f for f in read if f.ticker in given], "study.findings", "factors")
    found += handling.settle([f for f in read if f.ticker not in given], "study.findings", "returns")
    partitions = FolderPartitions(request, dataset, table, market)
    parts = run_partitions(study_partition, partitions, engine, progress)
    study = _checked(StreamedStudy.of(request, market.sessions.name, table, [partitions.excluded(), *parts]))
    return replace(study, found=found)


def _checked(study: StreamedStudy) -> StreamedStudy:
    if not len(study):
        rows = study.exclusions.reset_index().to_dict("records")
        first = [
            Exclusion(
                r["event_id"], r["ticker"], r["date"].to_datetime64().astype("datetime64[D]"), r["code"], r["reason"]
            )
            for r in rows
        ]
        raise NoUsableEventsError(tuple(first), int(study.exclusions["n_events"].sum()))
    return study
