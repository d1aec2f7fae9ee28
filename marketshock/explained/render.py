"""Derivations as text, Markdown, LaTeX and HTML: one walk over the steps, one row of functions per format."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

from .. import _format
from .._format import escape
from .blocks import Grid, Line, Step
from .mathtext import fill, to_latex_text, to_math

Cells: TypeAlias = list[list[str]]
Equation: TypeAlias = tuple[str, ...]

_MARKED = re.compile(r"[\\*_|<$`~[#]")  # characters with a meaning in Markdown
_INDENT = 3  # columns by which the body of a step is indented in plain text
_SPACE = " " * _INDENT
_ROW = 68  # characters of an equation that fit a row of a LaTeX page


@dataclass(frozen=True, slots=True)
class Form:
    """A format: one function per part of a derivation, the text between parts, and the width of its tables."""

    title: Callable[[str], str]
    about: Callable[[str], str]
    heading: Callable[[str], str]
    sentence: Callable[[str], str]
    table: Callable[[Cells, int], str]
    equations: Callable[[list[Equation]], str]
    gap: str = "\n\n"
    within: str = "\n\n"
    columns: int = _format.WIDTH


def write(form: Form, title: str, about: Sequence[str], steps: Sequence[Step]) -> str:
    """Return a derivation in a format."""
    parts = [form.within.join([form.title(title), *map(form.about, about)])]
    for number, step in enumerate(steps, 1):
        body = re.sub("\n{3,}", "\n\n", form.within.join(_body(form, step))).strip("\n")
        parts.append(form.within.join([form.heading(f"{number}. {step.heading}"), body]))
    return form.gap.join(parts)


def _body(form: Form, step: Step) -> Iterator[str]:
    """Yield the parts of a step; consecutive equations are one part."""
    for kind, blocks in groupby(step.body, type):
        if kind is Line:
            yield form.equations([block.filled(step.values) for block in blocks if isinstance(block, Line)])
            continue
        for block in blocks:
            if isinstance(block, str):
                yield form.sentence(fill(block, step.values))
            elif isinstance(block, Grid):
                cells = [list(block.head), *([fill(cell, step.values) for cell in row] for row in block.rows)]
                yield from (form.table(part, block.left) for part in _cut(cells, block.left, form.columns))


def _cut(cells: Cells, left: int, columns: int) -> list[Cells]:
    """Return a table in parts no wider than so many columns."""
    widths = [max(map(len, column)) + 2 for column in zip(*cells, strict=True)]
    room = columns - _INDENT - sum(widths[:left])
    parts: list[list[int]] = [[]]
    for k in range(left, len(widths)):
        if parts[-1] and sum(widths[j] for j in [*parts[-1], k]) > room:
            parts.append([])
        parts[-1].append(k)
    return [[[row[k] for k in (*range(left), *part)] for row in cells] for part in parts]


def _folded(line: str, indent: str = "") -> str:
    return textwrap.fill(
        line, _format.WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )


def _underlined(title: str) -> str:
    folded = _folded(title)
    return f"{folded}\n{'=' * max(map(len, folded.splitlines()))}"


def _text_table(cells: Cells, left: int) -> str:
    return f"\n{textwrap.indent(_format.text_table(cells[0], cells[1:], left), _SPACE)}\n"


def _text_equations(lines: list[Equation]) -> str:
    """Return equations with their first equals signs aligned."""
    pad = max(len(left) for left, *_ in lines)
    room, further = _format.WIDTH - _INDENT - pad - 3, " " * (_INDENT + pad + 3)
    out = []
    for left, side, rest in _in_rows(lines, lambda equation: len(" = ".join(equation[1:])) <= room, room):
        out += [f"{_SPACE}{left:<{pad}} = {side}", *(further + line for line in rest)]
    return "\n".join(out)


def _aligned(lines: list[Equation]) -> str:
    """Return equations as the inside of an ``align``."""
    rows = []
    for left, side, rest in _in_rows(lines, lambda equation: len(" = ".join(equation)) <= _ROW, _ROW):
        rows += [f"{to_math(left)} &= {to_math(side)}", *(rf"&\quad {{}}{to_math(piece)}" for piece in rest)]
    return " \\\\\n".join(rows)


def _in_rows(
    lines: list[Equation], fits: Callable[[Equation], bool], room: int
) -> Iterator[tuple[str, str, list[str]]]:
    """Yield left side, right side and further lines: one row where an equation fits, otherwise one per equals sign."""
    for left, *sides in lines:
        for at, side in enumerate([" = ".join(sides)] if fits((left, *sides)) else sides):
            first, *rest = [side] if fits((left, *sides)) else _broken(side, room)
            yield "" if at else left, first, rest


def _broken(side: str, room: int) -> list[str]:
    """Break one side of an equation into lines, before a plus where there is one."""
    lines = [""]
    for k, term in enumerate(side.split(" + ")):
        part = f"+ {term}" if k else term
        if lines[-1] and len(lines[-1]) + 1 + len(part) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {part}".strip()
    wrapped = (textwrap.wrap(line, room, break_on_hyphens=False, break_long_words=False) for line in lines)
    return [piece for pieces in wrapped for piece in pieces]


def _marked(text: str) -> str:
    return _MARKED.sub(r"\\\g<0>", text)


def _piped(cells: Cells, left: int) -> str:
    head, *rows = (list(map(_marked, row)) for row in cells)
    rule = ["---" if k < left else "---:" for k in range(len(head))]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *rows])


def _tabular(cells: Cells, left: int) -> str:
    head, *rows = (" & ".join(map(to_latex_text, row)) + r" \\" for row in cells)
    columns = "l" * left + "r" * (len(cells[0]) - left)
    inner = "\n".join([f"\\begin{{tabular}}{{{columns}}}", head, r"\hline", *rows, r"\end{tabular}"])
    return f"\\smallskip\n{{\\noindent\\footnotesize\n{inner}\\par}}\n\\smallskip"


TEXT = Form(_underlined, _folded, _folded, lambda t: _folded(t, _SPACE), _text_table, _text_equations, "\n\n", "\n")
MARKDOWN = Form(
    lambda t: f"## {_marked(t)}",
    _marked,
    lambda t: f"### {_marked(t)}",
    _marked,
    _piped,
    lambda lines: f"$$\n\\begin{{aligned}}\n{_aligned(lines)}\n\\end{{aligned}}\n$$",
)
LATEX = Form(
    lambda t: f"\\subsection*{{{to_latex_text(t)}}}",
    lambda t: f"\\noindent {to_latex_text(t)}",
    lambda t: f"\\paragraph{{{to_latex_text(t)}}}\\mbox{{}}",
    lambda t: f"\\noindent {to_latex_text(t)}",
    _tabular,
    lambda lines: f"{{\\allowdisplaybreaks\n\\begin{{align*}}\n{_aligned(lines)}\n\\end{{align*}}}}",
    columns=84,
)
HTML = Form(
    lambda t: f"<h4>{escape(t)}</h4>",
    lambda t: f"<p>{escape(t)}</p>",
    lambda t: f"<p><b>{escape(t)}</b></p>",
    lambda t: f"<p>{escape(t)}</p>",
    lambda cells, left: _format.html_table("", cells[0], cells[1:], left),
    lambda lines: f"<pre>{escape(_text_equations(lines))}</pre>",
    "\n",
    "\n",
)
