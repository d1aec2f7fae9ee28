"""Bars that were fetched once: which days are held, what is missing, and whether the vendor has changed the past."""

from __future__ import annotations

import datetime as dt
import io
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import CacheWarning, NoData, OfflineMiss, ProviderError
from .answers import Answer, Span, gaps, merged, needed, settled_until, unanswered, within
from .bars import DAILY, FIELDS, Bars, Source, flaw
from .checks import Finding
from .retry import Bound
from .store import Held, Key, Store

_OVERLAP = dt.timedelta(days=7)  # of a new piece with the old one: enough for common bars around any holiday
_SAME = 1e-6  # relative; vendors send single precision
_COMPARED = ("open", "high", "low", "close", "dividend", "split")  # volumes are corrected for days afterwards

_ZIP = b"PK\x03\x04"  # files of earlier versions are .npz archives; no day begins so that is not far in the future

#: A bar in the payload of a file, which has them one after another.
BAR = np.dtype([("day", "<M8[D]"), ("time", "<M8[s]"), ("values", "<f8", (len(FIELDS),))])


def utc_now() -> dt.datetime:
    """Return the time."""
    return dt.datetime.now(dt.UTC)


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache around any `Source`: one file per security and interval, with the days it covers.

    A day is settled once it is over and has a bar with a close, or no bar was owed on it. That the source has none of
    a day on which one was owed is believed for `forget` (thirty times as long if the day is more than a year past), and
    not at all while the last bar is less than ten days old. Then it is asked again; if that fails, the bars held serve.

    A new piece overlaps the old one by a week; if they differ there, the vendor has re-based or corrected its history
    and all of it is fetched again.

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

    def held(self, source: Source, symbol: str, first: dt.date, last: dt.date, *, offline: bool = False) -> Bars | None:
        """Return all bars held if the days [first, last) are among them, else None. Takes no lock, asks nobody.

        With `offline`, days without a bar are believed to have none however long ago the source was asked.

        Raises
        ------
        NoData
            If the source said lately that it has none of them.
        """
        file = _read(self.store, source, symbol)
        if file is None:
            return None
        if offline and len(file.bars) and not list(gaps((first, last), file.asked)):
            return file.bars
        return None if self._missing(source, file, (first, last)) else _given(file, symbol, (first, last), self.forget)

    def fetch(
        self, source: Source, symbol: str, first: dt.date, last: dt.date, bound: Bound, renew: bool = False
    ) -> Bars:
        """Return all bars known, fetching what is missing of the days [first, last); with `renew`, all of it.

        Raises
        ------
        ProviderError
            What the source raises; the file is then as it was.

        Warns
        -----
        CacheWarning
            If the source fails when it is asked again for days it had no bar on: the bars held serve.
        """
        key = _key(source, symbol)
        with self.store.lock(key, bound.remaining()):
            file = _read(self.store, source, symbol, locked=True) or _nothing(symbol)
            if renew:
                file = _without(file, (first, last))
            missing = self._missing(source, file, (first, last))
            if not missing:
                return _given(file, symbol, (first, last), self.forget)  # another process was faster
            asked = (missing[0][0], missing[-1][1])
            try:
                grown, fresh = self._grown(source, symbol, file, asked, bound)
            except _FlawedError as flawed:
                _warn(f"{symbol}: the source sent {flawed}; its bars are not kept")
                return source.bars(symbol, first, last, bound)
            except ProviderError as error:
                again = bool(len(file.bars)) and not list(gaps(asked, file.asked))
                self._remember_nothing(key, source, file, asked, error, again)
                if not again:
                    raise
                _warn(f"{symbol}: {error.came}, asked again for {_words(asked)}; the bars held serve")
                return file.bars
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

    def _missing(self, source: Source, file: _File, want: Span) -> list[Span]:
        earliest, now = source.earliest, self.now()
        return unanswered(want, file.bars, file.spans, file.answers, earliest=earliest, now=now, forget=self.forget)

    def _grown(self, source: Source, symbol: str, file: _File, asked: Span, bound: Bound) -> tuple[_File, Bars]:
        """Return the file to write, and all bars known now, those of today included."""
        first, last = asked
        if file.answers or file.spans:
            first, last = max(first - _OVERLAP, min(first, source.earliest)), last + _OVERLAP
        new, settled = _sent(source, symbol, (first, last), bound)
        old, spans, answers = file.bars.where(within(file.bars.day, file.spans)), file.spans, file.answers
        changed, rebased = _difference(old, replace(new, covered=settled), spans)
        if changed and source.interval == DAILY:
            hull = (min(asked[0], file.asked[0][0]), max(asked[1], file.asked[-1][1]))
            new, settled = _sent(source, symbol, hull, bound)
            changed += "; all of it was fetched again"
        elif rebased:  # the vendor keeps no more of it
            changed += "; the bars held until then were dropped"
        if changed and (rebased or source.interval == DAILY):
            told = [*_told(old), f"{self.now():%Y-%m-%d}: {changed}"]
            bars, spans, answers = replace(new, about={**new.about, "history": told}), [], []
        elif len(file.bars):
            late = within(file.bars.day, [new.covered]) & ~within(file.bars.day, spans)  # the new piece has it, or none
            bars = _joined(file.bars.where(~late), new)
        else:
            bars = new
        spans = merged([*spans, settled])
        grown = _File(bars, spans, [*answers, Answer(*new.covered, self.now())])
        grown = replace(grown, bars=_only(bars.where(within(bars.day, grown.asked)), grown.asked))
        grown = replace(grown, answers=needed(grown.answers, grown.bars, spans))
        if what := flaw(grown.bars):
            raise _FlawedError(what)
        return grown, bars

    def _remember_nothing(
        self, key: Key, source: Source, file: _File, asked: Span, error: ProviderError, again: bool
    ) -> None:
        """Write that the source has nothing of some days, if it said so and they are over.

        Of a security with bars that is believed of days it was asked for before: it may be absent for a day.
        """
        over = max(source.earliest, asked[0]) == asked[0] and asked[1] <= self.now().date()
        if isinstance(error, NoData) and error.believed and over and (again or not len(file.bars)):
            first = asked[0] - _OVERLAP if again else asked[0]  # the bars before were asked for with it
            answer = Answer(first, asked[1], self.now(), error.came)
            answers = needed([*file.answers, answer], file.bars, file.spans)
            self.store.write(key, *_packed(replace(file, answers=answers)))


@dataclass(frozen=True, slots=True)
class _File:
    bars: Bars
    spans: list[Span]  # up to the last bar of each piece
    answers: list[Answer]  # with what was asked for beyond

    @property
    def asked(self) -> list[Span]:
        """All days the source was ever asked for, with success."""
        return merged([*self.spans, *(answer.span for answer in self.answers)])


def _key(source: Source, symbol: str) -> Key:
    return Key(source.name, source.interval, symbol)


def _nothing(symbol: str) -> _File:
    empty = np.empty(0, "datetime64[D]")
    hull = (dt.date.min, dt.date.min)
    return _File(Bars(symbol, empty, empty.astype("datetime64[s]"), np.empty((0, len(FIELDS))), hull), [], [])


def _sent(source: Source, symbol: str, span: Span, bound: Bound) -> tuple[Bars, Span]:
    """Return what a source sends, and the days it settles.

    Infinite figures after the days covered are left out: a finding refuses those days.
    """
    bars = source.bars(symbol, *span, bound)
    if what := flaw(bars, of_covered=True):
        raise _FlawedError(what)
    bars = bars.where(np.asarray(~np.isinf(bars.values).any(axis=1)))
    return bars, (bars.covered[0], settled_until(bars))


def _without(file: _File, span: Span) -> _File:
    """Return a file as if it had never been asked for some days."""
    spans = [s for own in file.spans for s in gaps(own, [span])]
    return replace(
        file,
        spans=spans,
        answers=[a._replace(first=s[0], last=s[1]) for a in file.answers for s in gaps(a.span, [span])],
    )


def _given(file: _File, symbol: str, want: Span, forget: dt.timedelta) -> Bars:
    """Return the bars of a file, or raise what the source said if it had none."""
    answer = max(file.answers, key=lambda answer: answer.when, default=None)
    if len(file.bars) or not answer or not answer.came:
        return file.bars
    raise NoData(
        symbol,
        f"bars of {_words(want)}",
        f"{answer.came} (remembered until {answer.when + forget:%Y-%m-%d %H:%M} UTC)",
        "check the symbol and the dates, or clear it with: marketshock cache clear " + symbol,
    )


def _read(store: Store, source: Source, symbol: str, locked: bool = False) -> _File | None:
    held = store.read(_key(source, symbol), locked)
    try:
        return None if held is None else _unpacked(symbol, held)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, zipfile.BadZipFile) as error:
        path = store.path(_key(source, symbol))
        why = f" ({error})" if isinstance(error, _FlawedError) else ""
        warnings.warn(f"cache: {path} is of another kind{why}; it counts as missing", CacheWarning, stacklevel=4)
        return None


class _FlawedError(ValueError):
    """Bars that no source should have sent."""


def _packed(file: _File) -> tuple[dict[str, Any], bytes]:
    bars = file.bars
    packed = np.empty(len(bars), BAR)
    packed["day"], packed["time"], packed["values"] = bars.day, bars.time, bars.values
    covered = [[str(first), str(last)] for first, last in file.spans]
    asked = [[str(a.first), str(a.last), a.when.isoformat(timespec="seconds"), a.came] for a in file.answers]
    about = {"symbol": bars.symbol, "rows": len(bars), "fields": FIELDS, "covered": covered, "asked": asked}
    return {**about, "about": dict(bars.about)}, packed.tobytes()


def _unpacked(symbol: str, held: Held) -> _File:
    spans = merged((dt.date.fromisoformat(a), dt.date.fromisoformat(b)) for a, b in held.about["covered"])
    answers = [_answer(*told) for told in held.about.get("asked", [])]  # none in files of earlier versions
    if not held.payload:
        return replace(_nothing(symbol), answers=answers)
    if held.payload.startswith(_ZIP):
        with np.load(io.BytesIO(held.payload), allow_pickle=False) as packed:
            day, time, values = packed["day"], packed["time"], packed["values"]
    else:
        rows = np.frombuffer(held.payload, BAR)
        day, time, values = rows["day"], rows["time"], rows["values"].copy()
        if held.about["fields"] != list(FIELDS):
            raise _FlawedError(f"it holds the fields {held.about['fields']}")
    stamps = day.astype("datetime64[D]"), time.astype("datetime64[s]")
    hull = (spans[0][0], spans[-1][1]) if spans else (dt.date.min, dt.date.min)
    bars = Bars(symbol, *stamps, values, hull, held.about["about"])
    if what := flaw(bars):
        raise _FlawedError(f"it holds {what}")
    for finding in bars.about.get("findings", []):
        Finding.from_dict(finding)
    return _File(bars, spans, answers)


def _answer(first: str, last: str, when: str, came: str) -> Answer:
    time = dt.datetime.fromisoformat(when)
    if time.tzinfo is None:
        raise _FlawedError(f"the time {when!r} without its zone")
    return Answer(dt.date.fromisoformat(first), dt.date.fromisoformat(last), time, str(came))


def _difference(old: Bars, new: Bars, spans: list[Span]) -> tuple[str, bool]:
    """Return how two pieces differ where both have answered ("" if they agree), and whether the unit is another."""
    if not len(old) or not len(new):
        return "", False
    common, at_old, at_new = np.intersect1d(old.time, new.time, return_indices=True)
    if not len(common):
        return "the pieces have no bar in common", True
    a, b = (np.column_stack([x[name] for name in _COMPARED]) for x in (old.where(at_old), new.where(at_new)))
    same = np.isclose(a, b, rtol=_SAME, atol=0, equal_nan=True).all(axis=1)
    ratio = b[:, 3] / a[:, 3]
    if np.allclose(ratio, ratio[0], rtol=1e-4) and abs(ratio[0] - 1) > 1e-4:
        return f"the vendor re-based its history, closes x{ratio[0]:.6g}", True
    gone, come = (within(x.day, [y.covered]) for x, y in ((old, new), (new, old)))
    days = np.union1d(old.day[at_old][~same], np.setxor1d(old.day[gone], new.day[come & within(new.day, spans)]))
    if not len(days):
        return "", False
    return f"the vendor revised its history on {days[0]}" + (
        f" and {len(days) - 1} more" if len(days) > 1 else ""
    ), False


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
    """Return what was found in the old piece on days the new one does not judge, and what in the new one.

    A bar that the new piece does not have yet, or has no more, is not absent if the old one has it.
    """
    first, last = map(str, new.covered)
    kept = [{**f, "days": [d for d in f["days"] if not first <= d < last]} for f in old.about.get("findings", [])]
    there = set(map(str, old.day))
    found = [
        {**f, "days": [d for d in f["days"] if d not in there]} if f["name"] == "absent" else f
        for f in new.about.get("findings", [])
    ]
    return [*(f for f in kept if f["days"]), *(f for f in found if f["days"] or f["name"] != "absent")]


def _pieces(*several: Bars) -> list[list[str]]:
    """Return when each piece was fetched: first and last day, time, source."""
    out: list[list[str]] = []
    for bars in several:
        span = (str(bars.covered[0]), str(bars.covered[1]))
        own = [*span, str(bars.about.get("fetched", "")), str(bars.about.get("source", ""))]
        out += bars.about.get("pieces") or [own]
    return out


def _only(bars: Bars, spans: list[Span]) -> Bars:
    """Return bars without findings on other days."""
    kept = []
    for f in bars.about.get("findings", []):
        days = [d for d in f["days"] if any(str(a) <= d < str(b) for a, b in spans)]
        if days or not f["days"]:
            kept.append({**f, "days": days})
    return replace(bars, about={**bars.about, "findings": kept})


def _told(bars: Bars | None) -> list[str]:
    return list(bars.about.get("history", [])) if bars is not None else []


def _warn(text: str) -> None:
    warnings.warn(f"cache: {text}", CacheWarning, stacklevel=3)


def _words(span: Span) -> str:
    return f"{span[0]} to {span[1] - dt.timedelta(days=1)}"
