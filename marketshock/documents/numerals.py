"""Numbers in texts: digits, Chinese numerals and small English number words."""

from __future__ import annotations

import math
import re

_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "亿": 10**8}
_ONES = [
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
]
_WORDS = {word: i for i, word in enumerate(_ONES, start=1)} | {"a": 1, "an": 1, "half a": 0.5}
_WORDS |= {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

#: Patterns of a number in digits, in Chinese numerals and in English words.
DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
CHINESE = "[〇零一二两三四五六七八九十百千万亿]{1,16}"
ENGLISH = "(?:half a|an?|" + "|".join(sorted(set(_WORDS) - {"half a", "a", "an"}, key=len, reverse=True)) + ")"

#: One simplified character per traditional one used in the patterns. The replacement is one to one, so positions in the
#: text do not change.
_TRADITIONAL = (
    "週個後開盤來間禮億萬點數當會標準納達爾輝蘋歐鎊幣時遲緩暫兩幾過約餘將於預計從報業績發議決選舉講號電軟亞馬遜國銀費導體羅"
    "隨這頭節價擱凍結級錄為際據轉對動圍沒舊聯儲連續東紐"
)
_SIMPLIFIED = (
    "周个后开盘来间礼亿万点数当会标准纳达尔辉苹欧镑币时迟缓暂两几过约余将于预计从报业绩发议决选举讲号电软亚马逊国银费导体罗"
    "随这头节价搁冻结级录为际据转对动围没旧联储连续东纽"
)
_HALF_WIDTH = {c: c - 0xFEE0 for c in range(0xFF01, 0xFF5F)} | {0x3000: 0x20, 0xA0: 0x20, 0x2212: 0x2D, 0x2019: 0x27}
_HALF_WIDTH |= {ord(t): ord(s) for t, s in zip(_TRADITIONAL, _SIMPLIFIED, strict=True)}


def half_width(text: str) -> str:
    """Return the text with half-width signs and simplified characters; positions do not change."""
    return text.translate(_HALF_WIDTH)


def number(text: str) -> float | None:
    """Return the value of a written number, None if the text is not a number or the number is beyond floats.

    Examples
    --------
    >>> number("1,250.5"), number("二十七"), number("三千五百万"), number("二〇二五"), number("twelve")
    (1250.5, 27.0, 35000000.0, 2025.0, 12.0)
    """
    text = text.strip().lower()
    if re.fullmatch(DIGITS, text, re.ASCII):
        value = float(text.replace(",", ""))
        return value if math.isfinite(value) else None
    if text == "半":
        return 0.5
    if text in _WORDS:
        return float(_WORDS[text])
    return _chinese(text) if re.fullmatch(CHINESE, text) else None


def whole(text: str) -> int:
    """Return the integer value of a written number, 0 if the text is not a number."""
    value = number(text)
    return 0 if value is None else int(value)


def _chinese(text: str) -> float:
    if all(c in _DIGITS for c in text):  # digit by digit, the form of years
        return float("".join(str(_DIGITS[c]) for c in text))
    total = section = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _UNITS:
            section += (digit or 1) * _UNITS[c]
            digit = 0
        else:
            below = section + digit or (0 if total else 1)
            total = total + below * _MYRIADS[c] if c == "万" else (total + below) * _MYRIADS[c]
            section = digit = 0
    return float(total + section + digit)
