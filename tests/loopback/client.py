"""Ways to point an unmodified yfinance at the loopback server, and to put its state back between tests."""

from __future__ import annotations

import subprocess
from urllib.parse import urlsplit, urlunsplit


class OutsideLoopbackError(RuntimeError):
    """A test tried to leave this machine."""


def rewritten(url: str, base: str) -> tuple[str, str]:
    """Return the address on the loopback server, and the host that was meant."""
    address, here = urlsplit(str(url)), urlsplit(base)
    host = address.hostname or ""
    if host in ("127.0.0.1", "localhost"):
        return str(url), host
    if not host.endswith("yahoo.com"):
        raise OutsideLoopbackError(str(url))
    return urlunsplit((here.scheme, here.netloc, address.path or "/", address.query, "")), host


def loopback_session(base: str):
    """Return a curl session, of the kind yfinance makes, whose every request goes to the loopback server."""
    from curl_cffi import requests

    class LoopbackSession(requests.Session):
        def request(self, method, url, *args, headers=None, **named):
            here, host = rewritten(url, base)
            named["headers"] = {**(headers or {}), "X-Loopback-Host": host}
            return super().request(method, here, *args, **named)

    return LoopbackSession(impersonate="chrome", trust_env=False)


def requests_session(base: str):
    """Return a session of requests, which yfinance takes too, whose every request goes to the loopback server."""
    import requests

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, request, **named):
            request.url, request.headers["X-Loopback-Host"] = rewritten(request.url, base)
            return super().send(request, **named)

    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    return session


def reset_yfinance(folder: str) -> None:
    """Put the process-wide state of yfinance back and keep its files in a folder of the test."""
    import yfinance
    from yfinance import base, cache
    from yfinance.data import SingletonMeta, YfData

    YfData.cache_get.cache_clear()
    SingletonMeta._instances.clear()
    base._tz_info_fetch_ctr = 0
    for manager in (cache._TzCacheManager, cache._CookieCacheManager, cache._ISINCacheManager):
        for name in ("_tz_cache", "_Cookie_cache", "_isin_cache"):
            if hasattr(manager, name):
                setattr(manager, name, None)
    yfinance.set_tz_cache_location(folder)
    yfinance.config.network.proxy = None
    yfinance.config.network.retries = 0
    yfinance.config.debug.hide_exceptions = True


def make_certificate(folder: str) -> tuple[str, str]:
    """Write a two-day self-signed certificate for yahoo.com (it is its own CA bundle, and never installed)."""
    certificate, key = f"{folder}/yahoo.pem", f"{folder}/yahoo.key"
    names = ("*.yahoo.com", "*.finance.yahoo.com", "yahoo.com", "finance.yahoo.com")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate),
            *("-days", "2", "-subj", "/CN=loopback test", "-addext"),
            "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        ],
        check=True,
        capture_output=True,
    )
    return certificate, key
