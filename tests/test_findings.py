"""Checks of the user's prices and factors: what each rule finds, and that nothing else is found."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import ChoiceError, PriceError, PriceWarning, UnknownNameError
from marketshock.providers.found import RULES, PriceFinding, by_severity, findings_frame
from marketshock.providers.plausible_frames import factor_findings
from marketshock.providers.plausible_prices import suspects

from .conftest import ROOT

FOLDER = ROOT / "tests" / "reference_b" / "7_plausible"
NAMED = {  # names of the made data -> rules
    "spike": ("tick",),
    "split": ("split_2to7", "split_8plus", "split_1.5"),
    "unit": ("unit", "unit_pair"),
    "stale_end": ("stale_end_10",),
    "stale": ("stale_5",),
    "gap_level": ("gap_level",),
    "code": ("codes",),
    "negative": ("codes",),
    "returns as prices": ("returns_as_prices",),
}
DAYS = pd.bdate_range("2023-01-02", periods=400, name="date")
DAY = 300
MODEL = ms.MarketModel("MKT")


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name, index_col=0, parse_dates=True)


def made(seed: int = 5, sigma: float = 0.015) -> pd.DataFrame:
    """Closes of a market and two firms."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0.0003, 0.009, len(DAYS))
    noise = rng.normal(0, sigma, (len(DAYS), 2))
    moves = np.column_stack([market[:, None] + noise, market])
    closes = np.round(80 * np.exp(np.cumsum(moves, axis=0)), 4)
    return pd.DataFrame(closes, index=DAYS, columns=["AAA", "BBB", "MKT"])


def put(factor: float, first: int = DAY, last: int = len(DAYS), column: str = "AAA", seed: int = 5) -> pd.DataFrame:
    """Closes multiplied on some rows."""
    closes = made(seed)
    closes.loc[DAYS[first:last], column] *= factor
    return closes


def study_of(closes, day: int = DAY + 20, ticker: str = "AAA", **options) -> ms.StudyResult:
    events = pd.DataFrame({"ticker": [ticker], "date": [DAYS[day]]})
    options = {"calendar": "index", "estimation": (-200, -11), "model": MODEL, **options}
    return ms.event_study(events, prices=closes, **options)


def said(frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    return [(r.ticker, r.rule, r.severity) for r in frame.itertuples()]


class TestMadeData:
    """One disturbance a column, judged apart from the library."""

    @pytest.fixture(scope="class")
    @staticmethod
    def expected() -> pd.DataFrame:
        return pd.read_csv(FOLDER / "expected_findings.csv")

    def check(self, found: pd.DataFrame, expected: pd.DataFrame, with_volume: bool) -> None:
        for row in expected.itertuples():
            own = found[found["ticker"] == row.ticker]
            if row.finding.startswith("none"):
                assert own.empty or (not with_volume and set(own["severity"]) == {"note"}), row
                continue
            hits = own[own["rule"].isin(NAMED[row.finding])]
            if isinstance(row.date, str):
                hits = hits[hits["date"] == row.date]
            assert len(hits) == 1, row
            hit = hits.iloc[0]
            if row.factor == row.factor:
                assert hit["size"] == pytest.approx(row.factor, rel=1e-12)
            words = {"refuse": "refuse", "warn": "warn", "note": "note"}
            verdict = next(word for word in words if word in row.verdict)
            if row.finding == "stale_end" or row.finding == "gap_level":
                verdict = "warn"
            if "without" in row.verdict or (row.finding == "split" and not with_volume):
                verdict = "warn" if with_volume or hit["rule"] == "split_8plus" else "note"
            assert hit["severity"] == verdict, row

    def test_closes_alone(self, expected):
        found = ms.check_prices(read("close.csv"))
        self.check(found, expected, False)
        assert set(found["ticker"]) <= set(expected["ticker"])
        assert not set(found["ticker"]) & {"CLEAN1", "CLEAN2", "EVENT17"}

    def test_with_volume(self, expected):
        fields = {"Close": read("close.csv"), "Volume": 1000.0 * read("volume_thousands.csv")}
        found = ms.check_prices(pd.concat(fields, axis=1))
        self.check(found, expected, True)
        assert "NEWSHALF" not in set(found["ticker"])

    def test_factors(self):
        expected = pd.read_csv(FOLDER / "expected_factors.csv", index_col="file")
        percent = read("factors_in_percent.csv")
        coded = percent.copy()
        coded.iloc[100, 0] = -99.99
        days = percent.index.to_numpy().astype("datetime64[D]")
        frames = {"factors_in_percent": percent, "factors_with_code": coded, "factors_decimal": percent / 100}
        for name, frame in frames.items():
            found = factor_findings(list(frame.columns), days, frame.to_numpy())
            verdict = expected.loc[name, "verdict"]
            assert {f.severity for f in found} == ({"refuse"} if "refuse" in verdict else set()), name
            market = [f.rule for f in found if f.ticker == "Mkt-RF"]
            rules = {
                "factors_in_percent": ["percent"],
                "factors_with_code": ["codes", "percent"],
                "factors_decimal": [],
            }
            assert market == rules[name]
        alone = percent / 100
        alone.iloc[100, 0] = -99.99
        (one,) = factor_findings(list(alone.columns), days, alone.to_numpy())
        assert (one.rule, str(one.day)) == ("codes", str(days[100]))

    def test_rows_carried_over_weekends(self):
        closes = read("close.csv")[["CLEAN1", "CLEAN2", "EVENT17"]]
        daily = closes.reindex(pd.date_range(closes.index[0], closes.index[-1])).ffill()
        expected = pd.read_csv(FOLDER / "expected_carried.csv").iloc[0]
        assert len(daily) == expected["rows"]
        found = ms.check_prices(daily)
        assert said(found) == [("(all)", "closed_day", "note")]
        assert f"({expected['weekend_rows']} such rows)" in found["cause"].iloc[0]
        assert str(found["date"].iloc[0].date()) == "2022-01-08"


def test_no_false_alarm_on_the_bundled_figures(prices):
    members = ms.datasets.sp500().prices
    for held in (prices, members):
        assert not {"refuse", "warn"} & set(ms.check_prices(held)["severity"])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("factor", "length", "rules", "severity"),
    [
        (10, 1, {"tick"}, "refuse"),
        (0.1, 2, {"tick"}, "refuse"),
        (100, 1, {"tick"}, "refuse"),
        (0.01, 1, {"tick"}, "refuse"),
        (100, 400, {"unit"}, "refuse"),
        (0.01, 400, {"unit"}, "refuse"),
        (0.01, 40, {"unit_pair"}, "refuse"),
        (10, 6, {"unit_pair"}, "refuse"),
        (0.125, 400, {"split_8plus"}, "warn"),
        (20, 400, {"split_8plus"}, "warn"),
        (0.5, 400, {"split_2to7"}, "note"),
        (1 / 7, 400, {"split_2to7"}, "note"),
        (3, 400, {"split_2to7"}, "note"),
        (2.5, 1, {"spike_x2"}, "warn"),
        (0.3, 2, {"spike_x2"}, "warn"),
        (2.45, 400, {"jump_x2"}, "note"),
        (0.80, 400, set(), ""),
        (1.25, 1, set(), ""),
    ],
)
def test_a_disturbance_is_found_under_its_name(factor, length, rules, severity, seed):
    found = ms.check_prices(put(factor, DAY, DAY + length, seed=seed))
    assert set(found["rule"]) == rules
    assert set(found["severity"]) == ({severity} if severity else set())
    assert set(found["ticker"]) <= {"AAA"}
    if rules:
        assert DAYS[DAY] in set(found["date"])
        assert found.loc[found["date"] == DAYS[DAY], "size"].iloc[0] == pytest.approx(factor, rel=0.08)


@given(st.integers(0, 10**6), st.floats(0.4, 0.62), st.integers(5, len(DAYS) - 2))
def test_a_fall_near_one_half_is_never_refused(seed, factor, day):
    found = ms.check_prices(put(factor, day, seed=seed))
    assert set(found["severity"]) <= {"note"}


@given(st.integers(0, 10**6))
def test_ordinary_series_give_no_finding(seed):
    assert ms.check_prices(made(seed, 0.03)).empty


class TestRepeatedCloses:
    def padded(self, count: int, at: int | None = None) -> pd.DataFrame:
        closes = made()
        first = len(DAYS) - count if at is None else at
        closes.iloc[first : first + count, 0] = closes.iloc[first, 0]
        return closes

    @pytest.mark.parametrize(
        ("count", "at", "rule", "severity"),
        [
            (30, None, "stale_end_10", "warn"),
            (10, None, "stale_end_10", "warn"),
            (9, None, "stale_5", "note"),
            (14, 200, "stale_10", "warn"),
            (5, 200, "stale_5", "note"),
            (4, 200, "", ""),
        ],
    )
    def test_names(self, count, at, rule, severity):
        found = ms.check_prices(self.padded(count, at))
        assert said(found) == ([("AAA", rule, severity)] if rule else [])

    def test_a_window_in_the_padding_is_refused(self):
        with pytest.raises(PriceError, match=r"AAA on .*: 60 equal closes to the end .*stale_end_10") as caught:
            study_of(self.padded(60), len(DAYS) - 50)
        assert caught.value.findings["rule"].tolist() == ["stale_end_10"]
        with pytest.raises(PriceError, match="stale_end_10"):  # the last day of the window is the first that is padded
            study_of(self.padded(60), len(DAYS) - 60 - 4)
        study = study_of(self.padded(60), len(DAYS) - 50, tolerate=["stale_end_10"])
        assert said(study.findings) == [("AAA", "stale_end_10", "note")]
        assert "equal closes" in study.car()["note"].iloc[0]

    def test_a_window_before_it_is_warned_of(self):
        with pytest.warns(PriceWarning, match="stale_end_10"):
            study = study_of(self.padded(60), len(DAYS) - 60 - 5)
        assert said(study.findings) == [("AAA", "stale_end_10", "warn")]

    def test_series_that_do_not_move_are_left_alone(self):
        closes = made()
        closes["BBB"] = 50.0
        assert ms.check_prices(closes).empty

    def test_weekends_carried_along_are_no_repeated_closes(self):
        daily = made().reindex(pd.date_range(DAYS[0], DAYS[-1])).ffill()
        assert set(ms.check_prices(daily)["rule"]) == {"closed_day"}
        daily.iloc[-40:, 0] = daily.iloc[-40, 0]
        assert "stale_end_10" in set(ms.check_prices(daily)["rule"])


class TestStudy:
    """A study checks the columns and rows that it reads."""

    @pytest.mark.parametrize("column", ["AAA", "MKT"])
    @pytest.mark.parametrize("row", [DAY - 50, DAY + 22, DAY + 18])
    def test_a_tick_that_is_read_is_refused_by_name(self, column, row):
        closes = put(10, row, row + 1, column)
        with pytest.raises(PriceError, match=rf"{column} on {DAYS[row].date()}: x\d+.* \[tick\]") as caught:
            study_of(closes)
        assert "tolerate=['tick']" in str(caught.value)
        assert said(caught.value.findings) == [(column, "tick", "refuse")]
        study = study_of(closes, tolerate=["tick"])
        assert said(study.findings) == [(column, "tick", "note")]
        assert "1 note from the checks: study.findings" in repr(study)

    @pytest.mark.parametrize(
        ("column", "row"),
        [("BBB", DAY), ("AAA", DAY + 20 - 202), ("AAA", DAY + 20 - 5), ("AAA", DAY + 20 + 7), ("MKT", 50)],
    )
    def test_what_is_not_read_is_not_checked(self, column, row):
        study = study_of(put(10, row, row + 1, column))
        assert study.findings.empty
        assert "findings" not in repr(study)

    def test_the_day_before_a_window_is_read(self):
        for row in (DAY + 20 - 201, DAY + 20 - 2):
            with pytest.raises(PriceError, match="tick"):
                study_of(put(10, row, row + 1))

    def test_what_is_done_about_warnings(self):
        closes = put(1 / 8, DAY - 50)
        with pytest.warns(PriceWarning, match=r"AAA on .*: x0\.12.* \[split_8plus\]; all are in study.findings"):
            assert said(study_of(closes).findings) == [("AAA", "split_8plus", "warn")]
        with pytest.raises(PriceError, match="split_8plus"):
            study_of(closes, on_findings="raise")
        assert said(study_of(closes, on_findings="ignore").findings) == [("AAA", "split_8plus", "warn")]
        assert said(study_of(closes, tolerate=["split_8plus"]).findings) == [("AAA", "split_8plus", "note")]
        with pytest.raises(PriceError, match="tick"):
            study_of(put(10, DAY - 50, DAY - 49), on_findings="ignore")

    def test_options_are_checked(self):
        with pytest.raises(UnknownNameError, match=r"'ticks' \(did you mean 'tick'\?\)"):
            study_of(made(), tolerate=["ticks"])
        with pytest.raises(ChoiceError, match="'warn', 'raise', 'ignore'"):
            study_of(made(), on_findings="no")

    @pytest.mark.parametrize("factor", [0.5, 1 / 3, 2.0])
    def test_a_small_split_ratio_on_day_0_is_a_note(self, factor):
        study = study_of(put(factor, DAY + 20))
        assert set(study.findings["severity"]) == {"note"}
        told = f"x{study.findings['size'].iloc[0]:.4g} on day 0: the event, or a split not applied"
        assert study.findings["cause"].iloc[0] == told
        assert told in study.car(-1, 1)["note"].iloc[0]
        assert study.car(1, 2)["note"].iloc[0] == ""
        assert "*" in repr(study)

    def test_a_unit_on_day_0_is_refused(self):
        with pytest.raises(PriceError, match=r"\[unit\]"):
            study_of(put(0.01, DAY + 20))

    def test_three_are_named_and_the_rest_counted(self):
        closes = made()
        rows = [DAY - 150, DAY - 100, DAY - 60, DAY - 30, DAY]
        for row in rows:
            closes.iloc[row, 0] *= 2.6
        with pytest.warns(PriceWarning, match="and 2 more") as caught:
            study = study_of(closes)
        assert str(caught[0].message).count("[spike_x2]") == 3
        assert len(study.findings) == 5

    def test_a_gap_of_months(self):
        closes = made()
        closes.iloc[DAY - 120 : DAY - 60, 0] = np.nan
        closes.iloc[: DAY - 120, 0] /= 7
        with pytest.warns(PriceWarning, match=r"over 6\d sessions without a price.*\[gap_level\]"):
            study = study_of(closes, min_obs=50)
        assert said(study.findings) == [("AAA", "gap_level", "warn")]
        short = closes.dropna()  # the rows are not there at all
        assert ("AAA", "gap_level", "warn") in said(ms.check_prices(short))

    def test_streamed(self):
        events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[DAY + 20], DAYS[DAY + 10]]})
        options = {"calendar": "index", "estimation": (-200, -11), "model": MODEL}
        with pytest.raises(PriceError, match="tick"):
            ms.summarize_events(events, prices=put(100, DAY, DAY + 1), **options)
        study = ms.summarize_events(events, prices=put(100, DAY, DAY + 1), tolerate=["tick"], **options)
        assert said(study.findings) == [("AAA", "tick", "note")]
        assert "1 note from the checks" in repr(study)

    def test_specification_curve(self):
        events = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY + 20]]})
        grid = {"models": [MODEL, ms.ConstantMean()], "calendar": "index", "estimations": [(-200, -11)]}
        with pytest.warns(PriceWarning, match="split_8plus") as caught:
            ms.specification_curve(events, prices=put(1 / 8, DAY - 50), **grid)
        assert len(caught) == 1
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ms.specification_curve(events, prices=put(10, DAY, DAY + 1), tolerate=["tick"], **grid)

    def test_findings_from_elsewhere_join(self):
        day = np.datetime64("2024-07-04")
        row = PriceFinding("AAA", day, "closed_day", np.nan, "a row on a closed day", "note")
        frame = findings_frame(by_severity([row, row]))
        assert said(frame) == [("AAA", "closed_day", "note")]
        assert row.reach == (day, day)
        assert "closed_day" in repr(frame)


class TestVolume:
    def prices(self, factor: float, shares: float, busy: float = 1.0) -> ms.Prices:
        closes = put(factor)
        rng = np.random.default_rng(1)
        volume = pd.DataFrame(rng.lognormal(13, 0.3, closes.shape), closes.index, closes.columns)
        volume.loc[DAYS[DAY:], "AAA"] *= shares
        volume.loc[DAYS[DAY], "AAA"] *= busy
        return ms.Prices(closes, closes, {"volume": volume})

    @pytest.mark.parametrize("factor", [0.5, 0.25, 2 / 3, 3.0])
    def test_a_split_shows_in_the_shares_traded(self, factor):
        (found,) = said(ms.check_prices(self.prices(factor, 1 / factor)))
        assert (found[1][:5], found[2]) == ("split", "warn")

    def test_news_is_nothing(self):
        assert ms.check_prices(self.prices(0.5, 1.0, busy=20)).empty

    def test_closes_and_volume_on_different_bases(self):
        assert said(ms.check_prices(self.prices(0.25, 1.0))) == [("AAA", "volume_basis", "warn")]

    def test_volume_that_is_not_adjusted_for_a_known_split(self):
        held = self.prices(1.0, 10.0)
        splits = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY]], "ratio": [10.0]})
        held = ms.Prices(held.close, held.adj_close, held.extra, {}, splits)
        assert said(ms.check_prices(held)) == [("AAA", "volume_basis", "warn")]

    def test_a_hundred_for_one_that_volume_supports_is_a_split(self):
        assert said(ms.check_prices(self.prices(0.01, 100.0))) == [("AAA", "split_8plus", "warn")]


class TestKnownSplits:
    def prices(self, factor: float, ratio: float, late: int = 0) -> ms.Prices:
        closes = put(factor)
        splits = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY + late]], "ratio": [ratio]})
        return ms.Prices(closes, closes, {}, {}, splits)

    def test_a_split_table_decides_first(self):
        assert said(ms.check_prices(self.prices(0.25, 4.0, 2))) == [("AAA", "split_2to7", "refuse")]
        assert said(ms.check_prices(self.prices(4.0, 4.0))) == [("AAA", "split_2to7", "refuse")]  # applied twice
        assert ms.check_prices(self.prices(0.5, 10.0)).empty
        assert said(ms.check_prices(self.prices(0.5, 2.0, 40))) == [("AAA", "split_2to7", "note")]

    def test_a_study_refuses_a_split_beside_its_date(self):
        with pytest.raises(PriceError, match="beside a known split"):
            study_of(self.prices(0.25, 4.0, 2))


class TestDividends:
    def frame(self, paid: float, row: int = DAY, fall: float = 0.0) -> pd.DataFrame:
        closes = made()
        closes.iloc[row:, 0] *= 1 - fall
        long = closes.reset_index().melt("date", var_name="ticker", value_name="close")
        at = (long["ticker"] == "AAA") & (long["date"] == DAYS[row])
        return long.assign(dividend=np.where(at, paid, 0.0))

    def test_a_dividend_that_the_price_does_not_follow(self):
        frame = self.frame(20.0)
        assert said(ms.check_prices(frame)) == [("AAA", "dividend", "warn")]
        with pytest.warns(PriceWarning, match=r"a dividend of \d.* % of the close before, and the close moves"):
            study_of(frame)

    def test_a_special_dividend_that_it_follows(self):
        before = made()["AAA"].iloc[DAY - 1]
        assert ms.check_prices(self.frame(0.25 * before, fall=0.25)).empty
        assert ms.check_prices(self.frame(0.2)).empty

    def test_the_rounding_of_small_adjusted_closes_is_no_dividend(self):
        closes = made()
        held = ms.Prices(closes, (closes / 2000).round(2))
        assert ms.check_prices(held)["rule"].eq("dividend").sum() == 0

    def test_a_step_of_the_adjusted_close_alone(self):
        closes = made()
        adjusted = closes.copy()
        adjusted.iloc[:DAY, 0] *= 0.6
        assert ("AAA", "dividend", "warn") in said(ms.check_prices(ms.Prices(closes, adjusted)))

    def test_a_dividend_above_the_close(self):
        found = ms.check_prices(self.frame(500.0))
        assert said(found) == [("AAA", "dividend", "refuse")]
        assert "500" in found["cause"].iloc[0]


class TestFrames:
    """Frames with values that are no prices, no returns or no factors."""

    @pytest.mark.parametrize(
        ("value", "rule", "text", "remedy"),
        [
            (-99.99, "codes", "a missing-value code", "set it to NaN"),
            (-999.0, "codes", "a missing-value code", "set it to NaN"),
            (0.0, "codes", "no price", "correct it"),
            (-37.63, "codes", "", "correct it"),
            (np.inf, "infinite", "infinite", "NaN"),
        ],
    )
    def test_impossible_prices(self, value, rule, text, remedy):
        closes = made()
        closes.iloc[DAY, 0] = value
        found = ms.check_prices(closes)
        assert said(found) == [("AAA", rule, "refuse")]
        assert text in found["cause"].iloc[0]
        with pytest.raises(PriceError, match="is infinite" if rule == "infinite" else "is not positive") as caught:
            study_of(closes)
        assert remedy in str(caught.value)

    def test_the_sign_of_crsp(self):
        closes = made()
        closes.iloc[DAY, 0] *= -1
        assert "mean of bid and ask" in ms.check_prices(closes)["cause"].iloc[0]
        with pytest.raises(PriceError, match=r"mean of bid and ask; take abs\(\)"):
            study_of(closes)

    def test_positive_codes(self):
        closes = made()
        closes.iloc[DAY : DAY + 4, 0] = 9999.0
        found = ms.check_prices(closes)
        assert ("AAA", "codes", "refuse") in said(found)

    def test_returns_given_as_prices(self):
        with pytest.raises(PriceError, match=r"returns, not prices .*; pass them as returns="):
            study_of(made().pct_change().iloc[1:])

    @pytest.mark.parametrize("code", [-99.99, -999.0, -66.0])
    @pytest.mark.parametrize("log", [False, True])
    def test_codes_among_returns(self, code, log):
        returns = made().pct_change().iloc[1:]
        returns.iloc[DAY, 0] = code
        with pytest.raises(PriceError, match="a missing-value code; set it to NaN"):
            ms.event_study(
                pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY]]}), returns=returns, model=MODEL, log=log
            )

    def test_returns_in_percent_that_never_fall_below_one(self):
        returns = (100 * made(sigma=0.001).pct_change().iloc[1:]).clip(-0.9)
        with pytest.raises(PriceError, match="prices or percentages"):
            ms.event_study(pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY]]}), returns=returns, model=MODEL)

    def factors(self, scale: float = 1.0) -> pd.DataFrame:
        moves = made()["MKT"].pct_change().fillna(0.0)
        return pd.DataFrame({"Mkt-RF": moves * scale, "RF": 0.0002 * scale})

    def test_factors_in_percent(self):
        with pytest.raises(PriceError, match=r"factors: Mkt-RF: .*percent; divide by 100 \[percent\]"):
            study_of(made(), factors=self.factors(100), model=ms.MarketAdjusted("Mkt-RF"))
        with pytest.warns(PriceWarning, match="its coefficient is per percent"):
            off = study_of(made(), factors=self.factors(100), model=ms.FactorModel(["Mkt-RF"]))
        right = study_of(made(), factors=self.factors(), model=ms.FactorModel(["Mkt-RF"]))
        np.testing.assert_allclose(off.ar, right.ar, atol=1e-13)
        assert said(off.findings) == [("Mkt-RF", "percent", "warn")]
        study_of(made(), factors=self.factors(100), model=ms.MarketAdjusted("Mkt-RF"), tolerate="percent")

    def test_factors_beside_returns_in_files(self, tmp_path):
        pytest.importorskip("pyarrow")
        returns = made().pct_change().iloc[1:].reset_index().melt("date", var_name="ticker", value_name="ret")
        returns.to_parquet(tmp_path / "part.parquet")
        events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[DAY], DAYS[DAY + 5]]})
        options = {"returns": str(tmp_path), "calendar": "index", "model": ms.MarketAdjusted("Mkt-RF")}
        with pytest.raises(PriceError, match=r"factors: Mkt-RF: .*\[percent\]"):
            ms.summarize_events(events, factors=self.factors(100), **options)
        assert ms.summarize_events(events, factors=self.factors(), **options).findings.empty

    def test_a_factor_return_of_one_and_a_code(self):
        for value, rule in ((1.2, "above_one"), (-1.0, "above_one"), (-99.99, "codes"), (-999.0, "codes")):
            for row, refused in ((DAY, True), (20, False)):
                factors = self.factors()
                factors.iloc[row, 0] = value
                if not refused:
                    assert study_of(made(), factors=factors, model=ms.FactorModel(["Mkt-RF"])).findings.empty
                    continue
                with pytest.raises(PriceError, match=rf"Mkt-RF on {DAYS[row].date()}.*\[{rule}\]"):
                    study_of(made(), factors=factors, model=ms.FactorModel(["Mkt-RF"]))

    def test_only_the_named_tickers(self):
        closes = put(10, DAY, DAY + 1)
        assert ms.check_prices(closes, tickers=["BBB"]).empty
        assert len(ms.check_prices(closes, tickers="AAA")) == 1
        with pytest.raises(UnknownNameError, match="'CCC'"):
            ms.check_prices(closes, tickers=["CCC"])

    def test_the_frame_given_stays_as_it_was(self):
        closes = put(10, DAY, DAY + 1)
        closes.iloc[5, 1] = np.inf
        before = closes.copy()
        ms.check_prices(closes)
        pd.testing.assert_frame_equal(closes, before)


class TestMarketCaps:
    COUNTS = pd.DataFrame({"firm": ["AAA"], "shares": [1e9], "as_of": ["2023-11-15"], "filed": ["2023-11-20"]})

    def change(self, closes, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ms.errors.CalendarWarning)
            return ms.market_cap_change(DAYS[DAY].date(), closes, self.COUNTS, **options)

    @pytest.mark.parametrize("row", [DAY, DAY - 20])
    def test_a_large_split_ratio_is_refused(self, row):
        with pytest.raises(PriceError, match="split_8plus"):
            self.change(put(1 / 8, row))
        change = self.change(put(1 / 8, row), tolerate=["split_8plus"])
        assert said(change.findings) == [("AAA", "split_8plus", "note")]
        assert "1 note from the checks" in repr(change)
        with pytest.raises(PriceError, match="split_8plus"):
            ms.reconcile("AAA", DAYS[DAY].date(), 1e9, prices=put(1 / 8, row), shares=self.COUNTS)

    def test_what_is_not_read(self):
        for closes in (put(1 / 8, DAY + 1), put(1 / 8, 200), put(10, DAY - 5, DAY - 4), put(10, DAY + 1, DAY + 2)):
            assert self.change(closes).findings.empty

    def test_half_is_a_note(self):
        change = self.change(put(0.5, DAY))
        assert said(change.findings) == [("AAA", "split_2to7", "note")]
        told = "near 1/2, and it stays: a split of 2 for 1 not applied, or news"
        assert told in change.table["note"].iloc[0]
        assert told in change.note  # beside the total
        assert "the total holds AAA: x0.4" in change.note
        assert "%*" in repr(change)
        assert "total*" in repr(change)
        held = ms.reconcile("AAA", DAYS[DAY].date(), 1e9, prices=put(0.5, DAY), shares=self.COUNTS)
        assert told in " ".join(repr(held).split())

    def test_a_tick_on_either_day(self):
        for row in (DAY, DAY - 1):
            with pytest.raises(PriceError, match="tick"):
                self.change(put(10, row, row + 1))


class TestBacktests:
    RULE = ms.rules.HoldAfter(days=5, entry="next_close")

    def trade(self, closes, **options):
        events = pd.DataFrame({"ticker": ["AAA"], "date": [DAYS[DAY]]})
        return ms.backtest(events, closes, self.RULE, calendar="index", **options)

    def test_a_tick_while_held(self):
        with pytest.raises(PriceError, match=rf"AAA on {DAYS[DAY + 3].date()}.*\[tick\]"):
            self.trade(put(10, DAY + 3, DAY + 4))
        result = self.trade(put(10, DAY + 3, DAY + 4), tolerate=["tick"])
        assert said(result.findings) == [("AAA", "tick", "note")]
        assert "1 note from the checks" in repr(result)

    def test_what_is_not_traded(self):
        for closes in (put(10, DAY + 30, DAY + 31), put(10, DAY - 30, DAY - 29), put(10, DAY + 3, DAY + 4, "BBB")):
            assert self.trade(closes).findings.empty

    def test_a_position_in_the_padding(self):
        closes = made()
        closes.iloc[DAY + 2 :, 0] = closes.iloc[DAY + 2, 0]
        with pytest.raises(PriceError, match="stale_end_10"):
            self.trade(closes)

    def test_a_split_while_held_is_warned_of(self):
        with pytest.warns(PriceWarning, match="split_8plus"):
            self.trade(put(0.1, DAY + 3))


def test_the_first_pass_finds_what_the_rules_would_look_at():
    rng = np.random.default_rng(3)
    values = np.exp(np.cumsum(rng.normal(0, 0.02, (200, 40)), axis=0))
    for k in range(0, 40, 4):
        values[100, k] *= 3
        values[100:105, k + 1] = values[100, k + 1]
        values[80:120, k + 2] = np.nan
    values[120:, 2] *= 4
    expected = []
    for column in values.T:
        there = column[np.isfinite(column)]
        move = np.abs(np.diff(np.log(there)))
        equal = [bool((np.diff(there[i : i + 5]) == 0).all()) for i in range(len(there) - 4)]
        expected.append(bool((move > np.log(1.5) - 0.06).any() or any(equal)))
    assert suspects(values).tolist() == expected


def test_every_rule_is_documented():
    page = (ROOT / "docs" / "data.md").read_text("utf-8")
    assert [name for name in RULES if f"`{name}`" not in page] == []


class TestShell:
    @pytest.fixture
    def files(self, tmp_path):
        def write(closes: pd.DataFrame) -> list[str]:
            closes.to_csv(tmp_path / "prices.csv")
            day = DAYS[DAY + 20].date()
            (tmp_path / "events.csv").write_text(f"ticker,date\nAAA,{day}\n")
            where = ["--events", str(tmp_path / "events.csv"), "--prices", str(tmp_path / "prices.csv")]
            return [*where, "--calendar", "index"]

        return write

    def study(self, capsys, argv, *more) -> tuple[int, str, str]:
        code = main(["study", *argv, "--benchmark", "MKT", "--estimation=-200:-11", *more])
        return code, *capsys.readouterr()

    def test_refused_and_tolerated(self, capsys, files):
        argv = files(put(10, DAY, DAY + 1))
        code, _, err = self.study(capsys, argv)
        assert code == 2
        assert "[tick]" in err
        assert "--tolerate tick" in err
        code, out, _ = self.study(capsys, argv, "--tolerate", "tick", "--json")
        assert code == 0
        (found,) = json.loads(out)["findings"]
        assert (found["ticker"], found["rule"], found["severity"]) == ("AAA", "tick", "note")

    def test_warnings(self, capsys, files):
        argv = files(put(1 / 8, DAY))
        code, out, err = self.study(capsys, argv)
        assert code == 0
        assert "--tolerate split_8plus takes them as they are" in err
        assert "1 warning from the checks" in out
        assert self.study(capsys, argv, "--on-findings", "raise")[0] == 2
        code, _, err = self.study(capsys, argv, "--on-findings", "ignore")
        assert (code, err) == (0, "")

    def test_an_unknown_rule(self, capsys, files):
        code, _, err = self.study(capsys, files(made()), "--tolerate", "ticks")
        assert code == 2
        assert "did you mean 'tick'" in err

    def test_backtest_and_plan(self, capsys, files, tmp_path):
        argv = files(put(10, DAY + 22, DAY + 23))
        (tmp_path / "plan.toml").write_text('[[rule]]\nkind = "hold"\ndays = 5\nentry = "next_close"\n')
        argv += ["--config", str(tmp_path / "plan.toml"), "--json"]
        assert main(["backtest", *argv]) == 2
        assert "[tick]" in capsys.readouterr().err
        assert main(["backtest", *argv, "--tolerate", "tick"]) == 0
        text = 'tolerate = ["tick"]\n' + (tmp_path / "plan.toml").read_text()
        (tmp_path / "plan.toml").write_text(text)
        assert main(["backtest", *argv]) == 0
