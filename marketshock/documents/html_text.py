"""Blocks of text from HTML and Markdown, with the standard library only."""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from typing import TypeAlias

Blocks: TypeAlias = tuple[list[str], dt.date | None, str]
"""Blocks of text, the date of publication in the file (None if absent) and its source."""

_LEFT_OUT = frozenset(
    {"script", "style", "noscript", "template", "nav", "svg", "head", "iframe", "object", "select", "button"}
)
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "br",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "html",
        "legend",
        "li",
        "main",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
_PUBLISHED = frozenset(
    [
        "article:published_time",
        "datepublished",
        "pubdate",
        "publishdate",
        "publish_date",
        "publish-date",
        "date",
        "dc.date",
        "dc.date.issued",
        "dcterms.date",
        "dcterms.issued",
        "og:published_time",
        "publication_date",
        "parsely-pub-date",
        "sailthru.date",
    ]
)
_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?)\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_DATE = re.compile(
    r"^(?:date|published|pubdate|publishdate)[ \t]*:[ \t]*[\"']?(\d{4}-\d{2}-\d{2})", re.MULTILINE | re.I
)


class _Reader(HTMLParser):
    """Parser that collects the text of the body, one block per block element."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[str] = []
        self.published: dt.date | None = None
        self.origin = ""
        self._parts: list[str] = []
        self._inside: list[str] = []  # open elements whose text is skipped

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {key: value or "" for key, value in attrs}
        self._look_for_date(tag, named)
        if tag in _LEFT_OUT:
            if tag == "body" or tag not in _VOID:
                self._inside.append(tag)
        elif tag == "body":
            self._inside.clear()  # a head without an end tag
        if tag in _BLOCKS:
            self._end_block()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._look_for_date(tag, {key: value or "" for key, value in attrs})
        if tag in _BLOCKS:
            self._end_block()

    def handle_endtag(self, tag: str) -> None:
        if tag in self._inside:
            del self._inside[self._inside.index(tag) :]
        if tag in _BLOCKS:
            self._end_block()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self._parts.append(data)

    def close(self) -> None:
        super().close()
        self._end_block()

    def _end_block(self) -> None:
        text = re.sub(r"\s+", " ", "".join(self._parts)).strip()
        if text:
            self.blocks.append(text)
        self._parts.clear()

    def _look_for_date(self, tag: str, named: dict[str, str]) -> None:
        names = [named.get(key, "").lower() for key in ("property", "name", "itemprop")]
        known = next((name for name in names if name in _PUBLISHED), "")
        value = named.get("content") or named.get("datetime") or ""
        if self.published is None and known and tag in ("meta", "time", "span"):
            self.published = _iso(value)
            self.origin = f"{known} of the page" if self.published else ""


def html_text(text: str) -> Blocks:
    """Return the blocks of an HTML page, without scripts, styles and navigation and with entities resolved."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.blocks, reader.published, reader.origin


def markdown_text(text: str) -> Blocks:
    """Return the blocks of a Markdown text, without markup, code and images and with wrapped lines joined."""
    front = _FRONT.match(text)
    found = _FRONT_DATE.search(front[1]) if front else None
    published = _iso(found[1]) if found else None
    text = text[front.end() :] if front else text
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"^[ \t]*(```|~~~).*?^[ \t]*\1[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks: list[str] = []
    open_block = False
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or re.fullmatch(r"[-*_=\s|:]+", stripped):
            open_block = False
            continue
        begins = re.match(r"(?:#{1,6}\s|[-*+]\s|\d{1,3}[.)]\s|>|\|)", stripped)
        plain = _without_prefix(stripped)
        if begins or not open_block:
            blocks.append(plain)
        else:
            blocks[-1] = _continued(blocks[-1], plain)
        open_block = not stripped.startswith(("#", "|"))
    return [_without_marks(block) for block in blocks], published, "the front matter" if published else ""


def _without_prefix(line: str) -> str:
    line = re.sub(r"^(?:>\s*)+", "", line)
    line = re.sub(r"^(?:#{1,6}|[-*+]|\d{1,3}[.)])\s+", "", line).rstrip("#").strip()
    if line.startswith("|"):
        line = " ".join(cell.strip() for cell in line.strip("|").split("|"))
    return line


def _without_marks(block: str) -> str:
    block = re.sub(r"!\[[^\]]*\]\([^)]*\)", "", block)
    block = re.sub(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1", block)
    block = re.sub(r"(\*\*|__|~~|`)(.+?)\1", r"\2", block)
    block = re.sub(r"(?<![A-Za-z\d*])\*(?=\S)([^*]+?)(?<=\S)\*(?![A-Za-z\d*])", r"\1", block)
    block = re.sub(r"(?<![\w])_(?=\S)([^_]+?)(?<=\S)_(?!\w)", r"\1", block)
    return re.sub(r"\\([\\`*_{}\[\]()#+\-.!|>~])", r"\1", block)


def _continued(block: str, line: str) -> str:
    """Join a wrapped line; no space is added between Chinese characters."""
    chinese = block[-1:] > "\u2e7f" or line[:1] > "\u2e7f"
    return f"{block}{'' if chinese else ' '}{line}"


def _iso(text: str) -> dt.date | None:
    match = re.match(r"\s*(\d{4})-?(\d{2})-?(\d{2})", text)
    try:
        return dt.date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
