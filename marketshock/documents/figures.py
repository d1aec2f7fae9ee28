"""Figures with their units, in Chinese and English texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .numerals import CHINESE, DIGITS, ENGLISH, number

_SCALES = {"千": 1e3, "万": 1e4, "十万": 1e5, "百万": 1e6, "千万": 1e7, "亿": 1e8, "十亿": 1e9, "百亿": 1e10}
_SCALES |= {"千亿": 1e11, "万亿": 1e12, "k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "million": 1e6}
_SCALES |= {"b": 1e9, "bn": 1e9, "billion": 1e9, "tn": 1e12, "trn": 1e12, "trillion": 1e12}
_CURRENCIES = {"美元": "usd", "美金": "usd", "港元": "hkd", "港币": "hkd", "欧元": "eur", "英镑": "gbp", "日元": "jpy"}
_CURRENCIES |= {
    "加元": "cad",
    "加拿大元": "cad",
    "人民币": "cny",
    "元人民币": "cny",
    "元": "cny",
    "$": "usd",
    "us$": "usd",
}
_CURRENCIES |= {
    "€": "eur",
    "£": "gbp",
    "dollars": "usd",
    "dollar": "usd",
    "usd": "usd",
    "euros": "eur",
    "pounds": "gbp",
}
_CURRENCIES |= {"yen": "jpy", "yuan": "cny", "c$": "cad", "hk$": "hkd"}

_ZH_SCALE = "(?:万亿|千亿|百亿|十亿|亿|千万|百万|十万|万|千)"
_EN_SCALE = "(?:trillion|billion|million|thousand|trn|tn|bn|mn)"
_ZH_MONEY = "(?:元人民币|人民币|加拿大元|美元|美金|港元|港币|欧元|英镑|日元|加元|元(?!素|件|旦|宵|年|月))"
_THINGS = (
    "人(?!民|均)|名|位|股|只|家|项|块|款|座|台|辆|笔|桶|吨|盎司|颗|枚|份|"
    "个(?!月|百分点|基点|标准差|小时|交易日|季度|星期|工作日|半|周|标准)"
)
_EN_THINGS = (
    "stocks?|shares|people|jobs|companies|firms|workers|chips|openings|barrels|tonnes|tons|ounces|employees|investors"
)
_NUM = rf"(?P<num>{DIGITS})"
_TO = r"\s*+(?:%|％)?\s*+(?:-|–|—|~|至|到|to)\s*+"
_LOW = rf"(?:(?P<low>{DIGITS}){_TO})?"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in a text.

    Attributes
    ----------
    paragraph, start, end : int
        Paragraph number (from 1) and character span of number and unit, `end` excluded.
    text : str
        The figure as written.
    value : float
        In plain units: 5e9 for 5 billion dollars, 17 for 17 %.
    unit : str
        percent, percentage_points, basis_points, sigma, ratio (x to 1), times, points, count, number (no unit
        written), or a currency: usd, cny, eur, gbp, jpy, hkd, cad.
    modifier : str
        nearly, about, more than, at least, less than, at most, up to, several, or "".
    """

    paragraph: int
    start: int
    end: int
    text: str
    value: float
    unit: str
    modifier: str


def _c(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![A-Za-z\d.,_])(?P<sign>-(?=[\d]))?(?:{pattern})", re.IGNORECASE)


_LOW_MONEY = rf"(?:[$€£]\s*+(?P<low>{DIGITS})\s*+(?:-|–|to)\s*+)?"
_ANY = rf"(?P<num>{DIGITS}|{CHINESE})"
# Blanks before a word are taken whole (*+): two runs side by side, as in \s*x?\s*, would be cut in every way there is.
#: (pattern, unit). Groups: num (the number), scale, money (the currency), low (lower end of a range).
RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (_c(rf"{_LOW}{_NUM}\s*+(?:%|percent\b|per cent\b|pct\b)(?!\s*+point)"), "percent"),
    (re.compile(rf"百分之(?P<num>{CHINESE})"), "percent"),
    (_c(rf"{_LOW}{_ANY}\s*+个?百分点"), "percentage_points"),
    (_c(rf"{_LOW}{_NUM}[\s-]*+(?:percentage points?|%[\s-]points?)"), "percentage_points"),
    (_c(rf"{_LOW}{_NUM}\s*+(?:个?基点|bps?\b|basis[\s-]points?)"), "basis_points"),
    (_c(rf"{_LOW}{_ANY}\s*+个?(?:标准差|σ|西格玛)"), "sigma"),
    (_c(rf"{_LOW}(?P<num>{DIGITS}|{ENGLISH})[\s-]*+(?:standard deviations?|sigmas?\b)"), "sigma"),
    (_c(rf"(?<!:){_NUM}(?:\s*+(?::|比)|\s*[\s-]to[\s-])\s*+1(?![\d.:])"), "ratio"),
    (_c(rf"{_LOW}{_ANY}\s*+倍"), "times"),
    (_c(rf"{_LOW}(?P<num>{DIGITS}|{ENGLISH})(?:x\b| times\b|-?fold\b)"), "times"),
    (_c(rf"{_LOW}{_NUM}\s*+(?:点(?!\d|半|钟|左|整|多|前|后|公)|points?\b)"), "points"),
    (
        _c(
            rf"{_LOW}{_ANY}\s*+(?P<more>多|余)?\s*+(?P<scale>{_ZH_SCALE})?\s*+(?P<more2>多|余)?"
            rf"\s*+(?P<money>{_ZH_MONEY})"
        ),
        "money",
    ),
    (_c(rf"(?P<vague>数|几|上)?(?P<num>)(?P<scale>万亿|千亿|百亿|十亿|千万|百万)\s*+(?P<money>{_ZH_MONEY})"), "money"),
    (_c(rf"{_LOW_MONEY}(?P<money>US\$|C\$|HK\$|\$|€|£)\s*+{_NUM}(?:[\s-]*+(?P<scale>{_EN_SCALE}|[kmb])\b)?"), "money"),
    (_c(rf"{_NUM}[\s-]*+(?P<scale>{_EN_SCALE})?[\s-]*+(?P<money>dollars?|usd|euros?|pounds|yen|yuan)\b"), "money"),
    (
        _c(rf"{_LOW}{_NUM}\s*+(?P<more>多|余)?\s*+(?P<scale>{_ZH_SCALE})?\s*+(?P<more2>多|余)?\s*+(?:{_THINGS})"),
        "count",
    ),
    (_c(rf"{_LOW}{_NUM}(?:\s*+(?P<scale>{_EN_SCALE}))?\s++(?:[a-z-]+ )?(?:{_EN_THINGS})\b"), "count"),
    (_c(rf"{_LOW}{_NUM}\s*+(?P<more>多|余)?\s*+(?P<scale>{_ZH_SCALE})(?P<more2>多|余)?(?!\s*+{_ZH_MONEY})"), "number"),
    (_c(rf"{_NUM}\s*+(?P<scale>{_EN_SCALE})\b"), "number"),
    (
        re.compile(
            r"(?:录得|收于|收报|升至|降至|回落至|跌至|涨至|前值|came in at|closed at|rose to|fell to)"
            rf"\s*+(?P<at>(?>{_NUM}))(?![\d.,]*\d|\s*+(?:%|[个多余月年天周]|{_ZH_SCALE}|{_ZH_MONEY}|点|倍|:|日|percent|points?|{_EN_SCALE}))",
            re.IGNORECASE,
        ),
        "number",
    ),
)

_BEFORE = (
    ("nearly", r"将近|接近|近|nearly|almost|close to"),
    ("about", r"大约|约为|约|大概|about|around|roughly|some|approximately|~"),
    ("at least", r"至少|不少于|不低于|at least|a minimum of"),
    ("at most", r"至多|最多|不超过|no more than|at most"),
    ("more than", r"超过|超|逾|高于|高出|大于|more than|over|above|greater than|exceed(?:ing|ed|s)?"),
    ("less than", r"不到|不足|低于|少于|less than|fewer than|under|below"),
    ("up to", r"高达|多达|up to|as (?:much|many|high) as"),
    ("several", r"数|几"),
)
_AFTER = (
    ("at least", r"或更[大多高]|或以上|or more|or greater|or higher"),
    ("more than", r"以上|多(?!元|家)|有余|\+"),
    ("less than", r"以下|以内"),
    ("about", r"左右|上下|级别|or so"),
)
_BETWEEN = re.compile(_TO)
_MODIFIERS_BEFORE = [(name, re.compile(rf"(?:{words})了?\s*$", re.IGNORECASE)) for name, words in _BEFORE]
_MODIFIERS_AFTER = [(name, re.compile(rf"\s*(?:{words})", re.IGNORECASE)) for name, words in _AFTER]


def figures(written: str, text: str, paragraph: int) -> list[Figure]:
    """Return the figures with a unit in a paragraph, in order.

    Parameters
    ----------
    written : str
        The paragraph as written.
    text : str
        The same paragraph after `half_width`, with dates and names of instruments blanked out.
    paragraph : int
        Paragraph number, from 1.

    Returns
    -------
    list of Figure
    """
    found = [(*_span(match), unit, match) for pattern, unit in RULES for match in pattern.finditer(text)]
    out: list[Figure] = []
    taken = 0
    for start, end, unit, match in sorted(found, key=lambda f: (f[0], -f[1])):
        if start >= taken:
            out += _figures(match, unit, start, end, written, text, paragraph)
            taken = end
    return out


def _span(match: re.Match[str]) -> tuple[int, int]:
    return match.span("at" if "at" in match.re.groupindex else 0)


def _figures(
    match: re.Match[str], unit: str, start: int, end: int, written: str, text: str, paragraph: int
) -> Iterator[Figure]:
    """Yield one figure, or the two ends of a range."""
    groups = match.groupdict()
    scale = _SCALES.get((groups.get("scale") or "").lower(), 1.0)
    value = 1.0 if not groups["num"] and groups.get("scale") else number(groups["num"])
    if value is None:
        return
    if unit == "money":
        unit = _currency(groups["money"].lower())
    modifier = _modifier(groups, text, start, end)
    if groups.get("low"):
        at = match.start("low")
        low = number(groups["low"])
        if low is not None:
            yield Figure(paragraph, at, match.end("low"), written[at : match.end("low")], low * scale, unit, modifier)
        start = _BETWEEN.match(text, match.end("low")).end()  # type: ignore[union-attr]
    elif groups.get("sign"):
        value = -value
    yield Figure(paragraph, start, end, written[start:end], value * scale, unit, modifier)


def _currency(written: str) -> str:
    return _CURRENCIES.get(written, _CURRENCIES.get(written + "s", written))


def _modifier(groups: dict[str, str | None], text: str, start: int, end: int) -> str:
    if groups.get("vague"):
        return "more than" if groups["vague"] == "上" else "several"
    if groups.get("more") or groups.get("more2"):
        return "more than"
    before = text[max(start - 16, 0) : start]
    for name, pattern in _MODIFIERS_BEFORE:
        if pattern.search(before):
            return name
    return next((name for name, pattern in _MODIFIERS_AFTER if pattern.match(text, end)), "")
