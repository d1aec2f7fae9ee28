"""Templates for figures, and plain formulas as LaTeX."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

FIELD = re.compile(r"\{([^{}:]+):([^{}]+)\}")
"""A place of a template: ``{name:spec}``."""

_AFTER = re.compile(r"(?:^|[\s(])[-+/x] $")  # an operator before a figure: a negative one then stands in parentheses
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_TOKEN = re.compile(rf"(?P<number>{_NUMBER})|(?P<root>sqrt\()|(?P<times> x )|(?P<word>[A-Za-z]+\d*)|(?P<power>\^-?\d+)")
_NAMED = re.compile(r"(pct|bn)(\d*)")
_IN_TEXT = re.compile(r"(?<![\w.,-])(?:-\d+(?:,\d{3})*(?:\.\d+)?(?:e[+-]?\d+)?|\d+(?:\.\d+)?e[+-]?\d+)(?![\w-])")
_SYMBOLS = {
    "alpha": r"\alpha",
    "beta": r"\beta",
    "sum": r"\sum ",
    "ln": r"\ln ",
    "Rm": "R_m",
    "Pm": "P_m",
    "RF": "R_f",
    "bn": r"\mathrm{bn}",
    "USD": r"\mathrm{USD}",
}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{c: f"\\{c}" for c in "&%$#_{}"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
}
_IN_MATH = {"%": r"\,\%", "&": r"\&", "#": r"\#", "$": r"\$", "_": r"\_", "{": r"\{", "}": r"\}", "~": r"\sim "}


def figure(name: str, spec: str = ".6f") -> str:
    """Return the place of a figure in a template."""
    return f"{{{name}:{spec}}}"


def literal(text: str) -> str:
    """Return a user's text, such as an event id, without the braces that mark a place."""
    return text.replace("{", "(").replace("}", ")")


def show(value: float, spec: str) -> str:
    """Return a figure as text.

    Parameters
    ----------
    value : float
        The figure.
    spec : str
        A format of Python; or "d" (a whole number), "pct" (a decimal as percent with two digits, "pct4" with four),
        "share" (the same, as short as it is), "bn" (dollars in billions with three digits, "bn1" with one), "date" (of
        an ordinal day).
    """
    if spec == "d":
        return f"{round(value):,d}"
    if spec == "share":
        return f"{100 * value:g} %"
    if spec == "date":
        return str(dt.date.fromordinal(round(value)))
    named = _NAMED.fullmatch(spec)
    if named is None:
        return f"{value:{spec}}"
    digits = named[2] or {"pct": "2", "bn": "3"}[named[1]]
    return f"{100 * value:.{digits}f} %" if named[1] == "pct" else f"{value / 1e9:,.{digits}f} bn"


def fill(template: str, values: Mapping[str, float]) -> str:
    """Put figures into the places of a template; a negative one that is operated on stands in parentheses."""
    parts, at = [], 0
    for place in FIELD.finditer(template):
        text = show(values[place[1]], place[2])
        squared = template[place.end() :].startswith("^")
        enclosed = text.startswith("-") and (squared or _AFTER.search(template[: place.start()]))
        parts += [template[at : place.start()], f"({text})" if enclosed else text]
        at = place.end()
    return "".join([*parts, template[at:]])


def to_math(text: str) -> str:
    r"""Return a plain formula as LaTeX mathematics: "beta = Sxy / Sxx" is ``\beta = S_{xy} / S_{xx}``."""
    out, at = [], 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            between = text[at] == " " and text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum()
            out.append(r"\ " if between else _IN_MATH.get(text[at], text[at]))
            at += 1
        elif token["root"]:
            end = _closing(text, token.end())
            out.append(rf"\sqrt{{{to_math(text[token.end() : end])}}}")
            at = end + 1
        else:
            out.append(_token(token))
            at = token.end()
    return "".join(out)


def _token(token: re.Match[str]) -> str:
    if token["number"]:
        digits, _, power = token["number"].replace(",", "{,}").partition("e")
        return rf"{digits} \times 10^{{{int(power)}}}" if power else digits
    if token["times"]:
        return r" \times "
    return f"^{{{token['power'][1:]}}}" if token["power"] else _symbol(token["word"])


def _symbol(word: str) -> str:
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    name = word.rstrip("0123456789")
    if name != word:
        return f"{_symbol(name)}_{{{word[len(name) :]}}}"
    if re.fullmatch("S[a-z]{2}", word):
        return f"S_{{{word[1:]}}}"
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def _closing(text: str, at: int) -> int:
    """Return the place of the parenthesis that closes the one before `at`."""
    depth = 1
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)


def to_latex_text(text: str) -> str:
    """Return running text with LaTeX's special characters escaped and minus signs as mathematics."""
    parts, at = [], 0
    for number in _IN_TEXT.finditer(text):
        plain = "".join(_SPECIAL.get(c, c) for c in text[at : number.start()])
        parts += [plain, f"${to_math(number[0])}$"]
        at = number.end()
    return "".join([*parts, *(_SPECIAL.get(c, c) for c in text[at:])])
