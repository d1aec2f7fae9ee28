"""Files from the web, by HTTP, kept in the cache."""

from __future__ import annotations

import datetime as dt
import hashlib
import queue
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import (
    Argument,
    BadData,
    CacheWarning,
    InputError,
    NoData,
    OfflineMiss,
    RateLimited,
    Refused,
    Unavailable,
    Words,
)
from .cache import utc_now
from .retry import MOST_BYTES, Asker, Bound, Retry
from .store import Held, Key, Store

if TYPE_CHECKING:
    import requests

_CHUNK = 1 << 16


@dataclass(frozen=True, slots=True)
class Download:
    """How files are fetched."""

    store: Store | None  # the cache; None keeps nothing
    offline: bool = False  # open no connection: what the cache does not hold is an `OfflineMiss`
    # A cached file older than this is fetched again; if that fails, the cached one serves, with a `CacheWarning`
    max_age: dt.timedelta = dt.timedelta(days=1)
    headers: Mapping[str, str] = field(default_factory=dict)  # of the request
    timeout: float = 10  # seconds without a byte after which a request is given up
    max_time: float | None = 120  # seconds for one file in all, retries included
    retry: Retry = field(default_factory=Retry)
    now: Callable[[], dt.datetime] = utc_now

    def file(self, key: Key, url: str, describe: Callable[[bytes], dict[str, Any]] = lambda _: {}) -> Held:
        """Return a file with what is known of it: url, fetched (UTC), sha256, and stale if a newer one was not had.

        Raises `OfflineMiss`, `NoData`, `RateLimited`, `Unavailable`, `BadData`: the message gives the address and
        what came; `InputError` if `url` is no address.

        Parameters
        ----------
        key : Key
            Its place in the cache. A file that another address gave to that place counts as none.
        url : str
            Its address.
        describe : callable, optional
            Takes the bytes that came; returns what else `about` is to hold, or raises `BadData`, so that a page of
            apologies sent with status 200 is not kept as the file.

        Warns
        -----
        CacheWarning
            If the file could not be had or is not what it should be, and the cached one serves.
        """
        held = self.held(key, url)
        if held and (self.offline or held.is_younger(self.max_age, self.now())):
            return held
        if self.offline:
            raise OfflineMiss(key.name, url, "the cache does not hold it", "fetch it once without offline")
        try:
            return self._fetched(key, url, describe)
        except (RateLimited, Unavailable, BadData) as error:
            if held is None:
                raise
            warnings.warn(
                f"{error}. The cached file of {held.about.get('fetched')} serves instead", CacheWarning, stacklevel=3
            )
            return Held({**held.about, "stale": error.came}, held.payload)

    def held(self, key: Key, url: str) -> Held | None:
        """Return what the cache holds of an address, however old; None if nothing."""
        held = self.store.read(key) if self.store else None
        return held if held and held.about.get("url") == url else None

    def _fetched(self, key: Key, url: str, describe: Callable[[bytes], dict[str, Any]]) -> Held:
        bound = Bound(self.max_time)
        payload = Asker(self.retry, bound).ask(
            key.name, url, lambda: _within(bound, key.name, url, lambda: self._get(key.name, url, bound))
        )
        about = describe(payload) | {
            "url": url,
            "fetched": self.now().isoformat(timespec="seconds"),
            "sha256": hashlib.sha256(payload).hexdigest(),
        }
        if self.store:
            with self.store.lock(key, bound.remaining()):
                self.store.write(key, about, payload)
        return Held(about, payload)

    def _get(self, name: str, url: str, bound: Bound) -> bytes:
        import requests
        import urllib3

        wait = min(self.timeout, max(bound.remaining(), 0.001))
        try:
            with requests.get(url, headers=dict(self.headers), timeout=wait, stream=True) as response:
                _refuse(name, url, response)
                return _body(response, name, url, bound)
        except _no_addresses() as error:  # asking again is no use
            raise InputError("url", f"got {url!r}: {_short(error)}", "give an https address") from error
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            came = f"{type(error).__name__}: {_short(error)}"
            raise Unavailable(name, url, came, "check the connection and the address, or try again later") from error


def _within(bound: Bound, name: str, url: str, get: Callable[[], bytes]) -> bytes:
    """Return what `get` returns, or give it up at the bound: redirects and dripping headers need not end."""
    answer: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((get(), None))
        except BaseException as error:
            answer.put((b"", error))

    threading.Thread(target=work, daemon=True).start()
    try:
        payload, error = answer.get(timeout=min(bound.remaining(), threading.TIMEOUT_MAX))
    except queue.Empty:
        remedy = Words("raise ", Argument("max_time"), ", or try again later")
        raise Unavailable(name, url, "no whole answer in time", remedy) from None
    if error is not None:
        raise error
    return bytes(payload)


def _no_addresses() -> tuple[type[Exception], ...]:
    from requests import exceptions

    return exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema


def _refuse(name: str, url: str, response: requests.Response) -> None:
    status = response.status_code
    came = f"HTTP {status} {response.reason or ''}".strip()
    if status == 429:
        raise RateLimited(name, url, came, "wait some minutes before asking again")
    if status in (404, 410):
        raise NoData(name, url, came, "check the name or the address")
    if status in (401, 403):
        raise Refused(name, url, came, "check that the address may be read")
    if status >= 400:
        raise Unavailable(name, url, came, "check that the address may be read, or try again later")


def _body(response: requests.Response, name: str, url: str, bound: Bound) -> bytes:
    """Return the whole body; ``response.content`` would wait for as long as single bytes drip in."""
    body = bytearray()
    while part := response.raw.read1(_CHUNK, decode_content=True):
        body += part
        if len(body) > MOST_BYTES:  # asking again is no use
            raise BadData(name, url, f"more than {MOST_BYTES >> 20} MB", "check the address")
        if not bound.remaining():
            came = f"{len(body)} bytes, then the time was up"
            raise Unavailable(name, url, came, Words("raise ", Argument("max_time")))
    return bytes(body)


def _short(error: Exception) -> str:
    text = str(error.args[0] if error.args else error).splitlines()
    return text[0][:160] if text else "no more is known"
