"""Calls of yfinance: one at a time, in strict mode, within a time bound, with its errors classified."""

from __future__ import annotations

import json
import logging
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from ..errors import Argument, BadData, InputError, NoData, RateLimited, Refused, Unavailable, Words
from .retry import Bound

# yfinance keeps one session, one configuration and one memo of answers per process; calls take turns with them.
_TURN = threading.Lock()

_ABSENT = (400, 404, 422)  # how Yahoo says that a symbol or a range does not exist
_CACHED = Words("use ", Argument("offline", True), " with what the cache holds")
_WAIT = Words("wait some minutes, ask for fewer symbols, or ", _CACHED)
_LATER = Words("try again later, or ", _CACHED)
REMEDY = "check the symbol (Yahoo writes BRK-B, ^GSPC) and the dates"


@dataclass(frozen=True, slots=True)
class Client:
    """The session passed to yfinance, and the HTTP status of this thread's last response (None before the first)."""

    session: Any
    status: Callable[[], int | None]


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
def _watched(session: Any, bound: Bound) -> Iterator[Callable[[], int | None]]:
    """Let no request of a session go beyond the bound, and note the status of each thread's last answer."""
    last, ask, own = threading.local(), session.request, vars(session).get("request")

    def request(*args: Any, **named: Any) -> Any:
        left = bound.remaining()
        if left <= 0:
            raise TimeoutError("the total time bound has passed")
        if left < float("inf"):  # yfinance always names a timeout, in seconds
            named["timeout"] = min(named.get("timeout") or left, left)
        last.status = None
        answer = ask(*args, **named)
        last.status = answer.status_code
        return answer

    session.request = request
    try:
        yield lambda: getattr(last, "status", None)
    finally:
        if own is None:
            del session.request
        else:
            session.request = own


@contextmanager
def classified(symbol: str, asked: str, status: Callable[[], int | None]) -> Iterator[None]:
    """Turn what yfinance raises into our errors. The status of the last answer tells a refusal from an absence."""
    from yfinance import exceptions as yf

    try:
        yield
    except NoData as error:
        if (code := status() or 0) >= 400 and code not in _ABSENT:
            raise Unavailable(symbol, asked, f"HTTP {code}", _LATER) from error
        raise
    except (RateLimited, Unavailable, BadData):
        raise
    except yf.YFRateLimitError as error:
        raise RateLimited(symbol, asked, "HTTP 429, too many requests", _WAIT) from error
    except (yf.YFPricesMissingError, yf.YFTzMissingError) as error:
        if (code := status() or 0) >= 400 and code not in _ABSENT:
            raise Unavailable(symbol, asked, f"HTTP {code}", _LATER) from error
        nothing = NoData(symbol, asked, f"Yahoo's answer: {_line(error)}", REMEDY)
        nothing.believed = code in _ABSENT
        raise nothing from error
    except (json.JSONDecodeError, yf.YFDataException) as error:
        code = status() or 0
        page = "a page instead of figures" if isinstance(error, yf.YFDataException) else "an answer cut off or no JSON"
        raise Unavailable(symbol, asked, f"HTTP {code}" if code >= 400 else page, _LATER) from error
    except OSError as error:  # curl's and requests' errors are OSErrors
        code = getattr(getattr(error, "response", None), "status_code", None) or 0
        if code == 404:
            raise NoData(symbol, asked, "HTTP 404", REMEDY) from error
        if code == 429:
            raise RateLimited(symbol, asked, "HTTP 429, too many requests", _WAIT) from error
        if "Certificate" in type(error).__name__:
            remedy = "point CURL_CA_BUNDLE and REQUESTS_CA_BUNDLE to the certificates of your network"
            raise Refused(symbol, asked, f"{type(error).__name__}: {_line(error)}", remedy) from error
        came = f"HTTP {code}" if code else f"{type(error).__name__}: {_line(error)}"
        raise Unavailable(symbol, asked, came, _LATER) from error
    except Exception as error:
        if type(error).__module__ == "peewee":
            came = f"yfinance's own files are busy ({_line(error)})"
            raise Unavailable(symbol, asked, came, "close what else uses yfinance, or try again") from error
        if not isinstance(error, (KeyError, ValueError, TypeError, IndexError, AttributeError)):
            raise
        if (code := status() or 0) >= 400:
            raise Unavailable(symbol, asked, f"HTTP {code}", _LATER) from error
        came = f"an answer yfinance cannot read ({type(error).__name__}: {_line(error)})"
        raise BadData(symbol, asked, came, "try again later, or update yfinance") from error


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
