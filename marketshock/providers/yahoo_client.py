"""Calls of yfinance: one at a time, in strict mode, within a time bound, with its errors classified."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..errors import Argument, BadData, InputError, NoData, ProviderError, RateLimited, Refused, Unavailable, Words
from .retry import MOST_BYTES, Bound
from .yahoo_answer import Answer

# yfinance keeps one session, one configuration and one memo of answers per process; calls take turns with them.
_TURN = threading.Lock()

_ABSENT = (400, 404, 422)  # how Yahoo says that a symbol or a range does not exist
_STOP = 0xFFFFFFFF  # CURL_WRITEFUNC_ERROR
_CACHED = Words("use ", Argument("offline", True), " with what the cache holds")
_WAIT = Words("wait some minutes, ask for fewer symbols, or ", _CACHED)
_LATER = Words("try again later, or ", _CACHED)
REMEDY = "check the symbol (Yahoo writes BRK-B, ^GSPC) and the dates"


@dataclass(frozen=True, slots=True)
class Client:
    """The session passed to yfinance, and this thread's last response (None before the first)."""

    session: Any
    last: Callable[[], Answer | None]

    @property
    def status(self) -> int:
        """HTTP status of this thread's last response, 0 before the first."""
        last = self.last()
        return last.status if last else 0


class TooLargeError(Exception):
    """A body above the bound; nothing that yfinance would ask again for."""


@contextmanager
def turn(session: Any, bound: Bound) -> Iterator[Client]:
    """Hold yfinance: strict, quiet, with a session (our own if None is given); everything is put back afterwards.

    Raises `Unavailable` if another thread of this process holds it until the bound; `InputError` if yfinance does not
    take the session.
    """
    left = bound.remaining()
    if not _TURN.acquire(timeout=min(left, threading.TIMEOUT_MAX)):
        came = f"another thread of this process was asking all the time ({left:g} s)"
        raise Unavailable(
            "Yahoo Finance", "a turn with yfinance", came, Words("raise ", Argument("max_time"), ", or ask in one call")
        )
    with ExitStack() as stack:
        stack.callback(_TURN.release)
        if session is None:
            session = stack.enter_context(closing(_own_session()))
        stack.enter_context(_strict(session))
        yield Client(session, stack.enter_context(_watched(session, bound)))


def _own_session() -> Any:
    from curl_cffi import requests

    return requests.Session(impersonate="chrome")


@contextmanager
def _watched(session: Any, bound: Bound) -> Iterator[Callable[[], Answer | None]]:
    """Let no request of a session go beyond the bounds of time and size, and keep each thread's last answer."""
    last, ask, own = threading.local(), _bounded(session), vars(session).get("request")

    def request(method: str, url: str, *args: Any, **named: Any) -> Any:
        left = bound.remaining()
        if left <= 0:
            raise TimeoutError("the total time bound has passed")
        if left < float("inf"):  # yfinance always names a timeout, in seconds
            named["timeout"] = min(named.get("timeout") or left, left)
        last.answer = None
        answer = ask(method, url, *args, **named)
        last.answer = Answer(answer.status_code, str(url), str(answer.url), answer.content)
        return answer

    session.request = request
    try:
        yield lambda: getattr(last, "answer", None)
    finally:
        if own is None:
            del session.request
        else:
            session.request = own


def _bounded(session: Any) -> Callable[..., Any]:
    """Return the `request` of a session of requests or curl_cffi, which ends a body at the bound, unpacked."""
    import requests

    ask = session.request

    def of_requests(method: str, url: str, *args: Any, **named: Any) -> Any:
        # The hook meets the response of every redirect too, before its body is read.
        hooks = {"response": [_count, *session.hooks.get("response", [])]}
        return ask(method, url, *args, **named, hooks=hooks)

    def of_curl(method: str, url: str, *args: Any, **named: Any) -> Any:
        body = _Body()
        try:
            answer = ask(method, url, *args, **named, content_callback=body.take)
        except Exception as error:
            if body.is_over:
                raise TooLargeError from error
            raise
        answer.content = body.getvalue()
        return answer

    return of_requests if isinstance(session, requests.Session) else of_curl


class _Body(io.BytesIO):
    """A body as curl delivers it, unpacked."""

    is_over = False

    def take(self, part: bytes) -> int:
        """Keep a part and return its length, or tell curl to stop."""
        self.is_over = self.tell() + len(part) > MOST_BYTES
        return _STOP if self.is_over else self.write(part)


class _Counted:
    """The stream of a response of requests, which counts what it unpacks."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **named: Any) -> Iterator[bytes]:
        total = 0
        for part in self._raw.stream(*args, **named):
            total += len(part)
            if total > MOST_BYTES:
                self._raw.close()
                raise TooLargeError
            yield part


def _count(answer: Any, **_: Any) -> None:
    answer.raw = _Counted(answer.raw)


@contextmanager
def classified(symbol: str, asked: str, client: Client) -> Iterator[None]:
    """Turn whatever yfinance, or the reading of its answer, raises into our errors.

    The last answer tells a refusal from an absence, and an absence from an answer that is none.
    """
    from yfinance import exceptions as yf

    try:
        yield
    except NoData as error:
        if (code := client.status) >= 400 and code not in _ABSENT:
            raise Unavailable(symbol, asked, f"HTTP {code}", _LATER) from error
        raise
    except ProviderError:
        raise
    except yf.YFRateLimitError as error:
        raise RateLimited(symbol, asked, "HTTP 429, too many requests", _WAIT) from error
    except TooLargeError as error:
        came = f"an answer of more than {MOST_BYTES >> 20} MB"
        raise BadData(symbol, asked, came, "try again later; nothing that large is asked for") from error
    except Exception as error:  # curl's and requests' errors are OSErrors; requests' JSONDecodeError is one as well
        of_connection = isinstance(error, OSError) and not isinstance(error, ValueError)
        raise (_of_connection if of_connection else _of_answer)(symbol, asked, error, client) from error


def _of_connection(symbol: str, asked: str, error: Exception, _: Client) -> ProviderError:
    code = getattr(getattr(error, "response", None), "status_code", None) or 0
    if code == 404:
        return NoData(symbol, asked, "HTTP 404", REMEDY)
    if code == 429:
        return RateLimited(symbol, asked, "HTTP 429, too many requests", _WAIT)
    if "Certificate" in type(error).__name__:
        remedy = "point CURL_CA_BUNDLE and REQUESTS_CA_BUNDLE to the certificates of your network"
        return Refused(symbol, asked, f"{type(error).__name__}: {_line(error)}", remedy)
    came = f"HTTP {code}" if code >= 300 else f"{type(error).__name__}: {_line(error)}"  # 200: the body cannot be read
    return Unavailable(symbol, asked, came, _LATER)


def _of_answer(symbol: str, asked: str, error: Exception, client: Client) -> ProviderError:
    """Return the error of an answer that came, by its status, by what it is, and by what yfinance made of it."""
    from yfinance import exceptions as yf

    last, code = client.last(), client.status
    if type(error).__module__ == "peewee":
        came = f"yfinance's own files are busy ({_line(error)})"
        return Unavailable(symbol, asked, came, "close what else uses yfinance, or try again")
    if code >= 400 and code not in _ABSENT:
        return Unavailable(symbol, asked, f"HTTP {code}", _LATER)
    if isinstance(error, yf.YFDataException):  # "Will be right back"
        return Unavailable(symbol, asked, "a page instead of figures", _LATER)
    if last and last.nonsense:
        return Unavailable(symbol, asked, last.nonsense, _LATER)
    if isinstance(error, (yf.YFPricesMissingError, yf.YFTzMissingError)):
        told = _line(error) if code in _ABSENT else _line(error).replace("possibly delisted; ", "")  # yfinance's guess
        nothing = NoData(symbol, asked, f"Yahoo's answer: {told}", REMEDY)
        nothing.believed = code in _ABSENT
        return nothing
    if isinstance(error, json.JSONDecodeError):
        return Unavailable(symbol, asked, "an answer cut off or no JSON", _LATER)
    if code >= 400:
        return Unavailable(symbol, asked, f"HTTP {code}", _LATER)
    what = f"an answer yfinance cannot read ({type(error).__name__}: {_line(error)})"
    return BadData(symbol, asked, what, "try again later, or update yfinance")


def _line(error: Exception) -> str:
    text = str(error).strip().partition(". See ")[0].splitlines()
    return text[0][:160] if text else type(error).__name__


@contextmanager
def _strict(session: Any) -> Iterator[None]:
    """Let yfinance raise, keep quiet, and use a session; put everything back afterwards."""
    import yfinance
    from yfinance.data import YfData
    from yfinance.exceptions import YFDataException

    logger, debug = logging.getLogger("yfinance"), yfinance.config.debug
    hidden, level = debug.hide_exceptions, logger.level
    before = getattr(YfData(), "_session", None)
    debug.hide_exceptions = False
    logger.setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"^yfinance")  # pandas' deprecations, on every call
        try:
            try:
                YfData(session=session)
            except YFDataException as error:
                remedy = "leave it out, or give a session of curl_cffi or requests"
                raise InputError("session", f"got a {type(session).__name__}", remedy) from error
            _warm()
            yield
        finally:
            YfData.cache_get.cache_clear()
            YfData(session=before)
            logger.setLevel(level)
            debug.hide_exceptions = hidden


def _warm() -> None:
    """Let yfinance open its own database files once: threads that do it at the same time get in each other's way."""
    from yfinance import cache

    for kept in (cache.get_tz_cache, cache.get_cookie_cache):
        with suppress(Exception):  # another process holds them: the request itself is then repeated
            kept().lookup("")
