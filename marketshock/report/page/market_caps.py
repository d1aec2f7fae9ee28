"""Dollars on a page: market-cap changes of one session, and the sources of a reported loss."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ... import _format
from ...dollars.change import MarketCapChange
from ...dollars.reported import Reconciliation
from .blocks import Block, Derivation, Part, Picture, Section, Table, Text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CHANGE_HEAD = (
    "firm",
    "shares bn",
    "filed",
    "close before",
    "close",
    "return",
    "change",
    "band",
    "abnormal",
    "interval",
)
_CHANGE_TERMS = {
    "firm": "By its main ticker; all its share classes are in it.",
    "shares bn": "Outstanding, of all classes, in the shares the closes are quoted in.",
    "filed": "When the count became public. * on or after the session: not known then.",
    "close before": "Of the main ticker, USD, not adjusted for dividends.",
    "close": "The same, of the session.",
    "return": "Of the close, without dividends.",
    "change": "USD bn: sum over classes of the change of the close times the shares.",
    "band": "USD bn: what the rounding of the count leaves open.",
    "abnormal": "USD bn: abnormal return of the main ticker times the cap before.",
}
_RECONCILED_TERMS = {
    "price": "Which close: the official one, or another the press may have had.",
    "count": "Which share count. * not known on the session.",
    "shares bn": "In the shares the closes are quoted in.",
    "close": "USD, of the session.",
    "loss": "USD bn: price change times shares.",
    "band": "USD bn: what the rounding of the count leaves open.",
    "matches": "Reported figures whose rounding interval holds the loss, USD bn.",
    "in band": "Those it only meets with its band.",
}


def change_section(change: MarketCapChange) -> Section:
    """Return the section of one session's market-cap changes."""
    printed = change.printout()
    rows = printed.tables[0].rows
    share = f"{100 * change.confidence:.0f} %"
    interval = f"USD bn: {share}, of the abnormal change; that of the total takes the firms' covariance into account."
    table = Table(
        f"Market-cap change, {change.previous} to {change.session}, USD bn",
        _CHANGE_HEAD,
        rows[:-1],
        foot=rows[-1:],
        terms={**_CHANGE_TERMS, "interval": interval},
        notes=tuple(printed.below),
        derived={(k, "change"): f"{change.session} {row[0]}" for k, row in enumerate(rows[:-1])},
    )
    written: list[Block] = []
    for firm in change.table.index:
        told = change.explain(str(firm))
        written.append(Derivation(f"{change.session} {firm}", told.title, str(told)))
    picture = Picture(
        f"Market-cap change by firm, {change.session}",
        f"Bars: change of each firm in USD bn from {change.previous} to {change.session}. Dots, where there is a "
        f"study: its abnormal part with the {share} interval.",
        partial(_draw, change),
    )
    record = {
        "session": str(change.session),
        "previous": str(change.previous),
        "confidence": change.confidence,
        "source": change.source,
    }
    return Section(
        f"Market caps, {change.session}",
        (),
        [Part("By firm", [table, picture]), Part("How they were computed", written)],
        record,
    )


def reconciliation_section(told: Reconciliation) -> Section:
    """Return the section of a reported loss."""
    printed = told.printout()
    made, caption = printed.tables[0], f"{told.firm}: which price and count give which loss, USD bn"
    table = Table(caption, made.head, made.rows, terms=_RECONCILED_TERMS)
    said = [
        Part("Which figure comes from where", [Text(tuple(told.matches), listed=True), table]),
        Part("What it does not show", [Text((told.statement, *told.notes))]),
    ]
    reported = [
        f"{r['loss_usd'] / 1e9:g} bn, to {r['rounding_usd'] / 1e9:g} bn ({r['outlet']})"
        for r in _format.rows(told.reported)
    ]
    record = {"firm": told.firm, "session": str(told.session), "previous": str(told.previous), "reported": reported}
    return Section(f"The reported loss of {told.firm}, {told.session}", tuple(printed.title), said, record)


def _draw(change: MarketCapChange) -> Figure:
    from ... import plots
    from ...plots._style import alone

    return alone(partial(plots.market_cap, change), (7, 0.5 * len(change.table) + 1.6))
