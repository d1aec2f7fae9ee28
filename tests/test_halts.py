"""Halted events, gaps of other kinds, and what gaps must not change."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import CalendarWarning, ChoiceError, ExclusionWarning, InputError

MODEL = ms.MarketModel("M")
CONVENTIONS = ["missing", "span", "trade_to_trade"]
OPTIONS = {"window": (-2, 4), "estimation": (-80, -5), "min_obs": 40, "calendar": "index"}


def made(n_names: int = 4, n_days: int = 140, seed: int = 3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2024-01-01", periods=n_days)
    market = rng.normal(0.0003, 0.01, n_days)
    names = ["M", *(f"S{k}" for k in range(n_names))]
    own = rng.normal(0, 0.02, (n_days, n_names)) + market[:, None]
    return pd.DataFrame(100 * np.exp(np.cumsum(np.column_stack([market, own]), axis=0)), days, names)


def holed(prices: pd.DataFrame, name: str, *rows: int) -> pd.DataFrame:
    out = prices.copy()
    out.iloc[list(rows), out.columns.get_loc(name)] = np.nan
    return out


def events_of(prices: pd.DataFrame, *pairs: tuple[str, int]) -> pd.DataFrame:
    rows = [{"event_id": f"{name}@{row}", "ticker": name, "date": prices.index[row]} for name, row in pairs]
    return pd.DataFrame(rows)


def study_of(prices, *pairs, **options):
    """Study pairs of name and row; every row is a session, also where the benchmark has no price."""
    options = {"markets": ms.Market("made", sessions=prices.index)} | OPTIONS | {"model": MODEL} | options
    return ms.event_study(events_of(prices, *pairs), prices=prices, **options)


class TestWhereNothingIsMissing:
    @pytest.mark.parametrize("gaps", CONVENTIONS[1:])
    @pytest.mark.parametrize("model", [MODEL, ms.ConstantMean(), ms.MarketAdjusted("M"), ms.FactorModel(["M", "S3"])])
    def test_all_numbers_are_the_same_bits(self, gaps, model):
        prices = made()
        pairs = [(f"S{k}", row) for k in range(3) for row in (90, 100, 110)]
        plain, other = (study_of(prices, *pairs, model=model, gaps=g) for g in ("missing", gaps))
        pd.testing.assert_frame_equal(plain.car(), other.car(), check_exact=True)
        pd.testing.assert_frame_equal(plain.params, other.params, check_exact=True)
        pd.testing.assert_frame_equal(plain.tests(0, 1), other.tests(0, 1), check_exact=True)
        assert other.panel.returns.spans is None

    @pytest.mark.parametrize("gaps", CONVENTIONS[1:])
    def test_a_gap_of_another_security_changes_no_bit(self, gaps):
        whole = made()
        prices = holed(whole, "S1", 40, 90, 100)
        plain, other = (study_of(p, ("S0", 90), ("S2", 100), gaps=g) for p, g in ((whole, "missing"), (prices, gaps)))
        for frame in ("car", "bhar", "aar"):
            pd.testing.assert_frame_equal(getattr(plain, frame)(), getattr(other, frame)(), check_exact=True)
        pd.testing.assert_frame_equal(plain.sar, other.sar, check_exact=True)

    @pytest.mark.parametrize("gaps", CONVENTIONS)
    def test_running_sums_and_workers_give_the_numbers_of_single_windows(self, gaps):
        prices = holed(made(), "S1", 40, 60, 61, 95)
        pairs = [(f"S{k}", row) for k in range(4) for row in range(85, 136)]
        many = study_of(prices, *pairs, gaps=gaps, min_event_obs=1)
        assert len(many) >= 200
        few = study_of(prices, *pairs[:60], gaps=gaps)
        ids = list(few.panel.event_id)
        np.testing.assert_allclose(many.car().loc[ids, "se"], few.car()["se"], rtol=1e-10)
        np.testing.assert_allclose(many.car().loc[ids, "car"], few.car()["car"], rtol=1e-9, atol=1e-14)
        with ThreadPoolExecutor(2) as pool:
            split = study_of(prices, *pairs, gaps=gaps, engine=pool)
        pd.testing.assert_frame_equal(many.car(), split.car(), check_exact=True)

    @pytest.mark.parametrize("gaps", CONVENTIONS)
    @pytest.mark.parametrize("on_halt", ["keep", "reopen"])
    def test_a_streamed_study_has_the_same_sums(self, gaps, on_halt):
        prices = holed(holed(made(), "S1", 40, 60, 61, 95, 100), "S2", 97)
        pairs = [(f"S{k}", row) for k in range(4) for row in (85, 90, 100, 110)]
        whole = study_of(prices, *pairs, gaps=gaps, on_halt=on_halt)
        options = OPTIONS | {
            "model": MODEL,
            "gaps": gaps,
            "on_halt": on_halt,
            "cars": True,
            "windows": [(0, 2), (2, 3)],
        }
        streamed = ms.summarize_events(events_of(prices, *pairs), prices=prices, **options)
        for window in ((0, 2), (2, 3), (-2, 4)):
            a, b = whole.car(*window), streamed.car(*window)
            numbers = ["car", "se", "n_days", "n_sessions"]
            np.testing.assert_allclose(a[numbers], b[numbers].loc[a.index], rtol=1e-12)
            names = ["t_cross_sectional", "bmp", "patell", "mackinlay", "sign"]
            c, d = whole.tests(*window, which=names), streamed.tests(*window, which=names)
            np.testing.assert_allclose(c["statistic"], d["statistic"].loc[c.index], rtol=1e-9)
            assert c["n_events"].tolist() == d["n_events"].loc[c.index].tolist()
        np.testing.assert_allclose(whole.aar()["aar"], streamed.aar()["aar"], rtol=1e-9)
        with pytest.raises(InputError, match="halted"):
            streamed.tests(conventions=ms.Conventions(halted="keep"))


class TestReturnsOverGaps:
    def test_one_is_the_ratio_of_the_prices_against_the_benchmark_over_the_same_sessions(self):
        prices = holed(made(), "S0", 100, 101)
        frame = study_of(prices, ("S0", 100), gaps="span").to_frame().loc["S0@100"]
        assert frame.loc[2, "return"] == pytest.approx(prices["S0"].iloc[102] / prices["S0"].iloc[99] - 1, rel=1e-13)
        assert frame["n_sessions"].tolist() == [1, 1, 0, 0, 3, 1, 1]
        params = study_of(prices, ("S0", 100), gaps="span").params.iloc[0]
        market = prices["M"].iloc[102] / prices["M"].iloc[99] - 1
        assert frame.loc[2, "expected"] == pytest.approx(params["alpha"] + params["M"] * market, rel=1e-12)

    def test_log_returns_add_up(self):
        prices = holed(made(), "S0", 100, 101)
        study = study_of(prices, ("S0", 100), gaps="trade_to_trade", log=True)
        params, frame = study.params.iloc[0], study.to_frame().loc["S0@100"]
        market = np.log(prices["M"].iloc[102] / prices["M"].iloc[99])
        assert frame.loc[2, "return"] == pytest.approx(
            np.log(prices["S0"].iloc[102] / prices["S0"].iloc[99]), rel=1e-12
        )
        assert frame.loc[2, "expected"] == pytest.approx(3 * params["alpha"] + params["M"] * market, rel=1e-12)

    def test_factors_are_compounded(self):
        whole = made()
        factors = whole[["M"]].pct_change(fill_method=None).rename(columns={"M": "F"}).assign(RF=0.0001)
        prices = holed(whole, "S0", 60, 100)
        for gaps in CONVENTIONS[1:]:
            a = study_of(prices, ("S0", 100), gaps=gaps)
            b = study_of(prices, ("S0", 100), gaps=gaps, factors=factors, model=ms.MarketModel("F"))
            np.testing.assert_allclose(a.car()["car"], b.car()["car"], rtol=1e-10)
            np.testing.assert_allclose(a.car()["se"], b.car()["se"], rtol=1e-10)
            capm = study_of(prices, ("S0", 100), gaps=gaps, factors=factors, model=ms.CAPM("M", risk_free="RF"))
            frame = capm.to_frame().loc["S0@100"]
            rf = 1.0001**2 - 1
            market = whole["M"].iloc[101] / whole["M"].iloc[99] - 1
            n = 2 if gaps == "trade_to_trade" else 1
            alpha, beta = capm.params.iloc[0, :2]
            assert frame.loc[1, "expected"] == pytest.approx(n * alpha + beta * (market - rf) + rf, rel=1e-9)

    def test_ten_sessions_are_the_most_for_span_and_any_number_for_trade_to_trade(self):
        for missing, kept in ((9, True), (10, False), (40, False)):
            prices = holed(made(), "S0", *range(40, 40 + missing))
            spans = {g: study_of(prices, ("S0", 100), gaps=g, min_obs=20).params["n_obs"].iloc[0] for g in CONVENTIONS}
            assert spans["span"] == spans["missing"] + kept
            assert spans["trade_to_trade"] == spans["missing"] + 1

    def test_a_day_that_security_and_benchmark_both_lack_is_bridged(self):
        prices = holed(holed(made(), "S0", 60), "M", 60)
        counts = [study_of(prices, ("S0", 100), gaps=g).params["n_obs"].iloc[0] for g in CONVENTIONS]
        assert counts == [74, 75, 75]

    def test_a_benchmark_without_the_price_at_an_end_of_the_gap_costs_the_return(self):
        prices = holed(holed(made(), "S0", 60), "M", 59)
        study = study_of(prices, ("S0", 100), gaps="span")
        assert study.events[["n_obs", "n_benchmark_missing"]].iloc[0].tolist() == [73, 2]

    @pytest.mark.parametrize("gaps", CONVENTIONS[1:])
    def test_a_benchmark_of_the_others_leaves_the_gap_out_of_itself(self, gaps):
        prices = holed(made(), "S0", 60, 100)
        model = ms.MarketModel(ms.EqualWeighted(["S0", "S1", "S2", "S3"]))
        a = study_of(prices, ("S0", 100), gaps=gaps, model=model)
        others = ms.MarketModel(ms.EqualWeighted(["S1", "S2", "S3"]))
        b = study_of(prices, ("S0", 100), gaps=gaps, model=others)
        np.testing.assert_allclose(a.car()[["car", "se"]], b.car()[["car", "se"]], rtol=1e-10)

    def test_buy_and_hold_needs_the_prices_at_the_ends_only(self):
        prices = holed(made(), "S0", 101)
        model = ms.MarketAdjusted("M")
        assert np.isnan(study_of(prices, ("S0", 100), model=model).bhar()["bhar"].iloc[0])
        held = study_of(prices, ("S0", 100), model=model, gaps="span").bhar()["bhar"].iloc[0]
        firm, market = (prices[name].iloc[104] / prices[name].iloc[97] for name in ("S0", "M"))
        assert held == pytest.approx(firm - market, rel=1e-12)

    def test_buy_and_hold_begins_with_the_first_price_inside(self):
        prices = holed(made(), "S0", 97, 98)
        model = ms.MarketAdjusted("M")
        study = study_of(prices, ("S0", 100), model=model, gaps="span")
        firm, market = (prices[name].iloc[104] / prices[name].iloc[99] for name in ("S0", "M"))
        assert study.bhar()["bhar"].iloc[0] == pytest.approx(firm - market, rel=1e-12)
        assert "begins before the window" in study.bhar()["note"].iloc[0]

    def test_one_that_begins_before_the_window_is_in_the_sum_but_not_in_the_average_of_the_day(self):
        prices = holed(made(), "S0", 97)
        study = study_of(prices, ("S0", 100), ("S1", 100), gaps="span")
        frame = study.to_frame()
        assert frame.loc[("S0@100", -2), "starts_before_window"]
        assert frame["starts_before_window"].sum() == 1
        assert study.aar()["n_events"].tolist() == [1, 2, 2, 2, 2, 2, 2]
        assert study.car().loc["S0@100", ["n_days", "n_sessions"]].tolist() == [7, 8]
        np.testing.assert_allclose(study.car()["car"], study.ar.sum(axis=1), rtol=1e-12)

    @pytest.mark.parametrize(
        ("gaps", "model", "why"),
        [
            ("span", ms.ScholesWilliams("M"), "session before or after"),
            ("span", ms.Dimson("M"), "session before or after"),
            ("trade_to_trade", ms.HuberModel("M"), "unequal variance"),
            ("trade_to_trade", ms.RecentVolatility(MODEL), "unequal variance"),
            ("span", ms.GarchModel("M"), "session by session"),
            ("span", ms.RecentVolatility(ms.GarchModel("M")), "session by session"),
        ],
    )
    def test_models_for_which_they_mean_nothing_are_refused_by_name(self, gaps, model, why):
        with pytest.raises(InputError, match=why):
            study_of(made(), ("S0", 100), gaps=gaps, model=model)

    def test_models_of_one_session_take_them_as_they_are(self):
        prices = holed(made(), "S0", 60)
        for model in (ms.HuberModel("M"), ms.RecentVolatility(MODEL)):
            assert study_of(prices, ("S0", 100), gaps="span", model=model).events["n_obs"].iloc[0] == 75

    def test_returns_do_not_say_what_they_cover(self):
        returns = made().pct_change(fill_method=None)
        for options in ({"gaps": "span"}, {"on_halt": "reopen"}):
            with pytest.raises(InputError, match="needs prices"):
                ms.event_study(events_of(returns, ("S0", 100)), returns=returns, model=MODEL, **OPTIONS, **options)

    def test_unknown_choices_are_refused(self):
        for options in ({"gaps": "fill"}, {"on_halt": "skip"}):
            with pytest.raises(ChoiceError, match="allowed are"):
                study_of(made(), ("S0", 100), **options)

    def test_the_spec_and_its_print_say_so(self):
        study = study_of(made(), ("S0", 100), gaps="trade_to_trade")
        assert study.spec.to_dict()["gaps"] == "trade_to_trade"
        assert study.spec.to_dict()["on_halt"] == "keep"
        assert "returns over gaps: trade_to_trade" in repr(study)


class TestHaltedEvents:
    prices = holed(made(), "S0", 100, 101)
    move = prices["S0"].iloc[102] / prices["S0"].iloc[99] - 1

    def test_keep_says_when_the_price_came_back_and_how_far_it_moved(self):
        study = study_of(self.prices, ("S0", 100), ("S1", 100))
        told = f"no price on days 0 and 1; the return over them, {100 * self.move:+.1f} %, is on day 2"
        for window in ((0, 0), (-1, 1), (0, 3)):
            assert f"{told} and not in this sum" in study.car(*window).loc["S0@100", "note"]
        assert told in " ".join(repr(study).split())
        assert study.car(3, 4).loc["S0@100", "note"] == ""
        spanned = study_of(self.prices, ("S0", 100), gaps="span")
        assert spanned.car(0, 3)["note"].iloc[0] == told

    def test_an_event_without_its_reaction_is_in_no_mean_of_a_window_with_day_0(self):
        pairs = [(f"S{k}", 100) for k in range(4)]
        study, others = study_of(self.prices, *pairs), study_of(self.prices, *pairs[1:])
        for window in ((-1, 1), (0, 3)):
            a, b = study.tests(*window), others.tests(*window)
            names = a.index[a["event_id"] == "(all)"].intersection(b.index)
            pooled = [x[x["event_id"] == "(all)"].loc[names] for x in (a, b)]
            np.testing.assert_allclose(*(x["statistic"].to_numpy() for x in pooled), rtol=1e-10)
            assert set(pooled[0]["n_events"]) == {3}
            assert "1 event(s) left out: no return covers day 0" in pooled[0]["note"].iloc[0]
        assert study.tests(3, 4, which="bmp")["n_events"].iloc[0] == 4
        row = ms.compare({"a": study}, -1, 1).loc[("a", "(mean)")]
        assert row["n_events"] == 3
        assert "1 event(s) left out" in row["note"]
        assert "1 event(s) left out" in study.power(-1, 1).loc["(mean)", "note"]
        kept = study.tests(-1, 1, which="bmp", conventions=ms.Conventions(halted="keep"))
        assert kept["n_events"].iloc[0] == 4
        spanned = study_of(self.prices, *pairs, gaps="span")
        assert spanned.tests(0, 3, which="bmp")["n_events"].iloc[0] == 4
        assert spanned.tests(0, 1, which="bmp")["n_events"].iloc[0] == 3

    def test_an_event_by_itself_is_tested_with_a_word_of_warning(self):
        study = study_of(self.prices, ("S0", 100))
        row = study.tests(-1, 1, which="t_firm").iloc[0]
        assert row["statistic"] == pytest.approx(study.car(-1, 1)["t"].iloc[0])
        assert "no return covers day 0" in study.tests(-1, 1, which="patell")["note"].iloc[0]

    @pytest.mark.parametrize("gaps", CONVENTIONS)
    def test_reopen_moves_day_0_and_leaves_the_estimation_where_it_was(self, gaps):
        kept, moved = (study_of(self.prices, ("S0", 100), gaps=gaps, on_halt=h) for h in ("keep", "reopen"))
        pd.testing.assert_frame_equal(kept.params, moved.params)
        columns = ["estimation_first", "estimation_last", "n_obs"]
        pd.testing.assert_frame_equal(kept.events[columns], moved.events[columns])
        assert moved.events["date"].iloc[0] == self.prices.index[102]
        assert moved.alignment["session"].iloc[0] == self.prices.index[102]
        assert "no price" in moved.alignment["rule"].iloc[0]
        frame = moved.to_frame().loc["S0@100"]
        assert frame.loc[0, "return"] == pytest.approx(self.move, rel=1e-12)
        assert frame.loc[0, "n_sessions"] == 3
        alpha, beta = moved.params.iloc[0, :2]
        market = self.prices["M"].iloc[102] / self.prices["M"].iloc[99] - 1
        n = 1 if gaps == "span" else 3
        assert frame.loc[0, "expected"] == pytest.approx(n * alpha + beta * market, rel=1e-10)
        assert moved.car(0, 0)["n_sessions"].iloc[0] == 3
        assert "day 0 is the next session with one" in repr(moved)
        assert "P(0) / P(-3)" in str(moved.explain("S0@100"))

    def test_reopen_leaves_other_gaps_missing_days(self):
        prices = holed(self.prices, "S0", 60, 103)
        plain, moved = study_of(prices, ("S0", 98)), study_of(prices, ("S0", 98), ("S0", 100), on_halt="reopen")
        pd.testing.assert_frame_equal(plain.car().drop(columns="note"), moved.car().iloc[:1].drop(columns="note"))
        frame = moved.to_frame().loc["S0@100"]
        assert frame["n_sessions"].tolist() == [0, 0, 3, 0, 0, 1, 1]

    def test_a_gap_of_months_is_no_return_of_a_day(self):
        prices = holed(made(), "S0", *range(100, 125))
        study = study_of(prices, ("S0", 100), on_halt="reopen")
        assert study.events["date"].iloc[0] == prices.index[125]
        assert np.isnan(study.ar.loc["S0@100", 0])
        assert "days -25 to -1" in study.car()["note"].iloc[0]

    def test_exclude_leaves_the_event_out_with_the_reason(self):
        with pytest.warns(ExclusionWarning):
            study = study_of(self.prices, ("S0", 100), ("S1", 100), on_halt="exclude")
        row = study.exclusions.iloc[0]
        assert row["code"] == "halted"
        assert f"{self.prices.index[102].date()}" in row["reason"]
        assert f"{100 * self.move:+.2f} %" in row["reason"]

    def test_a_price_that_never_comes_back_has_no_day_0(self):
        prices = holed(made(), "S0", *range(100, 140))
        with pytest.warns(ExclusionWarning):
            study = study_of(prices, ("S0", 100), ("S1", 100), on_halt="reopen")
        assert "or later" in study.exclusions["reason"].iloc[0]

    def test_returns_without_prices_can_be_excluded_too(self):
        returns = self.prices.pct_change(fill_method=None)
        with pytest.warns(ExclusionWarning):
            study = ms.event_study(
                events_of(returns, ("S0", 100), ("S1", 100)), returns=returns, model=MODEL, on_halt="exclude", **OPTIONS
            )
        assert study.exclusions["code"].tolist() == ["halted"]

    def test_residuals_of_a_moved_event_are_paired_by_date(self):
        """Two events on one reopened day: the correlation is that of their residuals on shared dates."""
        study = study_of(self.prices, ("S0", 100), ("S1", 102), on_halt="reopen")
        e = study.evidence
        rows = [dict(zip(r, v, strict=True)) for r, v in zip(e.rows.tolist(), e.residuals.tolist(), strict=True)]
        z = []
        for one in e.residuals:
            centered = one - one.mean()
            z.append(centered / np.sqrt((centered**2).mean()))
        placed = [dict(zip(r, v, strict=True)) for r, v in zip(e.rows.tolist(), z, strict=True)]
        shared = sorted(set(rows[0]) & set(rows[1]))
        want = np.mean([placed[0][d] * placed[1][d] for d in shared])
        assert study.sample(0, 0).correlation_by_date == pytest.approx(want, rel=1e-12)


class TestDaysWithoutABenchmark:
    def test_a_day_of_the_window_is_left_out_and_the_note_names_the_benchmark(self):
        study = study_of(holed(made(), "M", 101), ("S0", 100))
        row = study.car().iloc[0]
        assert row["n_days"] == 5
        assert "the benchmark (M) has none on days 1 and 2" in row["note"]
        assert study.events["n_benchmark_missing"].iloc[0] == 2


class TestBreaksInTheDates:
    def test_rows_months_apart_are_no_two_sessions(self):
        whole = made()
        prices = whole.drop(whole.index[50:100])
        with pytest.warns(CalendarWarning, match=f"between {whole.index[49].date()} and {whole.index[100].date()}"):
            study = study_of(prices, ("S0", 80), estimation=(-70, -5), markets=None)
        assert study.events["n_obs"].iloc[0] == 65
        assert np.isnan(study.panel.returns.values[50]).all()

    def test_weekly_and_monthly_rows_are_what_they_are(self):
        for step, n in (("W-FRI", 140), ("MS", 140)):
            prices = made().set_axis(pd.date_range("2005-01-01", periods=n, freq=step))
            assert study_of(prices, ("S0", 100)).events["n_obs"].iloc[0] == 76


class TestOtherViewsOfAStudyWithGaps:
    @pytest.mark.parametrize("gaps", CONVENTIONS)
    def test_placebo_days_and_the_days_before(self, gaps):
        prices = holed(holed(made(3, 260), "S0", 60, 150), "S1", 200, 201)
        study = study_of(prices, ("S0", 200), ("S1", 200), ("S2", 200), gaps=gaps)
        placebo = ms.placebo(study, first=0, last=0).table
        assert {"S0@200", "S1@200", "S2@200"} <= set(placebo.index)
        assert np.isnan(placebo.loc["S1@200", "car"])
        assert len(ms.pretrend(study).table) == 3

    @pytest.mark.parametrize("gaps", CONVENTIONS)
    @pytest.mark.parametrize("on_halt", ["keep", "reopen"])
    def test_every_table_and_derivation_can_be_read(self, gaps, on_halt):
        prices = holed(holed(made(), "S0", 60, 100, 101), "S1", 98)
        pairs = [("S0", 100), ("S1", 100), ("S2", 102), ("S3", 100)]
        for model in (MODEL, ms.ConstantMean(), ms.MarketAdjusted("M"), ms.FactorModel(["M", "S3"], cov="HC3")):
            study = study_of(prices, *pairs[:3], gaps=gaps, on_halt=on_halt, model=model)
            assert str(study)
            for first, last in ((0, 0), (-1, 2)):
                assert str(study.tests(first, last, which="all", resampling=ms.Resampling(draws=20)))
                for event in study.panel.event_id:
                    explained = study.explain(str(event), first, last)
                    row = study.car(first, last).loc[event]
                    if row["n_days"]:
                        values = {k: v for step in explained.steps for k, v in step.values.items()}
                        assert values["car"] == pytest.approx(row["car"], rel=1e-12)
                        assert values["variance"] == pytest.approx(row["se"] ** 2, rel=1e-12)
