"""Blocks of text from HTML and Markdown, with the standard library only.

Every scan goes forward, so that the time is linear in the length of any text. `html.parser` of several Python versions
and patterns such as ``<!--.*?-->`` search the rest of the text again at each piece that is never closed.
"""

from __future__ import annotations

import datetime as dt
import html
import re
from collections.abc import Iterator
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
_DATED = frozenset({"meta", "time", "span"})
_TAG = re.compile(r"<(/\s*+|)([A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(r"""[\s/]*+([^\s/>][^\s/>=]*+)(?:\s*+=\s*+("[^"]*+(?:"|\Z)|'[^']*+(?:'|\Z)|[^\s>]*+))?+""")
_TAG_END = re.compile(r"[\s/]*+>?")
_AS_IS = {name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE) for name in ("script", "style")}
_COMMENTS = tuple(
    (opening, re.compile(closing))
    for opening, closing in (("<!--", r"--[!\s]*+>"), ("<![CDATA[", r"\]\]>"), ("<!", ">"), ("<?", ">"), ("</", ">"))
)
_LONG_REFERENCE = re.compile(r"&#\d{8,};?")  # beyond Unicode, and `int` refuses thousands of digits


class _Reader:
    """The text of the body, one block per block element."""

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.published: dt.date | None = None
        self.origin = ""
        self._parts: list[str] = []
        self._inside: dict[str, None] = {}  # open elements whose text is skipped, the outermost first

    def begin(self, tag: str, attributes: dict[str, str], closed: bool) -> None:
        """Read a start tag; a closed one (``<br/>``) has no content."""
        self._look_for_date(tag, attributes)
        if not closed and tag in _LEFT_OUT:
            self._inside.setdefault(tag)
        elif not closed and tag == "body":
            self._inside.clear()  # a head without an end tag
        if tag in _BLOCKS:
            self.end_block()

    def end(self, tag: str) -> None:
        """Read an end tag; it ends the elements inside it too."""
        if tag in self._inside:
            for name in list(self._inside)[list(self._inside).index(tag) :]:
                del self._inside[name]
        if tag in _BLOCKS:
            self.end_block()

    def text(self, text: str) -> None:
        """Read text between tags."""
        if not self._inside:
            self._parts.append(_unescaped(text))

    def end_block(self) -> None:
        """End the block that is being read."""
        text = re.sub(r"\s+", " ", "".join(self._parts)).strip()
        if text:
            self.blocks.append(text)
        self._parts.clear()

    def _look_for_date(self, tag: str, named: dict[str, str]) -> None:
        names = [named.get(key, "").lower() for key in ("property", "name", "itemprop")]
        known = next((name for name in names if name in _PUBLISHED), "")
        value = named.get("content") or named.get("datetime") or ""
        if self.published is None and known and tag in _DATED:
            self.published = _iso(value)
            self.origin = f"{known} of the page" if self.published else ""


def html_text(text: str) -> Blocks:
    """Return the blocks of an HTML page, without scripts, styles and navigation and with entities resolved.

    A comment or tag that is never closed ends the text, as in a browser.
    """
    reader, at = _Reader(), 0
    while at < len(text):
        start = text.find("<", at)
        if start < 0:
            reader.text(text[at:])
            break
        reader.text(text[at:start])
        at = _marked(text, start, reader)
    reader.end_block()
    return reader.blocks, reader.published, reader.origin


def _marked(text: str, start: int, reader: _Reader) -> int:
    """Read what begins with "<": a tag, a comment or just that character; return where it ends."""
    found = _TAG.match(text, start)
    if found is None:
        for opening, closing in _COMMENTS:
            if text.startswith(opening, start):
                end = closing.search(text, start + 2)
                return end.end() if end else len(text)
        reader.text("<")
        return start + 1
    tag, at = found[2].lower(), found.end()
    attributes: dict[str, str] = {}
    while one := _ATTRIBUTE.match(text, at):
        at = one.end()
        if tag in _DATED:
            attributes[one[1].lower()] = _unescaped((one[2] or "").strip("\"'"))
    rest = _TAG_END.match(text, at)
    at = rest.end() if rest else at
    closed = text.endswith("/>", found.end(), at)
    if found[1]:
        reader.end(tag)
    else:
        reader.begin(tag, attributes, closed)
    if tag in _AS_IS and not found[1] and not closed:
        end = _AS_IS[tag].search(text, at)
        return end.start() if end else len(text)
    return at


def _unescaped(text: str) -> str:
    return html.unescape(_LONG_REFERENCE.sub("\ufffd", text))


def markdown_text(text: str) -> Blocks:
    """Return the blocks of a Markdown text, without markup, code and images and with wrapped lines joined."""
    front = _FRONT.match(text)
    found = _FRONT_DATE.search(front[1]) if front else None
    published = _iso(found[1]) if found else None
    text = text[front.end() :] if front else text
    text = "".join(_without_comments(text))
    text = re.sub(r"^[ \t]*(```|~~~).*?^[ \t]*\1[^\n]*$", "", text, flags=re.DOTALL | re.MULTILINE)
    blocks: list[list[str]] = []
    open_block = False
    for line in text.splitlines():
        stripped = line.strip()
        if not stripped or re.fullmatch(r"[-*_=\s|:]+", stripped):
            open_block = False
            continue
        begins = re.match(r"(?:#{1,6}\s|[-*+]\s|\d{1,3}[.)]\s|>|\|)", stripped)
        plain = _without_prefix(stripped)
        if begins or not open_block:
            blocks.append([plain])
        else:
            blocks[-1] += [_between(blocks[-1][-1], plain), plain]
        open_block = not stripped.startswith(("#", "|"))
    joined = ("".join(parts) for parts in blocks)
    return [_without_marks(block) for block in joined], published, "the front matter" if published else ""


def _without_comments(text: str) -> Iterator[str]:
    """Yield the text between comments; one that is never closed is text."""
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        yield text[at:start]
        at = end + 3
    yield text[at:]


def _without_prefix(line: str) -> str:
    line = re.sub(r"^(?:>\s*)+", "", line)
    line = re.sub(r"^(?:#{1,6}|[-*+]|\d{1,3}[.)])\s+", "", line).rstrip("#").strip()
    if line.startswith("|"):
        line = " ".join(cell.strip() for cell in line.strip("|").split("|"))
    return line


_IMAGE, _LINK = re.compile(r"!\[[^\[\]]*+\](\()"), re.compile(r"\[([^\[\]]*+)\]([(\[])")


def _without_marks(block: str) -> str:
    block = "".join(_unlinked(block, _IMAGE))
    block = "".join(_unlinked(block, _LINK))
    block = re.sub(r"(\*\*|__|~~|`)(.+?)\1", r"\2", block)
    block = re.sub(r"(?<![A-Za-z\d*])\*(?=\S)([^*]+?)(?<=\S)\*(?![A-Za-z\d*])", r"\1", block)
    block = re.sub(r"(?<![\w])_(?=\S)([^_]+?)(?<=\S)_(?!\w)", r"\1", block)
    return re.sub(r"\\([\\`*_{}\[\]()#+\-.!|>~])", r"\1", block)


def _unlinked(block: str, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield a block without its images, or with the text of its links only.

    The pattern ends with the bracket that opens the target; its other group is the text to keep.
    """
    at = 0
    closed = {"(": block.rfind(")"), "[": block.rfind("]")}
    for found in pattern.finditer(block):
        opening = found[found.re.groups]
        if found.start() < at or closed[opening] < found.end():
            continue
        yield block[at : found.start()]
        yield found[1] if found.re.groups > 1 else ""
        at = block.index(")" if opening == "(" else "]", found.end()) + 1
    yield block[at:]


def _between(block: str, line: str) -> str:
    """Return what joins a wrapped line: nothing between Chinese characters."""
    return "" if block[-1:] > "\u2e7f" or line[:1] > "\u2e7f" else " "


def _iso(text: str) -> dt.date | None:
    match = re.match(r"\s*(\d{4})-?(\d{2})-?(\d{2})", text)
    try:
        return dt.date(*map(int, match.groups())) if match else None
    except ValueError:
        return None
