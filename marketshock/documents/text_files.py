"""Paragraphs of plain text, HTML and Markdown files."""

from __future__ import annotations

import codecs
import contextlib
import datetime as dt
import re
from dataclasses import dataclass
from pathlib import Path

from .._files import read_bytes
from ..errors import Argument, InputError, Words
from .html_text import html_text, markdown_text

MOST_BYTES = 4_000_000
_HTML, _MARKDOWN = (".html", ".htm", ".xhtml"), (".md", ".markdown")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_OTHERS = (
    (b"%PDF", "is a PDF", "save its text as a .txt file"),
    (b"PK\x03\x04", "is a zip or an office document", "save it as text, HTML or Markdown"),
    (b"\xd0\xcf\x11\xe0", "is an old office document", "save it as text, HTML or Markdown"),
    (b"\x1f\x8b", "is compressed with gzip", "unpack it"),
    (b"\x89PNG", "is a picture", "give a text"),
    (b"\xff\xd8\xff", "is a picture", "give a text"),
)
_META = re.compile(rb"<(?:meta|\?xml)[^>]{0,200}?(?:charset|encoding)\s*=\s*[\"']?([\w\-]+)", re.IGNORECASE)
_SNIFFED = re.compile(r"\s*(?:<!doctype html|<html|<head|<body|<\?xml|<(?:p|div|h1|article)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a file.

    Attributes
    ----------
    paragraphs : tuple of str
        Non-empty lines of a plain text, blocks of HTML and Markdown.
    published : date or None
        Date of publication in the page metadata or front matter.
    published_from : str
        Source of that date, "" if there is none.
    """

    paragraphs: tuple[str, ...]
    published: dt.date | None = None
    published_from: str = ""


def read_text(path: Path, encoding: str | None) -> Text:
    """Read a plain text, HTML or Markdown file; the format follows the suffix, else the first characters.

    Raises `InputError` if the file does not exist, is not text, contains no text, is too large, or its bytes do not
    match the encoding.

    Parameters
    ----------
    path : Path
        File of at most `MOST_BYTES` bytes.
    encoding : str or None
        None for the encoding of the byte-order mark, then the one declared by an HTML page, then UTF-8.
    """
    content = _bytes(path)
    suffix = path.suffix.lower()
    text = _decoded(path, content, encoding, suffix in _HTML or content.lstrip()[:1] == b"<")
    if suffix in _HTML or (suffix not in _MARKDOWN and _SNIFFED.match(text)):
        blocks, published, origin = html_text(text)
    elif suffix in _MARKDOWN:
        blocks, published, origin = markdown_text(text)
    else:
        blocks, published, origin = text.splitlines(), None, ""
    paragraphs = tuple(block.strip() for block in blocks if block.strip())
    if not paragraphs:
        raise InputError(str(path), "contains no text", "give a file with paragraphs")
    return Text(paragraphs, published, origin)


def _bytes(path: Path) -> bytes:
    content = read_bytes(path, MOST_BYTES, "give one article", remedy="give one text file")
    if not content.strip():
        raise InputError(str(path), "is empty", "give a file with text")
    for magic, what, remedy in _OTHERS:
        if content.startswith(magic):
            raise InputError(str(path), what, remedy)
    return content


def _decoded(path: Path, content: bytes, encoding: str | None, html: bool) -> str:
    given, origin = _encoding(content, encoding, html)
    try:
        codec = codecs.lookup(given)
        with contextlib.suppress(UnicodeDecodeError):  # "a" may be an incomplete character in this encoding
            b"a".decode(given, "replace")
    except (LookupError, ValueError) as error:
        raise InputError("encoding", f"{given!r} ({origin}) is not a known text encoding", "try gb18030") from error
    if encoding is not None and codec.name != "utf-8" and _is_utf8(content):
        raise InputError("encoding", f"the bytes of {path} are UTF-8, not {given}", "leave the encoding out")
    try:
        text = content.decode(codec.name if codec.name != "utf-8" else "utf-8-sig")
    except UnicodeError as error:
        at = getattr(error, "start", 0)
        came = content[at : at + 4].hex(" ")
        raise InputError(
            str(path),
            f"is not {given} ({origin}): bytes {came} at {at}",
            Words(
                "pass the encoding it was saved in, such as ", Argument("encoding", "gb18030"), ", 'big5' or 'utf-16'"
            ),
        ) from error
    if _odd(text) > max(3, len(text) / 100):
        raise InputError(str(path), f"is not text in {given} ({origin})", "give a text file, or pass its encoding")
    return text


def _encoding(content: bytes, given: str | None, html: bool) -> tuple[str, str]:
    """Return the encoding to use and its source."""
    if given is not None:
        return given, "as given"
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name, "the byte-order mark"
    declared = _META.search(content[:4096]) if html else None
    if declared:
        name = declared[1].decode("ascii", "replace")
        return ("gb18030" if name.lower() in ("gb2312", "gbk") else name), "declared by the page"
    return "utf-8", "the default"


def _is_utf8(content: bytes) -> bool:
    """Return whether non-ASCII bytes are valid UTF-8; text in another encoding almost never is."""
    if content.isascii() or b"\x00" in content:
        return False
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _odd(text: str) -> int:
    """Return the number of control and surrogate characters, which ordinary text does not contain."""
    controls = {*map(chr, range(32)), "\x7f"} - set("\t\n\r\f\v\x1c\x1d\x1e")
    return sum(1 for c in text if c in controls or "\ud800" <= c <= "\udfff")
