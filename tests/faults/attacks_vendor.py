"""Chart answers of Yahoo, changed in one place."""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np

from marketshock.errors import ProviderError
from marketshock.providers.cache import BAR
from marketshock.providers.store import Key, Store

from . import Attack, Kind
from .vendor import fetch, fresh_yfinance, session_of

_SYMBOL, _BESIDE = "NVDA", "S01"
_HOSTILE = (
    *("null", "true", "[]", "{}", '""', '"x"', '"7"', "0", "-1", "-0.0", "1e-320", "1e305", "1e400", "-1e400"),
    *("NaN", "Infinity", "-Infinity", "9" * 400, "[1]", '{"a": 1}', '"\\u0000"', '"' + "x" * 500 + '"'),
)
_MARK = "@@"


def _places(chart: dict[str, Any]) -> list[tuple[str, Any, Any]]:
    """Return the places of a chart by name: a container, and its key."""
    quote, adjusted = chart["indicators"]["quote"][0], chart["indicators"]["adjclose"][0]
    bars = [(f"{name} of bar", values, None) for name, values in {**quote, **adjusted}.items()]
    meta = [(f"meta.{name}", chart["meta"], name) for name in chart["meta"]]
    shapes = [("chart", chart, name) for name in ("meta", "timestamp", "indicators", "events")]
    shapes += [("indicators", chart["indicators"], name) for name in ("quote", "adjclose")]
    shapes += [(f"quote.{name}", quote, name) for name in quote]
    return [*bars, *bars, *meta, ("timestamp of bar", chart["timestamp"], None), *shapes]


def _changed(rng: random.Random, chart: dict[str, Any]) -> tuple[str, bytes]:
    """Return what was changed, and the body."""
    name, where, key = rng.choice(_places(chart))
    if key is None:
        key = rng.randrange(5, len(where) - 45)  # within the days asked for; the answer goes on until today
        name = f"{name} {key}"
    token = rng.choice(_HOSTILE)
    if rng.random() < 0.1 and isinstance(where, dict) and key in where:
        del where[key]
        token = "nothing"
    elif rng.random() < 0.1 and isinstance(where, list):
        del where[key]
        token = "left out"
    else:
        where[key] = _MARK
    body = json.dumps({"chart": {"result": [chart], "error": None}}).replace(f'"{_MARK}"', token)
    if rng.random() < 0.05:
        cut = rng.randrange(len(body))
        return f"{name} = {token[:20]}, cut at {cut}", body[:cut].encode()
    return f"{name} = {token[:20]}", body.encode()


def _same(prices: Any, clean: Any) -> bool:
    fields = ("open", "high", "low", "dividend")  # a volume is any whole number
    return prices.close[_SYMBOL].equals(clean.close[_SYMBOL]) and all(
        prices.extra[name][_SYMBOL].equals(clean.extra[name][_SYMBOL]) for name in fields
    )


def _cached(folder: str) -> bool:
    """Return whether what the cache holds of the symbol is finite."""
    held = Store(folder).read(Key("yahoo", "1d", _SYMBOL))
    if held is None or not held.payload:
        return True
    return not np.isinf(np.frombuffer(held.payload, BAR)["values"]).any()


def changed_answers(rng: random.Random) -> Iterator[Attack]:
    """The result is the clean one, or a warning names the symbol; the other symbol is there; what heals is clean."""
    with fresh_yfinance():
        clean, _ = fetch(session_of({}), [_SYMBOL, _BESIDE])
        while True:
            seed = rng.random()

            def attack(seed: float = seed) -> None:
                changes = {_SYMBOL: lambda chart: _changed(random.Random(seed), chart)[1]}
                session = session_of(changes)
                with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                    prices, warned = fetch(session, [_SYMBOL, _BESIDE], folder)
                    assert prices.close[_BESIDE].equals(clean.close[_BESIDE]), "the other symbol"
                    told = any(_SYMBOL in text for text in warned)
                    if _SYMBOL in prices.tickers:
                        assert told or _same(prices, clean), "another result, and no word"
                    else:
                        assert told, "missing without a word"
                    assert _cached(folder), "an infinite figure was kept"
                    changes.clear()
                    try:
                        healed, warned = fetch(session, [_SYMBOL], folder)
                    except ProviderError as error:
                        raise AssertionError(f"healed, and refused: {error}") from error
                    # A warned-of piece is held, with its warning, until the vendor's history is compared again.
                    assert _same(healed, clean) or any(_SYMBOL in text for text in warned), "healed, and not clean"

            yield f"seed {seed}", attack


KINDS = (Kind("Yahoo's answer: one figure, name or shape changed", changed_answers, 40, 4_000),)
