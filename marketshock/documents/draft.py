"""Draft catalog in TOML, to be edited by the user."""

from __future__ import annotations

import datetime as dt
import json
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, TypeAlias

import pandas as pd

from .. import _format
from .mention import sentence_around
from .numerals import half_width
from .spans import MONTHS

_Firms: TypeAlias = dict[int, list[tuple[int, int, str]]]  # by paragraph: start, end and ticker, sorted
_RANK = ("high", "medium", "low")
_REACH = 500  # characters searched on either side of a date for its sentence


def draft_catalog(
    name: str, published: dt.date | None, paragraphs: Sequence[str], mentions: pd.DataFrame, instruments: pd.DataFrame
) -> str:
    """Return the draft: one event per day, then comments on the dates that the user has to decide.

    Parameters
    ----------
    name : str
        File name of the document.
    published : date or None
        Date of publication.
    paragraphs : sequence of str
        Text by paragraph. Only the words of the dates are copied, in comments.
    mentions, instruments : DataFrame
        As in `Document`.

    Returns
    -------
    str
        TOML.
    """
    rows = _format.rows(mentions)
    is_day = [r["precision"] == "day" and not pd.isna(r["first_date"]) and r["kind"] != "byline" for r in rows]
    by_day: dict[dt.date, list[dict[str, Any]]] = {}
    for row, dated in zip(rows, is_day, strict=True):
        if dated:
            by_day.setdefault(row["first_date"].date(), []).append(row)
    firms = _firms(instruments)
    when = f"published {published}" if published else "date of publication not known"
    lines = [f"# Draft from {_comment(name)}, {when}. Check every date, write the titles, delete non-events.", ""]
    if not by_day:
        lines += ["# No date in the text resolves to a day, so there is no event to draft.", ""]
    for day in sorted(by_day):
        lines += [*_event(name, day, by_day[day], paragraphs, firms), ""]
    others = [row for row, dated in zip(rows, is_day, strict=True) if not dated]
    if others:
        lines += ["# Other dates, which are not among the events above:", *(_line(row) for row in others), ""]
    return "\n".join(lines)


def _event(name: str, day: dt.date, rows: list[dict[str, Any]], paragraphs: Sequence[str], known: _Firms) -> list[str]:
    """Return the lines of one event."""
    beside = [_firms_beside(row, paragraphs, known) for row in rows]
    firms = list(dict.fromkeys(ticker for named in beside for ticker in named))
    tickers = firms if len(firms) == 1 and all(beside) else []
    best = min(rows, key=lambda row: _RANK.index(row["confidence"]))
    hints = list(dict.fromkeys(row["timing"] for row in rows))
    closed = best["rule"].startswith("market closed")
    concerned = f" ({', '.join(tickers)})" if tickers else ""
    lines = [
        *(_line(row) for row in rows),
        "[[event]]",
        f'id = "day-{day}"',
        f"title = {_quoted(f'To be named: {day.day} {MONTHS[day.month]} {day.year}{concerned}')}",
        f"date = {day}",
        'kind = "announcement"',
    ]
    if tickers:
        lines.append(f"tickers = {json.dumps(tickers)}")
    elif firms:
        lines.append(f"# tickers = {json.dumps(firms)}  # named in the same sentences; market-wide without them")
    if len(hints) == 1 and hints[0]:
        lines.append(f'timing = "{hints[0]}"')
    elif any(hints):
        lines.append(f"# timing: some words near this day mean {', '.join(filter(None, hints))}")
    if closed:
        lines.append('on_closed = "next"')
    lines.append("note = " + _quoted(f"Confidence {best['confidence']}: {best['reason']}."))
    numbers = dict.fromkeys(row["paragraph"] for row in rows)
    sources = ", ".join(f"{{ document = {_quoted(name)}, paragraph = {number} }}" for number in numbers)
    return [*lines, f"sources = [{sources}]"]


def _firms(instruments: pd.DataFrame) -> _Firms:
    """Return the firms that are named, by paragraph, in the order of the text."""
    firms: _Firms = {}
    for row in _format.rows(instruments[instruments["kind"] == "firm"]):
        firms.setdefault(row["paragraph"], []).append((row["start"], row["end"], row["ticker"]))
    return firms


def _firms_beside(row: dict[str, Any], paragraphs: Sequence[str], firms: _Firms) -> list[str]:
    """Return the tickers of the firms named in the sentence of a mention."""
    begin = max(row["start"] - _REACH, 0)
    text = half_width(paragraphs[row["paragraph"] - 1][begin : row["end"] + _REACH])
    low, high = (begin + at for at in sentence_around(text, row["start"] - begin, row["end"] - begin))
    here = firms.get(row["paragraph"], [])
    some = here[bisect_left(here, (low,)) : bisect_left(here, (high,))]
    return [ticker for _, end, ticker in some if end <= high]


def _line(row: dict[str, Any]) -> str:
    """Return the comment on a date: its position, its words and its reading."""
    place = f"paragraph {row['paragraph']}, characters {row['start']}-{row['end']}"
    dates = shown(row["first_date"], row["last_date"])
    reading = f"{row['precision']}, {row['confidence']}: {_comment(row['reason'])}"
    return f"# {place}: {_comment(row['text'])} = {dates}, {reading}"


def shown(first: Any, last: Any) -> str:
    """Return an interval of days as text, "-" if both ends are missing."""
    if pd.isna(first):
        return _format.MISSING if pd.isna(last) else f".. {last.date()}"
    if pd.isna(last):
        return f"{first.date()} .."
    return str(first.date()) if first == last else f"{first.date()} .. {last.date()}"


def _quoted(text: str) -> str:
    """Return a TOML string."""
    return json.dumps(_comment(text), ensure_ascii=False)


def _comment(text: str) -> str:
    """Return the text as one printable line, safe in a TOML file."""
    return "".join(c if c.isprintable() else " " for c in text)
