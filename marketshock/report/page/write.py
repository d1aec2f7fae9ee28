"""One HTML file: contents, sections, and what the numbers rest on."""

from __future__ import annotations

import base64
import hashlib
import platform
from collections.abc import Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..._files import output_file
from ..._format import escape
from ..files import write_text
from .blocks import Part, Section, Text
from .html import Names, contents_html, record_table, section_html
from .sections import sections_of

_VERSIONS = ("marketshock", "numpy", "pandas", "scipy", "matplotlib")
_LAST = "Spec, provenance and versions"


def write_page(result: Any, path: str | Path, title: str | None = None) -> Path:
    """Write `page_html` whole or not at all; see `marketshock.report.html`."""
    path = page_path(path)
    write_text(path, page_html(sections_of(result), title), "path")
    return path


def page_path(path: str | Path, parameter: str = "path") -> Path:
    """Return a path to which a page can be written.

    Raises
    ------
    InputError
        If it is no .html or .htm file, is a folder, or its folder does not exist.
    """
    return output_file(path, parameter, (".html", ".htm"), "give a .html file")


def page_html(sections: Sequence[Section], title: str | None = None) -> str:
    """Return the page with its styles, its script and its pictures inside; no date and no path of the machine.

    The title is by default the heading of the only section, or "Event study report".
    """
    names = Names({"top", "contents", "main"})
    title = title or (sections[0].title if len(sections) == 1 else "Event study report")
    made = [section_html(section, names) for section in (*sections, _last(sections))]
    body = "".join(html for html, _ in made)
    script = _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta name="generator" content="marketshock {version("marketshock")}">\n'
        f'<link rel="icon" href="data:,">\n<title>{escape(title)}</title>\n<style>\n{_asset("page.css")}</style>\n'
        f'</head>\n<body id="top">\n<a class="skip" href="#main">To the results</a>\n'
        f"<header>\n<h1>{escape(title)}</h1>\n</header>\n{contents_html([entry for _, entry in made])}"
        f'<main id="main">\n{body}</main>\n<p class="said" role="status"></p>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


def _last(sections: Sequence[Section]) -> Section:
    """Return spec and provenance, one table per result, and the versions."""
    parts = [
        Part(
            f"{section.title}: what it rests on",
            [record_table(section.record, f"Spec and provenance, {section.title}")],
        )
        for section in sections
        if section.record
    ]
    versions = {"python": platform.python_version(), **{name: version(name) for name in _VERSIONS}}
    table = record_table(versions, "Versions")
    how = Text(("The same results with the same versions give this file again, byte for byte.",))
    return Section(_LAST, (), [*parts, Part("Versions", [table, how])], {})


def _asset(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
