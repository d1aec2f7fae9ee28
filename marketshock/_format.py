"""Numbers and tables as text, used by every ``__repr__`` and by the command line."""

from __future__ import annotations

import html
import math
import re
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MISSING = "-"
WIDTH = 100  # columns of running text
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")  # none in XML


def percent(value: float, digits: int = 2) -> str:
    """Return a decimal as signed percent: -0.1697 is "-16.97 %"."""
    return MISSING if math.isnan(value) else f"{100 * value:+.{digits}f} %"


def usd_bn(value: float, digits: int = 1) -> str:
    """Return dollars as signed billions: -592.7e9 is "-592.7"."""
    return MISSING if math.isnan(value) else f"{value / 1e9:+,.{digits}f}"


def number(value: float, digits: int = 2) -> str:
    """Return a number with fixed digits."""
    return MISSING if math.isnan(value) else f"{value:,.{digits}f}"


def pvalue(value: float) -> str:
    """Return a p-value with four digits, or "<0.0001"."""
    if math.isnan(value):
        return MISSING
    return "<0.0001" if value < 1e-4 else f"{value:.4f}"


def p_equals(value: float) -> str:
    """Return a p-value after its letter: "p = 0.0123", or "p <0.0001"."""
    return f"p {'' if value < 1e-4 else '= '}{pvalue(value)}"


def interval(low: float, high: float, one: str) -> str:
    """Return "[low, high]" with one digit, formatted by `percent` if `one` is "percent", else by `usd_bn`."""
    show = percent if one == "percent" else usd_bn
    return MISSING if math.isnan(low) else f"[{show(low, 1).removesuffix(' %')}, {show(high, 1).removesuffix(' %')}]"


def visible(text: str) -> str:
    """Return text with control characters as their escapes: files of Excel and HTML cannot hold them."""
    return _CONTROL.sub(lambda found: found.group().encode("unicode_escape").decode(), text)


def escape(text: str) -> str:
    """Return text for HTML."""
    return html.escape(visible(text))


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return an aligned table; the first `left` columns are left-aligned, the others right-aligned."""
    widths = [max(len(str(row[i])) for row in [head, *rows]) for i in range(len(head))]

    def line(row: Sequence[str]) -> str:
        cells = [f"{c:<{w}}" if i < left else f"{c:>{w}}" for i, (c, w) in enumerate(zip(row, widths, strict=True))]
        return "  ".join(cells).rstrip()

    return "\n".join([line(head), "  ".join("-" * w for w in widths), *(line(row) for row in rows)])


def html_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """Return the same table as HTML, readable in light and dark notebooks, since it sets no colors."""

    def cells(row: Sequence[str], tag: str) -> str:
        aligned = (("left" if i < left else "right", escape(str(c))) for i, c in enumerate(row))
        return "".join(f'<{tag} style="text-align:{side}">{text}</{tag}>' for side, text in aligned)

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    lines = "<br>".join(escape(part) for part in caption.splitlines())
    return (
        f'<table><caption style="text-align:left;white-space:normal">{lines}</caption>'
        f"<thead><tr>{cells(head, 'th')}</tr></thead><tbody>{body}</tbody></table>"
    )


def wrapped(text: str, indent: str = "") -> str:
    """Return running text wrapped to `WIDTH` columns, with later lines indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts by column name, including named index levels."""
    if frame.index.names != [None]:
        frame = frame.reset_index()
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]
