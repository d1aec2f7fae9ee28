"""Sources of the figures of a check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .._format import rows
from ..catalog.claim import Part
from ..dollars.reported import printed_prices
from .evidence import Evidence

_PRICES = ("prices",)
READS: Mapping[str, tuple[str, ...]] = {
    "return": _PRICES,
    "period_return": ("prices", "releases"),
    "relative_return": _PRICES,
    "laggards": _PRICES,
    "volatility_ratio": _PRICES,
    "trough": _PRICES,
    "pared": _PRICES,
    "rises_after": _PRICES,
    "from_record": _PRICES,
    "range": _PRICES,
    "market_cap_change": ("prices", "shares"),
    "record_loss": ("prices", "shares", "facts"),
    "index_weight": ("index",),
    "share_of_rise": ("index", "prices"),
    "sigma": ("index",),
    "sigma_count": ("index",),
    "sigma_rank": ("index",),
    "shock_frequency": ("index",),
    "fragility_record": ("index",),
    "comovement": ("index",),
    "volatility_groups": ("index",),
    "fact": ("facts",),
    "fact_ratio": ("facts",),
    "fact_change": ("facts",),
    "fact_excess": ("facts",),
    "weeks_before": ("facts",),
    "definition": (),
    "not_market_data": (),
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
