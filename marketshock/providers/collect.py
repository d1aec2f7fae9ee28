"""Many symbols at once: from the cache where it can, from the source where it must; what failed is kept by name."""

from __future__ import annotations

import datetime as dt
import hashlib
import queue
import re
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

import numpy as np

from ..errors import (
    Argument,
    BadData,
    InputError,
    NoData,
    OfflineMiss,
    PartialDataWarning,
    PriceError,
    PriceWarning,
    ProviderError,
    SharesError,
    Words,
    check_choice,
    twice,
)
from ..sessions import NEW_YORK
from .answers import Span
from .bars import Bars, Source, flaw
from .cache import Cache, utc_now
from .checks import ERROR, FINDINGS, WARNING, Finding, found_in, words
from .retry import Bound
from .store import Store, store_of

_SYMBOL = re.compile(r"[A-Za-z0-9.^=&_+$!-]{1,40}")
_FIRST = dt.date(1900, 1, 1)
_NAMED = 5  # symbols that a message names
_CAUSE = 60  # characters of the cause of each, where there are several

Day: TypeAlias = str | dt.date
CacheLike: TypeAlias = bool | str | Path | Store
OnFailure: TypeAlias = Literal["warn", "raise"]


@dataclass(frozen=True, slots=True)
class Fetching:
    """How symbols are fetched; the arguments are those of `yahoo`."""

    cache: CacheLike = True
    offline: bool = False
    tolerate: Sequence[str] = ()
    on_failure: OnFailure = "warn"
    workers: int = 4
    max_time: float | None = 300
    progress: bool = True
    now: Callable[[], dt.datetime] = utc_now

    def __post_init__(self) -> None:
        check_choice("on_failure", self.on_failure, ("warn", "raise"))
        for name in self.tolerate:
            check_choice("tolerate", name, FINDINGS)
        if self.workers < 1:
            raise InputError("workers", f"got {self.workers}", "give 1 or more")
        if self.cache is False and self.offline:
            raise InputError("offline", "there is no cache to read", Words("leave ", Argument("cache", False), " out"))


def collect(
    source: Source, tickers: Sequence[str], span: Span, how: Fetching, bound: Bound | None = None
) -> tuple[dict[str, Bars], dict[str, Any]]:
    """Return all bars known of each ticker (of the days of the span at least), and what it is they came with.

    The second is a provenance: source, what was asked, currency, checks and checksum of each ticker, errors of those
    that failed. Missing symbols and odd figures are warned of. Raises `ProviderError` if no symbol was had, or one was
    not and `on_failure` is "raise".
    """
    store = store_of(how.cache)
    cache = Cache(store, now=how.now) if store else None
    known: dict[str, Bars] = {}
    failed: dict[str, ProviderError] = {}
    faulty: set[str] = set()  # cached under another `tolerate`: the vendor may have mended it since
    for name in tickers:
        with kept(failed, name):
            held = cache.held(source, name, *span, offline=how.offline) if cache else None
            if held is not None and (how.offline or not _faults(held, span, how.tolerate)):
                known[name] = _sound(held, source, span, how.tolerate)
            elif held is not None:
                faulty.add(name)
            elif cache and how.offline:
                raise cache.miss(source, name, *span)
    left = [name for name in tickers if name not in known and name not in failed]
    if left:
        limit = bound or Bound(how.max_time)

        def ask(name: str) -> Bars:
            return cache.fetch(source, name, *span, limit, name in faulty) if cache else source.bars(name, *span, limit)

        try:
            with source.asking(limit):
                for name, answer in _in_parallel(ask, left, how, limit):
                    with kept(failed, name):
                        known[name] = _sound(answer.result(), source, span, how.tolerate)
        except ProviderError as error:  # the source could not be asked at all: what is held is still good
            failed |= {name: type(error)(name, error.asked, error.came, error.remedy) for name in left}
    got = {name: known[name] for name in tickers if name in known}
    failed = {name: _of_span(failed[name], source, span) for name in tickers if name in failed}
    _report(got, failed, span, how.on_failure)
    return got, _provenance({name: bars.between(*span) for name, bars in got.items()}, failed, span)


@contextmanager
def kept(failed: dict[str, ProviderError], name: str) -> Iterator[None]:
    """Keep the error of one symbol instead of raising it.

    Whatever else its answer or its file brings up becomes `BadData`, with the error as its cause: one symbol does not
    fail the others. An `InputError` on an argument concerns all of them, and a warning is one that was made an error.
    """
    try:
        yield
    except ProviderError as error:
        failed[name] = error
    except (InputError, Warning) as error:
        if not isinstance(error, (PriceError, SharesError)):
            raise
        failed[name] = _unreadable(name, error)
    except Exception as error:
        failed[name] = _unreadable(name, error)


def _unreadable(name: str, error: Exception) -> BadData:
    text = (str(error).splitlines() or [""])[0][:160]
    bad = BadData(name, "figures", f"what came cannot be read ({type(error).__name__}: {text})", "try again later")
    bad.__cause__ = error
    return bad


def _in_parallel(
    ask: Callable[[str], Bars], names: Sequence[str], how: Fetching, bound: Bound
) -> Iterator[tuple[str, Future[Bars]]]:
    """Yield each name with its answer as it comes, with a bar."""
    from tqdm.auto import tqdm

    off = None if how.progress else True  # None: off unless stderr is a terminal
    bar = tqdm(total=len(names), desc="fetching", unit="symbol", delay=1, leave=False, disable=off)
    pool = ThreadPoolExecutor(max_workers=min(how.workers, len(names)))
    done: queue.SimpleQueue[Future[Bars]] = queue.SimpleQueue()
    try:
        futures = {pool.submit(ask, name): name for name in names}
        for future in futures:
            future.add_done_callback(done.put)
        for _ in names:
            answered = _next(done)
            bar.update()
            yield futures[answered], answered
    except BaseException:
        bound.stop()  # an interruption: what is running ends with its request, and nothing more is asked
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        bar.close()


def _next(done: queue.SimpleQueue[Future[Bars]]) -> Future[Bars]:
    while True:  # woken now and then: a signal that reaches another thread does not end a wait
        try:
            return done.get(timeout=0.2)
        except queue.Empty:
            continue


def _faults(bars: Bars, span: Span, tolerate: Sequence[str]) -> list[Finding]:
    return [f for f in found_in(bars.about, *span) if f.severity == ERROR and f.name not in tolerate]


def _sound(bars: Bars, source: Source, span: Span, tolerate: Sequence[str]) -> Bars:
    """Return bars, or refuse what cannot be right on the days asked for."""
    asked = f"{source.interval} bars of {_days(span)}"
    if bad := _faults(bars, span, tolerate):
        names = list(dict.fromkeys(f.name for f in bad))
        remedy = Words("look at the figures at the source; ", Argument("tolerate", names), " takes them as they are")
        hint = "; a dividend in another currency is one cause" if any(f.name == "adjustment" for f in bad) else ""
        raise BadData(bars.symbol, asked, words(bad) + hint, remedy)
    shown = bars.between(*span)
    what = flaw(bars) or ("a close that is zero or negative" if (shown["close"] <= 0).any() else "")
    if what:  # not every source has checks; one series would fail those beside it
        raise BadData(bars.symbol, asked, what, "look at the figures at the source")
    if not np.isfinite(shown["close"]).any():
        came = f"{len(shown)} bars, none with a close" if len(shown) else "no bar on these days"
        raise NoData(bars.symbol, asked, came, "check that the market was open on one of them")
    return bars


def raise_or_warn(failed: Mapping[str, ProviderError], enough: bool, rest: str, stacklevel: int = 3) -> None:
    """Raise the first error of those that failed, naming the others; warn only, if what was had is enough.

    `rest` is where all errors are listed, for the warning.
    """
    if failed and not enough:
        first = next(iter(failed.values()))
        if len(failed) == 1:
            raise first
        others = ", ".join(list(failed)[1:6]) + (", ..." if len(failed) > 6 else "")
        came = f"{first.came} ({len(failed) - 1} more failed: {others})"
        raise type(first)(first.symbol, first.asked, came, first.remedy) from first
    if failed:
        warnings.warn(f"{len(failed)} missing: {_some(failed, rest)}", PartialDataWarning, stacklevel=stacklevel)


def _some(failed: Mapping[str, ProviderError], rest: str) -> str:
    """Return the first errors by name, how many more there are of each kind, and where they are."""
    longest = _CAUSE if len(failed) > 1 else None
    shown = [f"{name}: {type(e).__name__}, {_cut(e.came, longest)}" for name, e in list(failed.items())[:_NAMED]]
    kinds = Counter(type(error).__name__ for error in list(failed.values())[_NAMED:])
    if kinds:
        counted = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
        shown.append(f"and {sum(kinds.values())} more ({counted})")
    return "; ".join(shown) + (f"; all are in {rest}" if len(failed) > 1 else "")


def _cut(text: str, longest: int | None) -> str:
    return f"{text[: longest - 3]}..." if longest and len(text) > longest else text


def _of_span(error: ProviderError, source: Source, span: Span) -> ProviderError:
    """Name what the caller asked for: the cache may have asked for more days, or fewer."""
    if isinstance(error, OfflineMiss):
        return error
    told = type(error)(error.symbol, f"{source.interval} bars of {_days(span)}", error.came, error.remedy)
    told.__cause__ = error.__cause__
    return told


def _days(span: Span) -> str:
    return f"{span[0]} to {span[1] - dt.timedelta(days=1)}"


def _report(got: Mapping[str, Bars], failed: Mapping[str, ProviderError], span: Span, on_failure: OnFailure) -> None:
    """Raise if nothing (or not everything) was had, and warn of what is missing or odd."""
    raise_or_warn(failed, bool(got) and on_failure != "raise", "provenance['failed']", stacklevel=6)
    odd = {name: [f for f in found_in(b.about, *span) if f.severity == WARNING] for name, b in got.items()}
    lines = [f"{name}: {words(found)}" for name, found in odd.items() if found]
    if len(lines) > _NAMED:
        more = f"and {len(lines) - _NAMED} more symbols; provenance has all"
        lines = [*(_cut(line, 2 * _CAUSE) for line in lines[:_NAMED]), more]
    lines += _currencies({name: b.about.get("currency") for name, b in got.items()})
    if lines:
        warnings.warn(" | ".join(lines), PriceWarning, stacklevel=5)


def _currencies(of: Mapping[str, str | None]) -> list[str]:
    """Return one line if symbols are quoted in several currencies; of many symbols the first of each currency."""
    counts = Counter(of.values())
    if len(counts) < 2:
        return []
    if len(of) <= _NAMED:
        return ["currencies differ: " + ", ".join(f"{name} {code}" for name, code in of.items())]
    first = {code: name for name, code in reversed(list(of.items()))}
    shown = ", ".join(f"{n} in {code} ({first[code]})" for code, n in counts.most_common(_NAMED))
    more = f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    return [f"currencies differ: {shown}{more}; provenance has all"]


def _provenance(shown: Mapping[str, Bars], failed: Mapping[str, ProviderError], span: Span) -> dict[str, Any]:
    sources = dict.fromkeys(bars.about.get("source", "?") for bars in shown.values())
    return {
        "source": ", ".join(sources),
        "asked": f"{_days(span)}, both included",
        "currency": {name: bars.about.get("currency") for name, bars in shown.items()},
        "tickers": {name: {**bars.about, **_extent(bars), **_found(bars, span)} for name, bars in shown.items()},
        "failed": {name: error.words for name, error in failed.items()},
    }


def _found(bars: Bars, span: Span) -> dict[str, Any]:
    return {"findings": [{**f.to_dict(), "text": f.text} for f in found_in(bars.about, *span)]}


def _extent(bars: Bars) -> dict[str, Any]:
    days = [str(day) for day in bars.day[[0, -1]]] if len(bars) else ["-", "-"]
    return {"rows": len(bars), "first": days[0], "last": days[1], "sha256": _checksum(bars)}


def _checksum(bars: Bars) -> str:
    """Return the SHA-256 of days and figures (little-endian), the same whenever they are."""
    digest = hashlib.sha256(bars.time.astype("<M8[s]").tobytes())
    digest.update(np.ascontiguousarray(bars.values, dtype="<f8").tobytes())
    return digest.hexdigest()


def symbols(tickers: str | Sequence[str]) -> list[str]:
    listed = [tickers] if isinstance(tickers, str) else list(tickers)
    if not listed:
        raise InputError("tickers", "got none", "give at least one, such as 'NVDA'")
    for name in listed:
        if not isinstance(name, str) or not _SYMBOL.fullmatch(name.strip()):
            raise InputError("tickers", f"got {name!r}", "give symbols such as NVDA, ^GSPC, BRK-B, each by itself")
    names = [name.strip().upper() for name in listed]
    if again := twice(names):
        raise InputError("tickers", f"{again!r} stands there twice", "give each symbol once")
    return names


def days_of(start: Day, end: Day | None, now: dt.datetime, today: bool = False) -> Span:
    """Return the days [first, last) of two days that are both included."""
    here = now.astimezone(ZoneInfo(NEW_YORK)).date()
    first = _day("start", start)
    last = _day("end", end) if end is not None else here - dt.timedelta(days=0 if today else 1)
    if first < _FIRST:
        raise InputError("start", f"got {first}", f"give a day from {_FIRST} on")
    if first > last:
        raise InputError("start", f"{first} is after the end, {last}", "give the earlier day first")
    if last > here:
        what = f"{last} is in the future (it is {here} in New York)"
        raise InputError("end", what, "leave it out, or give a past day")
    return first, last + dt.timedelta(days=1)


def _day(parameter: str, value: object) -> dt.date:
    if isinstance(value, dt.datetime) and value == value:  # NaT is a datetime that equals nothing
        value = value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(value if isinstance(value, str) else str(np.datetime64(value, "D")))  # type: ignore[call-overload]
    except (ValueError, TypeError) as error:
        raise InputError(parameter, f"{value!r} is no date", "write it as '2025-01-27'") from error
