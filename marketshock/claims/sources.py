"""Sources of the figures of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._format import rows
from ..catalog.claim import Part
from ..dollars.reported import printed_prices
from .evidence import Evidence

_PRICES = ("return", "relative_return", "laggards", "volatility_ratio", "trough", "pared", "rises_after", "from_record")
_FACTS = ("fact", "fact_ratio", "fact_change", "fact_excess", "weeks_before")
_SIGMAS = ("sigma", "sigma_count", "sigma_rank", "shock_frequency", "fragility_record", "comovement")
READS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys((*_PRICES, "range"), ("prices",)),
    **dict.fromkeys(_FACTS, ("facts",)),
    **dict.fromkeys((*_SIGMAS, "volatility_groups", "index_weight"), ("index",)),
    **dict.fromkeys(("definition", "not_market_data"), ()),
    "period_return": ("prices", "releases"),
    "market_cap_change": ("prices", "shares"),
    "record_loss": ("prices", "shares", "facts"),
    "share_of_rise": ("index", "prices"),
}
"""Figures that each kind of claim reads: attributes of `Evidence`."""


def sources_of(evidence: Evidence, part: Part) -> tuple[tuple[str, str], ...]:
    """Return names and sources of the figures a part is checked against, each once."""
    found = [pair for name in READS.get(part.kind, ()) for pair in _source(evidence, name, part)]
    return tuple(dict.fromkeys(found))


def _source(evidence: Evidence, name: str, part: Part) -> Iterator[tuple[str, str]]:
    if name == "prices":
        yield "prices", str(evidence.prices.provenance.get("source", "not said"))
    elif name == "shares":
        yield "share counts", evidence.shares.source
        if part.kind == "market_cap_change":
            yield from _printed(evidence, part)
    elif name == "index" and evidence.index is not None:
        yield "members", f"{evidence.index.name} as of {evidence.index.as_of}"
    elif name == "releases" and part.parameters.get("apart_from") == "results":
        yield "own results", "the calendar of releases"
    elif name == "facts":
        yield from _facts(evidence, part)


def _printed(evidence: Evidence, part: Part) -> Iterator[tuple[str, str]]:
    """Yield the sources of other prices of that evening."""
    firm, session = str(part.parameters["ticker"]), evidence.session(part.parameters["date"])
    yield from ((str(row["convention"]), str(row["source"])) for row in rows(printed_prices(firm, session)))


def _facts(evidence: Evidence, part: Part) -> Iterator[tuple[str, str]]:
    """Yield the sources of the recorded facts that the parameters name."""
    for value in part.parameters.values():
        for name in [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else ():
            if name in evidence.facts.index:
                fact = evidence.fact(str(name))
                yield str(fact["what"]), str(fact["source"])
