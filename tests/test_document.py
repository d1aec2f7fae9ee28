"""Texts read: every form of date and figure, places, what is never invented, files of every kind, the draft."""

from __future__ import annotations

import datetime as dt
import json
import tomllib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marketshock as ms
from marketshock.command.main import main
from marketshock.documents import text_files as files
from marketshock.documents.aliases import INSTRUMENTS
from marketshock.documents.numerals import half_width, number
from marketshock.errors import InputError

from .conftest import REFERENCE, ROOT

SENTENCES = tomllib.loads((REFERENCE / "made_sentences.toml").read_text("utf-8"))["sentence"]
THURSDAY = "2025-02-13"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("texts")


def read(folder, text, published=THURSDAY, name="a.txt", **options):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return ms.read_document(path, published, **options)


def found(document):
    """Return each mention as the made sentences write them."""
    out = []
    for row in document.mentions.itertuples():
        days = [] if pd.isna(row.first_date) else [str(row.first_date.date()), str(row.last_date.date())]
        out.append([row.text, *dict.fromkeys(days)])
    return out


def only(document):
    assert len(document.mentions) == 1, document.mentions
    return document.mentions.iloc[0]


class TestDates:
    @pytest.mark.parametrize("sentence", SENTENCES, ids=lambda s: s["text"][:40])
    def test_made_sentences(self, folder, sentence):
        assert found(read(folder, sentence["text"], sentence.get("published"))) == sentence["found"]

    @pytest.mark.parametrize("sentence", SENTENCES, ids=lambda s: s["text"][:40])
    def test_places_and_reasons(self, folder, sentence):
        document = read(folder, sentence["text"], sentence.get("published"))
        for frame in (document.mentions, document.figures, document.instruments):
            for row in frame.itertuples():
                assert document.paragraphs[row.paragraph - 1][row.start : row.end] == row.text
        for row in document.mentions.itertuples():
            assert row.reason
            assert row.reason.isascii()  # it goes into the draft
            assert (row.confidence == "none") == (pd.isna(row.first_date) and pd.isna(row.last_date))

    @pytest.mark.parametrize(
        "sentence", [s for s in SENTENCES if s.get("published") and s["found"]], ids=lambda s: s["text"][:40]
    )
    def test_without_publication_nothing_is_dated_that_the_text_does_not_date(self, folder, sentence):
        document = read(folder, sentence["text"], None)
        mentions = document.mentions
        dated = mentions[mentions["first_date"].notna() & (mentions["kind"] != "byline")]
        assert set(dated["kind"]) <= {"absolute", "context", "partial"}
        written = set(dated.loc[dated["kind"] == "absolute", "first_date"].dt.year)
        assert set(dated["first_date"].dt.year) <= written | {year + 1 for year in written}
        undated = mentions[mentions["confidence"] == "none"]
        assert undated["reason"].str.len().gt(0).all()

    @pytest.mark.parametrize(
        ("text", "confidence", "reason"),
        [
            ("2025年1月27日下跌", "high", "written in full"),
            ("1月27日下跌", "medium", "no year written: the latest not after publication"),
            ("1月27日周一下跌", "high", "the weekday beside it agrees"),
            ("1月24日周一下跌", "low", "the text has Monday, but 2025-01-24 is a Friday"),
            ("On Tuesday, January 27, it fell", "low", "the text has Tuesday, but 2025-01-27 is a Monday"),
            ("7月4日下跌", "low", "far back; or 2025-07-04 if it is announced"),
            ("3月4日下跌", "none", "2024-03-04, or 2025-03-04 if it is announced"),
            ("将于3月4日生效", "medium", "announced: the next after publication"),
            ("It fell last Monday", "low", "some mean the one a week earlier, 2025-02-03"),
            ("It fell last Friday", "high", "the latest Friday before publication"),
            ("今晚公布", "medium", "in New York it may be another day"),
            ("北京时间1月28日凌晨收盘", "medium", "Beijing time: in New York it may still be the day before"),
            ("当地时间1月27日下跌", "medium", "local time: the day where it happened"),
            ("2月30日下跌", "none", "there is no 30 February"),
            ("2023年2月29日下跌", "none", "there is no 29 February 2023"),
            ("filed on 03/02/2025", "none", "day and month may stand in either order"),
            ("上周公布", "medium", "some mean the seven days before"),
            ("上周五(2月6日)公布", "low", "the words beside it mean 2025-02-07"),
        ],
    )
    def test_confidence_and_its_reason(self, folder, text, confidence, reason):
        row = only(read(folder, text))
        assert row["confidence"] == confidence
        assert reason in row["reason"]

    def test_weekday_decides_between_two_years(self, folder):
        text = "2022年加息启动,3月16日{}首次行动。"
        assert found(read(folder, text.format("周三")))[1] == ["3月16日周三", "2022-03-16"]
        assert found(read(folder, text.format("周六")))[1] == ["3月16日周六", "2024-03-16"]
        row = read(folder, text.format("")).mentions.iloc[1]
        assert row["confidence"] == "none"
        assert "two are possible: 2024-03-16" in row["reason"]

    def test_leap_day_is_the_latest_that_exists(self, folder):
        assert found(read(folder, "2月29日上市")) == [["2月29日", "2024-02-29"]]

    def test_context_reaches_one_paragraph_back_and_no_further(self, folder):
        near = read(folder, "1月27日大跌。\n随后反弹,当日仍收低。")
        assert found(near)[1] == ["当日", "2025-01-27"]
        assert near.mentions.iloc[1]["confidence"] == "low"
        assert "in paragraph 1" in near.mentions.iloc[1]["reason"]
        far = read(folder, "1月27日大跌。\n此后无事。\n随后反弹,当日仍收低。")
        assert found(far)[1] == ["当日"]
        assert "no day written near it" in far.mentions.iloc[1]["reason"]

    def test_day_named_by_an_event_is_looked_for_in_its_paragraph(self, folder):
        named = read(folder, "1月24日,榜单将新模型列第三。榜单公布当天,股价回落。")
        assert found(named)[1] == ["当天", "2025-01-24"]
        other = read(folder, "1月24日,油价走低。财报公布当天,股价回落。")
        assert found(other)[1] == ["当天"]

    def test_days_compared_with_are_no_anchor(self, folder):
        text = "1月27日收跌,创12月18日以来最低,次日反弹。"
        assert found(read(folder, text))[-1] == ["次日", "2025-01-28"]

    def test_weekday_after_a_day_of_its_sentence(self, folder):
        assert found(read(folder, "1月24日舆论升温,周一股价大跌。"))[1] == ["周一", "2025-01-27"]
        assert found(read(folder, "1月24日舆论升温。周一股价反弹。"))[1] == ["周一", "2025-02-10"]

    def test_sessions(self, folder):
        document = read(folder, "2025年1月20日休市。2025年2月1日周六。2025年1月27日盘后公布。1970年前的2060年1月5日。")
        table = document.days.set_index(document.days["first_date"].astype(str))
        assert [str(day.date()) for day in table["session"][:3]] == ["2025-01-21", "2025-02-03", "2025-01-28"]
        assert list(table["rule"]) == [
            "market closed: the next session",
            "market closed: the next session",
            "after the close: the next session",
            "outside the calendar",
        ]
        assert pd.isna(table["session"].iloc[3])
        assert pd.isna(read(folder, "上个月").mentions["session"].iloc[0])

    @pytest.mark.parametrize(
        ("text", "timing"),
        [
            ("1月29日盘后公布", "after_close"),
            ("1月29日,公司在盘前公布", "before_open"),
            ("1月29日开盘后走低", "during"),
            ("1月29日公布", ""),
            ("It reported on January 29 after the close", "after_close"),
            ("Before the open on January 29 it warned", "before_open"),
            ("On January 29, before the open and after the close, it spoke", ""),
        ],
    )
    def test_timing(self, folder, text, timing):
        assert only(read(folder, text))["timing"] == timing

    def test_vague(self, folder):
        row = only(read(folder, "近日传出消息"))
        assert pd.isna(row["first_date"])
        assert str(row["last_date"].date()) == THURSDAY
        assert (row["precision"], row["confidence"]) == ("vague", "low")


DOCUMENTS = ROOT.parent / "shared" / "documents"
LABELS = tomllib.loads((REFERENCE / "document_dates.toml").read_text("utf-8"))["document"]


@pytest.mark.skipif(not DOCUMENTS.is_dir(), reason="the documents are not beside the project")
class TestTwoDocuments:
    @pytest.mark.parametrize("label", LABELS, ids=lambda d: d["name"][:3])
    def test_recall_and_precision_over_the_two_documents(self, label):
        """Every date that a person found in them, and nothing else: days and intervals."""
        document = ms.read_document(DOCUMENTS / label["name"], label.get("published"))
        rows = document.mentions.itertuples()
        got = sorted((row.paragraph, _iso(row.first_date), _iso(row.last_date)) for row in rows)
        expected = sorted((place, days[0] if days else "", days[-1] if days else "") for place, *days in label["dates"])
        assert got == expected
        days = [one for one in expected if one[1] and one[1] == one[2]]
        one_day = document.mentions[document.mentions["precision"] == "day"].dropna(subset=["first_date"])
        read_days = [(row.paragraph, _iso(row.first_date), _iso(row.last_date)) for row in one_day.itertuples()]
        assert sorted(read_days) == days

    def test_every_event_that_the_documents_date_is_found(self, catalog):
        """An event's day stands in one of its source paragraphs; of some as an interval."""
        read_ = {d["name"]: ms.read_document(DOCUMENTS / d["name"], d.get("published")).mentions for d in LABELS}
        interval_only = {"inauguration", "tariffs-in-force"}
        other_week = {"ism-manufacturing-january"}  # "last week" was written in the week of the event
        for event in catalog.values():
            if "without its date" in event.note or "gives no date" in event.note:
                continue
            when = pd.Timestamp(event.when.date() if isinstance(event.when, dt.datetime) else event.when)
            frames = [read_[s.document][read_[s.document]["paragraph"] == s.paragraph] for s in event.sources]
            mentions = pd.concat(frames)
            exact = mentions[(mentions["first_date"] == when) & (mentions["last_date"] == when)]
            holding = mentions[
                (mentions["first_date"] <= when) & (mentions["last_date"] >= when) & (mentions["precision"] != "year")
            ]
            assert exact.empty == (event.id in interval_only | other_week), event.id
            narrow = holding[holding["last_date"] - holding["first_date"] < pd.Timedelta(days=40)]
            assert narrow.empty == (event.id in other_week), event.id


def _iso(day):
    return "" if pd.isna(day) else str(day.date())


class TestPublication:
    @pytest.mark.parametrize(
        "line",
        [
            "2025.02.13 13:26",
            "2025-02-13",
            "发布时间:2025年2月13日",
            "财经社 2025-02-13 08:00",
            "By A. Writer, February 13, 2025",
            "Published: 13 February 2025, 9:30 am ET",
            "Updated 2025/02/13",
        ],
    )
    def test_by_line(self, folder, line):
        document = read(folder, f"标题\n{line}\n上个月下跌。", None)
        assert document.published == dt.date(2025, 2, 13)
        assert document.published_from == "the byline in paragraph 2"
        assert list(document.mentions["kind"]) == ["byline", "relative"]
        assert len(document.days) == 0

    @pytest.mark.parametrize(
        "line", ["2025年1月27日:芯片股大跌", "On January 27, 2025 chips fell by a sixth in New York"]
    )
    def test_a_title_with_a_date_is_no_by_line(self, folder, line):
        document = read(folder, f"{line}\n上个月下跌。", None)
        assert document.published is None
        assert found(document)[0][1:] == ["2025-01-27"]
        assert "not known" in repr(document)

    def test_given_wins_and_says_so(self, folder):
        document = read(folder, "2025.02.13 13:26\n上个月下跌。", "2025-03-20")
        assert found(document)[1][1:] == ["2025-02-01", "2025-02-28"]
        assert document.published_from == "as given; the byline in paragraph 1 has 2025-02-13"

    def test_by_line_is_no_anchor(self, folder):
        assert found(read(folder, "2025.02.13 13:26\n当日收跌。", None))[1] == ["当日"]

    @pytest.mark.parametrize(
        "published", [dt.date(2025, 2, 13), dt.datetime(2025, 2, 13, 9), pd.Timestamp("2025-02-13")]
    )
    def test_kinds_of_date(self, folder, published):
        assert read(folder, "昨日", published).published == dt.date(2025, 2, 13)

    @pytest.mark.parametrize("published", ["13.2.2025", "2025-02-30", "", 20250213, pd.NaT, "2025-2-13"])
    def test_no_date(self, folder, published):
        with pytest.raises(InputError, match=r"published: .* is not a date; write it as '2025-02-13'"):
            read(folder, "昨日", published)


FIGURES = [
    ("股价跌了17%", [("17%", 17, "percent", "")]),
    ("股价跌了近 17%", [("17%", 17, "percent", "nearly")]),
    ("跌幅超5%", [("5%", 5, "percent", "more than")]),
    ("比预期高出30%以上", [("30%", 30, "percent", "more than")]),
    ("跌１７％", [("１７％", 17, "percent", "")]),
    ("一度高达2.5%", [("2.5%", 2.5, "percent", "up to")]),
    ("百分之二十五的关税", [("百分之二十五", 25, "percent", "")]),
    ("市值蒸发5890亿美元", [("5890亿美元", 589e9, "usd", "")]),
    ("约 350 亿美元", [("350 亿美元", 35e9, "usd", "about")]),
    ("不到 900 万美元", [("900 万美元", 9e6, "usd", "less than")]),
    ("动辄千亿美元", [("千亿美元", 1e11, "usd", "")]),
    ("数千亿美元", [("数千亿美元", 1e11, "usd", "several")]),
    ("30多亿美元", [("30多亿美元", 3e9, "usd", "more than")]),
    ("五亿欧元", [("五亿欧元", 5e8, "eur", "")]),
    ("营收120亿元", [("120亿元", 12e9, "cny", "")]),
    ("新增18.3万人", [("18.3万人", 183000, "count", "")]),
    ("至少70只股票", [("70只", 70, "count", "at least")]),
    ("40项措施", [("40项", 40, "count", "")]),
    ("三个标准差或更大", [("三个标准差", 3, "sigma", "at least")]),
    ("12 个标准差左右", [("12 个标准差", 12, "sigma", "about")]),
    ("由1.14:1降至1.10:1", [("1.14:1", 1.14, "ratio", ""), ("1.10:1", 1.1, "ratio", "")]),
    ("降息25个基点", [("25个基点", 25, "basis_points", "")]),
    ("上升0.3个百分点", [("0.3个百分点", 0.3, "percentage_points", "")]),
    ("是去年的3倍", [("3倍", 3, "times", "")]),
    ("指数录得50.9", [("50.9", 50.9, "number", "")]),
    ("收于6012.28点", [("6012.28点", 6012.28, "points", "")]),
    ("涨3%-5%", [("3", 3, "percent", ""), ("5%", 5, "percent", "")]),
    ("变动为-2.5%", [("-2.5%", -2.5, "percent", "")]),
    ("fell nearly 17%", [("17%", 17, "percent", "nearly")]),
    ("fell 17 percent", [("17 percent", 17, "percent", "")]),
    ("lost $589 billion", [("$589 billion", 589e9, "usd", "")]),
    ("$29 to $30 billion", [("29", 29e9, "usd", ""), ("$30 billion", 30e9, "usd", "")]),
    ("about $1.5bn", [("$1.5bn", 1.5e9, "usd", "about")]),
    ("589 billion dollars", [("589 billion dollars", 589e9, "usd", "")]),
    ("a 14-sigma move", [("14-sigma", 14, "sigma", "")]),
    ("three standard deviations or more", [("three standard deviations", 3, "sigma", "at least")]),
    ("a 3.44-to-1 ratio", [("3.44-to-1", 3.44, "ratio", "")]),
    ("more than 70 stocks", [("70 stocks", 70, "count", "more than")]),
    ("760,000 jobs", [("760,000 jobs", 760000, "count", "")]),
    ("cut by 25 basis points", [("25 basis points", 25, "basis_points", "")]),
    ("lost 337.14 points", [("337.14 points", 337.14, "points", "")]),
]
NO_FIGURES = (
    "401(k)",
    "H100",
    "R1与V3",
    "2048",
    "2.0版本",
    "标普500",
    "纳斯达克100",
    "罗素 1000",
    "the S&P 500",
    "Q4",
    "30 年来",
    "30 多年来",
    "过去6个月和12个月",
    "13:26",
    "1月27日",
    "2025年",
    "section 12.3.4",
    "升至30多年来的高位",
)


class TestFigures:
    @pytest.mark.parametrize(("text", "expected"), FIGURES, ids=[text for text, _ in FIGURES])
    def test_forms(self, folder, text, expected):
        frame = read(folder, text).figures
        got = [(row.text, row.value, row.unit, row.modifier) for row in frame.itertuples()]
        assert [(g[0], *g[2:]) for g in got] == [(e[0], *e[2:]) for e in expected]
        np.testing.assert_allclose([g[1] for g in got], [e[1] for e in expected], rtol=1e-12)

    @pytest.mark.parametrize("text", NO_FIGURES)
    def test_none(self, folder, text):
        assert read(folder, text).figures.empty

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("二十七", 27),
            ("十", 10),
            ("一百零五", 105),
            ("三千五百万", 35e6),
            ("两", 2),
            ("1,250.5", 1250.5),
            ("半", 0.5),
            ("二〇二五", 2025),
            ("twelve", 12),
            ("一亿二千万", 1.2e8),
            ("x", None),
            ("", None),
        ],
    )
    def test_numerals(self, text, value):
        assert number(text) == value


class TestInstruments:
    @pytest.mark.parametrize(
        ("text", "tickers"),
        [
            ("英伟达、苹果与特斯拉", ["NVDA", "AAPL", "TSLA"]),
            ("英伟达(NVDAUS)与Meta(METAUS)", ["NVDA", "NVDA", "META", "META"]),
            ("Nvidia, NVIDIA and NVDA", ["NVDA"] * 3),
            ("七巨头即美股七大科技巨头(Magnificent Seven)", ["Magnificent Seven"] * 3),
            ("标普500、标普 500 指数、S&P 500", ["^GSPC"] * 3),
            ("纳斯达克100指数与纳指,Nasdaq-100", ["^NDX", "^IXIC", "^NDX"]),
            ("罗素 1000 (Russell 1000)", ["^RUI", "^RUI"]),
            ("默沙东与菲利普莫里斯国际", ["MRK", "PM"]),
            ("Merck KGaA is not Merck", ["MRK.DE", "MRK"]),
            ("輝達與蘋果", ["NVDA", "AAPL"]),
            ("metadata, applesauce, 3 PM, Ms Smith, the amazon", []),
        ],
    )
    def test_aliases(self, folder, text, tickers):
        assert list(read(folder, text).instruments["ticker"]) == tickers

    def test_no_name_stands_for_two(self):
        names = [name for *_, names in INSTRUMENTS for name in names]
        assert len(names) == len(set(names))
        assert set(ms.MAGNIFICENT_SEVEN) <= {ticker for ticker, *_ in INSTRUMENTS}


class TestFiles:
    TEXT = "标题\n\n2025年1月27日,英伟达跌近17%。\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_read_as_they_declare(self, folder, encoding):
        assert found(read(folder, self.TEXT.encode(encoding)))[0][1] == "2025-01-27"

    @pytest.mark.parametrize("encoding", ["gb18030", "big5", "utf-16-le", "utf-32"])
    def test_read_as_told(self, folder, encoding):
        text = self.TEXT if encoding != "big5" else "標題\n2025年1月27日,指數跌17%。"
        assert found(read(folder, text.encode(encoding), encoding=encoding))[0][1] == "2025-01-27"

    @pytest.mark.parametrize(
        ("content", "options", "message"),
        [
            (TEXT.encode("gb18030"), {}, r"is not utf-8 \(the default\): bytes .* at 0; .*encoding='gb18030'"),
            (TEXT.encode("utf-16-le"), {}, "is not utf-8|is not text"),
            (TEXT.encode(), {"encoding": "gb18030"}, "are UTF-8, not gb18030; leave the encoding out"),
            (TEXT.encode(), {"encoding": "klingon"}, "encoding: 'klingon' .as given. is not a known text encoding"),
            (TEXT.encode(), {"encoding": "hex"}, "is not a known text encoding"),
            (b"", {}, "is empty"),
            (b" \n\t\n", {}, "is empty"),
            (b"\xef\xbb\xbf \n", {}, "contains no text"),
            (b"%PDF-1.7 ...", {}, "is a PDF; save its text"),
            (b"PK\x03\x04....", {}, "office document"),
            (bytes(range(32)) * 20, {}, "is not text in utf-8"),
            (b"<html><script>var a = 1;</script></html>", {}, "contains no text"),
        ],
    )
    def test_refused(self, folder, content, options, message):
        with pytest.raises(InputError, match=message):
            read(folder, content, **options)

    def test_no_file(self, folder, monkeypatch):
        with pytest.raises(InputError, match="no such file; check the path"):
            ms.read_document(folder / "none.txt")
        with pytest.raises(InputError, match="is a folder"):
            ms.read_document(folder)
        with pytest.raises(InputError, match="cannot be read"):
            ms.read_document("a\0b.txt")
        monkeypatch.setattr(files, "MOST_BYTES", 10)
        with pytest.raises(InputError, match=r"has 1\d bytes; at most 10 are read"):
            read(folder, "1月27日下跌了")

    HTML = (
        "<!doctype html><html><head><title>2020年5月5日</title><meta charset='{}'>{}<style>p {{}}</style></head><body>"
        "<nav>2021年6月6日</nav><h1>标题</h1><p>芯片股在<b>1月27日</b>跌&nbsp;17&#37;&amp;更多。<br>上个月<script>2019年1月1日</script>"
        "</p><ul><li>2月3日</li></ul></body></html>"
    )

    def test_html(self, folder):
        document = read(folder, self.HTML.format("utf-8", ""), name="a.html")
        assert document.paragraphs == ("标题", "芯片股在1月27日跌 17%&更多。", "上个月", "2月3日")
        assert [row[0] for row in found(document)] == ["1月27日", "上个月", "2月3日"]
        assert document.figures["text"].tolist() == ["17%"]
        assert read(folder, self.HTML.format("utf-8", ""), name="page").paragraphs == document.paragraphs  # sniffed

    def test_html_says_its_encoding_and_its_date(self, folder):
        meta = '<meta property="article:published_time" content="2025-02-13T08:00:00+08:00">'
        document = read(folder, self.HTML.format("gb2312", meta).encode("gb18030"), None, name="a.htm")
        assert document.published == dt.date(2025, 2, 13)
        assert document.published_from == "article:published_time of the page"
        assert found(document)[0][1] == "2025-01-27"

    def test_unclosed_head_does_not_swallow_the_body(self, folder):
        assert read(folder, "<html><head><title>x<body><p>1月27日", name="a.html").paragraphs == ("1月27日",)

    def test_markdown(self, folder):
        text = (
            "---\ntitle: x\ndate: 2025-02-13\n---\n# 标题 #\n\n芯片股在**1月27\n日**跌*17%*,见[附注](http://a.b/2020-01-01)。\n\n"
            "- 第一\n- 2月3日\n\n```\n2019-01-01\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
            "![2018-01-01](x.png)\n> wrapped\nline\n"
        )
        document = read(folder, text, None, name="a.md")
        assert document.published == dt.date(2025, 2, 13)
        assert document.published_from == "the front matter"
        expected = ("标题", "芯片股在1月27日跌17%,见附注。", "第一", "2月3日", "a b", "1 2", "wrapped line")
        assert document.paragraphs == expected
        assert found(document) == [["1月27日", "2025-01-27"], ["2月3日", "2025-02-03"]]


class TestDraft:
    TEXT = (
        "2025年1月20日为节日。\n1月27日英伟达下跌17%。周一(1月27日)收盘后,市场哗然。\n1月29日盘后,IBM公布财报。\n"
        "1月30日英伟达与苹果反弹。上个月资金流出。2月30日没有数据。\n昨日,微软反弹。\n"
    )

    def load(self, folder, document):
        path = folder / "draft.toml"
        path.write_text(document.draft(), encoding="utf-8")
        return ms.load_catalog(path)

    def test_round_trip(self, folder):
        document = read(folder, self.TEXT, name="news.txt")
        catalog = self.load(folder, document)
        days = ["2025-01-20", "2025-01-27", "2025-01-29", "2025-01-30", "2025-02-12"]
        assert [str(event.when) for event in catalog.values()] == days
        assert list(catalog) == [f"day-{day}" for day in days]
        assert catalog["day-2025-01-20"].on_closed == "next"
        assert catalog["day-2025-01-29"].timing == "after_close"
        assert catalog["day-2025-01-27"].timing == ""  # two mentions, of which one says after the close
        assert catalog["day-2025-01-29"].tickers == ("IBM",)
        assert catalog["day-2025-01-30"].tickers == ()
        assert '# tickers = ["NVDA", "AAPL"]' in document.draft()
        assert catalog["day-2025-02-12"].title == "To be named: 12 February 2025 (MSFT)"
        assert catalog["day-2025-01-27"].sources == (ms.Source("news.txt", 2),)
        assert catalog["day-2025-01-27"].note.startswith("Confidence high: ")
        assert all(event.kind == "announcement" for event in catalog.values())

    def test_only_words_of_dates_are_repeated_and_only_in_comments(self, folder):
        draft = read(folder, self.TEXT).draft()
        events = [line for line in draft.splitlines() if not line.startswith("#")]
        assert "\n".join(events).isascii()
        assert "下跌" not in draft
        assert "# paragraph 4, characters 14-17: 上个月 = 2025-01-01 .. 2025-01-31, month, high" in draft
        assert "2月30日 = -, day, none: there is no 30 February" in draft

    def test_nothing_dated(self, folder):
        draft = read(folder, "没有日期。上个月。").draft()
        assert "[[event]]" not in draft
        assert "# No date in the text resolves to a day" in draft
        assert tomllib.loads(draft) == {}

    def test_studied_at_once(self, folder, prices):
        catalog = self.load(folder, read(folder, "2025年1月27日,英伟达下跌17%。"))
        study = ms.event_study(list(catalog.values()), prices=prices, model=ms.MarketModel("^GSPC"), window=(0, 0))
        assert study.car(0, 0)["ticker"].tolist() == ["NVDA"]

    @pytest.mark.parametrize("name", ['odd "name" \\ 名.txt', "a\x7fb.txt"])
    def test_names_of_files(self, folder, name):
        assert len(self.load(folder, read(folder, "2025年1月27日下跌。", name=name))) == 1


class TestDocument:
    def test_repr(self, folder):
        document = read(folder, "1月27日英伟达跌近17%,当日收低。")
        assert "published 2025-02-13 (as given): 2 dates, 1 figures, 1 names" in repr(document)
        assert "当日 (1): medium: refers to 2025-01-27" in repr(document)
        assert "17%" in repr(document.figures)
        assert "NVDA" in repr(document.instruments)
        assert "<table" in document.mentions._repr_html_()

    def test_undated(self, folder):
        document = read(folder, "没有日期的一句话。")
        assert document.mentions.empty
        assert document.days.empty
        assert "0 dates" in repr(document)
        assert list(document.mentions.columns) == list(read(folder, "昨日").mentions.columns)
        assert document.mentions.dtypes["first_date"] == read(folder, "昨日").mentions.dtypes["first_date"]


def run(capsys, *argv):
    code = main([str(a) for a in argv])
    out = capsys.readouterr()
    return code, out.out, out.err


class TestCommand:
    def test_prints(self, folder, capsys):
        path = folder / "n.txt"
        path.write_text("1月27日英伟达跌近17%。", encoding="utf-8")
        code, out, err = run(capsys, "events", path, "--published", THURSDAY)
        assert (code, err) == (0, "")
        for words in ("2025-01-27", "medium", "nearly", "NVDA"):
            assert words in out

    def test_json(self, folder, capsys):
        path = folder / "n.txt"
        path.write_text("1月27日英伟达跌近17%。上周。", encoding="utf-8")
        code, out, err = run(capsys, "events", path, "--published", THURSDAY, "--json")
        record = json.loads(out)
        assert (code, err) == (0, "")
        assert record["published"] == THURSDAY
        assert record["mentions"][0]["first_date"] == "2025-01-27"
        assert record["mentions"][1]["session"] is None
        assert record["figures"][0]["value"] == 17
        assert tomllib.loads(record["draft"])["event"][0]["id"] == "day-2025-01-27"

    def test_out(self, folder, capsys):
        path, draft = folder / "n.txt", folder / "written.toml"
        path.write_text("1月27日英伟达跌近17%。", encoding="utf-8")
        code, out, _ = run(capsys, "events", path, "--published", THURSDAY, "--out", draft)
        assert code == 0
        assert f"Written: {draft}" in out
        assert list(ms.load_catalog(draft)) == ["day-2025-01-27"]
        code, _, err = run(capsys, "events", path, "--published", THURSDAY, "--out", draft)
        assert code == 2
        assert "is there already" in err
        for name, message in (("a.txt", "give a .toml file"), ("none/a.toml", "there is no folder")):
            assert message in run(capsys, "events", path, "--out", folder / name)[2]

    def test_nothing_dated(self, folder, capsys):
        path = folder / "n.txt"
        path.write_text("没有日期。", encoding="utf-8")
        code, out, err = run(capsys, "events", path)
        assert code == 1
        assert err == "marketshock: n.txt dates no day: there is no event to draft\n"
        assert "0 dates" in out

    def test_bad_input(self, folder, capsys):
        (folder / "gb.txt").write_bytes("1月27日下跌".encode("gb18030"))
        code, out, err = run(capsys, "events", folder / "gb.txt")
        assert (code, out) == (2, "")
        assert "--encoding gb18030" in err
        assert run(capsys, "events", folder / "gb.txt", "--encoding", "gb18030")[0] == 1  # no year, no publication
        assert run(capsys, "events", folder / "none.txt")[0] == 2


FORMS = (
    "{0.year}年{0.month}月{0.day}日",
    "{0.year}-{0.month:02d}-{0.day:02d}",
    "{0.year}/{0.month}/{0.day}",
    "{0:%B} {0.day}, {0.year}",
    "{0.day} {0:%B} {0.year}",
    "{0:%b} {0.day}, {0.year}",
    "{0:%A}, {0:%B} {0.day}, {0.year}",
    "{0.year} 年 {0.month} 月 {0.day} 日",
)
DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31))


@given(DAYS, st.sampled_from(FORMS), st.sampled_from(["{}", "股价在{}下跌。", "Shares fell on {}, he said.", "({})"]))
def test_rendered_dates_are_read_back(tmp_path_factory, day, form, frame):
    document = read(tmp_path_factory.getbasetemp(), frame.format(form.format(day)), None)
    row = only(document)
    assert (row["first_date"].date(), row["last_date"].date(), row["confidence"]) == (day, day, "high")


@given(DAYS, st.integers(0, 180), st.sampled_from(["{0.month}月{0.day}日", "{0:%B} {0.day}", "{0.day} {0:%b}"]))
def test_years_left_out_are_the_latest(tmp_path_factory, published, back, form):
    day = published - dt.timedelta(days=back)
    row = only(read(tmp_path_factory.getbasetemp(), form.format(day), published))
    assert row["first_date"].date() == day


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=200))
def test_any_text_can_be_read(tmp_path_factory, text):
    try:
        document = read(tmp_path_factory.getbasetemp(), "x " + text)
    except InputError as error:
        assert "is no text" in str(error)  # noqa: PT017
        return
    for frame in (document.mentions, document.figures, document.instruments):
        for row in frame.itertuples():
            assert document.paragraphs[row.paragraph - 1][row.start : row.end] == row.text
    assert isinstance(document.draft(), str)
    tomllib.loads(document.draft())
    assert len(half_width(text)) == len(text)


_WORDS = [
    "股价",
    "下跌",
    "市场",
    "英伟达",
    "17%",
    "标普500",
    "H100",
    "the",
    "shares",
    "fell",
    "401(k)",
    "2.0",
    "30年来",
    "may",
    "march",
]


@given(st.lists(st.sampled_from(_WORDS), max_size=30), st.sampled_from([" ", ",", "。", ""]))
def test_texts_without_dates_give_none(tmp_path_factory, words, between):
    assert read(tmp_path_factory.getbasetemp(), "x" + between + between.join(words)).mentions.empty
