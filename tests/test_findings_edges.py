"""What the checks leave to the series itself, and what they find across the ends of the rows that are read."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import PriceError, PriceWarning
from marketshock.providers.plausible_frames import factor_findings

from .test_findings import DAY, DAYS, MODEL, made, put, said, study_of

LONG = pd.bdate_range("2015-01-01", periods=2500, name="date")


def many(moves: np.ndarray, base: float, decimals: int, floor: float = 0.0, rows: pd.DatetimeIndex = LONG):
    closes = np.maximum(np.round(base * np.exp(np.cumsum(moves, axis=0)), decimals), floor)
    return pd.DataFrame(closes, rows, [f"S{k}" for k in range(moves.shape[1])])


def noise(sigma: float, columns: int = 20, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, (len(LONG), columns))


def volatility_index() -> pd.DataFrame:
    shocks = np.random.default_rng(3).standard_t(3, (len(LONG), 20)) * 0.06
    level = np.zeros_like(shocks)
    for t in range(1, len(level)):
        level[t] = 0.97 * level[t - 1] + shocks[t]
    return pd.DataFrame(np.round(15 * np.exp(level), 2), LONG, [f"V{k}" for k in range(20)])


def yields(floor: float | None) -> pd.DataFrame:
    level = np.cumsum(noise(0.05, seed=4), axis=0)
    values = np.round(np.abs(level) + 0.001, 3) if floor is None else np.round(np.maximum(0.5 * level + 2, floor), 2)
    return pd.DataFrame(values, LONG, [f"Y{k}" for k in range(20)])


@pytest.mark.parametrize(
    "closes",
    [
        pytest.param(lambda: many(noise(0.05), 0.05, 2, 0.01), id="cents"),
        pytest.param(lambda: many(noise(0.08), 0.002, 4, 0.0001), id="floor"),
        pytest.param(lambda: many(noise(0.04), 0.02, 3, 0.001), id="mills"),
        pytest.param(lambda: yields(0.01), id="yield on a floor"),
        pytest.param(lambda: yields(None), id="yield around zero"),
        pytest.param(volatility_index, id="volatility index"),
        pytest.param(lambda: many(noise(0.09), 50, 4).iloc[::21], id="monthly"),
        pytest.param(lambda: many(noise(0.2), 50, 6, 1e-6).iloc[::63], id="quarterly"),
        pytest.param(lambda: many(noise(0.1), 1000, 8), id="wild"),
    ],
)
def test_moves_of_the_series_own_size_are_not_refused(closes):
    found = ms.check_prices(closes())
    assert not (found["severity"] == "refuse").any()


def test_a_penny_stock_between_one_cent_and_two():
    closes = made()
    closes["AAA"] = np.where(np.random.default_rng(2).random(len(DAYS)) < 0.25, 0.02, 0.01)
    assert "refuse" not in set(ms.check_prices(closes)["severity"])
    study_of(closes)


@pytest.mark.parametrize("sigma", [0.01, 0.03, 0.05])
@pytest.mark.parametrize(("factor", "length"), [(10, 1), (0.1, 3), (100, 2), (0.01, 9999), (100, 9999), (0.1, 40)])
def test_wrong_units_are_still_found(sigma, factor, length):
    closes = many(noise(sigma, seed=6), 500, 2)
    closes.iloc[1200 : 1200 + length] *= factor
    found = ms.check_prices(closes)
    hits = found[(found["severity"] == "refuse") & (found["date"] == LONG[1200])]
    assert hits["ticker"].nunique() >= 19


def test_weekly_rows_are_judged_mildly():
    closes = many(noise(0.01), 50, 4).iloc[::5]
    closes.iloc[250, 0] *= 10
    closes.iloc[300:, 1] *= 100
    found = ms.check_prices(closes)
    assert {(f.ticker, f.rule) for f in found.itertuples()} >= {("S0", "tick"), ("S1", "unit")}
    assert set(found["severity"]) == {"note"}
    assert found["cause"].str.contains("rows are not daily").all()
    closes.iloc[200, 2] = 9999.0
    assert ("S2", "codes", "refuse") in said(ms.check_prices(closes))


@pytest.mark.parametrize("factor", [0.1, 10, 1 / 8, 8, 20, 1 / 9, 9, 13])
def test_a_large_ratio_on_day_0_is_warned_of(factor):
    closes = put(factor, DAY + 20)
    with pytest.warns(PriceWarning, match=rf"AAA on {DAYS[DAY + 20].date()}: x"):
        study = study_of(closes)
    assert [severity for _, _, severity in said(study.findings)] == ["warn"]
    assert "and it stays" in study.car(0, 0)["note"].iloc[0]


class TestCodes:
    """A missing-value code that fills some rows: the ways into it and out of it count."""

    @pytest.mark.parametrize("code", [9999.99, 999.0, 9999.0, 99999.0, 999.99])
    @pytest.mark.parametrize(("first", "last"), [(-8, 0), (-8, 3), (-3, 2), (2, 12), (-8, -1), (-240, -190)])
    def test_a_run_that_ends_or_begins_in_what_is_read(self, code, first, last):
        closes, day = made(), DAY + 20
        closes.iloc[day + first : day + last, 0] = code
        with pytest.raises(PriceError, match=rf"AAA on {DAYS[day + first].date()}: {code:g}, a missing-value code"):
            study_of(closes)
        study = study_of(closes, tolerate=["codes"])
        assert said(study.findings) == [("AAA", "codes", "note")]

    def test_a_run_between_the_windows_is_not_read(self):
        closes, day = made(), DAY + 20
        closes.iloc[day - 9 : day - 4, 0] = 9999.0
        assert study_of(closes, window=(-1, 5)).findings.empty

    def test_a_run_of_ten_rows(self):
        closes = made()
        closes.iloc[200:210, 0] = 9999.99
        assert ("AAA", "codes", "refuse") in said(ms.check_prices(closes))

    def test_at_the_ends_of_a_series(self):
        closes = made()
        closes.iloc[:4, 0] = 9999.0
        closes.iloc[-3:, 1] = 9999.0
        codes = [(f.ticker, f.date) for f in ms.check_prices(closes).itertuples() if f.rule == "codes"]
        assert codes == [("AAA", DAYS[0]), ("BBB", DAYS[-3])]

    def test_a_price_that_happens_to_be_one(self):
        closes = made()
        closes["AAA"] *= 999.0 / closes["AAA"].iloc[150]
        closes.iloc[150, 0] = 999.0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert ms.check_prices(closes).empty
            study_of(closes, model=MODEL)


class TestReturns:
    """Returns that were given: of the event's security and of its benchmark, on the rows that are read."""

    def study(self, value: float, row: int = DAY, column: str = "AAA", **options):
        returns = made().pct_change().iloc[1:]
        returns.iloc[row, returns.columns.get_loc(column)] = value
        events = pd.DataFrame({"ticker": ["AAA"], "date": [returns.index[DAY + 20]]})
        given = {"calendar": "index", "estimation": (-200, -11), "model": MODEL, "returns": returns}
        return ms.event_study(events, **(given | options))

    @pytest.mark.parametrize("code", [66.0, 77.0, 88.0, 99.0, 99.99, 999.0, 9999.0, 9.99, 9.9999, -99.99, -9999.0])
    @pytest.mark.parametrize("column", ["AAA", "MKT"])
    def test_codes_of_either_sign(self, code, column):
        with pytest.raises(PriceError, match=rf"{column} on .* is {code:g}, a missing-value code; set it to NaN"):
            self.study(code, column=column)
        with pytest.raises(PriceError, match="a missing-value code"):
            self.study(code, column=column, log=True)

    @pytest.mark.parametrize("row", [DAY, DAY + 20, DAY - 170])
    def test_a_gain_of_more_than_everything_is_warned_of(self, row):
        with pytest.warns(PriceWarning, match=r"returns: AAA on .*: 1\.5, a return of \+150 % \[above_one\]"):
            study = self.study(1.5, row)
        assert said(study.findings) == [("AAA", "above_one", "warn")]
        assert study.findings["size"].iloc[0] == 2.5
        with pytest.raises(PriceError, match="above_one"):
            self.study(1.5, row, on_findings="raise")
        assert said(self.study(1.5, row, tolerate=["above_one"]).findings) == [("AAA", "above_one", "note")]

    @pytest.mark.parametrize("value", [1.0, 1.5, -1.0, 3.0])
    def test_a_benchmark_cannot(self, value):
        with pytest.raises(PriceError, match=rf"MKT on .*: {value:g}, a return of .*\[above_one\]"):
            self.study(value, column="MKT")

    @pytest.mark.parametrize("value", [-0.9999, -0.999, -0.99, -99.99 / 100])
    def test_a_code_divided_by_100(self, value):
        with pytest.raises(PriceError, match=r"MKT on .*a missing-value code divided by 100 \[codes\]"):
            self.study(value, column="MKT")
        with pytest.warns(PriceWarning, match=r"AAA on .*a missing-value code divided by 100\? \[codes\]"):
            self.study(value)

    def test_a_benchmark_far_beyond_its_usual_size(self):
        with pytest.warns(PriceWarning, match=r"MKT on .*this row is \d+ times the usual size.*\[scale\]"):
            self.study(0.9, column="MKT")

    def test_what_is_not_read_or_is_ordinary(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for value, row, column in ((1.5, 20, "AAA"), (1.5, DAY, "BBB"), (0.6, DAY, "AAA"), (0.2, DAY, "MKT")):
                assert self.study(value, row, column).findings.empty
            assert self.study(1.5, 20, "MKT").findings.empty

    def test_rows_in_percent_in_the_window(self):
        returns = made(sigma=0.004).pct_change().iloc[1:]
        returns.loc[returns.index[DAY + 17 : DAY + 27], "AAA"] = np.clip(
            100 * returns["AAA"].iloc[DAY + 17 : DAY + 27], -0.95, 0.95
        )
        with pytest.warns(PriceWarning, match=r"AAA on .*times the usual size.*percent among decimals\? \[scale\]"):
            self.study(0.0, 20, "BBB", returns=returns)

    def test_a_benchmark_in_files(self, tmp_path):
        pytest.importorskip("pyarrow")
        returns = made().pct_change().iloc[1:]
        returns.loc[returns.index[DAY], "MKT"] = 1.5
        long = returns.reset_index().melt("date", var_name="ticker", value_name="ret")
        long.to_parquet(tmp_path / "part.parquet")
        events = pd.DataFrame({"ticker": ["AAA", "BBB"], "date": [DAYS[DAY], DAYS[DAY + 5]]})
        with pytest.raises(PriceError, match=r"returns: MKT on .*\[above_one\]"):
            ms.summarize_events(events, returns=str(tmp_path), calendar="index", model=MODEL)


class TestFactors:
    MODELS = (ms.CAPM("Mkt-RF", "RF"), ms.FactorModel(["Mkt-RF"]), ms.MarketAdjusted("Mkt-RF"))

    def factors(self, percent: slice | None = None, value: float | None = None) -> pd.DataFrame:
        frame = pd.DataFrame({"Mkt-RF": made()["MKT"].pct_change().fillna(0.0), "RF": 0.0002})
        if percent is not None:
            frame.iloc[percent] *= 100
        if value is not None:
            frame.iloc[DAY, 0] = value
        return frame

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("value", [-0.9999, -0.999, -0.99, -99.99 / 100])
    def test_a_code_divided_by_100(self, value, model):
        day = DAYS[DAY].date()
        with pytest.raises(PriceError, match=rf"Mkt-RF on {day}: .* missing-value code divided by 100 \[codes\]"):
            study_of(made(), factors=self.factors(value=value), model=model)

    @pytest.mark.parametrize("model", MODELS)
    @pytest.mark.parametrize("rows", [slice(0, 220), slice(220, None), slice(DAY - 30, DAY), slice(DAY + 14, DAY + 26)])
    def test_percent_in_some_rows_changes_the_fit(self, rows, model):
        with pytest.raises(PriceError, match=r"Mkt-RF on .*rows from .* of the size of percent, others of decimals"):
            study_of(made(), factors=self.factors(rows), model=model)

    def test_a_few_rows_in_percent(self):
        factors = self.factors()
        factors.iloc[DAY + 19 : DAY + 22] *= 50
        with pytest.warns(PriceWarning, match=r"Mkt-RF on .*percent among decimals\? \[scale\]"):
            study_of(made(), factors=factors, model=self.MODELS[0])

    @pytest.mark.parametrize("scale", [0.01, 1.0])
    def test_real_factors_are_alike(self, scale):
        names = ["Mkt-RF", "SMB", "HML", "RMW", "CMA"]
        frame = 100 * ms.french_factors()[names]
        days = frame.index.to_numpy().astype("datetime64[D]")
        found = factor_findings(names, days, scale * frame.to_numpy())
        assert {f.rule for f in found} == (set() if scale < 1 else {"percent"})


class TestPrinted:
    """What was found is named where the numbers stand."""

    def test_a_split_in_the_estimation_window(self):
        study = study_of(put(0.25, DAY - 50))
        assert said(study.findings) == [("AAA", "split_2to7", "note")]
        told = "near 1/4, and it stays: a split of 4 for 1 not applied, or news"
        note = study.car(0, 0)["note"].iloc[0]
        assert note.startswith("estimation window: x0.2")
        assert f"{told} ({DAYS[DAY - 50].date()}) [split_2to7]" in note
        printed = " ".join(repr(study).split())
        assert f"AAA on {DAYS[DAY - 50].date()}: x0.2" in printed
        assert told in printed
        assert "%*" in printed

    @pytest.mark.parametrize("column", ["AAA", "MKT"])
    @pytest.mark.parametrize("row", [DAY - 50, DAY + 19])
    def test_what_is_tolerated_stars_the_events_that_read_it(self, column, row):
        study = study_of(put(0.01, row, column=column), tolerate=["unit"])
        assert said(study.findings) == [(column, "unit", "note")]
        note = study.car(-1, 1)["note"].iloc[0]
        assert "another unit" in note
        assert note.startswith("estimation window: ") == (row < DAY)
        assert ("MKT: " in note) == (column == "MKT")
        assert "%*" in repr(study)

    def test_slight_findings_before_the_window_star_nothing(self):
        closes = made()
        closes.iloc[DAY - 50 : DAY - 44, 0] = closes.iloc[DAY - 50, 0]
        study = study_of(closes)
        assert said(study.findings) == [("AAA", "stale_5", "note")]
        assert study.car(-1, 1)["note"].iloc[0] == ""
        assert "equal closes" in repr(study)


class TestColumnsThatAreNotRead:
    """What no return can be computed from stops a study only where it is read."""

    def long(self, closes: pd.DataFrame, **fields: pd.DataFrame) -> pd.DataFrame:
        out = closes.reset_index().melt("date", var_name="ticker", value_name="close")
        for name, values in fields.items():
            out[name] = values.reset_index().melt("date")["value"].to_numpy()
        return out

    def at(self, value: float) -> pd.DataFrame:
        cells = made() * 0
        cells.iloc[DAY, 1] = value
        return cells

    def frames(self):
        raw = made()
        raw.iloc[:DAY, 1] *= 4
        absurd, tiny = made(), made()
        absurd.iloc[DAY, 1], tiny.iloc[DAY, 1] = 1e12, 1e-9
        return {
            "split": (self.long(raw, split=self.at(4.0)), "not adjusted"),
            "dividend": (self.long(made(), dividend=self.at(5000.0)), "the dividend of BBB"),
            "negative dividend": (self.long(made(), dividend=self.at(-1.0)), "which is negative"),
            "absurd": (absurd, "cannot be right|codes|x1"),
            "tiny": (tiny, "cannot be right"),
        }

    @pytest.mark.parametrize("kind", ["split", "dividend", "negative dividend", "absurd", "tiny"])
    @pytest.mark.parametrize("gaps", ["missing", "span"])
    def test_only_where_it_is_read(self, kind, gaps):
        frame, problem = self.frames()[kind]
        clean = study_of(self.long(made(), dividend=self.at(0.0)) if "dividend" in kind else made(), gaps=gaps)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            study = study_of(frame, gaps=gaps)
            logs = study_of(frame, log=True)
        np.testing.assert_array_equal(study.ar, clean.ar)
        assert np.isfinite(logs.ar).all(axis=None)
        assert "AAA" in repr(study.explain(study.ar.index[0]))
        with pytest.raises(PriceError, match=problem):
            study_of(frame, ticker="BBB", gaps=gaps)
