"""How many days of labelled texts `read_document`, dateparser and dateutil find, how many they invent, in what time.

Run as ``python benchmarks/date_libraries.py``; a library that is not there is left out (``pip install dateparser``).
The made sentences are those of the tests; the two documents are read where they lie beside the project.
"""

from __future__ import annotations

import datetime as dt
import tempfile
import time
import tomllib
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "tests" / "reference"
DOCUMENTS = ROOT.parent / "shared" / "documents"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with the days it dates; what it dates as an interval counts neither for nor against a reader."""

    text: str
    published: dt.date | None
    days: list[dt.date]
    intervals: list[tuple[dt.date, dt.date]]
    words: list[str]


def label(text: str, published: dt.date | None, dates: list[list[str]], words: list[str]) -> Labelled:
    """Part days from intervals; a date that must stay unresolved is neither."""
    read = [tuple(dt.date.fromisoformat(day) if day else None for day in days) for days in dates]
    days = [pair[0] for pair in read if pair and pair[0] == pair[-1]]
    intervals = [(pair[0] or dt.date.min, pair[-1]) for pair in read if pair and pair[0] != pair[-1]]
    return Labelled(text, published, days, intervals, words)


def made_sentences() -> list[Labelled]:
    """Return the sentences of the tests."""
    rows = tomllib.loads((REFERENCE / "made_sentences.toml").read_text("utf-8"))["sentence"]
    out = []
    for row in rows:
        words = [found[0] for found in row["found"] if len(found) != 3]
        out.append(label(row["text"], row.get("published"), [found[1:] for found in row["found"]], words))
    return out


def two_documents() -> list[Labelled]:
    """Return the paragraphs of the two documents, [] if they are not there."""
    out: list[Labelled] = []
    for document in tomllib.loads((REFERENCE / "document_dates.toml").read_text("utf-8"))["document"]:
        path = DOCUMENTS / document["name"]
        if not path.exists():
            continue
        lines = [line.strip() for line in path.read_text("utf-8").splitlines() if line.strip()]
        published = document.get("published", dt.date(2025, 2, 13))
        for number, text in enumerate(lines, start=1):
            out.append(label(text, published, [days for place, *days in document["dates"] if place == number], []))
    return out


def ours(texts: list[Labelled]) -> Iterator[list[dt.date]]:
    """Read every text as a document of its own; what a paragraph before it would explain is lost."""
    import marketshock as ms

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.txt"
        for one in texts:
            path.write_text(one.text, encoding="utf-8")
            mentions = ms.read_document(path, one.published).mentions
            mentions = mentions[(mentions["precision"] == "day") & mentions["first"].notna()]
            yield [day.date() for day in mentions["first"]]


def _from(one: Labelled) -> dict[str, object]:
    settings: dict[str, object] = {"PREFER_DATES_FROM": "past"}
    if one.published:
        settings["RELATIVE_BASE"] = dt.datetime.combine(one.published, dt.time(12))
    return settings


def _language(text: str) -> list[str]:
    return ["zh"] if any(c > "\u2e7f" for c in text) else ["en"]


def dateparser(texts: list[Labelled]) -> Iterator[list[dt.date]]:
    """Search with Chinese and English, counted from publication, dates in the past preferred."""
    from dateparser.search import search_dates

    for one in texts:
        yield [when.date() for _, when in search_dates(one.text, ["zh", "en"], _from(one)) or []]


def dateparser_strict(texts: list[Labelled]) -> Iterator[list[dt.date]]:
    """Search with the text's own language, for dates with day and month only."""
    from dateparser.search import search_dates

    for one in texts:
        settings = _from(one) | {"REQUIRE_PARTS": ["day", "month"]}
        yield [when.date() for _, when in search_dates(one.text, _language(one.text), settings) or []]


def dateparser_of_words(texts: list[Labelled]) -> Iterator[list[dt.date]]:
    """Parse the very words of each date, cut out by hand: what is left of the task is their meaning."""
    from dateparser import parse

    for one in texts:
        read = [parse(words, languages=_language(words), settings=_from(one)) for words in one.words]
        yield [when.date() for when in read if when is not None]


def dateutil(texts: list[Labelled]) -> Iterator[list[dt.date]]:
    """Parse fuzzily: one date a text, what is missing filled in from publication."""
    from dateutil.parser import parse

    for one in texts:
        default = dt.datetime.combine(one.published or dt.date.today(), dt.time())
        try:
            yield [parse(one.text, fuzzy=True, default=default).date()]
        except (ValueError, OverflowError):
            yield []


def score(texts: list[Labelled], read: Callable[[list[Labelled]], Iterator[list[dt.date]]]) -> str:
    """Return days found of those written, days that no one wrote, and the time a text took."""
    start = time.perf_counter()
    answers = list(read(texts))
    seconds = (time.perf_counter() - start) / len(texts)
    right = written = told = 0
    for one, days in zip(texts, answers, strict=True):
        right += (Counter(one.days) & Counter(days)).total()
        written += len(one.days)
        told += sum(1 for day in days if day in one.days or not any(a <= day <= b for a, b in one.intervals))
    precision = f"{right / told:6.1%}" if told else "     -"
    found = f"{right:4d} of {written:3d}  {right / written:6.1%}  {told - right:4d} wrong  {precision}"
    return f"{found}  {1000 * seconds:7.2f} ms"


def main() -> None:
    """Measure and print."""
    warnings.simplefilter("ignore")
    for name, texts in (("made sentences", made_sentences()), ("two documents, by paragraph", two_documents())):
        if not texts:
            print(f"{name}: not there")
            continue
        print(f"{name} ({len(texts)} texts): days found, recall, invented, precision, time a text")
        readers = (ours, dateparser, dateparser_strict, dateparser_of_words, dateutil)
        for read in readers:
            if read is dateparser_of_words and not any(one.words for one in texts):
                continue
            try:
                print(f"  {read.__name__:<19} {score(texts, read)}")
            except ImportError as error:
                print(f"  {read.__name__:<19} left out: {error}")


if __name__ == "__main__":
    main()
