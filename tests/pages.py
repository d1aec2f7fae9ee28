"""Pages read back: a strict parser, and their tables as texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import html5lib


@dataclass
class Shown:
    """A table as a reader sees it."""

    caption: str
    head: list[str]
    rows: list[list[str]]
    foot: list[list[str]]
    notes: list[str]


def parsed(text: str) -> Any:
    """Return the root element; the first error of the HTML standard is an exception."""
    parser = html5lib.HTMLParser(html5lib.getTreeBuilder("etree"), strict=True, namespaceHTMLElements=False)
    return parser.parse(text)


def texts(element: Any) -> str:
    return " ".join("".join(element.itertext()).split())


def tables_of(text: str) -> list[Shown]:
    out = []
    for box in (e for e in parsed(text).iter("div") if e.get("class") == "table"):
        table = next(box.iter("table"))
        head, rows, foot = (
            [[texts(cell) for cell in tr] for tr in table.findall(f"{part}/tr")] for part in ("thead", "tbody", "tfoot")
        )
        notes = [texts(p) for p in box.iter("p")]
        out.append(Shown(texts(table.find("caption")), head[0], rows, foot, notes))
    return out
