"""What the arguments of the command line stand for: events, prices, models, and the cache."""

from __future__ import annotations

import argparse
import datetime as dt
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .errors import InputError, PartialDataWarning, PriceWarning

if TYPE_CHECKING:
    import pandas as pd

    from .moves.fragility import Fragility
    from .providers.base import Prices
    from .providers.store import Store
    from .report.fragility import Asked

_CACHE = "MARKETSHOCK_CACHE"
_A_DAY = dt.timedelta(days=1)
_MARGIN = 10  # sessions fetched beyond the windows, for leads, lags and dates that move


def events_of(path: str) -> Any:
    """Return the events of a file, or the bundled ones."""
    from .catalog.load import load_catalog
    from .providers.files import read_events

    if path == "bundled":
        return list(load_catalog().values())
    return list(load_catalog(path).values()) if path.endswith(".toml") else read_events(path)


def market_of(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return the prices or returns, and the factors, that were named."""
    from .providers.files import read_prices, read_returns
    from .providers.snapshot import snapshot

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
    from .providers.files import read_returns
    from .providers.french import french_factors

    if text == "bundled":
        return french_factors()
    zips = text.split(",")
    return french_factors(zips) if all(z.lower().endswith(".zip") for z in zips) else read_returns(text)


def _prices_around(arguments: argparse.Namespace, events: Any, environment: Mapping[str, str]) -> Prices:
    """Fetch what a study of these events reads: their tickers and the benchmark, from window to window."""
    import numpy as np

    from .catalog.table import event_table
    from .providers.cache import utc_now
    from .providers.fetch import yahoo
    from .sessions import nyse

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


def screened(arguments: argparse.Namespace) -> tuple[Fragility, Asked, bool]:
    """Return the fragility that ``marketshock fragility`` was asked for, and whether caps of its index are bundled."""
    from .moves.measure import fragility
    from .moves.membership import Membership
    from .providers.files import read_prices
    from .providers.members import sp500
    from .report.fragility import Asked

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
    return measured, Asked(*span, arguments.rows, arguments.by, group, who), bundled


def fetched(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[dict[str, Any], pd.DataFrame]:
    """Fetch what ``marketshock fetch`` was asked for: its provenance, and the figures as a long frame."""
    from .providers.fetch import long_frame, yahoo, yahoo_intraday
    from .report.files import writable

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
    from .providers.store import Store

    named = environment.get(_CACHE) or None if arguments.cache is None else arguments.cache
    return Store(named)


def model_of(arguments: argparse.Namespace) -> Any:
    """Return the model that was named."""
    from .models import factor, garch, mean, nonsync, robust

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
