"""Chinese date forms: one rule per form."""

from __future__ import annotations

import re
from functools import partial

from . import context, relative, resolve
from .mention import Place, Reading, Rule, unresolved
from .numerals import whole

_N = "(?:\\d{1,2}|[一二三四五六七八九十]{1,3})"
_Y = "(?:(?:1[89]|20)\\d{2}|[一二][〇零一二三四五六七八九]{3})"
_YEAR = rf"(?:(?P<y>{_Y})\s*年\s*|(?P<ry>今年|本年|去年|前年|明年|后年)\s*)"
_WORD_MONTH = "上上个?月|上一?个月|上月|(?<!日)本月|这个月|下一?个月|下月"
_PART = "初|上旬|中旬|下旬|底|末"
_PARTS = {"初": "early", "上旬": "early", "早期": "early", "初期": "early", "中旬": "mid", "中": "mid", "中期": "mid"}
_PARTS |= {"下旬": "late", "底": "late", "末": "late", "后期": "late", "晚期": "late"}
_YEARS = {"今年": 0, "本年": 0, "去年": -1, "前年": -2, "明年": 1, "后年": 2}
WEEKDAYS = {c: i for i, c in enumerate("一二三四五六日")} | {"天": 6}
_DAYS = {"今": 0, "昨": -1, "前": -2, "大前": -3, "明": 1, "后": 2, "大后": 3}
_UNITS = {"天": "day", "日": "day", "周": "week", "星期": "week", "月": "month", "年": "year"}
_QUARTERS = {c: i for i, c in enumerate("一二三四", start=1)} | {c: int(c) for c in "1234"}
_SEASONS = {"春": "spring", "夏": "summer", "秋": "autumn", "冬": "winter"}


def _offset(word: str) -> int:
    """Return the offset of 上, 本, 下 and their doubles: -2 to 2."""
    return word.count("下") - word.count("上")


def _date(m: re.Match[str], place: Place) -> Reading:
    month, date = whole(m["m"]), whole(m["d"])
    if m["y"]:
        return resolve.full_date(whole(m["y"]), month, date, place)
    if m["ry"]:
        return relative.word_year_day(_YEARS[m["ry"]], month, date, place)
    return resolve.month_day(month, date, place)


def _bracketed(m: re.Match[str], place: Place) -> Reading | None:
    """Read a month and a day in brackets after a weekday; without the weekday they are ambiguous."""
    return None if place.weekday is None else resolve.month_day(int(m["m"]), int(m["d"]), place)


def _word_month_day(m: re.Match[str], place: Place) -> Reading:
    return relative.word_month_day(_offset(m["rm"]), whole(m["d"]), place)


def _bare_day(m: re.Match[str], place: Place) -> Reading:
    return resolve.bare_day(whole(m["d"]), place)


def _month(m: re.Match[str], place: Place) -> Reading:
    number, part = whole(m["m"]), _PARTS.get(m["part"] or "", "")
    if m["y"]:
        return resolve.month_of_year(whole(m["y"]), number, part)
    if m["ry"]:
        return relative.word_year_month(_YEARS[m["ry"]], number, part, place)
    return resolve.month(number, part, place)


def _word_month(m: re.Match[str], place: Place) -> Reading:
    return relative.word_month(_offset(m["rm"]), _PARTS.get(m["part"] or "", ""), place)


def _year_part(text: str | None) -> str:
    """Return the code of a part of a year: 初, 年底, 上半年, 第四季度, 夏天."""
    text = (text or "").strip()
    if "半年" in text:
        return "h1" if "上" in text else "h2"
    if "季" in text and (found := re.search("[一二三四1-4]", text)):
        return f"q{_QUARTERS[found[0]]}"
    if text[:1] in _SEASONS:
        return _SEASONS[text[0]]
    return _PARTS.get(text.removeprefix("年"), "")


def _year(m: re.Match[str], place: Place) -> Reading:
    part = _year_part(m["part"])
    if m["y"]:
        return resolve.year(whole(m["y"]), part)
    return relative.word_year(_YEARS[m["ry"]], part, place)


def _this_year(m: re.Match[str], place: Place) -> Reading:
    reading = relative.word_year(0, _PARTS[m["part"]], place)
    return reading if reading.first is None else reading.but("medium", "no year written: the year of publication")


def _quarter(m: re.Match[str], place: Place) -> Reading:
    return resolve.quarter(_QUARTERS[m["q"]], place)


def _word_quarter(m: re.Match[str], place: Place) -> Reading:
    return relative.word_quarter(_offset(m[0]), place)


def _decade(m: re.Match[str], place: Place) -> Reading:
    number, part, century = whole(m["d"]), _PARTS.get(m["part"] or "", ""), m["c"] or ""
    if "上" in century or "本" in century:
        if place.published is None:
            return unresolved("decade", "relative", resolve.UNKNOWN)
        number += place.published.year // 100 * 100 - (100 if "上" in century else 0)
    elif century:
        number += 1900 if "二十世" in century or "20" in century else 2000
    return resolve.decade(number, part, place)


def _weekday(m: re.Match[str], place: Place) -> Reading:
    number = WEEKDAYS[m["wd"]]
    if not m["rel"]:
        return relative.bare_weekday(number, place)
    return relative.week_weekday(_offset(m["rel"]), number, place)


def _period(m: re.Match[str], place: Place) -> Reading:
    unit = "weekend" if m["end"] else "week"
    if m["rel"] in ("当", "同", "那"):
        return context.context_period(unit, place)
    return relative.period(unit, _offset(m["rel"]), place)  # type: ignore[arg-type]


def _weekend(_m: re.Match[str], place: Place) -> Reading:
    return relative.weekend(place)


def _day_word(m: re.Match[str], place: Place) -> Reading:
    return relative.day_word(_DAYS[m[0][:-1]], place, night=m[0][-1] not in "天日")


def _ago(m: re.Match[str], place: Place) -> Reading | None:
    count, unit = whole(m["n"]), m["unit"].removeprefix("个")
    if unit == "日" and m["n"].isdigit():  # ambiguous: before the fifth, or five days ago
        return None
    return relative.ago(count, _UNITS[unit], place) if count else None


def _put_off(m: re.Match[str], place: Place) -> Reading | None:
    count = whole(m["n"])
    if not count or (m["word"] == "为期" and not _PUT_OFF.search(place.text, max(place.start - 60, 0), place.start)):
        return None
    return context.put_off(count, _UNITS[m["unit"].removeprefix("个")], bool(m["least"]), place)


def _only_since(m: re.Match[str], place: Place) -> Reading | None:
    """Read 后仅三周时间里: a count of days, weeks, months or years, with up to one unit more after 多."""
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[_UNITS[m["unit"]]]
    low = days // 2 if m["n"] == "半" else days * whole(m["n"])
    more = (days - low if m["n"] == "半" else days) if "多" in m["at"] else 0
    return context.only_since(low, low + more, place) if low else None


def _context_period(unit: str, _m: re.Match[str], place: Place) -> Reading:
    return context.context_period(unit, place)


def _context_day(step: int, sessions: bool, _m: re.Match[str], place: Place) -> Reading:
    return context.context_day(step, sessions, place)


_c = re.compile
_COUNT = r"(?P<n>\d{1,3}|[一二两三四五六七八九十]{1,3})\s*(?P<unit>个月|天|日|周|个?星期|年)"
_PUT_OFF = _c("推迟|延迟|延后|延期|暂停|暂缓|暂搁|搁置|冻结|豁免")
_STEM = "初期?|早期|中期|末期?|后期|晚期"

#: Chinese date forms. Of overlapping matches the first to begin wins, then the longest.
RULES = (
    Rule("1月27日", _c(rf"(?<![\d.]){_YEAR}?(?P<m>{_N})\s*月\s*(?P<d>{_N})\s*[日号](?!均)"), _date, "date"),
    Rule("周一(12/29)", _c(r"(?<=\()(?P<m>\d{1,2})/(?P<d>\d{1,2})(?=\))"), _bracketed, "date"),
    Rule("上月27日", _c(rf"(?P<rm>{_WORD_MONTH})\s*(?P<d>{_N})\s*[日号]"), _word_month_day, "date"),
    Rule(
        "27日",
        _c(
            r"(?<![\d.近去续来每至少约达第前后共超满期])(?P<d>\d{1,2})\s*日"
            r"(?!均|线|内(?!地)|间|以|前|后|游|元|本|移动|期|年|经|之)"
        ),
        _bare_day,
        "date",
    ),
    Rule("至31日", _c(rf"(?<=[至到\-–—~])(?P<d>{_N})\s*[日号]"), _bare_day, "date"),
    Rule(
        "1月",
        _c(
            rf"(?<![\d.\-~近去第每这逐数几]){_YEAR}?(?P<m>{_N})\s*月(?:份)?(?P<part>{_PART})?"
            r"(?!期|内|以内|后|前|有余|多|龄|均)"
        ),
        _month,
    ),
    Rule("上个月", _c(rf"(?<!以)(?P<rm>{_WORD_MONTH})(?P<part>{_PART})?(?!均|线|度)"), _word_month),
    Rule(
        "2024年",
        _c(
            rf"(?<![\d.])(?:(?P<y>{_Y})\s*年|(?P<ry>今年|本年|去年|(?<![此之目以])前年|明年|(?<![此今之以最])后年))"
            r"(?P<part>\s*(?:年?(?:初|底|末)|年中|[上下]半年|第?[一二三四1-4]季度?|[春夏秋冬][天季]?))?"
            r"(?!代|期|报|度(?!过)|均|线|间|轻|后|前(?!\d|[一二三四五六七八九十两])|以前|之前|之后|以后)"
        ),
        _year,
    ),
    Rule("年初", _c(r"(?<![\d年今去前明当同近往每来历])年(?P<part>初|底|末)(?!至今)"), _this_year),
    Rule(
        "年初至今",
        _c(r"(?:今年|本年)?年初(?:以来|至今|迄今)|(?:今年|本年)(?:以来|至今|迄今(?:为止)?)"),
        relative.year_to_date,
    ),
    Rule("四季度", _c(r"(?<![\d年上下本前])第?(?P<q>[一二三四])季度"), _quarter),
    Rule("上季度", _c(r"(?<!日)(?:(?:上一?个?|本|这个?|下一?个?)季度|[上本]季(?!节|后))"), _word_quarter),
    Rule(
        "90年代",
        _c(
            r"(?:(?P<c>上个?世纪|本世纪|(?:20|二十|21|二十一)世纪)\s*)?(?<!\d)"
            rf"(?P<d>(?:19|20)?\d0|[二三四五六七八九]十)\s*年代(?P<part>{_STEM})?"
        ),
        _decade,
    ),
    Rule(
        "周一",
        _c(
            r"(?<![每\d一两几整])(?P<rel>上上个?|上一?个?|(?<!日)本|这个?|下下个?|下一?个?)?"
            r"(?:周|星期|礼拜)(?P<wd>[一二三四五六日]|(?<=期)天|(?<=拜)天)(?!些|直|样|般|定|共|路|次|均|线)"
        ),
        _weekday,
        "pointer",
    ),
    Rule(
        "上周",
        _c(
            r"(?P<rel>上上|上一?个?|(?<!日)本|这一?个?|下下|下一?个?|当|同|那)(?:周(?:的?周)?|星期)(?P<end>末)?"
            r"(?!期|边|转|刊|岁|年|[二三四五六日]|一(?!些|直|样|般|定|共|路|度))"
        ),
        _period,
    ),
    Rule("周末", _c(r"(?<![每整])周末"), _weekend),
    Rule(
        "今日",
        _c(
            r"(?:大前天|大后天|(?<![如至证说表])[今昨明][天日晚夜早晨]|(?<![目此之提以当])前[天日]|(?<![然之今此以最随先])后天)"
            r"(?!头条|美国|本|元|经|均|报|然|性)"
        ),
        _day_word,
        "pointer",
    ),
    Rule("三天前", _c(rf"(?<![\d.第近]){_COUNT}(?:之|以)?前(?!景|后|瞻|十|\d|沿|所|的?水平)"), _ago),
    Rule(
        "当日",
        _c(r"(?<!相)当[天日晚](?!然|本|赋|线|均)|同一[天日]|(?<!共)同日|那一?天(?!然)|这一[天日]"),
        partial(_context_day, 0, False),
        "pointer",
    ),
    Rule(
        "次日",
        _c(r"(?<![首每再此多一两三几依])次日(?!本|均|元)|翌日|隔日|(?<!连续)第二[天日]"),
        partial(_context_day, 1, False),
        "pointer",
    ),
    Rule("前一日", _c(r"前一[天日]"), partial(_context_day, -1, False), "pointer"),
    Rule("下一个交易日", _c(r"(?:下一?个?|次一?|隔一?|随后一个)交易日"), partial(_context_day, 1, True), "pointer"),
    Rule("上一个交易日", _c(r"(?:上一?个?|前一?个?)交易日"), partial(_context_day, -1, True), "pointer"),
    Rule("当月", _c(r"(?<!相)当月(?!均|度)|同月"), partial(_context_period, "month")),
    Rule("当年", _c(r"(?<!相)当年(?!轻|度)"), partial(_context_period, "year")),
    Rule(
        "近日",
        _c(
            r"(?<![最接附将])近日(?!本|元|均|线|益|期|常)"
            r"|(?<![\d一二三四五六七八九十两几节生易假作今昨明次当终周期])日前"
        ),
        relative.vague,
    ),
    Rule(
        "推迟一个月", _c(rf"(?P<word>{_PUT_OFF.pattern}|为期)(?:了)?(?P<least>至少|最少)?\s*(?P<at>{_COUNT})"), _put_off
    ),
    Rule(
        "后仅三周",
        _c(
            r"后的?(?:仅仅|仅|才|短短|刚刚|不过)\s*(?P<at>(?P<n>\d{1,2}|[一二两三四五六七八九十]|半)\s*个?多?"
            r"(?P<unit>月|天|周|星期|年)多?)(?:的?时间)?(?:里|内|以?来|,)"
        ),
        _only_since,
    ),
)
