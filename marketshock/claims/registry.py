"""One row a kind of claim: adding one touches one function and one row."""

from __future__ import annotations

import datetime as dt
import inspect
from collections.abc import Callable, Mapping

from ..catalog.claim import Claim, Part
from ..errors import CatalogError, did_you_mean
from . import dollars, prices, recorded, shocks
from .finding import Answer

KINDS: Mapping[str, Callable[..., Answer]] = {
    "return": prices.day_return,
    "period_return": prices.period_return,
    "relative_return": prices.relative_return,
    "laggards": prices.laggards,
    "volatility_ratio": prices.volatility_ratio,
    "trough": prices.trough,
    "pared": prices.pared,
    "rises_after": prices.rises_after,
    "from_record": prices.from_record,
    "range": prices.spread_of_closes,
    "market_cap_change": dollars.market_cap_change,
    "record_loss": dollars.record_loss,
    "index_weight": dollars.index_weight,
    "share_of_rise": dollars.share_of_rise,
    "sigma": shocks.sigma,
    "sigma_count": shocks.sigma_count,
    "sigma_rank": shocks.sigma_rank,
    "shock_frequency": shocks.shock_frequency,
    "fragility_record": shocks.fragility_record,
    "comovement": shocks.comovement,
    "volatility_groups": shocks.volatility_groups,
    "fact": recorded.fact,
    "fact_ratio": recorded.fact_ratio,
    "fact_change": recorded.fact_change,
    "fact_excess": recorded.fact_excess,
    "weeks_before": recorded.weeks_before,
    "definition": recorded.definition,
    "not_market_data": recorded.not_market_data,
}
"""The kinds of claims, by name; a check's keyword arguments are the parameters of its kind."""


def parameters(kind: str) -> dict[str, bool]:
    """Return the parameters of a kind by name, and whether each is required."""
    named = list(inspect.signature(KINDS[kind]).parameters.values())[1:]
    return {p.name: p.default is inspect.Parameter.empty for p in named}


def check_types(part: Part, where: str) -> None:
    """Raise unless dates are dates, texts texts, and lists lists."""
    for p in inspect.signature(KINDS[part.kind]).parameters.values():
        wanted = _TYPES.get(str(p.annotation))
        value = part.parameters.get(p.name)
        if wanted is None or p.name not in part.parameters:
            continue
        inner = _MEMBERS.get(str(p.annotation))
        fits = isinstance(value, wanted[0]) and (isinstance(value, bool) <= (wanted[0] is bool))
        if isinstance(value, list):
            fits = fits and len(value) > 0 and all(isinstance(v, inner or object) for v in value)
        if not fits:
            raise CatalogError(f"{where}, parameter {p.name!r}", f"got {value!r}", f"write {wanted[1]}")
    start, end = (part.parameters.get(name) for name in ("start", "end"))
    if start is not None and end is not None and start >= end:
        raise CatalogError(f"{where}, parameter 'start'", f"{start} is not before the end, {end}", "swap them")


_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "dt.date": (dt.date, "a date without quotes, 2025-01-27"),
    "str": (str, "a text in quotes"),
    "Sequence[str]": (list, 'a list such as ["NVDA"]'),
    "Sequence[int]": (list, "a list of whole numbers such as [21, 60]"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "true or false"),
    "Names": ((str, list), "the id of a fact, or a list of them"),
    "Group": ((int, str, list), 'a number of firms, "index", or a list of tickers'),
}
_MEMBERS: Mapping[str, type] = {"Sequence[str]": str, "Sequence[int]": int, "Names": str, "Group": str}


def check_claim(claim: Claim) -> None:
    """Raise unless the kinds of a claim are known and have their parameters.

    Raises
    ------
    CatalogError
        Naming the claim, the field, and what is allowed.
    """
    for part in claim.parts:
        where = f"claim {claim.id!r}"
        if part.kind not in KINDS:
            near = did_you_mean(part.kind, KINDS)
            hint = f" (did you mean {near!r}?)" if near else ""
            raise CatalogError(f"{where}, field 'kind'", f"got {part.kind!r}{hint}", f"allowed are {', '.join(KINDS)}")
        known = parameters(part.kind)
        unknown = [name for name in part.parameters if name not in known]
        missing = [name for name, required in known.items() if required and name not in part.parameters]
        if unknown or missing:
            problem = f"unknown: {', '.join(unknown)}" if unknown else f"missing: {', '.join(missing)}"
            allowed = ", ".join(f"{name}{'' if required else ' (optional)'}" for name, required in known.items())
            raise CatalogError(f"{where}, field 'parameters'", problem, f"{part.kind!r} takes {allowed}")
        check_types(part, where)
        if part.stated is None and part.kind != "not_market_data":
            raise CatalogError(f"{where}, field 'stated'", "is missing", "say what was stated")
