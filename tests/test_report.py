"""A page holds what its results hold, loads nothing, is valid, and is the same bytes again."""

from __future__ import annotations

import errno
import html
import json
import os
import re
import subprocess
import sys
from collections import Counter
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import ExclusionWarning, InputError
from marketshock.inference.registry import TESTS
from marketshock.report import reproduce
from marketshock.report.page.blocks import Table

from .pages import parsed, tables_of, texts

HALF = 0.5e-4  # of a percentage printed with two digits, as a decimal
MOST = 1_000_000  # bytes
CSS = files("marketshock.report.page").joinpath("page.css").read_text("utf-8")
JS = files("marketshock.report.page").joinpath("page.js").read_text("utf-8")


@pytest.fixture(scope="module")
def main_job():
    return reproduce.reproduction()


@pytest.fixture(scope="module")
def moves():
    members = ms.datasets.sp500()
    return ms.fragility(members.prices, members=ms.Membership.from_frame(members.joined(), name="members"))


@pytest.fixture(scope="module")
def traded(catalog, prices):
    """Two rules on the fall of 27 January, and on random dates."""
    held = {
        f"{n} days": ms.backtest(
            catalog["deepseek-selloff"], prices, ms.rules.HoldAfter(days=n), tickers=ms.MAGNIFICENT_SEVEN,
            costs=ms.Costs(bps=5), benchmark="^GSPC",
        )
        for n in (5, 20)
    }  # fmt: skip
    return held, ms.placebo_trades(held["5 days"], 99), ms.compare_rules(held, draws=99)


@pytest.fixture(scope="module")
def everything(main_job, moves, traded):
    held, placebo, compared = traded
    return {
        "The main job": main_job,
        "Moves": moves,
        "Held": held["5 days"],
        "Random": placebo,
        "Rules": compared,
    }


@pytest.fixture(scope="module")
def pages(everything, main_job, moves, traded, tmp_path_factory):
    """One page a kind, and one of all, as text."""
    folder = tmp_path_factory.mktemp("pages")
    held, placebo, compared = traded
    kinds = {
        "study": main_job.study, "change": main_job.changes[0], "changes": main_job.changes, "told": main_job.nvidia,
        "claims": main_job.claims, "moves": moves, "held": held["5 days"], "placebo": placebo, "rules": compared,
        "main": main_job, "all": everything,
    }  # fmt: skip
    return {name: ms.report.html(one, folder / f"{name}.html").read_text("utf-8") for name, one in kinds.items()}


def share(cell: str) -> float:
    """Return a printed percentage as a decimal."""
    assert cell.endswith(" %"), cell
    return float(cell.removesuffix(" %").replace(",", "")) / 100


def p_of(cell: str) -> float:
    return 0.0 if cell == "<0.0001" else float(cell)


class TestNumbers:
    def test_firms_are_those_of_the_frames(self, pages, main_job):
        study = main_job.study
        day, whole, sq = study.car(0, 0), study.car(-1, 5), study.tests(0, 0, which="sq").set_index("event_id")
        for event in reproduce.EVENTS:
            table = next(t for t in tables_of(pages["study"]) if t.caption.startswith(f"{event}, day 0"))
            assert [row[0] for row in table.rows] == list(ms.MAGNIFICENT_SEVEN)
            for row in table.rows:
                at, cell = f"{event}/{row[0]}", dict(zip(table.head, row, strict=True))
                total = study.to_frame().loc[(at, 0), "return"]
                assert share(cell["return"]) == pytest.approx(total, abs=HALF)
                assert share(cell["AR(0)"]) == pytest.approx(study.ar.loc[at, 0], abs=HALF)
                assert float(cell["t"]) == pytest.approx(day.loc[at, "t"], abs=0.005)
                assert p_of(cell["p"]) == pytest.approx(day.loc[at, "pvalue"], abs=1e-4)
                assert p_of(cell["SQ p"]) == pytest.approx(sq.loc[at, "pvalue"], abs=1e-4)
                assert share(cell["CAR(-1,5)"]) == pytest.approx(whole.loc[at, "car"], abs=HALF)
                low, high = map(float, cell["95 % interval"].strip("[]").split(", "))
                np.testing.assert_allclose(
                    [low, high], 100 * day.loc[at, ["ci_low", "ci_high"]].astype(float), atol=0.05
                )

    def test_tests_are_all_there_with_their_papers_and_notes(self, pages, main_job):
        for caption, days in (("tests of day 0", (0, 0)), ("tests of days -1 to 5", (-1, 5))):
            frame = main_job.study.tests(*days, by="event")
            for event in reproduce.EVENTS:
                table = next(t for t in tables_of(pages["study"]) if t.caption.startswith(f"{event}: {caption}"))
                own = frame.loc[event].reset_index()
                assert len(table.rows) == len(own) > 20
                for row, truth in zip(table.rows, own.to_dict("records"), strict=True):
                    cell = dict(zip(table.head, row, strict=True))
                    assert cell["test"] == TESTS[truth["test"]].label
                    assert cell["reference"] == truth["reference"] == TESTS[truth["test"]].reference
                    assert cell["null"] == truth["null"]
                    if np.isnan(truth["pvalue"]):
                        assert cell["p"] == cell["statistic"] == "-"
                        assert cell["note"]
                    else:
                        assert p_of(cell["p"]) == pytest.approx(truth["pvalue"], abs=1e-4)
                        assert float(cell["statistic"].replace(",", "")) == pytest.approx(truth["statistic"], abs=0.005)
                    said = f"{cell['note']}: {truth['note']}" if truth["note"] else ""
                    assert said in table.notes or not said, "the number leads to the note"

    def test_average_by_day(self, pages, main_job):
        table = next(t for t in tables_of(pages["study"]) if t.caption.startswith("Average abnormal"))
        truth = main_job.study.aar()
        assert [int(row[0]) for row in table.rows] == list(truth.index)
        np.testing.assert_allclose([share(r[2]) for r in table.rows], truth["aar"], atol=HALF)
        np.testing.assert_allclose([share(r[3]) for r in table.rows], truth["se"], atol=HALF)
        np.testing.assert_allclose([share(r[4]) for r in table.rows], truth["caar"], atol=HALF)

    def test_dollars(self, pages, main_job):
        change = main_job.changes[0]
        (table,) = [t for t in tables_of(pages["change"]) if t.caption.startswith("Market-cap")]
        assert [row[0] for row in table.rows] == list(change.table.index)
        for name, column in (("change", "change_usd"), ("abnormal", "abnormal_usd")):
            k = table.head.index(name)
            shown = [float(row[k].replace(",", "")) for row in (*table.rows, *table.foot)]
            truth = [*change.table[column], change.total[column]]
            np.testing.assert_allclose(shown, np.array(truth) / 1e9, atol=0.05)
        assert len(table.foot) == 1
        assert table.foot[0][0] == "total"
        assert pages["changes"].count("<section") == len(main_job.changes) + 1

    def test_every_claim_in_full(self, pages, main_job):
        found = {
            row[0]: row
            for t in tables_of(pages["claims"])
            if t.head[:3] == ["id", "verdict", "claim"]
            for row in t.rows
        }
        assert list(found) == list(main_job.claims)
        for name, verdict in main_job.claims.items():
            expected = [verdict.claim.text, verdict.stated, verdict.computed, verdict.reason]
            assert found[name][2:] == [" ".join(text.split()) for text in expected], name
            assert found[name][1] == verdict.status.replace("_", " ")
        tried = next(t for t in tables_of(pages["claims"]) if t.caption.startswith("What each convention"))
        measures = [m for v in main_job.claims.values() for f in v.findings if f.part.stated for m in f.answer.measures]
        assert [row[4] for row in tried.rows] == [" ".join(m.convention.split()) for m in measures]

    def test_moves(self, pages, moves):
        table = next(t for t in tables_of(pages["moves"]) if t.caption.startswith("Sessions with the most"))
        counts = moves.counts()
        for row in table.rows:
            truth = counts.loc[row[0]]
            assert [int(cell) for cell in row[1:5]] == [
                truth[c] for c in ("n_events", "n_up", "n_down", "n_securities")
            ]
        assert int(table.rows[0][1]) == counts["n_events"].max()
        largest = next(t for t in tables_of(pages["moves"]) if t.caption.startswith("The largest moves"))
        np.testing.assert_allclose([float(r[5]) for r in largest.rows], moves.ranking()["z"], atol=0.005)

    def test_trades_random_dates_and_rules(self, pages, traded):
        held, placebo, compared = traded
        table = next(t for t in tables_of(pages["held"]) if t.caption == "Each trade")
        truth = held["5 days"].trades.loc[[row[0] for row in table.rows]]
        assert len(truth) == 7
        np.testing.assert_allclose([share(r[-1]) for r in table.rows], truth["return"], atol=HALF)
        np.testing.assert_allclose([float(r[-2].replace(",", "")) for r in table.rows], truth["pnl"], atol=0.5)
        lines = {r[0]: r[1] for t in tables_of(pages["placebo"]) for r in t.rows}
        assert share(next(v for k, v in lines.items() if k.startswith("mean return"))) == pytest.approx(
            placebo.observed, abs=HALF
        )
        assert p_of(lines["p (greater)"]) == pytest.approx(placebo.pvalue, abs=1e-4)
        side = next(t for t in tables_of(pages["rules"]) if t.head[0] == "rule")
        assert [row[0] for row in side.rows] == list(compared.table.index)
        for name, column in (("p", "pvalue"), ("p adjusted", "pvalue_adjusted")):
            shown = [p_of(row[side.head.index(name)]) for row in side.rows]
            np.testing.assert_allclose(shown, compared.table[column], atol=1e-4)

    def test_every_date_and_every_exclusion(self, prices, tmp_path):
        """More than the terminal shows: most dates have too few returns before them."""
        days = prices.adj_close.index
        events = pd.DataFrame({"ticker": ["NVDA", "AAPL"] * 20, "date": days[100:140]})
        with pytest.warns(ExclusionWarning):
            study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        tables = tables_of(ms.report.html(study, tmp_path / "a.html").read_text("utf-8"))
        dates = next(t for t in tables if t.caption.startswith("What was done"))
        assert [row[0] for row in dates.rows] == list(study.alignment.index)
        left = next(t for t in tables if t.caption.startswith("Events left out"))
        assert len(left.rows) == len(study.exclusions) > 20
        assert [row[-1] for row in left.rows] == list(study.exclusions["reason"])

    def test_window_without_day_0_and_one_event(self, prices, tmp_path):
        event = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"]})
        study = ms.event_study(event, prices=prices, model=ms.MarketModel("^GSPC"), window=(1, 5))
        table = tables_of(ms.report.html(study, tmp_path / "a.html").read_text("utf-8"))[0]
        assert share(table.rows[0][3]) == pytest.approx(study.car(1, 5)["car"].iloc[0], abs=HALF)


class TestPage:
    def test_small_enough(self, pages):
        for name in ("study", "claims", "main", "all"):
            assert len(pages[name].encode()) < MOST, name

    @pytest.mark.parametrize(
        "name", ["study", "change", "changes", "told", "claims", "moves", "held", "placebo", "rules", "main", "all"]
    )
    def test_valid_and_accessible(self, pages, name):
        page = parsed(pages[name])  # strict: the first error of the parser is an exception
        assert page.get("lang") == "en"
        heads = [int(e.tag[1]) for e in page.iter() if re.fullmatch("h[1-6]", str(e.tag))]
        assert heads.count(1) == 1
        assert heads[0] == 1
        assert all(b <= a + 1 for a, b in pairwise(heads))
        ids = Counter(e.get("id") for e in page.iter() if e.get("id"))
        assert max(ids.values()) == 1
        for element in page.iter():
            for attribute in ("aria-labelledby", "data-table"):
                assert set((element.get(attribute) or "").split()) <= set(ids), element.attrib
            target = element.get("href") or element.get("{http://www.w3.org/1999/xlink}href") or ""
            if target.startswith("#"):
                assert target[1:] in ids, target
        for table in page.iter("table"):
            assert texts(table.find("caption"))
            assert all(
                th.get("scope") == "col" and th.find("button") is not None for th in table.findall("thead/tr/th")
            )
            assert all(texts(th) for th in table.findall("thead/tr/th"))
            assert all(tr[0].tag == "th" and tr[0].get("scope") == "row" for tr in table.findall("tbody/tr"))
        pictures = list(page.iter("{http://www.w3.org/2000/svg}svg"))
        assert pictures or name in ("told", "claims")
        for svg in pictures:
            title, said = svg[0], svg[1]
            assert svg.get("role") == "img"
            assert svg.get("aria-labelledby") == f"{title.get('id')} {said.get('id')}"
            assert title.text
            assert said.text

    def test_nothing_is_loaded(self, pages):
        page = parsed(pages["all"])
        for element in page.iter():
            assert element.tag not in ("iframe", "object", "embed", "img", "audio", "video", "base")
            for name, value in element.attrib.items():
                name = name.rsplit("}")[-1]
                if name in ("src", "srcset", "poster", "data", "action", "background"):
                    pytest.fail(f"{element.tag} {name}={value}")
                if name == "href":
                    local = value.startswith(("#", "data:"))
                    assert local or element.tag == "a", value
                for target in re.findall(r"url\((.*?)\)", value):
                    assert target.startswith("#"), target
        for style in page.iter("style"):
            assert "url(" not in style.text
            assert "@import" not in style.text
        assert [s.get("src") for s in page.iter("script")] == [None]
        assert not re.search(r"fetch\(|XMLHttpRequest|import\(", JS)
        policy = next(e.get("content") for e in page.iter("meta") if e.get("http-equiv"))
        assert policy.startswith("default-src 'none'; img-src data:")

    def test_nothing_of_the_machine(self, pages):
        assert os.path.expanduser("~") + "/" not in pages["all"]
        assert str(files("marketshock")) not in pages["all"]
        assert not re.search(r"dc:date|Created with matplotlib", pages["all"])

    def test_conventions_stand_below_the_tables(self, pages):
        """Every column of numbers of the study, the dollars and the rules is explained."""
        for name in ("study", "change", "rules", "held"):
            page = parsed(pages[name])
            explained = {texts(dt) for dt in page.iter("dt")}
            for table in page.iter("table"):
                numbers = {texts(th) for th in table.findall("thead/tr/th") if th.get("data-sort") == "number"}
                known = {"dividends"}  # what their name says
                assert numbers <= explained | known, (name, numbers - explained)

    def test_text_of_others_stays_text(self, prices, tmp_path):
        bad = '<script>alert("x")</script> & <b>'
        events = pd.DataFrame({"ticker": ["NVDA"], "date": ["2025-01-27"], "event_id": [bad]})
        study = ms.event_study(events, prices=prices, model=ms.MarketModel("^GSPC"))
        text = ms.report.html({bad: study}, tmp_path / "a.html", title=bad).read_text("utf-8")
        page = parsed(text)
        assert len(list(page.iter("script"))) == 1
        assert not list(page.iter("b"))
        assert texts(next(page.iter("h1"))) == bad

    def test_same_bytes_again(self, main_job, tmp_path):
        """Of results computed anew, in another process with another order of hashing."""
        here = ms.report.html(main_job, tmp_path / "here.html").read_bytes()
        assert ms.report.html(main_job, tmp_path / "again.html").read_bytes() == here
        code = (
            "import sys, marketshock as ms; from marketshock.report.reproduce import reproduction; "
            "ms.report.html(reproduction(), sys.argv[1])"
        )
        there = tmp_path / "there.html"
        env = {**os.environ, "PYTHONHASHSEED": "7"}
        subprocess.run([sys.executable, "-c", code, str(there)], check=True, env=env)
        assert there.read_bytes() == here


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2: sRGB made linear."""
    parts = np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(a: str, b: str) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


class TestColours:
    LIGHT, DARK = (
        dict(re.findall(r"--([\w-]+): (#\w{6});", part)) for part in re.findall(r":root \{(.*?)\}", CSS, re.S)
    )

    def test_the_formula(self):
        assert contrast("#000000", "#ffffff") == pytest.approx(21)
        assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # the greys everybody quotes
        assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)

    @pytest.mark.parametrize("scheme", ["LIGHT", "DARK"])
    @pytest.mark.parametrize("ink", ["ink", "quiet", "link"])
    @pytest.mark.parametrize("paper", ["paper", "raised"])
    def test_text(self, scheme, ink, paper):
        colours = getattr(self, scheme)
        assert contrast(colours[ink], colours[paper]) >= 4.5

    @pytest.mark.parametrize("scheme", ["LIGHT", "DARK"])
    def test_pictures(self, scheme):
        """Lines and bars need 3; what text there is takes the page's ink, or grey."""
        colours = getattr(self, scheme)
        assert contrast(colours["grey"], colours["paper"]) >= 4.5
        assert contrast(colours["blue"], colours["paper"]) >= 3
        assert contrast("#d55e00", colours["paper"]) >= 3

    def test_dark_is_for_screens_and_no_other_colour_is_used(self):
        assert re.search(r"@media screen and \(prefers-color-scheme: dark\)", CSS)
        rules = re.sub(r":root \{.*?\}", "", CSS, flags=re.S)
        assert not re.search(r"#[0-9a-fA-F]{3,8}\b|rgb|hsl", rules)


class TestFile:
    def test_path_comes_back_and_titles_are_headings(self, main_job, tmp_path):
        path = ms.report.html({"Mine": main_job.changes[0]}, str(tmp_path / "a.html"), title="My page")
        assert path == tmp_path / "a.html"
        assert [p.name for p in tmp_path.iterdir()] == ["a.html"]
        page = parsed(path.read_text("utf-8"))
        assert texts(next(page.iter("h1"))) == "My page"
        assert "Mine" in [texts(h) for h in page.iter("h2")]

    @pytest.mark.parametrize("bad", [None, 3, "text", {}, [], pd.DataFrame({"a": [1]}), [1], {"a": [None]}])
    def test_other_kinds_are_refused_and_the_file_stays(self, bad, tmp_path):
        path = tmp_path / "a.html"
        path.write_text("before")
        with pytest.raises(InputError, match=r"result: (got|there is none)"):
            ms.report.html(bad, path)
        assert path.read_text() == "before"

    def test_error_names_what_is_allowed(self, tmp_path):
        with pytest.raises(InputError, match=r"StudyResult, MarketCapChange, .*RuleComparison") as caught:
            ms.report.html(object(), tmp_path / "a.html")
        assert caught.value.parameter == "result"

    @pytest.mark.parametrize("name", ["a.txt", "a", "missing/a.html", "folder.html", None])
    def test_paths_that_cannot_be(self, name, main_job, tmp_path):
        (tmp_path / "folder.html").mkdir()
        with pytest.raises(InputError, match="path: "):
            ms.report.html(main_job.nvidia, tmp_path / name if name else None)

    def test_a_write_that_fails_leaves_the_old_file(self, main_job, tmp_path, monkeypatch):
        path = tmp_path / "a.html"
        path.write_text("before")

        def full(descriptor):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(InputError, match=r"path: .*cannot be written"):
            ms.report.html(main_job.nvidia, path)
        assert path.read_text() == "before"

    def test_nothing_heavy_until_it_is_called(self):
        heavy = "[m for m in ('matplotlib', 'pandas', 'scipy') if m in sys.modules]"
        code = f"import sys, marketshock as ms; ms.report.html; print({heavy})"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

    def test_column_kinds(self):
        table = Table("", ["a"], [["-"], ["+1.0 %"], ["<0.0001"], ["[-1.0, +2.0]"], ["1,234"], ["12.0*"]])
        assert table.is_number(0)
        for text in ("2025-01-27", "rank 1", "F(7, 242)", "3 of 4", "exactly"):
            assert not Table("", ["a"], [["1.0"], [text]]).is_number(0), text


class TestCommand:
    def test_bundled(self, capsys, tmp_path):
        path = tmp_path / "report.html"
        assert main(["report", "--out", str(path)]) == 0
        assert capsys.readouterr().out == f"Written: {path}\n"
        heads = [texts(h) for h in parsed(path.read_text("utf-8")).iter("h2")]
        expected = ("In short", "Event study", "Market caps, 2025-01-27", "Market caps, 2025-02-03", "loss of NVDA")
        for words in (
            *expected,
            "What the documents state",
            "Fragility of 2025-01-27",
            "Spec, provenance and versions",
        ):
            assert any(words in head for head in heads), words

    def test_fragility_is_that_of_its_command(self, capsys, tmp_path):
        assert main(["report", "--out", str(tmp_path / "a.html"), "--quiet"]) == 0
        tables = tables_of((tmp_path / "a.html").read_text("utf-8"))
        record = next(t for t in tables if t.caption == "Spec and provenance, Fragility of 2025-01-27")
        said = {row[0]: row[1] for row in record.rows}
        provenance = ms.datasets.sp500().prices.provenance
        assert said["asked.provenance.vintage"] == provenance["vintage"]
        assert said["asked.provenance.period"] == "; ".join(provenance["period"])
        assert main(["fragility", "--date", "2025-01-27", "--json"]) == 0
        truth = json.loads(capsys.readouterr().out)["on_date"]
        table = next(
            t for t in tables_of((tmp_path / "a.html").read_text("utf-8")) if t.caption == "Events on 2025-01-27"
        )
        assert [int(cell) for cell in table.rows[0][1:4]] == [truth[name] for name in ("n_events", "n_up", "n_down")]

    def test_a_study_of_ones_own(self, capsys, tmp_path, prices):
        prices.adj_close.to_csv(tmp_path / "wide.csv")
        (tmp_path / "events.csv").write_text("Ticker,Date\nNVDA,2025-01-27\nAAPL,2025-02-03\n")
        own = ["--events", str(tmp_path / "events.csv"), "--prices", str(tmp_path / "wide.csv"), "--benchmark", "^GSPC"]
        path = tmp_path / "mine.html"
        argv = ["report", "--out", str(path), *own, "--window=-2:3", "--title", "Mine", "--json"]
        assert main(argv) == 0
        assert json.loads(capsys.readouterr().out) == {"written": str(path), "bytes": path.stat().st_size}
        frame = pd.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-02-03"]})
        truth = ms.event_study(frame, prices=prices, model=ms.MarketModel("^GSPC"), window=(-2, 3)).car(-2, 3)
        table = tables_of(path.read_text("utf-8"))[0]
        shown = [share(row[table.head.index("CAR(-2,3)")]) for row in table.rows]
        np.testing.assert_allclose(shown, truth["car"], atol=HALF)

    @pytest.mark.parametrize(
        ("more", "said"),
        [
            (["--model", "huber"], "--events: is missing beside --model"),
            (["--prices", "bundled"], "--events: is missing beside --prices"),
            (["--events", "bundled"], "--prices: is missing"),
        ],
    )
    def test_half_a_study_is_refused(self, capsys, tmp_path, more, said):
        assert main(["report", "--out", str(tmp_path / "a.html"), *more]) == 2
        assert said in capsys.readouterr().err
        assert not list(tmp_path.iterdir())

    def test_bad_path_is_told_before_the_work(self, capsys, tmp_path):
        assert main(["report", "--out", str(tmp_path / "a.txt")]) == 2
        assert capsys.readouterr().err.startswith("marketshock: --out: unknown kind of file '.txt'")


def test_numbers_lead_to_their_derivations(seven, tmp_path):
    change = ms.market_cap_change("2025-01-27", study=seven)
    page = ms.report.html([seven, change], tmp_path / "page.html").read_text("utf-8")
    links = set(re.findall(r'href="#(derivation-[^"]+)"', page))
    places = re.findall(r'id="(derivation-[^"]+)"', page)
    assert links == set(places)
    assert len(places) == len(set(places)) == 7 * 2 + 7
    assert "derivation-deepseek-selloff-nvda-minus-1-to-5" in links
    written = html.unescape(
        re.search(r'id="derivation-deepseek-selloff-nvda-0-to-0".*?<pre>(.*?)</pre>', page, re.S)[1]
    )
    assert written == str(seven.explain("deepseek-selloff/NVDA", 0, 0))
    dollars = html.unescape(re.search(r'id="derivation-2025-01-27-nvda".*?<pre>(.*?)</pre>', page, re.S)[1])
    assert dollars == str(change.explain("NVDA"))
