"""One study from end to end: orchestration, no formula."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from ._typing import CalendarName, Duplicates, Frame, OnClosed, StrArray
from .catalog.table import Events, EventTable, event_table
from .errors import ExclusionWarning, InputError, NoUsableEventsError, UnknownNameError, check_choice
from .estimation import estimate
from .models.base import ReturnModel, factor_data
from .panel import Requirements, build_panel, exclude_unestimable
from .providers.base import Prices
from .providers.frames import dated
from .providers.snapshot import bundled_factors
from .results import StudyResult
from .returns import Returns, returns_of_frame, returns_of_prices, with_factors
from .spec import StudySpec
from .windows import Window


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
) -> StudyResult:
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
    returns : DataFrame
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

    Returns
    -------
    StudyResult
        With ``exclusions`` (every event left out, and why) and ``alignment`` (what was done with every date).

    Notes
    -----
    Frames may be of pandas, polars or Arrow; dates are their index or a column named date.

    Raises
    ------
    NoUsableEventsError
        If every event is excluded.
    NotSessionError
        If a date is no session and nothing says what to do.
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
    table = event_table(events, tickers)
    if log and factor_frame is not None:
        raise InputError("factors", "factors are simple returns, and log=True was asked for", "run it with log=False")
    held = _prices(prices, returns)
    market = _market(held, returns, factor_frame, spec)
    _refuse_clash(factor_frame, table.ticker)
    unknown = [t for t in tickers or () if t not in market.names]
    if unknown:
        raise UnknownNameError("tickers", unknown, market.names)
    study = replace(run_study(spec, table, market), prices=held)
    _warn_of_exclusions(study, len(table))
    return study


def run_study(spec: StudySpec, table: EventTable, market: Returns) -> StudyResult:
    """Study the events of a table by a spec, on returns that are read already: what `event_study` does last.

    Raises
    ------
    NoUsableEventsError
        If every event is excluded.
    NotSessionError, UnknownNameError
        As in `event_study`.
    """
    model = spec.model
    need = Requirements(spec.min_obs, spec.min_event_obs, spec.on_closed, spec.duplicates)
    build = build_panel(table, market, model, spec.estimation, spec.window, need)
    if not len(build.panel):
        raise NoUsableEventsError(build.exclusions)
    made = estimate(build.panel, model)
    fit, abnormal = made.fit, made.abnormal
    estimable = fit.problem == ""
    if not estimable.all():
        build = exclude_unestimable(build, fit.problem)
        fit, abnormal = fit.take(estimable), abnormal.take(estimable)
    if not len(build.panel):
        raise NoUsableEventsError(build.exclusions)
    return StudyResult(spec, build.panel, fit, abnormal, build.alignment, build.exclusions)


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


def _market(held: Prices | None, returns: Frame | None, factors: pd.DataFrame | None, spec: StudySpec) -> Returns:
    if held is not None:
        market = returns_of_prices(held, spec.calendar, spec.log)
    else:
        market = returns_of_frame(returns, spec.calendar, spec.log)  # type: ignore[arg-type]
    return market if factors is None else with_factors(market, factors)


def _prices(prices: Prices | Frame | None, returns: Frame | None) -> Prices | None:
    if (prices is None) == (returns is None):
        came = "neither" if prices is None else "both"
        raise InputError("prices", f"{came} of prices= and returns= given", "give exactly one of the two")
    return prices if prices is None or isinstance(prices, Prices) else Prices.from_frame(prices)


def _warn_of_exclusions(study: StudyResult, total: int) -> None:
    if len(study) < total:
        left = study.exclusions
        warnings.warn(
            f"{len(left)} of {total} events left out (see study.exclusions); the first is {left.index[0]}: "
            f"{left['reason'].iloc[0]}",
            ExclusionWarning,
            stacklevel=3,
        )
