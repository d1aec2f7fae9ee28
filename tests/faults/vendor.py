"""A Yahoo whose chart answers a test changes: a session that answers itself, so that many tries are quick."""

from __future__ import annotations

import datetime as dt
import functools
import json
import tempfile
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import marketshock as ms
from marketshock.providers.fetch import fetch_prices
from marketshock.providers.retry import Retry
from marketshock.providers.yahoo import Yahoo

from ..loopback.client import reset_yfinance
from ..loopback.yahoo import chart_body, universe

START, END = "2025-01-02", "2025-01-31"
NOW = dt.datetime(2025, 4, 1, 12, tzinfo=dt.UTC)
Change = Callable[[dict[str, Any]], "bytes | None"]
"""Changes a chart, or returns the body to send instead."""


@functools.cache
def _universe() -> dict[str, Any]:
    return universe()


def session_of(changes: dict[str, Change]) -> Any:
    """Return a session that answers every request from the loopback server's universe, without a server."""
    import requests

    class Session(requests.Session):
        def request(self, method, url, *args, params=None, hooks=None, **named):
            answer = requests.Response()
            answer.url, answer.status_code = str(url), 404
            answer._content = b"x"
            symbol = str(url).rpartition("/chart/")[2]
            if symbol in known:
                query = {name: [str(value)] for name, value in (params or {}).items()}
                body = chart_body(known[symbol], query, NOW.timestamp())
                change = changes.get(symbol) if "period1" in query else None
                sent = change(body["chart"]["result"][0]) if change else None
                answer.status_code = 200
                answer._content = json.dumps(body).encode() if sent is None else sent
            return answer

    known = _universe()
    return Session()


@contextmanager
def fresh_yfinance():
    """Keep the files of yfinance in a folder of the test."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        reset_yfinance(folder)
        try:
            yield
        finally:
            reset_yfinance(folder)


def fetch(session: Any, tickers: Any, cache: Any = False, **more: Any) -> tuple[ms.Prices, list[str]]:
    """Return prices and what was warned of."""
    tolerate = tuple(more.pop("tolerate", ()))
    source = Yahoo(session=session, now=lambda: NOW, retry=Retry(1, 0, 0, 0), tolerate=tolerate)
    more = {"progress": False, "max_time": 20, "workers": 1, "now": lambda: NOW, "tolerate": tolerate} | more
    span = (more.pop("start", START), more.pop("end", END))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        prices = fetch_prices(source, tickers, *span, cache=cache, **more)
    return prices, [str(w.message) for w in caught if issubclass(w.category, ms.errors.MarketShockWarning)]
