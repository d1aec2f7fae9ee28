"""Names of firms, indices and groups, with the ticker (or group name) of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MAGNIFICENT_SEVEN = "Magnificent Seven"

# fmt: off
#: (ticker, kind, names). A space in a name also matches a hyphen or nothing. Latin names match whole words and case.
INSTRUMENTS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("AAPL", "firm", ("苹果公司", "苹果", "Apple", "AAPL")),
    ("MSFT", "firm", ("微软", "Microsoft", "MSFT")),
    ("GOOGL", "firm", ("谷歌", "谷歌母公司 Alphabet", "Google", "Alphabet", "GOOGL", "GOOG")),
    ("AMZN", "firm", ("亚马逊", "Amazon.com", "Amazon", "AMZN")),
    ("NVDA", "firm", ("英伟达", "辉达", "Nvidia", "NVIDIA", "NVDA")),
    ("META", "firm", ("Meta Platforms", "Meta", "META", "Facebook", "脸书", "Facebook 母公司 Meta Platforms")),
    ("TSLA", "firm", ("特斯拉", "Tesla", "TSLA")),
    ("IBM", "firm", ("IBM", "国际商业机器", "International Business Machines")),
    ("MRK", "firm", ("默沙东", "Merck & Co.", "Merck & Co", "Merck", "MRK")),
    ("MRK.DE", "firm", ("Merck KGaA", "德国默克")),
    ("PM", "firm", ("菲利普莫里斯国际", "菲利普·莫里斯国际", "菲利普莫里斯", "菲莫国际",
                    "Philip Morris International", "Philip Morris")),
    ("AVGO", "firm", ("博通", "Broadcom", "AVGO")),
    ("AMD", "firm", ("超威半导体", "AMD", "Advanced Micro Devices")),
    ("INTC", "firm", ("英特尔", "Intel", "INTC")),
    ("MU", "firm", ("美光科技", "美光", "Micron Technology", "Micron")),
    ("QCOM", "firm", ("高通", "Qualcomm", "QCOM")),
    ("ORCL", "firm", ("甲骨文", "Oracle", "ORCL")),
    ("NFLX", "firm", ("奈飞", "网飞", "Netflix", "NFLX")),
    ("TSM", "firm", ("台积电", "台積电", "TSMC", "TSM", "Taiwan Semiconductor")),
    ("ASML", "firm", ("阿斯麦", "ASML")),
    ("ARM", "firm", ("Arm Holdings",)),
    ("BABA", "firm", ("阿里巴巴", "Alibaba", "BABA")),
    ("BAC", "firm", ("美国银行", "Bank of America Corp.", "Bank of America", "BofA")),
    ("BCS", "firm", ("巴克莱银行", "巴克莱", "Barclays")),
    ("MS", "firm", ("摩根士丹利", "大摩", "Morgan Stanley")),
    ("GS", "firm", ("高盛", "Goldman Sachs", "Goldman")),
    ("JPM", "firm", ("摩根大通", "小摩", "JPMorgan Chase", "JPMorgan", "JPM")),
    ("C", "firm", ("花旗集团", "花旗", "Citigroup")),
    ("BRK-B", "firm", ("伯克希尔·哈撒韦", "伯克希尔哈撒韦", "伯克希尔", "Berkshire Hathaway", "Berkshire")),
    ("LLY", "firm", ("礼来", "Eli Lilly", "LLY")),
    ("WMT", "firm", ("沃尔玛", "Walmart", "WMT")),
    ("XOM", "firm", ("埃克森美孚", "Exxon Mobil", "ExxonMobil", "XOM")),
    ("BA", "firm", ("波音", "Boeing")),
    ("CEG", "firm", ("Constellation Energy",)),
    ("VST", "firm", ("Vistra",)),
    ("SMCI", "firm", ("超微电脑", "Super Micro Computer", "Supermicro", "SMCI")),
    ("PLTR", "firm", ("Palantir", "PLTR")),
    ("^GSPC", "index", ("标普 500 指数", "标普 500", "标准普尔 500", "S&P 500", "S&P500", "SPX", "^GSPC")),
    ("^NDX", "index", ("纳斯达克 100 指数", "那斯达克 100 指数",
                        "纳斯达克 100", "纳指 100", "Nasdaq 100", "NASDAQ 100", "NDX", "^NDX")),
    ("^IXIC", "index", ("纳斯达克综合指数", "那斯达克综合指数", "那斯达克指数", "那斯达克",
                         "纳斯达克指数", "纳斯达克", "纳指",
                         "Nasdaq Composite", "Nasdaq", "NASDAQ", "^IXIC")),
    ("^DJI", "index", ("道琼斯工业平均指数", "道琼斯指数", "道琼斯", "道瓊工業指数", "道瓊指数",
                        "道指",
                        "Dow Jones Industrial Average", "Dow Jones", "the Dow", "^DJI")),
    ("^RUI", "index", ("罗素 1000 指数", "罗素 1000", "Russell 1000")),
    ("^RUT", "index", ("罗素 2000 指数", "罗素 2000", "Russell 2000")),
    ("^VIX", "index", ("恐慌指数", "VIX", "^VIX")),
    ("^SOX", "index", ("费城半导体指数", "费城半导体", "费半", "Philadelphia Semiconductor Index")),
    (
        MAGNIFICENT_SEVEN,
        "group",
        ("美股七大科技巨头", "七大科技巨头", "科技七巨头", "七巨头", "Magnificent Seven",
         "Magnificent 7", "Mag Seven", "Mag 7"),
    ),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Named:
    """An instrument named in a text.

    Attributes
    ----------
    paragraph, start, end : int
        Paragraph number (from 1) and character span within it, `end` excluded.
    text : str
        The name as written.
    ticker : str
        Ticker of the firm or index; for a group, its name.
    kind : {"firm", "index", "group"}
        Kind of instrument.
    """

    paragraph: int
    start: int
    end: int
    text: str
    ticker: str
    kind: str


def instruments(written: str, text: str, paragraph: int) -> list[Named]:
    """Return the instruments named in a paragraph, in order; the longest matching name wins.

    Parameters
    ----------
    written : str
        The paragraph as written.
    text : str
        The same paragraph after `half_width`.
    paragraph : int
        Paragraph number, from 1.
    """
    return list(_found(written, text, paragraph))


def _found(written: str, text: str, paragraph: int) -> Iterator[Named]:
    pattern, instrument_of = _pattern()
    for match in pattern.finditer(text):
        ticker, kind = instrument_of[_key(match["name"])]
        yield Named(paragraph, *match.span("name"), written[slice(*match.span("name"))], ticker, kind)


@lru_cache(maxsize=1)
def _pattern() -> tuple[re.Pattern[str], dict[str, tuple[str, str]]]:
    """Return one pattern of all names, longest first, and the (ticker, kind) of each name."""
    instrument_of = {_key(name): (ticker, kind) for ticker, kind, names in INSTRUMENTS for name in names}
    names = sorted({name for *_, names in INSTRUMENTS for name in names}, key=len, reverse=True)
    return re.compile(f"(?P<name>{'|'.join(map(_name_pattern, names))})"), instrument_of


def _name_pattern(name: str) -> str:
    """Return the pattern of a name: whole words if Latin, optionally followed by the vendor suffix "US"."""
    inner = r"[\s\-]?".join(re.escape(part) for part in name.split(" "))
    left = r"(?<![A-Za-z\d])" if re.match(r"[A-Za-z\d]", name) else ""
    right = (
        r"(?=(?:\s?US)?(?![A-Za-z\d]))" if re.search(r"[A-Za-z]$", name) else r"(?!\d)" if name[-1:].isdigit() else ""
    )
    return f"{left}{inner}{right}"


def _key(name: str) -> str:
    return re.sub(r"[\s\-]", "", name)
