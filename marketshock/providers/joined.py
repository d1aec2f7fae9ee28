"""Prices of several files or frames, joined by date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from ..errors import InputError
from .base import ADJUSTED, Prices

_BY_TICKER = ("currency", "splits_since", "splits_until")


def joined_prices(parameter: str, named: Sequence[tuple[str, Prices]]) -> Prices:
    """Join prices of different tickers by date: a day that one of them lacks is a missing price of its tickers.

    Total returns are those of each by itself.

    Parameters
    ----------
    parameter : str
        Name of the argument, for errors.
    named : sequence of (str, Prices)
        Each with the name that errors call it.

    Raises
    ------
    InputError
        If none is given, two have the same ticker, or splits are known in some of them only.
    """
    if not named:
        raise InputError(parameter, "names no file", "name one or more")
    if len(named) == 1:
        return named[0][1]
    seen: dict[str, str] = {}
    for name, prices in named:
        for ticker in prices.tickers:
            if ticker in seen:
                raise InputError(parameter, f"{ticker!r} is in {seen[ticker]} and in {name}", "keep it in one of them")
            seen[ticker] = name
    without = [name for name, p in named if p.splits is None]
    if without and len(without) < len(named):
        other = next(name for name, p in named if p.splits is not None)
        what = f"splits are known in {other} and not in {without[0]}"
        raise InputError(parameter, what, "give both with them, or both without")
    held = [prices for _, prices in named]
    kinds = {p.provenance.get("ex_days") for p in held}
    second = [p.adj_close if len(kinds) == 1 else p.reinvested for p in held]
    fields = dict.fromkeys(name for p in held for name in p.extra)
    close = _beside([p.close for p in held])
    extra = {
        name: _beside([p.extra[name] for p in held if name in p.extra]).reindex(close.index, columns=close.columns)
        for name in fields
    }
    splits = None if without else pd.concat([p.splits for p in held if p.splits is not None], ignore_index=True)
    return Prices(close, _beside(second), extra, _told(held), splits)


def _beside(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(frames, axis=1, join="outer", sort=True).rename_axis(index="date")


def _told(held: Sequence[Prices]) -> dict[str, Any]:
    """Return the provenance: what all say, what each says of its tickers, and the sources one after the other."""
    about = [p.provenance for p in held]
    out: dict[str, Any] = {
        name: value for name, value in about[0].items() if all(name in a and _same(a[name], value) for a in about[1:])
    }
    out["source"] = ", ".join(dict.fromkeys(str(a.get("source", "unknown source")) for a in about))
    out["returns_from"] = "; ".join(dict.fromkeys(str(a.get("returns_from", "close")) for a in about))
    kinds = [a.get("close_is") for a in about]
    if len(set(kinds)) > 1:  # a market cap takes all closes or none
        out["close_is"] = next((kind for kind in kinds if kind and kind.startswith(("presumably", ADJUSTED))), kinds[0])
    for name in _BY_TICKER:
        found = {t: value for p in held for t, value in _of_each(p, name)}
        out |= {name: found} if found else {}
    unread = tuple(dict.fromkeys(name for a in about for name in a.get("not_read", ())))
    return out | ({"not_read": unread} if unread else {})


def _of_each(prices: Prices, name: str) -> Iterator[tuple[str, Any]]:
    said = prices.provenance.get(name)
    if isinstance(said, Mapping):
        yield from said.items()
    elif said is not None:
        yield from ((ticker, said) for ticker in prices.tickers)


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and isinstance(one, (str, int, float, bool, type(None))) and bool(one == other)
