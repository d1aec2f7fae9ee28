"""A derivation as text, Markdown, LaTeX and HTML."""

from __future__ import annotations

import html as escaped
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import _format
from .blocks import INDENT, Grid, Line, Step, parts_of, runs_of
from .mathtext import fill, to_latex_text, to_math

if TYPE_CHECKING:
    from .explanation import Explanation

_MARKED = ("\\", "*", "_", "|", "<", "$", "`", "~", "[", "#")  # what Markdown would read as its own
_SPACE = " " * INDENT
_ROW = 68  # characters of an equation that a row of a LaTeX page holds
_PAGE = 84  # columns of a table that it holds


def text(explanation: Explanation) -> str:
    """Return it as plain text of at most `_format.WIDTH` columns."""
    title = _folded(explanation.title)
    head = [title, "=" * max(map(len, title.split("\n"))), *map(_folded, _about(explanation))]
    steps = [f"{_folded(f'{n}. {step.heading}')}\n{_body(step)}" for n, step in enumerate(explanation.steps, 1)]
    return "\n\n".join(["\n".join(head), *steps])


def _about(explanation: Explanation) -> list[str]:
    return [fill(line, explanation.values) for line in explanation.about]


def _folded(line: str, indent: str = "") -> str:
    return textwrap.fill(
        line, _format.WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )


def _body(step: Step) -> str:
    """Return the blocks of a step; tables stand apart."""
    lines: list[str] = []
    for run in runs_of(step):
        if isinstance(run, str):
            lines.append(_folded(fill(run, step.values), _SPACE))
        elif isinstance(run, Grid):
            tables = [_format.text_table(head, rows, run.left) for head, rows in parts_of(run, step.values)]
            lines += ["", textwrap.indent("\n\n".join(tables), _SPACE), ""]
        else:
            lines += _equations(run, step)
    kept = [line for line, before in zip(lines, ["", *lines[:-1]], strict=True) if line or before]
    return "\n".join(kept).rstrip("\n")


def _equations(lines: Sequence[Line], step: Step) -> list[str]:
    """Return formulas with their first equals signs aligned; what is too wide is broken at the later ones."""
    equations = [line.filled(step.values) for line in lines]
    pad = max(len(left) for left, *_ in equations)
    room, further = _format.WIDTH - INDENT - pad - 3, " " * (INDENT + pad + 3)
    out = []
    for left, *sides in equations:
        whole = f"{_SPACE}{left:<{pad}} = {' = '.join(sides)}"
        if len(whole) <= _format.WIDTH:
            out.append(whole)
            continue
        for at, side in enumerate(sides):
            first, *rest = broken(side, room)
            out += [f"{_SPACE}{left if at == 0 else '':<{pad}} = {first}", *(further + line for line in rest)]
    return out


def broken(side: str, room: int) -> list[str]:
    """Break one side of an equation into lines, before a plus where there is one."""
    lines = [""]
    for k, term in enumerate(side.split(" + ")):
        part = f"+ {term}" if k else term
        if lines[-1] and len(lines[-1]) + 1 + len(part) > room:
            lines.append("")
        lines[-1] = f"{lines[-1]} {part}".strip()
    wrapped = (textwrap.wrap(line, room, break_on_hyphens=False, break_long_words=False) for line in lines)
    return [piece for pieces in wrapped for piece in pieces]


def markdown(explanation: Explanation) -> str:
    """Return it as Markdown with mathematics between double dollars."""
    parts = [f"## {_marked(explanation.title)}", *map(_marked, _about(explanation))]
    for number, step in enumerate(explanation.steps, 1):
        parts.append(f"### {number}. {_marked(step.heading)}")
        for run in runs_of(step):
            if isinstance(run, str):
                parts.append(_marked(fill(run, step.values)))
            elif isinstance(run, Grid):
                parts += [_piped(head, rows, run.left) for head, rows in parts_of(run, step.values)]
            else:
                parts.append(f"$$\n\\begin{{aligned}}\n{_aligned(run, step)}\n\\end{{aligned}}\n$$")
    return "\n\n".join(parts) + "\n"


def _marked(line: str) -> str:
    for character in _MARKED:
        line = line.replace(character, f"\\{character}")
    return line


def _piped(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    rule = ["---" if i < left else "---:" for i in range(len(head))]
    cells = [[_marked(cell) for cell in row] for row in [head, *rows]]
    return "\n".join(f"| {' | '.join(row)} |" for row in [cells[0], rule, *cells[1:]])


def _aligned(lines: Sequence[Line], step: Step) -> str:
    """Return formulas as the inside of an ``align``; what is too wide has each side on a row of its own."""
    rows = []
    for line in lines:
        left, *sides = line.filled(step.values)
        if len(left) + sum(len(side) + 3 for side in sides) <= _ROW:
            rows.append(f"{to_math(left)} &= {' = '.join(map(to_math, sides))}")
            continue
        for at, side in enumerate(sides):
            first, *rest = map(to_math, broken(side, _ROW))
            rows += [f"{'' if at else to_math(left)} &= {first}", *(rf"&\quad {{}}{piece}" for piece in rest)]
    return " \\\\\n".join(rows)


def latex(explanation: Explanation) -> str:
    """Return it as LaTeX that needs ``amsmath``."""
    parts = [f"\\subsection*{{{to_latex_text(explanation.title)}}}"]
    parts += [f"\\noindent {to_latex_text(line)}" for line in _about(explanation)]
    for number, step in enumerate(explanation.steps, 1):
        parts.append(f"\\paragraph{{{number}. {to_latex_text(step.heading)}}}\\mbox{{}}")
        for run in runs_of(step):
            if isinstance(run, str):
                parts.append(f"\\noindent {to_latex_text(fill(run, step.values))}")
            elif isinstance(run, Grid):
                parts += [_tabular(head, rows, run.left) for head, rows in parts_of(run, step.values, _PAGE)]
            else:
                parts.append(f"{{\\allowdisplaybreaks\n\\begin{{align*}}\n{_aligned(run, step)}\n\\end{{align*}}}}")
    return "\n\n".join(parts) + "\n"


def _tabular(head: Sequence[str], rows: Sequence[Sequence[str]], left: int) -> str:
    columns = "l" * left + "r" * (len(head) - left)
    first, *rest = (" & ".join(map(to_latex_text, row)) + r" \\" for row in [head, *rows])
    inner = "\n".join([first, r"\hline", *rest])
    table = f"\\begin{{tabular}}{{{columns}}}\n{inner}\n\\end{{tabular}}"
    return f"\\smallskip\n{{\\noindent\\footnotesize\n{table}\\par}}\n\\smallskip"


def html(explanation: Explanation) -> str:
    """Return it as HTML without colours of its own."""
    parts = [f"<h4>{escaped.escape(explanation.title)}</h4>"]
    parts += [f"<p>{escaped.escape(line)}</p>" for line in _about(explanation)]
    for number, step in enumerate(explanation.steps, 1):
        parts.append(f"<p><b>{number}. {escaped.escape(step.heading)}</b></p>")
        for run in runs_of(step):
            if isinstance(run, str):
                parts.append(f"<p>{escaped.escape(fill(run, step.values))}</p>")
            elif isinstance(run, Grid):
                tables = parts_of(run, step.values)
                parts += [_format.html_table("", head, rows, run.left) for head, rows in tables]
            else:
                parts.append(f"<pre>{escaped.escape(chr(10).join(_equations(run, step)))}</pre>")
    return "\n".join(parts)
