"""CRSP files: every number here is computed by hand beside it."""

from __future__ import annotations

import datetime as dt
import io
import re

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import marketshock as ms
from marketshock.errors import ChoiceError, InputError, PriceError

# 10107: a bid-ask average, a price of zero with -99, a return over that gap, and a delisting return on its last day.
# 14593: letters; a split of 2 for 1 on the 8th. 12490: delisted for performance without a delisting return.
LEGACY = """PERMNO,date,TICKER,PRC,RET,SHROUT,DLSTCD,DLRET,CFACPR,CFACSHR,VOL,SICCD
10107,20240102,MS,100,C,1000,,,1,1,500,7370
10107,20240103,MS,-110,0.10,1000,,,1,1,-99,7370
10107,20240104,MS,0,-99,1000,,,1,1,0,7370
10107,20240105,MS,121,0.10,1100,,,1,1,700,7370
10107,20240108,MS,60.5,-0.50,1100,574,-0.20,1,1,800,7370
14593,20240102,AP,200,B,50,,,2,2,1,3571
14593,20240103,AP,210,0.06,50,,,2,2,2,3571
14593,20240104,AP,210,.E,50,,,2,2,3,3571
14593,20240105,AP,220,0.05,50,,,2,2,4,3571
14593,20240108,AP,115,0.05,100,,,1,1,5,3571
12490,20240102,IB,4,0.25,10,,,1,1,9,3571
12490,20240103,IB,2,-0.50,10,,,1,1,9,3571
12490,20240104,IB,1,-0.50,10,580,S,1,1,9,3571
"""
DAYS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"], name="date")
NAN = np.nan


def table(text: str = LEGACY) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text), dtype={"TICKER": str})


def without_counts(text: str = LEGACY) -> pd.DataFrame:
    return table(text).drop(columns="SHROUT")


def column(frame: pd.DataFrame, name: str) -> list[float]:
    return frame[name].to_list()


def same(got, expected) -> None:
    np.testing.assert_allclose(np.array(got, dtype=float), np.array(expected, dtype=float), rtol=1e-12)


@pytest.fixture
def read() -> ms.types.CRSP:
    return ms.read_crsp(without_counts())


class TestLegacy:
    def test_returns(self, read):
        assert list(read.returns.columns) == ["10107", "14593", "12490"]
        assert read.returns.index.equals(DAYS.astype("datetime64[ns]"))
        same(read.returns["10107"], [NAN, 0.10, NAN, 0.10, 0.5 * 0.8 - 1])
        same(read.returns["14593"], [NAN, 0.06, NAN, 0.05, 0.05])
        same(read.returns["12490"], [0.25, -0.50, -0.50, NAN, NAN])

    def test_closes_are_absolute_and_over_the_factor(self, read):
        same(read.prices.close["10107"], [100, 110, NAN, 121, 60.5])
        same(read.prices.close["14593"], [100, 105, 105, 110, 115])
        average = read.prices.extra["average"]
        assert average.to_numpy().sum() == 1
        assert average.loc["2024-01-03", "10107"]
        same(read.prices.extra["volume"]["10107"], [500, NAN, 0, 700, 800])

    def test_adjusted_closes_carry_the_last_close_along_the_returns(self, read):
        # 10107 ends at 60.5 before its delisting return, 48.4 after it; no step on the day without a price.
        last = 60.5
        before = last / 0.5
        same(read.prices.adj_close["10107"], [before / 1.1 / 1.1, before / 1.1, NAN, before, last * 0.8])
        # 14593: no return on the 4th, though there is a price: no adjusted close, and no invented return of zero.
        end = 115.0
        same(read.prices.adj_close["14593"], [end / 1.05**2 / 1.06, end / 1.05**2, NAN, end / 1.05, end])
        same(read.prices.adj_close["12490"], [4, 2, 1, NAN, NAN])

    def test_both_ways_into_a_study_agree_where_returns_are_of_one_day(self, read):
        own = read.prices.adj_close / read.prices.adj_close.shift() - 1
        both = own.notna() & read.returns.notna()
        assert both.to_numpy().sum() == 6
        np.testing.assert_allclose(own[both].stack(), read.returns[both].stack(), rtol=1e-12)  # noqa: PD013

    def test_notes_say_everything(self, read):
        for note in (
            "4 returns bear a code for missing",
            "1 delisting returns bear a code for missing",
            "1 volumes bear a code for missing",
            "columns not read: SICCD",
            "1 prices are averages of bid and ask",
            "1 prices of 0: missing",
            "1 delisting returns compounded with the return of their day (0 of them without one)",
            "1 performance-related delistings (dlstcd 500, 520 to 584) have no delisting return: left missing (12490)",
            "1 returns follow days without a price and cover them too",
            "1 prices have no return: no adjusted close there",
            "closes are divided by cfacpr",
        ):
            assert any(line.startswith(note) for line in read.notes), (note, read.notes)
        assert len(read.notes) == 11
        assert read.prices.provenance["notes"] == read.notes
        assert repr(read).startswith("CRSP: 3 securities, 5 days, 2024-01-02 to 2024-01-08\n- ")

    def test_a_missing_delisting_return_as_told(self):
        told = ms.read_crsp(without_counts(), missing_dlret=-0.30)
        same(told.returns["12490"], [0.25, -0.50, 0.5 * 0.7 - 1, NAN, NAN])
        same(told.prices.adj_close["12490"], [4, 2, 0.7, NAN, NAN])
        assert any("no delisting return: imputed as -0.3 (12490)" in note for note in told.notes)
        given = "1 delisting returns compounded with the return of their day (0 of them without one)"
        made = "1 imputed (missing_dlret=-0.3) delisting returns compounded with the return of their day (0 of them"
        assert [note.startswith((given, made)) for note in told.notes].count(True) == 2

    @pytest.mark.parametrize("factor", ["0", ""])
    def test_a_price_without_a_factor_has_no_close_and_no_count(self, factor):
        """14593 on the 5th: 220 in units nobody knows. Returns and adjusted closes are as before."""
        spoilt = LEGACY.replace("0.05,50,,,2,2,4", f"0.05,50,,,{factor},2,4")
        assert spoilt != LEGACY
        got, whole = ms.read_crsp(table(spoilt)), ms.read_crsp(table())
        same(got.prices.close["14593"], [100, 105, 105, NAN, 115])
        assert_frame_equal(got.returns, whole.returns)
        assert_frame_equal(got.prices.adj_close, whole.prices.adj_close)
        assert_frame_equal(got.shares.table, whole.shares.table)  # 100 thousand from the 2nd to the 8th as before
        assert "1 prices have a cfacpr of 0 or none: no close there (14593)" in got.notes
        assert "1 share counts have a cfacpr of 0 or none: not given (14593)" in got.notes
        assert len(got.notes) == len(whole.notes) + 2

    def test_no_factor_at_all_leaves_returns(self):
        got = ms.read_crsp(table().assign(CFACPR=0))
        assert got.prices.close.isna().all().all()
        assert got.shares is None
        assert got.notes[-1] == "no share count is usable: there is no table of counts"
        assert_frame_equal(got.returns, ms.read_crsp(table()).returns)

    def test_a_code_repeated_on_every_row_counts_on_the_last(self):
        every = without_counts().assign(DLSTCD=lambda t: np.where(t["PERMNO"] == 12490, 580, 100))
        told = ms.read_crsp(every, missing_dlret=-0.30)
        same(told.returns["12490"], [0.25, -0.50, 0.5 * 0.7 - 1, NAN, NAN])

    def test_other_delistings_stay_missing(self):
        merged = ms.read_crsp(table(LEGACY.replace(",580,S,", ",231,T,")).drop(columns="SHROUT"), missing_dlret=-0.30)
        same(merged.returns["12490"], [0.25, -0.50, -0.50, NAN, NAN])
        assert "1 other delistings have no delisting return: left missing (12490)" in merged.notes

    def test_a_delisting_return_stands_alone_after_the_last_trade(self):
        rows = "10107,20240108,MS,60.5,-0.50,1100,,,1,1,800,7370\n10107,20240109,MS,,,,574,-0.20,,,,\n"
        late = ms.read_crsp(
            without_counts(LEGACY.replace("10107,20240108,MS,60.5,-0.50,1100,574,-0.20,1,1,800,7370\n", rows))
        )
        same(late.returns["10107"], [NAN, 0.10, NAN, 0.10, -0.5, -0.2])
        same(late.prices.close["10107"], [100, 110, NAN, 121, 60.5, NAN])
        same(late.prices.adj_close["10107"], [100, 110, NAN, 121, 60.5, 48.4])

    def test_a_total_loss_has_no_price(self):
        lost = ms.read_crsp(without_counts(LEGACY.replace("574,-0.20", "574,-1.0")))
        same(lost.returns["10107"], [NAN, 0.10, NAN, 0.10, -1])
        same(lost.prices.adj_close["10107"], [100, 110, NAN, 121, NAN])
        assert "1 returns of -1: no adjusted close is left (10107)" in lost.notes

    @pytest.mark.parametrize("code", [-44, -55, -66, -77, -88, -99, "A", "b", ".C", "D", "E", ""])
    def test_every_code_for_a_missing_return(self, code):
        text = f"permno,date,prc,ret\n10107,20240102,100,0.1\n10107,20240103,110,{code}\n10107,20240104,110,0.2\n"
        read = ms.read_crsp(table(text))
        same(read.returns["10107"], [0.1, NAN, 0.2])
        assert any(note.startswith("1 returns bear a code") for note in read.notes) == (code != "")


class TestCounts:
    def test_a_row_a_change_and_caps_of_the_date(self):
        read = ms.read_crsp(table())
        counts = read.shares.table
        assert list(counts["firm"]) == ["10107", "10107", "14593", "12490"]
        same(counts["shares"], [1e6, 1.1e6, 100e3, 10e3])  # 50 thousand before the split are 100 thousand after it
        same(counts["rounding"], [1000, 1000, 2000, 1000])
        assert list(counts["as_of"].dt.strftime("%Y%m%d")) == ["20240102", "20240105", "20240102", "20240102"]
        assert counts["filed"].isna().all()
        assert set(counts["basis"]) == {"vendor"}
        caps = read.prices.close["14593"] * 100e3
        same(caps, np.array([200 * 50e3, 210 * 50e3, 210 * 50e3, 220 * 50e3, 115 * 100e3]))

    def test_caps_are_right_across_a_spin_off(self, monkeypatch):
        """A spin-off moves cfacpr and not cfacshr: a count times cfacshr would give a cap no one ever saw."""
        seen = {}
        monkeypatch.setattr(ms.SharesTable, "from_frame", classmethod(lambda _, t, source: seen.update(table=t) or t))
        text = (
            "permno,date,prc,ret,shrout,cfacpr,cfacshr\n"
            "10107,20240102,100,0.01,1000,1.25,1\n10107,20240103,80,0.02,1000,1,1\n10107,20240104,84,0.05,1000,1,1\n"
        )
        read = ms.read_crsp(table(text))
        counts = seen["table"]
        same(counts["shares"], [1.25e6, 1e6])
        assert list(counts["as_of"]) == list(DAYS[:2])
        same(read.prices.close["10107"][:2] * counts["shares"].to_numpy(), [100 * 1e6, 80 * 1e6])
        assert "1 rows have a cfacshr that differs from cfacpr (spin-offs): not used" in read.notes

    def test_without_counts_there_is_no_table(self, read):
        assert read.shares is None


CURRENT = """PERMNO,DlyCalDt,DlyPrc,DlyPrcFlg,DlyRet,DlyDelFlg,DlyVol,DlyRetx
10107,2024-01-02,100,TR,,N,5,
10107,2024-01-03,110,BA,0.1,N,6,0.1
10107,2024-01-04,121,TR,0.1,N,7,0.1
10107,2024-01-05,48.4,DA,-0.6,Y,,-0.6
"""


class TestCurrent:
    def test_delistings_are_in_the_returns_and_their_payments_are_no_closes(self):
        read = ms.read_crsp(table(CURRENT))
        same(read.returns["10107"], [NAN, 0.1, 0.1, -0.6])
        same(read.prices.close["10107"], [100, 110, 121, NAN])
        same(read.prices.adj_close["10107"], [100, 110, 121, 48.4])
        assert read.prices.extra["average"]["10107"].to_list() == [False, True, False, False]
        assert "1 delisting returns stand in dlyret already; the payments are no closes" in read.notes
        assert "columns not read: DlyRetx" in read.notes

    def test_formats_are_not_mixed(self):
        with pytest.raises(InputError, match=r"columns of both formats: .*dlret.*dlyret"):
            ms.read_crsp(table(CURRENT).assign(dlret=0.1))
        with pytest.raises(InputError, match="dlyret contains delisting returns"):
            ms.read_crsp(table(CURRENT), missing_dlret=-0.3)

    def test_factors(self):
        factors = table(CURRENT).assign(DlyCumFacPr=[2.0, 2, 1, 1])
        same(ms.read_crsp(factors).prices.close["10107"], [50, 55, 121, NAN])


class TestSources:
    def test_files_and_frames_give_the_same(self, read, tmp_path):
        pl = pytest.importorskip("polars")
        pytest.importorskip("narwhals")
        (tmp_path / "crsp.csv").write_text(LEGACY)
        frame = without_counts()
        frame.to_csv(tmp_path / "plain.csv", index=False)
        frame.to_parquet(tmp_path / "plain.parquet")
        polars = pl.read_csv(tmp_path / "plain.csv", infer_schema_length=None)
        shuffled = frame.sample(frac=1, random_state=1)
        indexed = frame.set_index(["PERMNO", "date"])
        for source in (
            tmp_path / "plain.csv",
            str(tmp_path / "plain.parquet"),
            polars,
            polars.lazy(),
            shuffled,
            indexed,
        ):
            again = ms.read_crsp(source)
            assert_frame_equal(again.returns[read.returns.columns], read.returns)
            assert_frame_equal(again.prices.close[read.returns.columns], read.prices.close)
            assert_frame_equal(again.prices.adj_close[read.returns.columns], read.prices.adj_close)
            assert set(again.notes) == set(read.notes)

    @pytest.mark.parametrize(
        "write",
        [
            lambda d: d,
            str,
            lambda d: f"{str(d)[:4]}-{str(d)[4:6]}-{str(d)[6:]}",
            lambda d: pd.Timestamp(str(d)),
            lambda d: pd.Timestamp(str(d)).date(),
            lambda d: pd.Timestamp(str(d), tz="America/New_York"),
            float,
        ],
    )
    def test_dates(self, read, write):
        frame = without_counts()
        frame["date"] = [write(day) for day in frame["date"]]
        assert_frame_equal(ms.read_crsp(frame).returns, read.returns)

    def test_the_input_is_not_changed(self):
        frame = without_counts()
        before = frame.copy()
        ms.read_crsp(frame)
        assert_frame_equal(frame, before)

    def test_by_ticker(self, read):
        again = ms.read_crsp(without_counts(), by="ticker")
        assert list(again.returns.columns) == ["MS", "AP", "IB"]
        np.testing.assert_array_equal(again.returns, read.returns)

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("20240103,AP", "20240103,APX", r"permno 14593 has 2 tickers \(AP, APX\); use by='permno'"),
            (",IB,", ",AP,", r"ticker AP has 2 permnos \(14593, 12490\)"),
            (",IB,", ",,", "permno 12490 has no ticker"),
            ("TICKER", "TIC", "no column ticker"),
        ],
    )
    def test_ambiguous_tickers(self, old, new, message):
        with pytest.raises(InputError, match=message):
            ms.read_crsp(without_counts(LEGACY.replace(old, new)), by="ticker")


class TestFaults:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("10107,20240103", "10107,20240102", "2024-01-02 stands there more than once for 10107"),
            ("PERMNO", "gvkey", r"has no column permno; needed are permno, date, ret, prc"),
            (",RET,", ",RETX,", r"has no column ret; needed are .*dlyret"),
            (",date,", ",day,", "has no column date"),
            ("SICCD", "ret", "has the column 'ret' twice"),
            ("0.06", "x", "column ret holds 'x'"),
            ("0.06", "Z", "column ret holds 'Z'"),
            ("574,-0.20", "574,Q", "column dlret holds 'Q'"),
            (",210,0.06", ",B,0.06", "column prc holds 'B'"),
            ("0.06", "inf", "column ret is infinite"),
            ("0.06", "-1.5", "14593 on 2024-01-03: a return below -1 that is no code"),
            ("0.06", "-1", "14593 on .*: a price or a return after a return of -1"),
            ("14593,20240103", "14593,2024-01-03", r"dates are written in two ways \(20240102, 2024-01-03\)"),
            ("14593,20240103", "14593,20241303", "'20241303' is no date"),
            ("14593,20240103", "14593,03JAN2024", "'03JAN2024' is no date"),
            ("14593,20240103", "14593,", "line 8 has no date"),
            ("14593,20240103", "x,20240103", "line 8: 'x' is no permno"),
            ("14593,20240103", ",20240103", "is no permno"),
            ("110,0.10,1000,,,1", "110,0.10,1000,,,-1", "10107 on 2024-01-03: cfacpr is negative; correct it, or"),
            ("110,0.10,1000,,,1", "110,0.10,1000,,0.1,1", "10107: more than one delisting return"),
        ],
    )
    def test_files(self, tmp_path, old, new, message):
        assert old in LEGACY
        (tmp_path / "crsp.csv").write_text(LEGACY.replace(old, new, 1))
        with pytest.raises(InputError, match=message) as caught:
            ms.read_crsp(tmp_path / "crsp.csv")
        assert str(caught.value).startswith(str(tmp_path))
        assert "\n" not in str(caught.value)

    def test_options(self):
        frame = without_counts()
        with pytest.raises(ChoiceError, match="allowed are 'permno', 'ticker'"):
            ms.read_crsp(frame, by="cusip")
        for value in (0.3, -2, "x", True, NAN):
            with pytest.raises(InputError, match="a loss between -1 and 0"):
                ms.read_crsp(frame, missing_dlret=value)
        with pytest.raises(InputError, match="there is no column dlstcd"):
            ms.read_crsp(frame.drop(columns="DLSTCD"), missing_dlret=-0.3)

    @pytest.mark.parametrize("source", [None, 3, "none.csv", pd.DataFrame()])
    def test_what_is_no_file(self, source):
        with pytest.raises(InputError, match=r"no such file|got a|is empty"):
            ms.read_crsp(source)

    def test_years(self):
        frame = without_counts().assign(date=dt.date(1700, 1, 2))
        with pytest.raises(PriceError, match=r"1700-01-02 is not between 1800 and 2200"):
            ms.read_crsp(frame)


def test_a_study_of_crsp_prices_and_returns(prices):
    """The bundled closes written as CRSP would write them give the bundled study."""
    names = {"NVDA": 86580, "^GSPC": 10001}
    rows = []
    for name, permno in names.items():
        close, ret = prices.close[name], prices.adj_close[name].pct_change(fill_method=None)
        rows.append(
            pd.DataFrame({"permno": permno, "date": close.index, "prc": close.to_numpy(), "ret": ret.to_numpy()})
        )
    read = ms.read_crsp(pd.concat(rows))
    events = pd.DataFrame({"ticker": ["86580"], "date": ["2025-01-27"]})
    model = ms.MarketModel("10001")
    expected = ms.event_study(events.assign(ticker="NVDA"), prices=prices, model=ms.MarketModel("^GSPC")).ar.to_numpy()
    np.testing.assert_allclose(ms.event_study(events, returns=read.returns, model=model).ar, expected, rtol=1e-9)
    np.testing.assert_allclose(ms.event_study(events, prices=read.prices, model=model).ar, expected, rtol=1e-9)
    assert re.match(r"Prices: 2 tickers, 563 sessions, .* \(CRSP\)", repr(read.prices))
