"""What the arguments of the command line stand for: events, prices, models, and the cache."""

from __future__ import annotations

import argparse
import datetime as dt
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._bundled import MAGNIFICENT_SEVEN
from ..errors import InputError, PartialDataWarning, PriceWarning

if TYPE_CHECKING:
    import pandas as pd

    from ..backtests.plan import Plan
    from ..explained.explanation import Explanation
    from ..providers.base import Prices
    from ..providers.store import Store
    from ..report.backtest import BacktestReport
    from ..report.fragility import Asked
    from ..study.results import StudyResult
    from ..volatility.fragility import Fragility

_CACHE = "MARKETSHOCK_CACHE"
_A_DAY = dt.timedelta(days=1)
_MARGIN = 10  # sessions fetched beyond the windows, for leads, lags and dates that move


def events_of(path: str) -> Any:
    """Return the events of a file, or the bundled ones."""
    from ..catalog.load import load_catalog
    from ..providers.files import read_events

    if path == "bundled":
        return list(load_catalog().values())
    return list(load_catalog(path).values()) if path.endswith(".toml") else read_events(path)


def market_of(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the prices or returns, and the factors, that were named."""
    from ..providers.files import read_prices, read_returns
    from ..providers.snapshot import snapshot

    market: dict[str, Any] = {}
    if arguments.returns:
        market["returns"] = read_returns(arguments.returns)
    elif arguments.prices == "yahoo":
        market["prices"] = _prices_around(arguments, events, environment)
    else:
        bundled = arguments.prices == "bundled"
        market["prices"] = snapshot() if bundled else read_prices(arguments.prices)
    if arguments.factors:
        market["factors"] = _factors(arguments.factors)
    return market


def _factors(text: str) -> pd.DataFrame:
    from ..providers.files import read_returns
    from ..providers.french import french_factors

    if text == "bundled":
        return french_factors()
    zips = text.split(",")
    return french_factors(zips) if all(z.lower().endswith(".zip") for z in zips) else read_returns(text)


def _prices_around(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> Prices:
    """Fetch what a study of these events reads: their tickers and the benchmark, from window to window."""
    import numpy as np

    from ..catalog.table import event_table
    from ..providers.cache import utc_now
    from ..providers.fetch import yahoo
    from ..sessions import nyse

    table = event_table(events, arguments.tickers)
    tickers = dict.fromkeys([*table.ticker, *(arguments.benchmark.split(",") if arguments.benchmark else [])])
    days = nyse().days
    reach = np.clip([arguments.estimation[0] - _MARGIN, arguments.window[1] + _MARGIN], -len(days), len(days))
    at = np.searchsorted(days, [table.given.min(), table.given.max()]) + reach
    first, last = days[np.clip(at, 0, len(days) - 1)].astype(object)
    over = utc_now().date() - _A_DAY
    end = last if last < over else None
    prices = yahoo(list(tickers), first, end, **_access(arguments, environment))
    lost = [
        text for name, text in prices.provenance["failed"].items() if name in (arguments.benchmark or "").split(",")
    ]
    if lost:
        raise InputError("--benchmark", lost[0], "without it there is no model")
    return prices


def studied(arguments: argparse.Namespace, environment: Mapping[str, str]) -> StudyResult:
    """Run the study that was asked for."""
    from ..study.run import event_study

    events = events_of(arguments.events)
    model = model_of(arguments)  # before anything is fetched
    study: StudyResult = event_study(
        events,
        tickers=arguments.tickers,
        **market_of(arguments, events, environment),
        model=model,
        window=arguments.window,
        estimation=arguments.estimation,
        min_obs=arguments.min_obs,
        on_closed=arguments.on_closed,
        duplicates=arguments.duplicates,
        calendar=arguments.calendar,
        log=arguments.log,
    )
    return study


def reported(arguments: argparse.Namespace, environment: Mapping[str, str]) -> list[Any]:
    """Return the results of ``marketshock report``: a study of one's own, or the bundled ones."""
    from ..report.fragility import fragility_report
    from ..report.reproduce import reproduction
    from .options import command_parser

    parse = command_parser().parse_args
    if arguments.events:
        if not (arguments.prices or arguments.returns):
            raise InputError("--prices", "is missing beside --events", "give --prices or --returns, a file each")
        return [studied(arguments, environment)]
    own = {"title", "json", "offline", "quiet", "cache"}
    plain = vars(parse(["report", "--out", arguments.out]))
    given = [name for name, value in vars(arguments).items() if name not in own and value != plain[name]]
    if given:
        option = f"--{given[0].replace('_', '-')}"
        raise InputError("--events", f"is missing beside {option}", "give the events of your study, or 'bundled'")
    first = ["fragility", "--date", "2025-01-27", "--group", ",".join(MAGNIFICENT_SEVEN)]
    measured, asked, _ = screened(parse(first))  # the numbers that this command prints
    return [reproduction(), fragility_report(measured, asked)]


def screened(arguments: argparse.Namespace) -> tuple[Fragility, Asked, bool]:
    """Return the fragility that ``marketshock fragility`` was asked for, and whether caps of its index are bundled."""
    from ..providers.files import read_prices
    from ..providers.members import sp500
    from ..report.fragility import Asked
    from ..volatility.measure import fragility
    from ..volatility.membership import Membership

    bundled = arguments.prices == "bundled"
    caps: pd.DataFrame | None
    members, who = None, f"prices of {arguments.prices}: who is not in them is not counted"
    if bundled:
        listed = sp500()
        prices, joined = listed.prices, listed.joined()
        members = Membership.from_frame(joined, name=f"members of the {listed.name}")
        caps = listed.market_caps()
        caps = caps.where(joined[caps.columns])
        who = f"{listed.name} of {listed.as_of}, {len(listed.table)} listings (who left before is not there: survivors)"
    else:
        prices = read_prices(arguments.prices)
        caps = read_prices(arguments.caps).close if arguments.caps else None
    if arguments.top is not None:
        if caps is None:
            raise InputError("--top", "ranks by market cap, and none are given", "give a file of them as --caps")
        members = Membership.top(arguments.top, caps)
    measured = fragility(
        prices,
        window=arguments.window,
        threshold=arguments.threshold,
        log=not arguments.simple,
        about=arguments.about,
        min_obs=arguments.min_obs,
        members=members,
        calendar=arguments.calendar,
    )
    group = tuple(arguments.group or ())
    span = (arguments.date, arguments.start, arguments.end)
    return measured, Asked(*span, arguments.rows, arguments.by, group, who, dict(prices.provenance)), bundled


_SIZES = {"size_by": "by"}
_RULE = ("side", "entry", "exit", "stop", "target", "delay", "threshold", "sigma", "window", "long", "short")


def planned(arguments: argparse.Namespace) -> tuple[Plan, dict[str, Any]]:
    """Return the plan of a file and of the options beside it, which win, and both as they were given."""
    from ..backtests.plan import OPTIONS, plan_of, read_plan

    tables = read_plan(arguments.config) if arguments.config else {}
    for name in (*OPTIONS, "on_closed", "duplicates", "calendar", "placebo", "match", "how", "seed", "tried"):
        if (value := getattr(arguments, name, None)) is not None:
            tables[name] = value
    parts = {
        "costs": ("bps", "per_share", "per_order", "half_spread_bps", "slippage_bps", "borrow", "financing"),
        "sizing": ("size_by", "amount", "max_gross", "max_net", "max_position", "whole_shares"),
    }
    for part, names in parts.items():
        given = {_SIZES.get(n, n): v for n in names if (v := getattr(arguments, n)) is not None}
        tables[part] = {**tables.get(part, {}), **given}
    rule = {n: v for n in (*_RULE, "groups", "lookback", "hedge") if (v := getattr(arguments, n)) is not None}
    if arguments.rule:
        if not arguments.days:
            raise InputError("--days", f"is missing for --rule {arguments.rule}", "give closes, such as --days 5")
        several = len(set(arguments.days)) > 1
        tables["rule"] = [
            {
                "kind": arguments.rule,
                "days": n,
                **({"name": f"{n} day{'s' if n > 1 else ''}"} if several else {}),
                **rule,
            }
            for n in dict.fromkeys(arguments.days)
        ]
    elif rule or arguments.days:
        name = next(iter(rule), "days")
        raise InputError(f"--{name}", "is given without --rule", "name the rule, such as --rule hold")
    if not arguments.config and not arguments.rule:
        raise InputError("--rule", "is missing", "name one, such as --rule hold --days 5, or give --config")
    n_rules = len(tables.get("rule", ()))
    if n_rules == 1 and "placebo" not in tables and not tables.get("tried"):
        for name in ("match", "how", "seed"):
            if name in tables:
                raise InputError(f"--{name}", "is given without --placebo", "give --placebo 999, or leave it out")
    return plan_of(tables, arguments.config or "options"), tables


def backtested(
    arguments: argparse.Namespace, environment: Mapping[str, str], progress: Callable[[Any, int], Any]
) -> BacktestReport:
    """Run what ``marketshock backtest`` was asked for."""
    from ..backtests.compare import compare_rules
    from ..backtests.placebo import placebo_trades
    from ..backtests.run import backtest
    from ..report.backtest import BacktestReport

    plan, asked = planned(arguments)
    options = dict(plan.options)
    named = options.pop("events", None)
    events = events_of(named) if named else None
    if options.get("tickers") and events is not None and "ticker" in getattr(events, "columns", ()):
        what = f"is given, and the events of {named} name their own in a column 'ticker'"
        raise InputError("--tickers", what, "leave it out, or keep the rows that are meant")
    prices = _traded_prices(plan, options.pop("prices", "bundled"), events, arguments, environment)
    bars = options.pop("intraday", None)
    options["intraday"] = _bars_of(bars) if bars else None
    results = {
        name: backtest(events, prices, rule, costs=plan.costs, sizing=plan.sizing, **options)
        for name, rule in progress(plan.rules.items(), len(plan.rules))
    }
    judged = dict(plan.judged)
    tried, draws = judged.pop("tried", None), judged.pop("placebo", 999 if len(results) > 1 else 0)
    judged = {name: tuple(value) if name == "match" else value for name, value in judged.items()}
    if len(results) > 1 or tried:
        compared = compare_rules(results, tried=tried, draws=draws or 999, **judged)
        return BacktestReport(results, compared.placebos, compared, asked)
    placebos = {
        n: placebo_trades(r, draws, progress=progress, **judged) for n, r in results.items() if draws and len(r.trades)
    }
    return BacktestReport(results, placebos, None, asked)


def _traded_prices(
    plan: Plan, named: str, events: Any, arguments: argparse.Namespace, environment: Mapping[str, str]
) -> Prices:
    """Return the prices that were named; from Yahoo, those of all that the rules trade, around the events."""
    from ..providers.files import read_prices
    from ..providers.snapshot import snapshot

    if named == "bundled":
        return snapshot()
    if named != "yahoo":
        return read_prices(named)
    if events is None:
        raise InputError("--prices", "yahoo needs events to know what to fetch", "give --events, or a file of prices")
    rules = plan.rules.values()
    legs = [getattr(rule, side, ()) for rule in rules for side in ("long", "short", "by")]
    others = [plan.options.get("benchmark"), *(name for leg in legs for name in leg)]
    asked = argparse.Namespace(**vars(arguments))
    asked.tickers = plan.options.get("tickers") or tuple(name for name in others if name)
    asked.benchmark = ",".join(dict.fromkeys(name for name in others if name)) or None
    asked.estimation, asked.window = (-300, -1), (0, 2 * max(rule.timing.days for rule in rules))
    return _prices_around(asked, events, environment)


def _bars_of(path: str) -> pd.DataFrame:
    """Read bars within the day as ``fetch --interval`` writes them: time, ticker, open, ..."""
    import pandas as pd

    from ..providers.files import read_table

    table = read_table(path)
    table.columns = [str(c).strip().casefold() for c in table.columns]
    missing = [name for name in ("time", "ticker", "open") if name not in table.columns]
    if missing:
        raise InputError(str(path), f"has no column {missing[0]!r}", "write it with fetch --interval 5m --out")
    time = pd.to_datetime(table["time"], utc=True, errors="coerce")
    if time.isna().any():
        raise InputError(str(path), f"row {int(time.isna().argmax())} has no time", "write it with its zone")
    wide = table.assign(time=time).pivot_table(index="time", columns="ticker", values="open", sort=True)
    return pd.concat({"open": wide}, axis=1)


def fetched(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fetch what ``marketshock fetch`` was asked for: its provenance, and the figures as a long frame."""
    from ..providers.fetch import long_frame, yahoo, yahoo_intraday
    from ..report.files import writable

    if arguments.out:
        writable(arguments.out)
    access = {**_access(arguments, environment), "workers": arguments.workers}
    span = (arguments.tickers, arguments.start, arguments.end)
    with warnings.catch_warnings():  # what they say is printed with the table
        warnings.simplefilter("ignore", PriceWarning)
        warnings.simplefilter("ignore", PartialDataWarning)
        daily = arguments.interval == "1d"
        got = yahoo(*span, **access) if daily else yahoo_intraday(*span, arguments.interval, **access)
    return long_frame(got)


def _access(arguments: argparse.Namespace, environment: Mapping[str, str]) -> dict[str, Any]:
    cache = False if arguments.no_cache else store_at(arguments, environment)
    return {
        "cache": cache,
        "offline": arguments.offline,
        "tolerate": arguments.tolerate,
        "max_time": arguments.max_time,
        "progress": not (arguments.quiet or arguments.json),
    }


def store_at(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Store:
    """Return the cache that was named on the command line or in the environment, else the platform's."""
    from ..providers.store import Store

    named = environment.get(_CACHE) or None if arguments.cache is None else arguments.cache
    return Store(named)


def explained_event(result: StudyResult, arguments: argparse.Namespace) -> Explanation:
    """Return the derivation of the event that was named: of its day 0, of the whole window, or of the days named."""
    window = result.spec.window
    day_0 = (0, 0) if window.first <= 0 <= window.last else (window.first, window.last)
    return result.explain(arguments.explain, *(arguments.explain_days or day_0))


def model_of(arguments: argparse.Namespace) -> Any:
    """Return the model that was named."""
    from ..models import factor, garch, mean, nonsync, robust

    names = arguments.benchmark.split(",") if arguments.benchmark else []
    french = {"ff3": (3, False), "ff5": (5, False), "carhart": (3, True)}
    if arguments.model in french:
        return factor.FamaFrench(*french[arguments.model])  # type: ignore[arg-type]
    if arguments.model == "constant-mean":
        return mean.ConstantMean()
    if not names:
        raise InputError("--benchmark", f"is missing for the {arguments.model} model", "name a column of the prices")
    if arguments.model == "factor":
        return factor.FactorModel(names, arguments.risk_free)
    if len(names) > 1:
        raise InputError("--benchmark", f"names {len(names)} columns", "use --model factor for several")
    if arguments.model == "capm":
        return factor.CAPM(names[0], arguments.risk_free or "RF")
    one: dict[str, Callable[[str], Any]] = {
        "market": factor.MarketModel,
        "market-adjusted": mean.MarketAdjusted,
        "scholes-williams": nonsync.ScholesWilliams,
        "dimson": nonsync.Dimson,
        "huber": robust.HuberModel,
        "garch": garch.GarchModel,
    }
    return one[arguments.model](names[0])
