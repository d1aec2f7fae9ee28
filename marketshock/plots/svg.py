"""A figure as SVG that stands inside a page: its ids its own, its colours those of the page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING
from xml.dom import minidom

from .._format import visible
from ._style import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: What a page may set: black and white turn round on a dark page, and blue and grey need another shade there.
INKS = {"#000000": "var(--ink)", "#ffffff": "var(--paper)", "#0072b2": "var(--blue)", "#7f7f7f": "var(--grey)"}

_UNSAID = {"Date": None, "Creator": None, "Format": None, "Type": None}
_COORDINATES = ("d", "x", "y")


def inline_svg(figure: Figure, prefix: str, title: str, description: str) -> str:
    """Return a drawn figure as an ``svg`` element for an HTML page, with a title and description for screen readers.

    The prefix is put before every id, so that a page can hold several pictures. The same figure gives the same bytes:
    no date, no size in points, texts as texts, black and white as ``var(--ink)`` and ``var(--paper)`` (see `INKS`).
    Nothing is loaded from elsewhere.
    """
    root = minidom.parseString(_drawn(figure)).documentElement
    assert root is not None
    wide = root.getAttribute("width").removesuffix("pt")
    for name in ("width", "height", "version", "xmlns", "xmlns:xlink"):
        if root.hasAttribute(name):
            root.removeAttribute(name)
    _clean(root)
    _own_ids(root, prefix)
    root.setAttribute("role", "img")
    root.setAttribute("aria-labelledby", f"{prefix}-title {prefix}-desc")
    root.setAttribute("style", f"max-width: {float(wide):.0f}pt")
    for tag, text in (("desc", description), ("title", title)):
        root.insertBefore(_said(root.ownerDocument, tag, f"{prefix}-{tag}", text), root.firstChild)
    return _recoloured(root.toxml())


def _drawn(figure: Figure) -> bytes:
    import matplotlib as mpl

    out = io.BytesIO()
    with style(), mpl.rc_context({"svg.fonttype": "none"}):
        figure.savefig(out, format="svg", transparent=True, metadata=_UNSAID)
    return visible(out.getvalue().decode()).encode()


def _clean(node: minidom.Element) -> None:
    """Remove what a page has no use for; round coordinates to a hundredth of a point."""
    for child in list(node.childNodes):
        if child.nodeType == child.COMMENT_NODE or child.nodeName in ("style", "metadata"):
            node.removeChild(child)
        elif child.nodeType == child.TEXT_NODE:
            if node.nodeName not in ("text", "tspan"):
                node.removeChild(child)
        elif isinstance(child, minidom.Element):
            _clean(child)
    for name in _COORDINATES:
        if node.hasAttribute(name):
            rounded = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", node.getAttribute(name))
            node.setAttribute(name, " ".join(rounded.split()))
    if node.hasAttribute("style"):
        node.setAttribute("style", _without_fonts(node.getAttribute("style")))


def _without_fonts(text: str) -> str:
    """Leave the font to the page; the size stays."""
    text = re.sub(r"font-family:[^;]*;?\s*", "", text)
    return re.sub(r"(font: [^;'\"]*px) [^;]*", r"\1 sans-serif", text)


def _own_ids(root: minidom.Element, prefix: str) -> None:
    """Put the prefix before the ids that something refers to; drop the others."""
    every = [root, *root.getElementsByTagName("*")]
    wanted: set[str] = set()
    for node in every:
        for name, value in list((node.attributes or {}).items()):
            if name.endswith("href") and value.startswith("#"):
                wanted.add(value[1:])
                node.setAttribute(name, f"#{prefix}-{value[1:]}")
            for target in re.findall(r"url\(#([^)]+)\)", value):
                wanted.add(target)
                node.setAttribute(name, value.replace(f"url(#{target})", f"url(#{prefix}-{target})"))
    for node in every:
        name = node.getAttribute("id")
        if name in wanted:
            node.setAttribute("id", f"{prefix}-{name}")
        elif name:
            node.removeAttribute("id")


def _said(document: minidom.Document | None, tag: str, name: str, text: str) -> minidom.Element:
    assert document is not None
    element = document.createElement(tag)
    element.setAttribute("id", name)
    element.appendChild(document.createTextNode(visible(text)))
    return element


def _recoloured(text: str) -> str:
    return re.sub("|".join(INKS), lambda m: INKS[m[0]], text)
