"""A stand-in for Yahoo Finance on 127.0.0.1, spoken to by the real yfinance.

It answers charts (daily and intraday), share counts, the page of earnings dates, quote summaries, cookie and crumb; and
it can be an HTTPS proxy, for processes that know nothing of it. The bodies are written from what yfinance reads.

    with YahooLoopback() as yahoo:
        yahoo.fail("NVDA", "429", times=2)  # then healthy again
        yahoo.requests  # [(host, path, query), ...]
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
import ssl
import threading
import time
from collections import defaultdict, deque
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, unquote, urlsplit
from zoneinfo import ZoneInfo

from .files import QuietServer
from .panel import PRICES, Series, universe

CRUMB = "loopback.crumb"
RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
SICK = {
    "SLOW": "slow",
    "TRUNC": "truncated",
    "HTML": "html",
    "EMPTY": "empty",
    "NULLQ": "nullquote",
    "RATE": "429",
    "ERR500": "500",
    "RESET": "reset",
    "DENIED": "401",
}
MINUTES = {"1m": 1, "2m": 2, "5m": 5, "15m": 15, "30m": 30, "60m": 60, "90m": 90, "1h": 60}
ENDPOINTS = {
    "chart": r"/v8/finance/chart/(.+)",
    "summary": r"/v10/finance/quoteSummary/(.+)",
    "shares": r"/ws/fundamentals-timeseries/v1/finance/timeseries/(.+)",
}


def daily_columns(series: Series, first: int, last: int):
    keep = [i for i, day in enumerate(series.dates) if first <= series.stamp(day) < last]
    columns = {name: [float(getattr(series, name)[i]) for i in keep] for name in PRICES}
    return keep, [series.stamp(series.dates[i]) for i in keep], columns, [int(series.volume[i]) for i in keep]


def intraday_columns(series: Series, first: int, last: int, minutes: int):
    """Bars of 6.5 hours that walk from the open to the close of each day."""
    stamps, columns, volume, keep = [], {name: [] for name in PRICES}, [], []
    for i, day in enumerate(series.dates):
        n = 390 // minutes
        for k in range(n):
            stamp = series.stamp(day) + k * minutes * 60
            if not first <= stamp < last:
                continue
            a, b = (series.open[i] + (series.close[i] - series.open[i]) * x / n for x in (k, k + 1))
            for name, value in zip(PRICES, (a, max(a, b), min(a, b), b, b), strict=True):
                columns[name].append(float(value))
            stamps.append(stamp)
            volume.append(int(series.volume[i]) // n)
            keep.append(i)
    return keep, stamps, columns, volume


def quirk(symbol: str, stamps: list, columns: dict, volume: list) -> None:
    """Make the bars of some symbols wrong in the way their name says."""
    if len(stamps) <= 12:
        return
    if symbol == "NANS":  # a null bar, and a null close alone
        for name in columns:
            columns[name][3] = math.nan
        volume[3] = None
        columns["close"][5] = columns["adjclose"][5] = math.nan
    if symbol == "HOLES":  # two sessions are absent
        for values in (stamps, volume, *columns.values()):
            del values[2:4]
    if symbol == "DUPLAST":  # the last bar twice, same stamp
        for values in (stamps, volume, *columns.values()):
            values.append(values[-1])
    if symbol == "LIVEDUP":  # a live row: same day, stamped 16:00, other volume
        for values in columns.values():
            values.append(round(values[-1] * 1.01, 2))
        volume.append(volume[-1] + 1234)
        stamps.append(stamps[-1] + int(6.5 * 3600))
    if symbol == "ZEROS":
        for values in columns.values():
            values[4] = 0.0
    if symbol == "X100":  # pence and pounds mixed up on one bar
        for values in columns.values():
            values[4] *= 100
    if symbol == "BADADJ":  # the adjusted close jumps by 30 % and nothing was paid
        columns["adjclose"][:10] = [a * 0.7 for a in columns["adjclose"][:10]]
    if symbol == "SHORTADJ":  # ragged
        del columns["adjclose"][-2:]
    if symbol == "UNSPLIT":  # the split is listed, the history not adjusted for it
        for values in columns.values():
            values[:8] = [v * 4 for v in values[:8]]
    if symbol == "STALE":
        for values in columns.values():
            values[4:11] = [values[4]] * 7
    if symbol == "OUTSIDE":
        columns["close"][5] = columns["adjclose"][5] = columns["high"][5] * 1.05


def chart_body(series: Series, query: dict[str, list[str]], now: float) -> dict:
    interval = query.get("interval", ["1d"])[0]
    if "period1" in query:
        first, last = int(query["period1"][0]), int(query["period2"][0])
    else:
        first, last = series.stamp(series.dates[-1]), 1 << 40
    if interval in MINUTES:
        keep, stamps, columns, volume = intraday_columns(series, first, last, MINUTES[interval])
    else:
        keep, stamps, columns, volume = daily_columns(series, first, last)
    if series.symbol == "HOLIDAY" and stamps and interval == "1d":  # a bar on 9 January 2025
        at = next((i for i, k in enumerate(keep) if series.dates[k] == dt.date(2025, 1, 10)), None)
        if at is not None:
            stamps[at] -= 86400
    quirk(series.symbol, stamps, columns, volume)
    inside = {series.dates[i] for i in keep}
    splits = dict(series.splits)
    if series.symbol == "UNSPLIT" and len(keep) > 12:
        splits = {series.dates[keep[8]]: (4.0, 1.0)}
    events = {}
    for kind, paid in (("dividends", series.dividends), ("capitalGains", series.gains)):
        events[kind] = {
            str(series.stamp(d)): {"amount": a, "date": series.stamp(d)} for d, a in paid.items() if d in inside
        }
    if splits:
        events["splits"] = {
            str(series.stamp(d)): {
                "date": series.stamp(d),
                "numerator": a,
                "denominator": b,
                "splitRatio": f"{a:g}:{b:g}",
            }
            for d, (a, b) in splits.items()
            if d in inside
        }
    quote = {name: _nulls(columns[name]) for name in ("open", "high", "low", "close")} | {"volume": volume}
    result = {
        "meta": _meta(series, interval, query, now),
        "timestamp": stamps,
        "indicators": {"quote": [quote], "adjclose": [{"adjclose": _nulls(columns["adjclose"])}]},
    }
    if interval in MINUTES:
        result["indicators"].pop("adjclose")
    if not stamps:  # Yahoo leaves the keys out
        del result["timestamp"]
        result["indicators"] = {"quote": [{}], "adjclose": [{}]}
    if any(events.values()):
        result["events"] = {kind: listed for kind, listed in events.items() if listed}
    return {"chart": {"result": [result], "error": None}}


def _nulls(values):
    return [None if isinstance(x, float) and math.isnan(x) else x for x in values]


def _meta(series: Series, interval: str, query: dict, now: float) -> dict:
    last = series.stamp(series.dates[-1])
    here = dt.datetime.fromtimestamp(now, ZoneInfo(series.zone))
    opens = int(here.replace(hour=series.opens.hour, minute=series.opens.minute, second=0).timestamp())
    offset = int(here.utcoffset().total_seconds())
    period = {"timezone": "EST", "start": opens, "end": opens + 23400, "gmtoffset": offset}
    meta = {
        "currency": series.currency,
        "symbol": series.symbol,
        "exchangeName": "NMS",
        "fullExchangeName": "NasdaqGS",
        "instrumentType": series.instrument,
        "firstTradeDate": series.stamp(series.dates[0]),
        "regularMarketTime": last + 23400,
        "hasPrePostMarketData": True,
        "gmtoffset": offset,
        "timezone": "EST",
        "exchangeTimezoneName": series.zone,
        "regularMarketPrice": float(series.close[-1]),
        "priceHint": 2,
        "chartPreviousClose": float(series.close[-2]),
        "currentTradingPeriod": {kind: dict(period) for kind in ("pre", "regular", "post")},
        "dataGranularity": interval,
        "range": query.get("range", [""])[0],
        "validRanges": RANGES,
    }
    if interval in MINUTES:
        days = [
            [{"timezone": "EST", "start": series.stamp(d), "end": series.stamp(d) + 23400, "gmtoffset": offset}]
            for d in series.dates[-90:]
        ]
        meta["tradingPeriods"] = days
    return meta


def shares_body(series: Series, query: dict[str, list[str]]) -> dict:
    first, last = int(query["period1"][0]), int(query["period2"][0])
    rows = [(int(dt.datetime.combine(d, dt.time(0), dt.UTC).timestamp()), n) for d, n in series.shares]
    rows = [(stamp, n) for stamp, n in rows if first <= stamp < last]
    result: dict = {"meta": {"symbol": [series.symbol], "type": ["shares_out"]}}
    if rows:
        result |= {"timestamp": [stamp for stamp, _ in rows], "shares_out": [n for _, n in rows]}
    return {"timeseries": {"result": [result], "error": None}}


def summary_body(series: Series) -> dict:
    price = float(series.close[-1])
    kind = {"symbol": series.symbol, "quoteType": series.instrument, "timeZoneFullName": series.zone, "exchange": "NMS"}
    detail = {"previousClose": price, "currency": series.currency}
    return {"quoteSummary": {"error": None, "result": [{"quoteType": kind, "summaryDetail": detail}]}}


def earnings_page(series: Series) -> bytes:
    rows = "".join(
        f"<tr><td>{series.symbol}</td><td>Company</td><td>{when}</td><td>0.85</td><td>{'-' if i == 0 else '0.89'}</td>"
        f"<td>{'-' if i == 0 else '4.87'}</td></tr>"
        for i, when in enumerate(series.earnings)
    )
    names = ("Symbol", "Company", "Earnings Date", "EPS Estimate", "Reported EPS", "Surprise (%)")
    head = "".join(f"<th>{name}</th>" for name in names)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return f"<html><body>{table}</body></html>".encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: YahooLoopback

    def log_message(self, *args):
        pass

    def do_CONNECT(self):
        """Be the HTTPS proxy that answers for every yahoo.com itself."""
        yahoo = self.owner
        host = self.path.rsplit(":", 1)[0]
        if yahoo.tls is None or not host.endswith("yahoo.com"):
            self._send(403, b"")
            return
        self.send_response(200, "Connection established")
        self.end_headers()
        try:
            self.connection = yahoo.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            self.close_connection = True
            return
        self.rfile = self.connection.makefile("rb", self.rbufsize)
        self.wfile = self.connection.makefile("wb", 0)
        self.close_connection = False
        with self.connection, self.rfile:
            while not self.close_connection:
                self.handle_one_request()

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        yahoo = self.owner
        address = urlsplit(self.path)
        path, query = unquote(address.path), parse_qs(address.query)
        host = self.headers.get("X-Loopback-Host") or self.headers.get("Host", "").split(":")[0]
        with yahoo.lock:
            yahoo.requests.append((host, path, query))
        if path == "/":  # fc.yahoo.com answers 404 and sets a cookie
            self._send(404, b"", "text/html", [("Set-Cookie", "A3=loop; Path=/; Max-Age=31536000")])
        elif path == "/v1/test/getcrumb":
            busy = yahoo.crumb_fault == "429"
            self._send(429 if busy else 200, b"Too Many Requests\r\n" if busy else CRUMB.encode(), "text/plain")
        elif path == "/calendar/earnings":
            self._earnings(query["symbol"][0], query)
        else:
            for kind, pattern in ENDPOINTS.items():
                if match := re.fullmatch(pattern, path):
                    self._answer(kind, match[1].rstrip("/"), query)
                    return
            self._json(404, {"finance": {"result": None, "error": {"code": "Not Found", "description": path}}})

    def _answer(self, kind: str, symbol: str, query: dict) -> None:
        yahoo = self.owner
        fault = yahoo.take(symbol, kind, query)
        if self._broken(fault):
            return
        if kind == "chart" and symbol in yahoo.recorded:
            self._send(200, yahoo.recorded[symbol])
        elif symbol not in yahoo.universe:
            name = {"chart": "chart", "summary": "quoteSummary", "shares": "timeseries"}[kind]
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            if kind == "shares":
                self._json(200, {name: {"result": [{"meta": {"symbol": [symbol]}}], "error": None}})
            else:
                self._json(404, {name: {"result": None, "error": error}})
        elif kind == "summary":
            self._json(200, summary_body(yahoo.universe[symbol]))
        elif kind == "shares":
            self._json(200, shares_body(yahoo.universe[symbol], query))
        else:
            self._chart(symbol, query, fault)

    def _broken(self, fault: str | None) -> bool:
        """Answer as a sick server and return True, or wait and return False."""
        if fault == "slow":
            time.sleep(self.owner.slow)
        if fault == "reset":
            self.close_connection = True
            self.connection.shutdown(2)
        elif fault == "429":
            self._send(429, b"Too Many Requests\r\n", "text/plain")
        elif fault == "500":
            self._send(500, b"<html>Internal Server Error</html>", "text/html")
        elif fault == "html":
            self._send(200, b"<html><body>Will be right back...</body></html>", "text/html")
        elif fault == "401":
            self._json(401, {"finance": {"result": None, "error": {"code": "Unauthorized", "description": "no"}}})
        elif fault == "finance-error":
            self._json(404, {"finance": {"result": None, "error": {"code": "Not Found", "description": "no"}}})
        else:
            return False
        return True

    def _chart(self, symbol: str, query: dict, fault: str | None) -> None:
        if fault == "empty":
            self._json(200, {"chart": {"result": [], "error": None}})
            return
        body = chart_body(self.owner.universe[symbol], query, self.owner.now())
        body["chart"]["result"][0]["meta"]["symbol"] = symbol  # whatever quirk its series has
        if fault == "nullquote":
            body["chart"]["result"][0]["indicators"]["quote"] = [{}]
            body["chart"]["result"][0].pop("timestamp", None)
        raw = json.dumps(body).encode()
        if fault == "truncated":  # a proxy's honest short body
            self._send(200, raw[: len(raw) // 2])
        elif fault == "shortbody":  # shorter than promised
            self._send(200, raw, cut=len(raw) // 2)
        elif fault == "drip":  # a byte now and then
            self._head(200, "application/json", len(raw))
            for byte in raw:
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)
        else:
            self._send(200, raw)

    def _earnings(self, symbol: str, query: dict) -> None:
        yahoo = self.owner
        if not self._broken(yahoo.take(symbol, "earnings", query)):
            known = yahoo.universe.get(symbol)
            self._send(200, earnings_page(known) if known else b"<html></html>", "text/html")

    def _json(self, status: int, body: object) -> None:
        self._send(status, json.dumps(body).encode())

    def _head(self, status: int, kind: str, length: int, extra=()) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        for name, value in extra:
            self.send_header(name, value)
        self.end_headers()

    def _send(self, status: int, body: bytes, kind="application/json", extra=(), cut: int | None = None) -> None:
        self._head(status, kind, len(body), extra)
        self.wfile.write(body if cut is None else body[:cut])
        if cut is not None:
            self.close_connection = True


class YahooLoopback:
    """The server. With `tls` = (certificate, key) it also is an HTTPS proxy."""

    def __init__(self, tls: tuple[str, str] | None = None, slow: float = 1.5):
        self.universe = universe()
        self.recorded: dict[str, bytes] = {}
        self.requests: list[tuple[str, str, dict]] = []
        self.crumb_fault: str | None = None
        self.slow = slow
        self.now = time.time
        self.lock = threading.Lock()
        self._faults: defaultdict[tuple[str, str], deque[str]] = defaultdict(deque)
        self.tls = None
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)
            self.tls.set_alpn_protocols(["http/1.1"])
        self._server = QuietServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"owner": self}))
        self.base = f"http://127.0.0.1:{self._server.server_address[1]}"

    def fail(self, symbol: str, fault: str, times: int = 1, kind: str = "chart") -> None:
        self._faults[symbol, kind].extend([fault] * times)

    def heal(self) -> None:
        """Forget requests and programmed faults, and undo changes of the universe."""
        self.requests.clear()
        self._faults.clear()
        self.recorded.clear()
        self.crumb_fault = None
        self.now = time.time
        self.universe = universe()

    def take(self, symbol: str, kind: str, query: dict) -> str | None:
        with self.lock:
            if self._faults[symbol, kind]:
                return self._faults[symbol, kind].popleft()
        probe = kind == "chart" and query.get("range") == ["1d"]  # yfinance asks for the time zone first
        return None if probe and symbol not in ("RATE", "SLOW", "RESET", "DENIED") else SICK.get(symbol)

    def charts(self, symbol: str) -> int:
        """Return how many bars requests of a symbol there were, probes for the time zone left out."""
        with self.lock:
            return sum(path.endswith(f"chart/{symbol}") and "period1" in query for _, path, query in self.requests)

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()
