"""Bars that were fetched once: which days are held, what is missing, and whether the vendor has changed the past."""

from __future__ import annotations

import datetime as dt
import io
import itertools
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .._typing import BoolArray
from ..errors import CacheWarning, NoData, OfflineMiss, ProviderError
from .bars import DAILY, FIELDS, Bars, Source
from .retry import Bound
from .store import Held, Key, Store

Span = tuple[dt.date, dt.date]
"""Days [first, last)."""

_OVERLAP = dt.timedelta(days=7)  # of a new piece with the old one: enough for common bars around any holiday
_SAME = 1e-6  # relative; vendors send single precision
_COMPARED = ("open", "high", "low", "close", "dividend", "split")  # volumes are corrected for days afterwards


def utc_now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache around any `Source`: one file per security and interval, with the days it covers.

    A day is recorded as covered once it is over in the exchange's zone. A new piece overlaps the old one by a week; if
    they differ there, the vendor has re-based or corrected its history and all of it is fetched again. That a source
    has nothing is remembered for `forget`.

    Parameters
    ----------
    store : Store
        The folder.
    forget : timedelta
        How long "there is nothing" is believed.
    now : callable
        The time; for tests.
    """

    store: Store
    forget: dt.timedelta = dt.timedelta(days=1)
    now: Callable[[], dt.datetime] = field(default=utc_now)

    def held(self, source: Source, symbol: str, first: dt.date, last: dt.date) -> Bars | None:
        """Return all bars held if the days [first, last) are among them, else None. Takes no lock, asks nobody.

        Raises
        ------
        NoData
            If the source said lately that it has none of them.
        """
        file = _read(self.store, source, symbol)
        if file is None or list(gaps((first, last), file.spans)):
            if file is not None:
                self._refuse_known_nothing(file, symbol, gaps((first, last), file.spans))
            return None
        return file.bars

    def fetch(
        self, source: Source, symbol: str, first: dt.date, last: dt.date, bound: Bound, renew: bool = False
    ) -> Bars:
        """Return all bars known, fetching what is missing of the days [first, last); with `renew`, all of it.

        Raises
        ------
        ProviderError
            What the source raises; the file is then as it was.
        """
        key = _key(source, symbol)
        with self.store.lock(key, bound.remaining()):
            file = _read(self.store, source, symbol, locked=True)
            if file and renew:
                file = replace(file, spans=[s for own in file.spans for s in gaps(own, [(first, last)])], nothing=[])
            missing = list(gaps((first, last), file.spans if file else []))
            if file and not missing:
                return file.bars  # another process was faster
            if file:
                self._refuse_known_nothing(file, symbol, missing)
            try:
                grown, fresh = self._grown(source, symbol, file, missing, bound)
            except NoData as error:
                over = max(source.earliest, first) == first and last <= self.now().date()
                new = file is None or not len(file.bars)  # a symbol with bars may be absent for a day
                if error.believed and over and new:
                    self._remember_nothing(key, (first, last), error)
                raise
            self.store.write(key, *_packed(grown))
        return fresh

    def miss(self, source: Source, symbol: str, first: dt.date, last: dt.date) -> OfflineMiss:
        """Return the error of a request that cannot be answered offline."""
        file = _read(self.store, source, symbol)
        has = ", ".join(_words(span) for span in file.spans) if file and file.spans else "nothing"
        return OfflineMiss(
            symbol,
            f"{source.interval} bars of {_words((first, last))} offline",
            f"the cache in {self.store.root} holds {has}",
            "fetch them once without offline, or ask for less",
        )

    def _grown(
        self, source: Source, symbol: str, file: _File | None, missing: list[Span], bound: Bound
    ) -> tuple[_File, Bars]:
        """Return the file to write, and all bars known now, those of today included."""
        bars = file.bars if file else None
        spans = list(file.spans) if file else []
        for first, last in missing:
            wide = (max(first - _OVERLAP, min(first, source.earliest)), last + _OVERLAP)
            new = source.bars(symbol, *(wide if bars is not None else (first, last)), bound)
            changed, rebased = _difference(bars, new, spans) if bars is not None else ("", False)
            if changed and source.interval == DAILY:
                hull = (min(first, *(a for a, _ in spans)), max(last, *(b for _, b in spans)))
                new = source.bars(symbol, *hull, bound)
                changed += "; all of it was fetched again"
            elif rebased:  # the vendor keeps no more of it
                changed += "; the bars held until then were dropped"
            if changed and (rebased or source.interval == DAILY):
                told = [*_told(bars), f"{self.now():%Y-%m-%d}: {changed}"]
                bars, spans = replace(new, about={**new.about, "history": told}), []
            else:
                bars = new if bars is None else _joined(bars, new)
            spans = merged([*spans, new.covered])
        assert bars is not None  # there was something missing
        return _File(_only(bars.where(_answered(bars, spans)), spans), spans, []), bars

    def _refuse_known_nothing(self, file: _File, symbol: str, missing: Iterable[Span]) -> None:
        for (first, last, until, came), span in itertools.product(file.nothing, missing):
            known = dt.datetime.fromisoformat(until)
            inside = dt.date.fromisoformat(first) <= span[0] and span[1] <= dt.date.fromisoformat(last)
            if inside and self.now() < known <= self.now() + self.forget:
                raise NoData(
                    symbol,
                    f"bars of {_words(span)}",
                    f"{came} (remembered until {known:%Y-%m-%d %H:%M} UTC)",
                    "check the symbol and the dates, or clear it with: marketshock cache clear " + symbol,
                )

    def _remember_nothing(self, key: Key, span: Span, error: ProviderError) -> None:
        until = (self.now() + self.forget).isoformat(timespec="seconds")
        nothing = [[str(span[0]), str(span[1]), until, error.came]]
        self.store.write(key, {"covered": [], "nothing": nothing}, b"")


@dataclass(frozen=True, slots=True)
class _File:
    bars: Bars
    spans: list[Span]
    nothing: list[list[str]]


def _key(source: Source, symbol: str) -> Key:
    return Key(source.name, source.interval, symbol)


def _read(store: Store, source: Source, symbol: str, locked: bool = False) -> _File | None:
    held = store.read(_key(source, symbol), locked)
    try:
        return None if held is None else _unpacked(symbol, held)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, zipfile.BadZipFile):
        path = store.path(_key(source, symbol))
        warnings.warn(f"cache: {path} is of another kind; it counts as missing", CacheWarning, stacklevel=4)
        return None


def _packed(file: _File) -> tuple[dict[str, Any], bytes]:
    buffer = io.BytesIO()
    bars = file.bars
    np.savez(buffer, day=bars.day.astype(np.int64), time=bars.time.astype(np.int64), values=bars.values)
    covered = [[str(first), str(last)] for first, last in file.spans]
    about = {"symbol": bars.symbol, "rows": len(bars), "fields": FIELDS, "covered": covered, "about": dict(bars.about)}
    return {**about, "nothing": file.nothing}, buffer.getvalue()


def _unpacked(symbol: str, held: Held) -> _File:
    spans = [(dt.date.fromisoformat(a), dt.date.fromisoformat(b)) for a, b in held.about["covered"]]
    nothing = held.about.get("nothing", [])
    hull = (min(a for a, _ in spans), max(b for _, b in spans)) if spans else (dt.date.min, dt.date.min)
    if not held.payload:
        empty = np.empty(0, "datetime64[D]")
        none = Bars(symbol, empty, empty.astype("datetime64[s]"), np.empty((0, len(FIELDS))), hull)
        return _File(none, spans, nothing)
    with np.load(io.BytesIO(held.payload), allow_pickle=False) as packed:
        day, time, values = packed["day"], packed["time"], packed["values"]
    stamps = day.astype("datetime64[D]"), time.astype("datetime64[s]")
    return _File(Bars(symbol, *stamps, values, hull, held.about["about"]), spans, nothing)


def _difference(old: Bars, new: Bars, spans: list[Span]) -> tuple[str, bool]:
    """Return how two pieces differ where both have answered ("" if they agree), and whether the unit is another."""
    common, at_old, at_new = np.intersect1d(old.time, new.time, return_indices=True)
    if not len(common):
        return ("the pieces have no bar in common", True) if len(old) and len(new) else ("", False)
    a, b = (np.column_stack([x[name] for name in _COMPARED]) for x in (old.where(at_old), new.where(at_new)))
    same = np.isclose(a, b, rtol=_SAME, atol=0, equal_nan=True).all(axis=1)
    ratio = b[:, 3] / a[:, 3]
    if np.allclose(ratio, ratio[0], rtol=1e-4) and abs(ratio[0] - 1) > 1e-4:
        return f"the vendor re-based its history, closes x{ratio[0]:.6g}", True
    gone, come = (_answered(x, [y.covered]) for x, y in ((old, new), (new, old)))
    days = np.union1d(old.day[at_old][~same], np.setxor1d(old.day[gone], new.day[come & _answered(new, spans)]))
    if not len(days):
        return "", False
    return f"the vendor revised its history on {days[0]}" + (
        f" and {len(days) - 1} more" if len(days) > 1 else ""
    ), False


def _answered(bars: Bars, spans: list[Span]) -> BoolArray:
    """Return which bars lie on days of the spans."""
    inside = np.zeros(len(bars), bool)
    for first, last in spans:
        inside |= (bars.day >= np.datetime64(first)) & (bars.day < np.datetime64(last))
    return inside


def _joined(old: Bars, new: Bars) -> Bars:
    keep = ~np.isin(old.time, new.time)
    time = np.concatenate([old.time[keep], new.time])
    order = np.argsort(time, kind="stable")
    about = {**new.about, "findings": _findings(old, new), "history": _told(old), "pieces": _pieces(old, new)}
    return Bars(
        new.symbol,
        np.concatenate([old.day[keep], new.day])[order],
        time[order],
        np.concatenate([old.values[keep], new.values])[order],
        (min(old.covered[0], new.covered[0]), max(old.covered[1], new.covered[1])),
        about,
    )


def _findings(old: Bars, new: Bars) -> list[dict[str, Any]]:
    """Return what was found in the old piece on days the new one does not judge, and all of the new one's."""
    first, last = map(str, new.covered)
    kept = [{**f, "days": [d for d in f["days"] if not first <= d < last]} for f in old.about.get("findings", [])]
    return [*(f for f in kept if f["days"]), *new.about.get("findings", [])]


def _pieces(*several: Bars) -> list[list[str]]:
    """Return when each piece was fetched: first and last day, time, source."""
    out: list[list[str]] = []
    for bars in several:
        span = (str(bars.covered[0]), str(bars.covered[1]))
        own = [*span, str(bars.about.get("fetched", "")), str(bars.about.get("source", ""))]
        out += bars.about.get("pieces") or [own]
    return out


def _only(bars: Bars, spans: list[Span]) -> Bars:
    """Return bars without findings on days that are not covered."""
    kept = []
    for f in bars.about.get("findings", []):
        days = [d for d in f["days"] if any(str(a) <= d < str(b) for a, b in spans)]
        if days or not f["days"]:
            kept.append({**f, "days": days})
    return replace(bars, about={**bars.about, "findings": kept})


def _told(bars: Bars | None) -> list[str]:
    return list(bars.about.get("history", [])) if bars is not None else []


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return spans as the fewest that cover the same days, in order; empty ones are dropped."""
    out: list[Span] = []
    for first, last in sorted(s for s in spans if s[0] < s[1]):
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def gaps(wanted: Span, spans: Iterable[Span]) -> Iterator[Span]:
    """Yield the parts of a span that others do not cover."""
    first, last = wanted
    for a, b in merged(spans):
        if b <= first or a >= last:
            continue
        if a > first:
            yield first, a
        first = b
    if first < last:
        yield first, last


def _words(span: Span) -> str:
    return f"{span[0]} to {span[1] - dt.timedelta(days=1)}"
