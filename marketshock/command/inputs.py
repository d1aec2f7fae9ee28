"""Inputs of the command line: the events, prices, models and plans that its arguments name."""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import inspect
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .._bundled import MAGNIFICENT_SEVEN
from ..errors import Argument, InputError, PartialDataWarning, PriceWarning, UnknownNameError, Words

if TYPE_CHECKING:
    import pandas as pd

    from ..backtests.plan import Plan
    from ..claims.verify import Claims
    from ..engines.progress import Progress
    from ..explained.explanation import Explanation
    from ..providers.base import Prices
    from ..providers.store import Store
    from ..report.backtest import BacktestReport
    from ..report.fragility import Asked
    from ..study.results import StudyResult
    from ..volatility.fragility import Fragility
    from ..volatility.membership import Membership

_CACHE = "MARKETSHOCK_CACHE"
_A_DAY = dt.timedelta(days=1)
_MARGIN = 10  # sessions fetched beyond the windows, for leads, lags and dates that move
_PAGE = ("out", "title", "json", "offline", "quiet", "cache", "command", "spell", "refuse")


def given(arguments: argparse.Namespace, function: Callable[..., Any]) -> dict[str, Any]:
    """Return those arguments of a function that the command line has."""
    return {name: getattr(arguments, name) for name in inspect.signature(function).parameters if name in arguments}


def events_of(path: str) -> Any:
    """Return the events of a file, or the bundled ones."""
    from ..catalog.load import load_catalog
    from ..providers.files import read_events

    if path == "bundled":
        return list(load_catalog().values())
    return list(load_catalog(path).values()) if path.endswith(".toml") else read_events(path)


def market_of(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the prices or returns, and the factors, that are named."""
    from ..providers.files import read_returns
    from ..providers.joined import joined_prices

    market: dict[str, Any] = {}
    if arguments.returns:
        market["returns"] = read_returns(arguments.returns)
    elif "yahoo" in (named := _files(arguments.prices)):
        if len(named) > 1:
            raise InputError("prices", f"names yahoo and {len(named) - 1} more", "give yahoo alone, or files")
        market["prices"] = _prices_of_study(arguments, events, environment)
    else:
        market["prices"] = joined_prices("prices", [(name, _prices_of_file(name)) for name in named])
    if arguments.factors:
        market["factors"] = _factors(arguments.factors)
    return market


def _files(named: Sequence[str]) -> list[str]:
    """Return the files of an option that may be given several times, each with several names and commas between."""
    parts = [[text] if os.path.isfile(text) else text.split(",") for text in named]
    return [name.strip() for part in parts for name in part if name.strip()]


def _prices_of_file(path: str) -> Prices:
    from ..providers.files import read_prices
    from ..providers.snapshot import snapshot

    return snapshot() if path == "bundled" else read_prices(path)


def _factors(text: str) -> pd.DataFrame:
    from ..providers.files import read_returns
    from ..providers.french import french_factors

    if text == "bundled":
        return french_factors()
    zips = [text] if os.path.isfile(text) else text.split(",")
    return french_factors(zips) if all(z.lower().endswith(".zip") for z in zips) else read_returns(text)


def _prices_of_study(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> Prices:
    """Fetch the tickers of the events and the benchmarks, from the estimation window to the event window."""
    from ..study.run import event_study

    chosen = {name: p.default for name, p in inspect.signature(event_study).parameters.items()}
    chosen |= given(arguments, event_study)
    reach = chosen["estimation"][0], chosen["window"][1]
    named = list(dict.fromkeys(filter(None, [*_benchmarks(arguments), *_own_benchmarks(arguments, events)])))
    return _prices_around(events, arguments.tickers, named, reach, _access(arguments, environment))


def _prices_around(
    events: Any, tickers: Any, benchmarks: Sequence[str], reach: tuple[int, int], access: Mapping[str, Any]
) -> Prices:
    """Fetch the securities of events and their benchmarks, over the sessions around the events."""
    import numpy as np

    from ..catalog.table import event_table
    from ..providers.cache import utc_now
    from ..providers.fetch import yahoo
    from ..sessions import nyse

    table, days = event_table(events, tickers), nyse().days
    beyond = np.clip([reach[0] - _MARGIN, reach[1] + _MARGIN], -len(days), len(days))
    at = np.searchsorted(days, [table.given.min(), table.given.max()]) + beyond
    first, last = days[np.clip(at, 0, len(days) - 1)].astype(object)
    end = last if last < utc_now().date() - _A_DAY else None
    prices = yahoo(list(dict.fromkeys([*table.ticker, *benchmarks])), first, end, **access)
    for name, words in prices.provenance["failed"].items():
        if name in benchmarks:
            raise InputError("benchmark", words, "without it there is no model")
    return prices


def studied(arguments: argparse.Namespace, environment: Mapping[str, str]) -> StudyResult:
    """Run the study of the command line."""
    from ..study.run import event_study

    events = events_of(arguments.events)
    model = model_of(arguments, events)  # before anything is fetched
    market = market_of(arguments, events, environment)
    _refuse_several(arguments, market)
    options = {
        **given(arguments, event_study),
        **_tolerated(arguments),
        "events": events,
        "model": model,
        "prices": None,
        **market,
    }
    try:
        study: StudyResult = event_study(**options)
    except UnknownNameError as error:
        if error.parameter != "events, column 'market'":
            raise
        raise InputError(error.parameter, error.problem, error.remedy.partition(", or describe it")[0]) from error
    return study


def reported(arguments: argparse.Namespace, environment: Mapping[str, str]) -> list[Any]:
    """Return the results of ``marketshock report``: the study of the command line, or the bundled results."""
    from ..report.fragility import Asked, fragility_report
    from ..report.reproduce import reproduction
    from ..volatility.measure import fragility

    if arguments.events:
        if not (arguments.prices or arguments.returns):
            raise InputError("prices", "is missing beside --events", "give a file as --prices or --returns")
        return [studied(arguments, environment)]
    for name, value in vars(arguments).items():
        if name not in _PAGE and value is not None and value is not False:
            what = Words("is missing beside ", Argument(name))
            raise InputError("events", what, "give the events of your study, or 'bundled'")
    index = bundled_index()
    measured = fragility(index.prices, members=index.members)
    asked = Asked("2025-01-27", group=MAGNIFICENT_SEVEN, universe=index.name, provenance=index.prices.provenance)
    return [reproduction(), fragility_report(measured, asked)]


@dataclass(frozen=True, slots=True)
class Universe:
    """Securities to measure: their prices, the members of each day (None: all), their market caps, and their name."""

    prices: Prices
    members: Membership | None
    caps: pd.DataFrame | None
    name: str


def bundled_index() -> Universe:
    """Return the bundled index with its members and their market caps."""
    from ..providers.members import sp500
    from ..volatility.membership import Membership

    listed = sp500()
    joined, caps = listed.joined(), listed.market_caps()
    members = Membership.from_frame(joined, name=f"members of the {listed.name}")
    who = f"{listed.name} of {listed.as_of}, {len(listed.table)} listings (who left before is not there: survivors)"
    return Universe(listed.prices, members, caps.where(joined[caps.columns]), who)


def screened(arguments: argparse.Namespace) -> tuple[Fragility, Asked, bool]:
    """Return the fragility that was asked for, its report's options, and whether the caps of its index are bundled."""
    from ..providers.files import read_prices
    from ..report.fragility import Asked
    from ..volatility.measure import fragility
    from ..volatility.membership import Membership

    bundled = arguments.prices == "bundled"
    if bundled:
        measured_in = bundled_index()
    else:
        caps = read_prices(arguments.caps).close if arguments.caps else None
        who = f"prices of {arguments.prices}: who is not in them is not counted"
        measured_in = Universe(read_prices(arguments.prices), None, caps, who)
    members = measured_in.members
    if arguments.top is not None:
        if measured_in.caps is None:
            raise InputError("top", "ranks by market cap, and none are given", "give a file of them as --caps")
        try:
            members = Membership.top(arguments.top, measured_in.caps)
        except InputError as error:
            raise InputError(
                "top" if error.parameter == "n" else error.parameter, error.problem, error.remedy
            ) from None
    measured = fragility(**{**given(arguments, fragility), "prices": measured_in.prices, "members": members})
    about: dict[str, Any] = {"universe": measured_in.name, "provenance": measured_in.prices.provenance}
    return measured, Asked(**about, **given(arguments, Asked)), bundled


def checked_claims(arguments: argparse.Namespace, progress: Progress) -> Claims:
    """Return the verdicts on the claims that are named."""
    from ..catalog.load import load_catalog
    from ..claims.verify import verify_claims
    from ..providers.facts import recorded_facts
    from ..providers.files import read_prices

    result = verify_claims(
        load_catalog(arguments.catalog),
        prices=read_prices(arguments.prices) if arguments.prices else None,
        facts=recorded_facts(arguments.facts) if arguments.facts else None,
        progress=progress,
    )
    result = result.of_document(arguments.document) if arguments.document else result
    return result.only(arguments.id) if arguments.id else result


def planned(arguments: argparse.Namespace) -> tuple[Plan, dict[str, Any]]:
    """Return the plan of a file and of the options beside it, which win, and both as they were given."""
    from ..backtests.plan import plan_of, read_plan
    from ..backtests.run import backtest

    tables = read_plan(arguments.config) if arguments.config else {}
    options = {**given(arguments, backtest), **_tolerated(arguments), "placebo": arguments.placebo}
    tables |= {name: value for name, value in options.items() if value is not None and name != "rule"}
    costs = tables.setdefault("costs", {})
    tables.setdefault("sizing", {})
    if arguments.bps is not None and isinstance(costs, Mapping):
        tables["costs"] = {**costs, "bps": arguments.bps}
    if (arguments.rule is None) != (arguments.days is None):
        first, second = ("days", "rule") if arguments.rule else ("rule", "days")
        what = Words("is missing beside ", Argument(second))
        raise InputError(first, what, "give both, such as --rule hold --days 5")
    if arguments.rule:
        days = list(dict.fromkeys(arguments.days))
        tables["rule"] = [_rule_table(arguments.rule, n, len(days) > 1) for n in days]
    elif not arguments.config:
        raise InputError("rule", "is missing", "name one, such as --rule hold --days 5, or give a plan as --config")
    return plan_of(tables, arguments.config or ""), tables


def _rule_table(kind: str, days: int, several: bool) -> dict[str, Any]:
    name = {"name": f"{days} day{'s' if days > 1 else ''}"} if several else {}
    return {"kind": kind, "days": days, **name}


def backtested(
    arguments: argparse.Namespace, environment: Mapping[str, str], progress: Callable[[Any, int], Any]
) -> BacktestReport:
    """Run the backtest of the command line."""
    from ..backtests.run import backtest
    from ..providers.files import read_bars
    from ..report.backtest import judged_report

    plan, asked = planned(arguments)
    options = dict(plan.options)
    named = options.pop("events", None)
    events = events_of(named) if named else None
    if options.get("tickers") and "ticker" in getattr(events, "columns", ()):
        what = f"is given, and the events of {named} name their own in a column 'ticker'"
        raise InputError("tickers", what, "leave it out, or keep the rows that are meant")
    prices = _traded_prices(options.pop("prices", "bundled"), plan, events, _access(arguments, environment))
    if bars := options.pop("intraday", None):
        options["intraday"] = read_bars(bars)
    results = {
        name: backtest(events, prices, rule, costs=plan.costs, sizing=plan.sizing, **options)
        for name, rule in progress(plan.rules.items(), len(plan.rules))
    }
    return judged_report(results, asked, progress, **plan.judged)


def _traded_prices(named: str, plan: Plan, events: Any, access: Mapping[str, Any]) -> Prices:
    if named != "yahoo":
        return _prices_of_file(named)
    if events is None:
        raise InputError("prices", "yahoo needs events to know what to fetch", "give --events, or a file of prices")
    rules = plan.rules.values()
    legs = [getattr(rule, side, ()) for rule in rules for side in ("long", "short", "by")]
    others = list(dict.fromkeys(filter(None, [plan.options.get("benchmark"), *(name for leg in legs for name in leg)])))
    reach = -300, 2 * max(rule.timing.days for rule in rules)
    return _prices_around(events, plan.options.get("tickers") or tuple(others), others, reach, access)


def fetched(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fetch the prices that ``marketshock fetch`` names; return their provenance, and the figures as a long frame."""
    from ..providers.fetch import long_frame, yahoo, yahoo_intraday
    from ..report.files import writable

    if arguments.out:
        writable(arguments.out)
    access = _access(arguments, environment)
    span = (arguments.tickers, arguments.start, arguments.end)
    with warnings.catch_warnings():  # the table prints the same findings
        warnings.simplefilter("ignore", PriceWarning)
        warnings.simplefilter("ignore", PartialDataWarning)
        daily = arguments.interval == "1d"
        got = yahoo(*span, **access) if daily else yahoo_intraday(*span, arguments.interval, **access)
    return long_frame(got)


def _access(arguments: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the options of `yahoo` on how to fetch."""
    from ..providers.fetch import yahoo

    how = {k: v for k, v in given(arguments, yahoo).items() if k not in ("tickers", "start", "end")}
    how |= _tolerated(arguments, fetched=True)
    cache = False if arguments.cache is False else store_at(arguments, environment)
    return {**how, "cache": cache, "progress": not (arguments.quiet or arguments.json)}


def _tolerated(arguments: argparse.Namespace, fetched: bool = False) -> dict[str, Any]:
    """Return the findings to tolerate of fetched bars, or those of the prices that are read, as ``tolerate=``.

    One option names both. Raises `UnknownNameError` for a name that is neither.
    """
    from ..providers.checks import FINDINGS
    from ..providers.found import RULES

    if "tolerate" not in arguments:
        return {}
    known = FINDINGS if arguments.command == "fetch" else {**FINDINGS, **RULES}
    unknown = [name for name in arguments.tolerate if name not in known]
    if unknown:
        raise UnknownNameError("tolerate", unknown, known, f"the findings are {', '.join(known)}")
    return {"tolerate": tuple(name for name in arguments.tolerate if name in (FINDINGS if fetched else RULES))}


def store_at(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Store:
    """Return the cache named on the command line or in the environment, else that of the platform."""
    from ..providers.store import Store

    named = environment.get(_CACHE) or None if arguments.cache is None else arguments.cache
    return Store(named)


def explained_event(result: StudyResult, arguments: argparse.Namespace) -> Explanation:
    """Return the derivation of an event's CAR over the days named, else of day 0, else of the whole window."""
    window = result.spec.window
    day_0 = (0, 0) if window.first <= 0 <= window.last else (window.first, window.last)
    return result.explain(arguments.explain, *(arguments.explain_days or day_0))


def _benchmarks(arguments: argparse.Namespace) -> list[str]:
    """Return the benchmarks: one name, which may have a comma, or the several of a factor model as in a CSV file."""
    text = arguments.benchmark
    if not text or arguments.model != "factor":
        return [text] if text else []
    return [name.strip() for name in next(csv.reader([text], skipinitialspace=True))]


def _own_benchmarks(arguments: argparse.Namespace, events: Any) -> list[str]:
    """Return the benchmarks that events name themselves, each once; "" among them if one names none."""
    import numpy as np

    from ..catalog.table import event_table

    try:
        table = event_table(events, arguments.tickers)
    except InputError:  # is said when the study reads them
        return []
    return [str(name) for name in dict.fromkeys(np.asarray(table.benchmark))]


def _refuse_several(arguments: argparse.Namespace, market: Mapping[str, Any]) -> None:
    """Refuse a benchmark that is no column, but a list of columns, if the model takes one."""
    for name in _benchmarks(arguments):
        columns = [str(c) for one in market.values() for c in getattr(one, "tickers", getattr(one, "columns", ()))]
        if "," in name and name not in columns:
            what = f"names {len(name.split(','))} columns, or one that is not there: {name!r}"
            raise InputError("benchmark", what, "use --model factor for several")


def models() -> dict[str, Callable[..., Any]]:
    """Return the models of ``--model`` by name: functions of the benchmark's column, or of none."""
    from ..models import factor, garch, mean, nonsync, robust

    return {
        "market": factor.MarketModel,
        "market-adjusted": mean.MarketAdjusted,
        "constant-mean": mean.ConstantMean,
        "factor": factor.FactorModel,
        "capm": lambda name, risk_free="RF": factor.CAPM(name, risk_free),
        "ff3": lambda: factor.FamaFrench(3),
        "ff5": lambda: factor.FamaFrench(5),
        "carhart": lambda: factor.FamaFrench(3, momentum=True),
        "scholes-williams": nonsync.ScholesWilliams,
        "dimson": nonsync.Dimson,
        "huber": robust.HuberModel,
        "garch": garch.GarchModel,
    }


_NO_BENCHMARK = ("constant-mean", "ff3", "ff5", "carhart")
_RISK_FREE = ("factor", "capm")


def model_of(arguments: argparse.Namespace, events: Any) -> Any:
    """Return the model that is named; without a benchmark that of the first event, if each names its own."""
    kind, names = arguments.model or "market", _benchmarks(arguments)
    make = models()[kind]
    if kind in _NO_BENCHMARK:
        return make()
    if not names:
        own = _own_benchmarks(arguments, events)
        if "" in own or not own:
            what = f"is missing for the {kind} model" + (" of an event that names none" if any(own) else "")
            raise InputError(
                "benchmark", what, "name a column of the prices, or that of each event in a column benchmark"
            )
        names = own[:1]
    rest = (arguments.risk_free,) if kind in _RISK_FREE and arguments.risk_free else ()
    return make(names if kind == "factor" else names[0], *rest)
