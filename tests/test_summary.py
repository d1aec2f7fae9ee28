"""A streamed study agrees with the whole one, to the last bit on every engine."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import ChoiceError, ExclusionWarning, InputError, NoUsableEventsError, WindowError
from marketshock.study import partition, summarize
from marketshock.study import run as study
from marketshock.study.inputs import sheet_of, study_inputs
from marketshock.study.streamed import merged
from marketshock.study.summarize import single_market
from marketshock.windows import Window

DAYS = pd.bdate_range("2012-01-02", periods=700)
MODEL = ms.FactorModel(["F1", "F2"])
STREAMED = ["t_cross_sectional", "patell", "bmp", "mackinlay", "sign", "skewness_adjusted"]


@pytest.fixture(scope="module")
def factors():
    rng = np.random.default_rng(0)
    return pd.DataFrame(0.01 * rng.normal(size=(700, 2)), index=DAYS, columns=["F1", "F2"])


def firms(factors, missing=0.02):
    rng = np.random.default_rng(1)
    values = factors.to_numpy() @ rng.uniform(-0.5, 1.5, (2, 12)) + 0.02 * rng.standard_t(4, (700, 12))
    values[rng.random(values.shape) < missing] = np.nan
    return pd.DataFrame(values, index=DAYS, columns=[f"S{i:02d}" for i in range(12)])


@pytest.fixture(scope="module")
def returns(factors):
    made = firms(factors)
    return made.assign(S03=made["S03"].fillna(0.001))


@pytest.fixture(scope="module")
def events():
    rng = np.random.default_rng(2)
    at = rng.choice(12 * 420, 400, replace=False)
    table = pd.DataFrame({"ticker": [f"S{i:02d}" for i in at % 12], "date": DAYS[270 + at // 12]})
    return table.assign(group=np.where(rng.random(400) < 0.4, "good news", "bad news"))


def run(events, factors, cars=False, **options):
    fixed = {"model": MODEL, "window": (-3, 5), "estimation": (-250, -11), "calendar": "index", "min_obs": 60}
    return ms.summarize_events(events, factors=factors, cars=cars, **{**fixed, **options})


def run_whole(events, factors, **options):
    fixed = {"model": MODEL, "window": (-3, 5), "estimation": (-250, -11), "calendar": "index", "min_obs": 60}
    return ms.event_study(events, factors=factors, **{**fixed, **options})


def same(a, b):
    pd.testing.assert_frame_equal(pd.DataFrame(a), pd.DataFrame(b), check_exact=True)


@pytest.fixture(scope="module")
def whole(events, returns, factors):
    return run_whole(events, factors, returns=returns)


@pytest.fixture(scope="module")
def summary(events, returns, factors):
    return run(events, factors, cars=True, returns=returns, windows=[(0, 1), (-1, 1)])


class TestAgainstTheWholeStudy:
    def test_averages(self, summary, whole):
        names = ["n_events", "aar", "caar"]
        pd.testing.assert_frame_equal(summary.aar()[names], whole.aar()[names], rtol=1e-12, atol=1e-15)
        assert (whole.aar()["method"] == "portfolios").all()
        assert (summary.aar()["method"] == "none").all()
        assert np.isnan(summary.aar()["se"]).all()
        assert summary.aar()["note"].iloc[0].startswith("400 events on 257 date(s) are correlated")

    @pytest.mark.parametrize("days", [(0, 0), (-3, -3), (0, 1), (-1, 1), (-3, 5)])
    @pytest.mark.parametrize("window", ["scar", "csar"])
    @pytest.mark.parametrize("alternative", ["two-sided", "less"])
    def test_tests(self, summary, whole, days, window, alternative):
        options = {"alternative": alternative, "conventions": ms.Conventions(window=window)}
        mine = summary.tests(*days, **options)
        theirs = whole.tests(*days, which=STREAMED, **options).loc[mine.index]
        for column in ("statistic", "pvalue", "df"):
            np.testing.assert_allclose(
                pd.to_numeric(mine[column], errors="coerce"),
                pd.to_numeric(theirs[column], errors="coerce"),
                rtol=1e-10,
            )
        assert list(mine["n_events"]) == list(theirs["n_events"])
        assert set(mine.index) == set(STREAMED)

    def test_by_group_and_by_day(self, summary, whole):
        mine, theirs = (s.tests(0, 1, by="group", which=STREAMED) for s in (summary, whole))
        np.testing.assert_allclose(mine["statistic"], theirs.loc[mine.index, "statistic"], rtol=1e-10)
        assert list(mine.index.get_level_values(0).unique()) == ["bad news", "good news"]
        mine, theirs = (s.tests(-1, 2, by="day", which=STREAMED) for s in (summary, whole))
        np.testing.assert_allclose(mine["statistic"], theirs.loc[mine.index, "statistic"], rtol=1e-10)

    def test_cars(self, summary, whole):
        for days in ((0, 1), (-3, 5)):
            mine, theirs = summary.car(*days, confidence=0.9), whole.car(*days, confidence=0.9)
            assert list(mine.index) == list(theirs.index)
            pd.testing.assert_frame_equal(
                pd.DataFrame(mine).drop(columns="note"), pd.DataFrame(theirs).drop(columns="note"), rtol=1e-12
            )
            assert ((mine["note"] == "") == (theirs["note"] == "")).all()
        same(summary.car(), summary.car(-3, 5))

    def test_windows_of_one_day(self, events, returns, factors, whole):
        one = run(events, factors, cars=True, returns=returns, windows=[(0, 0)])
        np.testing.assert_allclose(one.car(0, 0)["t"], whole.car(0, 0)["t"], rtol=1e-12)
        same(one.tests(0, 0), run(events, factors, returns=returns).tests(0, 0))
        with pytest.warns(ExclusionWarning, match="3 of 400"):
            day_0 = run(events, factors, cars=True, returns=returns, window=(0, 0))
        np.testing.assert_allclose(day_0.car()["car"], whole.ar[0].dropna(), rtol=1e-9)
        assert repr(day_0).count("AAR(0)") == 1

    def test_its_printed_form(self, summary):
        assert "400 of 400 events" in repr(summary)
        assert "CAAR(-3,5)" in repr(summary)
        assert "<table" in summary._repr_html_()


@pytest.fixture(scope="module", params=[0.0, 0.02, 0.2], ids=lambda m: f"{m:.0%} missing")
def gaps(request, factors):
    return firms(factors, request.param)


@pytest.mark.parametrize("cells", [700, 2100, 10**6], ids=lambda c: f"{c} cells")
@pytest.mark.parametrize("cars", [True, False])
def test_the_same_bits_however_the_securities_are_divided(monkeypatch, events, gaps, factors, cars, cells):
    plain = run(events, factors, cars, returns=gaps)
    monkeypatch.setattr(summarize, "CELLS", cells)
    with ThreadPoolExecutor(2) as pool:
        divided = run(events, factors, cars, returns=gaps, engine=pool)
    same(plain.aar(), divided.aar())
    same(plain.tests(-3, 5, by="group"), divided.tests(-3, 5, by="group"))
    if cars:
        same(plain.car(), divided.car())


@pytest.mark.parametrize("model", [MODEL, ms.HuberModel(["F1"]), ms.Dimson("F1"), ms.MarketAdjusted("F1")])
def test_the_whole_study_on_an_engine(monkeypatch, events, returns, factors, model):
    plain = run_whole(events, factors, returns=returns, model=model)
    monkeypatch.setattr(study, "CELLS", 2100)
    with ThreadPoolExecutor(2) as pool:
        divided = run_whole(events, factors, returns=returns, model=model, engine=pool)
    assert plain.abnormal.ar.tobytes() == divided.abnormal.ar.tobytes()
    assert plain.fit.cov_params.tobytes() == divided.fit.cov_params.tobytes()
    same(plain.car(0, 1), divided.car(0, 1))
    assert plain.abnormal.sar.tobytes() == divided.abnormal.sar.tobytes()


def test_other_processes(monkeypatch, events, returns, factors):
    plain = run(events, factors, cars=True, returns=returns)
    monkeypatch.setattr(summarize, "CELLS", 2100)
    seen = []

    def progress(done, total):
        for one in done:
            seen.append(total)
            yield one

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        divided = run(events, factors, cars=True, returns=returns, engine=pool, progress=progress)
    same(plain.car(), divided.car())
    same(plain.tests(-3, 5), divided.tests(-3, 5))
    assert seen == [4] * 4


class TestFolder:
    @pytest.fixture
    def folder(self, tmp_path, returns):
        pytest.importorskip("pyarrow", reason="pyarrow is not installed")
        for at, names in enumerate(np.array_split(returns.columns, 5)):
            long = (
                returns[names]
                .rename_axis(index="date")
                .reset_index()
                .melt("date", var_name="ticker", value_name="ret")
                .dropna()
            )
            long.to_parquet(tmp_path / f"{at}.parquet", index=False)
        return tmp_path

    @pytest.mark.parametrize("rows", [10, 2500, 10**6])
    def test_the_same_bits_as_in_memory(self, monkeypatch, folder, events, returns, factors, rows):
        monkeypatch.setattr("marketshock.providers.dataset._ROWS", rows)
        plain = run(events, factors, cars=True, returns=returns)
        read = run(events, factors, cars=True, returns=str(folder))
        same(plain.aar(), read.aar())
        same(plain.tests(-3, 5, by="group"), read.tests(-3, 5, by="group"))
        same(plain.car(), read.car())

    def test_a_benchmark_that_lies_in_the_folder(self, folder, events, returns):
        model = ms.MarketModel("S03")
        events = events[events["ticker"] != "S03"]
        options = {"model": model, "min_obs": 60}
        plain = run(events, None, returns=returns, **options)
        read = run(events, None, returns=folder, **options)
        same(plain.aar(), read.aar())

    def test_leave_one_out_knows_securities_of_other_files(self, folder, events, returns, factors):
        model = ms.MarketModel(ms.LeaveOneOut("F1", {"S01": 0.2, "S11": 0.3}))
        plain, read = (run(events, factors, model=model, returns=r) for r in (returns, folder))
        same(plain.tests(-3, 5), read.tests(-3, 5))

    def test_what_the_folder_does_not_hold_is_left_out_by_reason(self, folder, events, factors):
        more = pd.concat([events, pd.DataFrame({"ticker": ["S99", "S1"], "date": DAYS[300], "group": "bad news"})])
        with pytest.warns(ExclusionWarning, match="2 of 402"):
            left = run(more, factors, returns=folder).exclusions
        assert left["code"].tolist() == ["unknown_ticker"]
        assert left.loc[f"S99@{DAYS[300].date()}", "n_events"] == 2

    def test_days_are_those_of_the_factors(self, folder, events):
        with pytest.raises(InputError, match="factors=, a frame"):
            run(events, None, returns=folder, model=ms.ConstantMean())

    def test_everything_cannot_be_kept(self, folder, events, factors):
        with pytest.raises(InputError, match="summarize_events"):
            run_whole(events, factors, returns=folder)


class TestExclusions:
    def test_are_counted_by_reason(self, events, returns, factors):
        odd = pd.DataFrame(
            {
                "ticker": ["ZZ", "S00", "S00", "S01"],
                "date": [DAYS[300], DAYS[20], DAYS[25], pd.Timestamp("2030-01-02")],
                "group": "bad news",
            }
        )
        given = pd.concat([odd, events, events.iloc[[7]]])
        with pytest.warns(ExclusionWarning, match="5 of 405 events excluded"):
            whole = run_whole(given, factors, returns=returns)
        with pytest.warns(ExclusionWarning, match="5 of 405 events excluded"):
            summary = run(given, factors, returns=returns)
        counted = summary.exclusions.set_index("code")["n_events"]
        assert counted.to_dict() == whole.exclusions["code"].value_counts().to_dict()
        first = whole.exclusions.drop_duplicates("code")
        same(summary.exclusions[list(first)].sort_index(), first.sort_index())
        assert summary.counts.to_dict() == {"n_given": 405, "n_moved": 0, "n_studied": 400}
        assert "5 event(s) excluded" in repr(summary)
        assert summary.exclusions.index[0] == whole.exclusions.index[0]

    def test_unestimable_events_too(self, events, returns, factors):
        still = returns.copy()
        still["S04"] = 0.0
        with pytest.warns(ExclusionWarning):
            summary = run(events, factors, returns=still)
        assert list(summary.exclusions["code"]) == ["not_estimable"]
        assert summary.exclusions["n_events"].iloc[0] == (events["ticker"] == "S04").sum()

    def test_of_all_events(self, events, returns, factors):
        with pytest.raises(NoUsableEventsError, match=r"among 400: ZS\d+@.*; and 399 more"):
            run(events.assign(ticker="Z" + events["ticker"]), factors, returns=returns)


class TestOptions:
    def test_windows_that_were_not_summed(self, events, returns, factors):
        summary = run(events, factors, returns=returns, windows=[(0, 1)])
        with pytest.raises(WindowError, match=r"summed are .*\(0, 1\).*windows=\[\(0, 2\)\]"):
            summary.tests(0, 2)
        with pytest.raises(WindowError, match="not inside"):
            summary.tests(0, 9)
        with pytest.raises(WindowError, match="not inside"):
            run(events, factors, returns=returns, windows=[(0, 9)])

    def test_what_was_not_kept(self, events, returns, factors):
        summary = run(events, factors, returns=returns)
        with pytest.raises(InputError, match="cars=True"):
            summary.car()
        rows = summary.tests(0, 0, which=["bmp", "corrado", "t_firm"])
        assert rows.loc["corrado", "note"].startswith("does not apply: it needs the events' returns")
        assert np.isnan(rows.loc["t_firm", "pvalue"])
        with pytest.raises(InputError, match="forecast_error"):
            summary.tests(0, 0, conventions=ms.Conventions(forecast_error=False))

    def test_words_that_are_not_known(self, events, returns, factors):
        with pytest.raises(ChoiceError, match="cars"):
            run(events, factors, "car", returns=returns)
        with pytest.raises(ChoiceError, match="by"):
            run(events, factors, returns=returns).tests(0, 0, by="ticker")
        with pytest.raises(InputError, match="engine"):
            run(events, factors, returns=returns, engine="dask")

    def test_log_returns_have_no_buy_and_hold(self, events, returns):
        market = returns.assign(F1=returns.mean(axis=1))
        summary = run(events, None, model=ms.MarketModel("F1"), returns=market, log=True)
        assert "logarithmic" in summary.tests(-3, 5).loc["skewness_adjusted", "note"]


def test_the_users_frame_is_not_copied_and_not_changed(events, returns, factors):
    before = returns.to_numpy().tobytes()
    run(events, factors, returns=returns)
    assert returns.to_numpy().tobytes() == before


def test_groups_merge_whatever_the_order_of_parts(events, returns, factors):
    spec = run(events, factors, returns=returns).spec
    options = {
        name: getattr(spec, name) for name in ("min_obs", "min_event_obs", "on_closed", "duplicates", "calendar")
    }
    inputs = study_inputs(events, None, factors, MODEL, window=(-3, 5), estimation=(-250, -11), log=False, **options)
    market = single_market(inputs, sheet_of(inputs, None, returns, copy=False)).returns
    build = partition.located(spec, inputs.table, market)
    request = partition.StreamRequest(spec, (Window(-3, 5),), True)
    parts = [p.study() for p in partition.PanelPartitions(request, build.panel, 1400)]
    assert len(parts) == 6
    one, other = merged(parts, 1), merged(parts[::-1], 1)
    assert one.tally.car.tobytes() == other.tally.car.tobytes()
    assert one.cars[0].car.tobytes() == other.cars[0].car.tobytes()
    assert list(one.security) == list(other.security)


def test_a_group_on_one_date_is_told_so(returns, factors):
    apart = pd.DataFrame({"ticker": [f"S{i:02d}" for i in range(12)], "date": DAYS[300:420:10], "group": "apart"})
    together = apart.assign(date=DAYS[500], group="together")
    tests = run(pd.concat([apart, together]), factors, returns=returns).tests(0, 0, by="group")
    assert "the events share one date" in tests.loc[("together", "bmp"), "note"]
    assert tests.loc[("apart", "bmp"), "note"] == ""
