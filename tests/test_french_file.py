"""The published layout of the data library is read exactly, and what is not it is refused."""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import BadData, InputError, MarketShockError, VintageWarning

from .library import BUNDLED, COPYRIGHT, FIVE, MOMENTUM, MONTHLY, PORTFOLIOS, THREE, layout, published, same, zipped
from .loopback.files import FileServer


class TestNumbers:
    def test_the_bundled_figures_have_the_two_decimals_of_the_published_layout(self):
        hundredths = ms.french_factors() * 1e4
        assert np.abs(hundredths - hundredths.round()).max().max() < 1e-9

    def test_round_trip_of_all_three_files_to_the_last_bit(self, french_zips):
        same(ms.french_factors(list(french_zips.values())), ms.french_factors())
        same(ms.french_factors(list(french_zips.values())[::-1]), ms.french_factors())

    @pytest.mark.parametrize(
        ("name", "columns"),
        [
            (THREE, ["Mkt-RF", "SMB", "HML", "RF"]),
            (FIVE, ["Mkt-RF", "HML", "RF", "RMW", "CMA", "SMB5"]),
            (MOMENTUM, ["MOM"]),
        ],
    )
    def test_one_file(self, french_zips, name, columns):
        frame = ms.french_factors(french_zips[name])
        same(frame, ms.french_factors()[columns])
        (about,) = frame.attrs["files"]
        assert about["sha256"] == hashlib.sha256(french_zips[name].read_bytes()).hexdigest()
        assert (about["path"], about["member"]) == (str(french_zips[name]), f"{name}.CSV")
        assert (about["period"], sorted(about["columns"])) == (["2022-12-30", "2025-03-31"], sorted(columns))
        assert (about["missing"], about["not_read"], about["lacks"]) == ({}, [], 0)
        assert (frame.attrs["vintage"], frame.attrs["frequency"]) == (BUNDLED, "daily")
        json.dumps(frame.attrs, allow_nan=False)

    def test_an_unpacked_csv_and_a_path_as_text(self, french_zips, save):
        with zipfile.ZipFile(french_zips[THREE]) as packed:
            path = save(packed.read(f"{THREE}.CSV"), "three.CSV")
        same(ms.french_factors(str(path)), ms.french_factors(french_zips[THREE]))
        assert ms.french_factors(path).attrs["files"][0]["member"] == ""

    def test_without_a_source_the_bundled_ones_as_ever(self):
        attrs = ms.french_factors().attrs
        assert (attrs["source"], attrs["vintage"]) == ("bundled Fama-French factors", BUNDLED)
        assert set(attrs) == {"source", "what", "period", "vintage", "units"}

    def test_missing_codes_are_nan_and_counted(self, save):
        days = pd.bdate_range("2026-01-05", periods=3)
        percent = pd.DataFrame([[0.5, -99.99], [-999, 0.1], [-99.9, -9.99]], days, ["A", "B"])
        frame = ms.french_factors(save(zipped(layout(percent))))
        assert frame.attrs["files"][0]["missing"] == {"-99.99": 1, "-999": 1}
        np.testing.assert_array_equal(frame, np.array([[0.5, np.nan], [np.nan, 0.1], [-99.9, -9.99]]) / 100)

    def test_monthly_files_are_dated_at_month_ends_and_the_annual_block_is_left(self, save):
        frame = ms.french_factors(save(zipped(MONTHLY)))
        assert [str(day.date()) for day in frame.index] == ["1926-07-31", "1926-08-31", "2000-02-29"]
        assert frame.index.name == "date"
        assert frame.loc["2000-02-29"].tolist() == [2.45 / 100, 21.36 / 100, -9.59 / 100, 0.43 / 100]
        assert frame.attrs["frequency"] == "monthly"
        assert frame.attrs["files"][0]["not_read"] == ["Annual Factors: January-December"]
        assert frame.attrs["files"][0]["missing"] == {"-99.99": 1}

    def test_an_annual_block_without_a_header_of_its_own(self, save):
        lines = MONTHLY.splitlines()
        text = "\n".join(lines[:8] + lines[9:])
        frame = ms.french_factors(save(zipped(text)))
        assert (len(frame), frame.attrs["files"][0]["not_read"]) == (3, ["Annual Factors: January-December"])

    def test_weeks_are_no_days(self, save, french_zips):
        weeks = pd.DataFrame({"Mkt-RF": [0.1, 0.2, 0.3]}, pd.date_range("2025-01-03", periods=3, freq="7D"))
        path = save(zipped(layout(weeks)))
        assert ms.french_factors(path).attrs["frequency"] == "weekly"
        with pytest.raises(InputError, match=r"a\.zip is weekly, F-F_Momentum_Factor_daily_CSV\.zip is daily"):
            ms.french_factors([path, french_zips[MOMENTUM]])

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\r\n", "\n"),
            lambda text: text.replace(",Mkt-RF,SMB,HML,RF", "   ,Mkt-RF ,SMB, HML,RF  "),
            lambda text: "\xef\xbb\xbf" + text,
            lambda text: text.replace("Tbill", "T\x85bill \xe9"),
            lambda text: text.replace("\r\n\r\n", "\r\n,,,,\r\n"),  # as a spreadsheet saves it
            lambda text: text.replace(",Mkt-RF,SMB,HML,RF\r\n", ",Mkt-RF,SMB,HML,RF\r\n\r\n"),
            lambda text: text.replace("20250127,", "20250127  ,"),
            lambda text: text.replace(COPYRIGHT, ""),
            lambda text: text.replace("by using the", "by CMPT_ME_BEME_RETS_DAILY using the"),
            lambda text: text.replace("by using the 202604 CRSP", "using\r\nthe 202604\r\nCRSP"),
            lambda text: "Until\r\n202406, the 1-month TBill rate is from another source, since\r\n" + text,
            lambda text: "From\r\n20240603, it is not,\r\n" + text,
            lambda text: text + "\r\n202406, the rate is another.\r\n",
        ],
    )
    def test_what_changes_nothing(self, french_zips, save, change):
        with zipfile.ZipFile(french_zips[THREE]) as packed:
            text = packed.read(f"{THREE}.CSV").decode("latin-1")
        changed = change(text)
        assert changed != text
        same(ms.french_factors(save(changed, "a.csv")), ms.french_factors(french_zips[THREE]))

    def test_folders_and_the_litter_of_archivers_do_not_count(self, save):
        payload = zipped(MONTHLY, "in/F-F.csv", **{"__MACOSX/in/._F-F.csv": "x", "in/": "", "in/readme.txt": "x"})
        assert ms.french_factors(save(payload)).attrs["files"][0]["member"] == "in/F-F.csv"


ROWS = "20250102,   0.56,  -0.07\n20250103,   0.29,   0.06\n"
HEAD = "This file was created by using the 202604 CRSP database.\n\n,A,B\n"

BAD_TEXTS = {
    "empty": ("", r"no header line that begins with a comma; it begins with 'nothing'"),
    "page": ("<!DOCTYPE html>\n<p>Sorry", r"no header line.*begins with '<!DOCTYPE html>'"),
    "iso": ("Date,A,B\n2025-01-02,1,2\n", "no header line that begins with a comma"),
    "no header": (HEAD.replace(",A,B\n", "") + ROWS, r"line 3 \(20250102\) has figures, but no header"),
    "no rows": (HEAD, "header in line 3 and no row of figures"),
    "no rows but copyright": (HEAD + COPYRIGHT, "header in line 3 and no row of figures"),
    "annual only": (HEAD + "1927, 1.00, 2.00\n", "holds annual figures only"),
    "portfolios": (PORTFOLIOS, r"holds 2 tables .*\(Average Value Weighted Returns -- Daily; Average Equal Weig"),
    "days and months": (HEAD + ROWS + "\n,A,B\n202501, 1.00, 2.00\n", r"holds 2 tables .*\(line 3; line 7\)"),
    "twice": (HEAD + ROWS + "20250103, 0.29, 0.06\n", "the date 20250103 in line 6 stands there twice"),
    "unsorted": (HEAD + ROWS + "20241231, 0.29, 0.06\n", "the date 20241231 in line 6 is out of order"),
    "no number": (HEAD + ROWS + "20250106, n/a, 0.06\n", r"line 6 \(20250106\): 'n/a' is no number"),
    "infinite": (HEAD + ROWS + "20250106, inf, 0.06\n", "'inf' is no number"),
    "underscore": (HEAD + ROWS + "20250106, 1_0, 0.06\n", "'1_0' is no number"),
    "hole": (HEAD + ROWS + "20250106, , 0.06\n", "'' is no number"),
    "short row": (HEAD + ROWS + "20250106, 0.29\n", r"line 6 \(20250106\) has 1 values, the header names 2 columns"),
    "long row": (HEAD + ROWS + "20250106, 0.29, 0.1, 0.2\n", "has 3 values, the header names 2"),
    "cut in a date": (HEAD + ROWS + "202501", r"line 6 \('202501'\) is no row of the table"),
    "all text": (HEAD + ROWS + "20250106, n/a, x\n", r"line 6 \('20250106, n/a, x'\) is no row of the table"),
    "headless, one hole": (HEAD.replace(",A,B\n", "") + "202501, , 0.06\n", r"line 3 \(202501\) has figures, but no"),
    "headless, cut": (HEAD.replace(",A,B\n", "") + "20250106,\n", r"line 3 \(20250106\) has figures, but no"),
    "cut after a date": (HEAD + ROWS + "20250106,", r"line 6 \(20250106\) has 0 values"),
    "no date": (HEAD + ROWS + "20250230, 0.29, 0.06\n", "line 6: 20250230 is no date of the form YYYYMMDD"),
    "year 9999": (HEAD + "99990101, 0.29, 0.06\n", "99990101 is no date"),
    "month among days": (HEAD + ROWS + "202501, 0.29, 0.06\n", "line 6: 202501 is no date of the form YYYYMMDD"),
    "month 13": (HEAD + "202513, 0.29, 0.06\n", "line 4: 202513 is no date of the form YYYYMM"),
    "nine digits": (HEAD + "202501021, 0.29, 0.06\n", "202501021 is no date"),
    "text in the table": (HEAD + ROWS + "2025010x, 0.29, 0.06\n", r"line 6 \('2025010x, 0\.29, 0\.06'\) is no row"),
    "rows after the table": (HEAD + ROWS + "\n20250106, 0.29, 0.06\n", r"line 7 \(20250106\) has figures, but no"),
    "column twice": (HEAD.replace("A,B", "A,A") + ROWS, r"column without a name, or one twice: \['A', 'A'\]"),
    "Mom and MOM": (HEAD.replace("A,B", "Mom,MOM") + ROWS, "one twice"),
    "nameless": (HEAD.replace("A,B", ",B") + ROWS, "a column without a name"),
}


def locked():
    """A zip whose one member is said to be encrypted."""
    payload = bytearray(zipped(MONTHLY))
    payload[6] |= 1
    payload[payload.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(payload)


def flipped():
    """A zip with a bit of its content changed."""
    payload = bytearray(zipped(MONTHLY))
    payload[60] ^= 0xFF
    return bytes(payload)


BAD_BYTES = {
    "page": (b"<html><p>Sorry</p>", r"is no zip file: it begins with '<html><p>Sorry</p>'"),
    "nothing": (b"", "is no zip file: it begins with 'nothing'"),
    "plain text": (MONTHLY.encode(), "is no zip file: it begins with 'This file was created"),
    "cut": (zipped(MONTHLY)[:-40], "is a zip file that is cut or damaged"),
    "half": (zipped(MONTHLY)[:200], "is a zip file that is cut or damaged"),
    "bit": (flipped(), "is a zip file that is cut or damaged"),
    "locked": (locked(), "cannot be unpacked .*encrypted"),
    "no csv": (zipped("x", "readme.txt"), r"holds no CSV file \(readme\.txt\)"),
    "two": (zipped("x", "a.csv", **{"b.csv": "y"}), r"holds 2 CSV files \(a\.csv, b\.csv\)"),
    "empty zip": (b"PK\x05\x06" + b"\0" * 18, r"holds no CSV file \(nothing\)"),
}


class TestRefused:
    @pytest.mark.parametrize("case", BAD_TEXTS)
    def test_text_that_is_not_of_the_layout(self, save, case):
        text, problem = BAD_TEXTS[case]
        for path in (save(text, "a.csv"), save(zipped(text))):
            with pytest.raises(InputError, match=problem) as caught:
                ms.french_factors(path)
            assert caught.value.parameter == str(path)
            assert caught.value.remedy

    @pytest.mark.parametrize("case", BAD_BYTES)
    def test_bytes_that_are_no_such_zip(self, save, case):
        payload, problem = BAD_BYTES[case]
        with pytest.raises(InputError, match=problem):
            ms.french_factors(save(payload))
        message = rf"asked for http://.*/a\.zip; what came .*{problem}"
        with FileServer({"/a.zip": payload}) as server, pytest.raises(BadData, match=message):
            ms.french_factors(server.base + "/a.zip", cache=False)

    def test_a_zip_that_would_unpack_to_too_much(self, save, monkeypatch):
        monkeypatch.setattr("marketshock.providers.french_file.LARGEST", 100)
        with pytest.raises(InputError, match=r"would unpack to \d+ bytes, 100 are allowed"):
            ms.french_factors(save(zipped(MONTHLY)))

    @pytest.mark.parametrize("source", ["", "no such", "ftp://x.org/a.zip", "folder/name", "a.txt", 3, [], [None], {}])
    def test_what_is_no_source(self, source):
        with pytest.raises(
            InputError, match=r"source: got .*give a path to a \.zip or \.csv, an http\(s\) address, or"
        ):
            ms.french_factors(source)

    def test_a_path_that_is_not_there_or_is_a_folder(self, tmp_path):
        with pytest.raises(InputError, match="no such file"):
            ms.french_factors("nowhere.zip")
        with pytest.raises(InputError, match="cannot be read"):
            ms.french_factors(tmp_path)


@pytest.mark.parametrize("seed", range(4))
def test_no_damage_to_a_file_ends_in_anything_but_an_error_of_ours_or_a_table(save, seed):
    rng = np.random.default_rng(seed)
    text = zipfile.ZipFile(io.BytesIO(published()[FIVE])).read(f"{FIVE}.CSV")[:2000]
    for _ in range(150):
        payload = bytearray(text if rng.random() < 0.5 else zipped(text.decode("latin-1")))
        for at in rng.integers(0, len(payload), rng.integers(1, 6)):
            payload[at] = rng.integers(0, 256)
        payload = payload[: rng.integers(1, len(payload) + 1)] if rng.random() < 0.3 else payload
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", VintageWarning)
                frame = ms.french_factors(save(bytes(payload), "a.csv"))
        except MarketShockError:
            continue
        assert np.isfinite(frame.to_numpy()[frame.notna().to_numpy()]).all()
        assert frame.index.is_monotonic_increasing
        assert frame.index.is_unique
