"""Dates, figures and instruments of a news text, each with its position in the text."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import _format
from .._frame import ReadableFrame, Table
from ..errors import InputError
from ..sessions import map_dates, nyse
from .aliases import Named, instruments
from .draft import draft_catalog, shown
from .figures import Figure, figures
from .mention import Mention
from .numerals import half_width
from .scan import mentions
from .text_files import read_text

_BLANK = "\ue000"
_HEAD = 8  # paragraphs searched for a byline
_LABEL = re.compile(
    r"^\s*(?:by|published|updated|posted|last modified)\b|\bdate:"
    r"|(?:发布|发表|更新)(?:时间|日期|于)|(?:时间|日期|来源|作者|编辑|记者)\s*:",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?::\d{2})?(?:\s*(?:[ap]\.?m\.?))?(?:\s*\(?[A-Z]{2,4}\)?)?", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Document:
    """Dates, figures and instruments of one text.

    A position is a paragraph number and a character span. Paragraphs are the non-empty lines (blocks in HTML and
    Markdown), counted from 1: ``document.paragraphs[paragraph - 1][start:end] == text``.

    Attributes
    ----------
    name : str
        File name.
    published : date or None
        Date of publication, the base of all relative dates.
    published_from : str
        Source of that date.
    paragraphs : tuple of str
        Text by paragraph.
    mentions : DataFrame
        One row per date, in the order of the text: paragraph, start, end, text; first_date and last_date of the
        interval (both NaT if unresolved; only first_date is NaT for "in recent days"); precision (day, weekend, week,
        month, quarter, half, season, year, decade, span, vague); kind (absolute, partial, relative, context, byline);
        session (NYSE session of a day, NaT for intervals) and rule; timing (before_open, during, after_close,
        or "" if the surrounding words give none); confidence (high, medium, low, none) and its reason.
    figures : DataFrame
        One row per figure with a unit: paragraph, start, end, text, value (plain units: 5e9 for 5 billion dollars, 17
        for 17 %), unit and modifier (nearly, about, more than, ...).
    instruments : DataFrame
        One row per firm, index or group named: paragraph, start, end, text, ticker (the name, for a group), kind.
    """

    name: str
    published: dt.date | None
    published_from: str
    paragraphs: tuple[str, ...]
    mentions: pd.DataFrame
    figures: pd.DataFrame
    instruments: pd.DataFrame

    @property
    def days(self) -> pd.DataFrame:
        """Mentions that resolve to one day, without the byline."""
        is_day = (self.mentions["precision"] == "day") & self.mentions["first_date"].notna()
        return pd.DataFrame(self.mentions[is_day & (self.mentions["kind"] != "byline")])

    def draft(self) -> str:
        """Return a draft catalog in TOML: one event per day, with all other dates in comments.

        The user writes the titles; no sentence of the text is copied. If no date resolves to a day, the draft has no
        event and a comment reports it. `load_catalog` reads every draft that has an event.
        """
        return draft_catalog(self.name, self.published, self.paragraphs, self.mentions, self.instruments)

    def __repr__(self) -> str:
        known = f"published {self.published} ({self.published_from})"
        when = known if self.published else "date of publication not known"
        counts = f"{len(self.mentions)} dates, {len(self.figures)} figures, {len(self.instruments)} names"
        head = f"Document {self.name}, {when}: {counts}"
        return head if self.mentions.empty else f"{head}\n\n{self.mentions!r}"


def read_document(path: str | Path, published: str | dt.date | None = None, *, encoding: str | None = None) -> Document:
    """Read the dates, figures and instruments of a Chinese or English news text.

    Parameters
    ----------
    path : str or Path
        Plain text, HTML or Markdown file of at most 4 MB.
    published : str or date, optional
        Date of publication, e.g. "2025-02-13". By default the date in the metadata of the page, then the date of a
        byline in the first lines. Without any of them, relative dates and dates without a year stay unresolved; the
        date of publication is never guessed.
    encoding : str, optional
        By default the encoding of the byte-order mark, then the one declared by an HTML page, then UTF-8.

    Returns
    -------
    Document
        Mentions, figures and instruments with their positions; `Document.draft` writes a draft catalog.

    Raises
    ------
    InputError
        If the file cannot be read as text in that encoding, contains no text, or `published` is not a date.

    Examples
    --------
    >>> import marketshock as ms, pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "a.txt"
    >>> _ = path.write_text("Nvidia fell nearly 17% last Monday.", encoding="utf-8")
    >>> document = ms.read_document(path, published="2025-02-01")
    >>> document.mentions.loc[0, ["text", "first_date", "confidence"]].tolist()
    ['last Monday', Timestamp('2025-01-27 00:00:00'), 'low']
    >>> document.figures.loc[0, ["text", "unit", "modifier"]].tolist()
    ['17%', 'percent', 'nearly']
    """
    path = Path(path)
    given = None if published is None else _given(published)
    text = read_text(path, encoding)
    names: list[Named] = []
    counted: list[Figure] = []
    plain = [half_width(paragraph) for paragraph in text.paragraphs]
    for number, (written, half) in enumerate(zip(text.paragraphs, plain, strict=True), start=1):
        names += instruments(written, half, number)
    plain = _blanked(plain, names)
    by_line = _by_line(text.paragraphs, plain)
    when, origin = _published(given, text.published, text.published_from, by_line)
    dated = mentions(text.paragraphs, _blanked(plain, [by_line] if by_line else []), when)
    if by_line is not None:
        dated = sorted([*dated, _as_by_line(by_line, when)], key=lambda m: (m.paragraph, m.start))
    plain = _blanked(plain, dated)
    for number, (written, half) in enumerate(zip(text.paragraphs, plain, strict=True), start=1):
        counted += figures(written, half, number)
    return Document(
        path.name, when, origin, text.paragraphs, _mention_frame(dated), _frame(Figure, counted, _figure_table),
        _frame(Named, names, _name_table),
    )  # fmt: skip


def _given(published: object) -> dt.date:
    try:
        if isinstance(published, dt.datetime | pd.Timestamp) and published == published:
            return published.date()
        if isinstance(published, dt.date) and published == published:
            return published
        if isinstance(published, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", published):
            return dt.date.fromisoformat(published)
    except ValueError:
        pass
    raise InputError("published", f"{published!r} is not a date", "write it as '2025-02-13'")


def _published(
    given: dt.date | None, own: dt.date | None, own_from: str, by_line: Mention | None
) -> tuple[dt.date | None, str]:
    """Return the date of publication and its source: the argument, the metadata of the page, or the byline."""
    written = by_line.reading.first if by_line else None
    where = f"the byline in paragraph {by_line.paragraph}" if by_line else ""
    if given is not None:
        other = next(((d, w) for d, w in ((own, own_from), (written, where)) if d not in (None, given)), None)
        return given, "as given" + (f"; {other[1]} has {other[0]}" if other else "")
    if own is not None:
        return own, own_from + (f"; {where} has {written}" if written not in (None, own) else "")
    return written, where


def _by_line(paragraphs: Sequence[str], plain: Sequence[str]) -> Mention | None:
    """Return the date of a byline: one of the first lines, with one full date and otherwise only names and times."""
    for number, text in enumerate(plain[:_HEAD], start=1):
        if len(text) > 120:
            continue
        found = [m for m in mentions([paragraphs[number - 1]], [text], None) if m.reading.kind == "absolute"]
        full = [m for m in found if m.reading.is_day]
        if len(full) != 1 or len(found) != 1:
            continue
        rest = text[: full[0].start] + " " + text[full[0].end :]
        clock, label = _CLOCK.search(rest), _LABEL.search(rest)
        rest = re.sub(r"[\s|·,:/()\u2013\u2014-]+", " ", _CLOCK.sub(" ", rest)).strip()
        if not rest or (label and len(rest) <= 60 and "。" not in rest) or (clock and len(rest) <= 30):
            return replace(full[0], paragraph=number)
    return None


def _as_by_line(by_line: Mention, when: dt.date | None) -> Mention:
    reason = "the byline" if by_line.reading.first == when else f"the byline; publication is taken as {when}"
    return replace(by_line, reading=replace(by_line.reading, kind="byline", reason=reason), timing="")


def _blanked(texts: Sequence[str], found: Sequence[Mention | Named]) -> list[str]:
    """Return the paragraphs with the given spans blanked out; all other characters keep their positions."""
    out = list(texts)
    places: dict[int, list[tuple[int, int]]] = {}
    for item in found:
        places.setdefault(item.paragraph - 1, []).append((item.start, item.end))
    for number, spans in places.items():
        characters = list(out[number])
        for start, end in spans:
            characters[start:end] = _BLANK * (end - start)
        out[number] = "".join(characters)
    return out


def _mention_frame(found: Sequence[Mention]) -> pd.DataFrame:
    day, rule = _sessions(found)
    frame = pd.DataFrame(
        {
            "paragraph": np.array([m.paragraph for m in found], np.int64),
            "start": np.array([m.start for m in found], np.int64),
            "end": np.array([m.end for m in found], np.int64),
            "text": _text([m.text for m in found]),
            "first_date": _days([m.reading.first for m in found]),
            "last_date": _days([m.reading.last for m in found]),
            "precision": _text([m.reading.precision for m in found]),
            "kind": _text([m.reading.kind for m in found]),
            "session": day.astype("datetime64[s]"),
            "rule": rule,
            "timing": _text([m.timing for m in found]),
            "confidence": _text([m.reading.confidence for m in found]),
            "reason": _text([m.reading.reason for m in found]),
        }
    )
    return ReadableFrame.of(frame, _mention_table)


def _sessions(found: Sequence[Mention]) -> tuple[Any, Any]:
    """Map days to NYSE sessions; a closed day maps to the next session."""
    day, rule = np.full(len(found), "NaT", "datetime64[D]"), _text([""] * len(found))
    at = [i for i, m in enumerate(found) if m.reading.is_day]
    if at:
        dates = np.array([found[i].reading.first for i in at], "datetime64[D]")
        after = np.array([found[i].timing == "after_close" for i in at])
        mapped = map_dates(nyse(), dates, after, _text(["next"] * len(at)))
        day[at], rule[at] = mapped.day, mapped.rule
    return day, rule


def _frame(kind: type[Any], found: Sequence[Any], printer: Callable[[pd.DataFrame], Table]) -> pd.DataFrame:
    columns: dict[str, Any] = {f.name: [getattr(item, f.name) for item in found] for f in fields(kind)}
    types = {"paragraph": np.int64, "start": np.int64, "end": np.int64, "value": np.float64}
    columns = {
        name: np.array(values, types[name]) if name in types else _text(values) for name, values in columns.items()
    }
    return ReadableFrame.of(pd.DataFrame(columns), printer)


def _text(values: Sequence[str]) -> Any:
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out


def _days(values: Sequence[dt.date | None]) -> Any:
    return np.array(["NaT" if v is None else v.isoformat() for v in values], "datetime64[s]")


def _mention_table(frame: pd.DataFrame) -> Table:
    rows: list[list[str]] = []
    by_reason: dict[str, list[str]] = {}
    for r in _format.rows(frame):
        session = _format.MISSING if pd.isna(r["session"]) else str(r["session"].date())
        date = shown(r["first_date"], r["last_date"])
        rows.append([date, r["precision"], session, r["confidence"], str(r["paragraph"]), r["text"]])
        if r["confidence"] != "high":
            by_reason.setdefault(f"{r['confidence']}: {r['reason']}", []).append(f"{r['text']} ({r['paragraph']})")
    below = [f"{', '.join(dict.fromkeys(places))}: {reason}" for reason, places in by_reason.items()]
    return ["date", "precision", "session", "confidence", "paragraph", "text"], rows, below


def _figure_table(frame: pd.DataFrame) -> Table:
    rows = [
        [str(r["paragraph"]), r["text"], f"{r['value']:,.15g}", r["unit"], r["modifier"]] for r in _format.rows(frame)
    ]
    return ["paragraph", "text", "value", "unit", "modifier"], rows, []


def _name_table(frame: pd.DataFrame) -> Table:
    rows = [[str(r["paragraph"]), r["text"], r["ticker"], r["kind"]] for r in _format.rows(frame)]
    return ["paragraph", "text", "ticker", "kind"], rows, []
