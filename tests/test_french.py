"""Factors of the data library: joined, fetched, announced; two vintages are never mixed."""

from __future__ import annotations

import datetime as dt
import json

import pandas as pd
import pytest

import marketshock as ms
from marketshock.command.main import main
from marketshock.errors import BadData, CacheWarning, InputError, NoData, OfflineMiss, VintageError, VintageWarning
from marketshock.providers.download import Download
from marketshock.providers.retry import Retry
from marketshock.providers.store import Key, Store

from .library import BUNDLED, FIVE, MOMENTUM, MONTHLY, THREE, layout, published, same, zipped
from .loopback.files import FileServer


@pytest.fixture
def server():
    with FileServer({f"/{name}_CSV.zip": payload for name, payload in published().items()}) as running:
        yield running


class TestJoined:
    def test_dates_only_one_file_has_are_missing_in_the_other_and_counted(self, save, french_zips):
        later = pd.DataFrame({"Mom": [0.69, 0.25]}, pd.to_datetime(["2025-03-31", "2025-04-01"]))
        frame = ms.french_factors([french_zips[THREE], save(zipped(layout(later)))])
        assert (len(frame), frame["MOM"].notna().sum(), frame["RF"].notna().sum()) == (564, 2, 563)
        assert [about["lacks"] for about in frame.attrs["files"]] == [1, 562]
        assert frame.loc["2025-04-01", "MOM"] == 0.0025

    def test_one_file_fills_what_the_other_misses(self, save):
        days = pd.bdate_range("2026-01-05", periods=3)
        one = save(zipped(layout(pd.DataFrame({"HML": [0.1, -99.99, 0.3]}, days))))
        other = save(zipped(layout(pd.DataFrame({"HML": [0.1, 0.2, -999]}, days))), "b.zip")
        assert ms.french_factors([one, other])["HML"].tolist() == [0.1 / 100, 0.2 / 100, 0.3 / 100]

    def test_files_that_disagree_though_they_name_one_vintage(self, save, french_zips):
        path = save(published(change=0.01)[FIVE])
        message = (
            r"HML on 2022-12-30 is -0\.0004 in F-F.*CSV\.zip and -0\.0003 in a\.zip \(563 of 563 such values differ\)"
        )
        with pytest.raises(VintageError, match=message):
            ms.french_factors([french_zips[THREE], path])

    def test_two_vintages_are_refused_and_named(self, save, french_zips):
        path = save(published("202510")[MOMENTUM])
        with pytest.raises(VintageError, match=r"daily_CSV\.zip is of vintage 202604, a\.zip of vintage 202510; join"):
            ms.french_factors([french_zips[THREE], path])

    def test_nothing_is_joined_with_an_unknown_vintage_not_even_another_unknown(self, save, french_zips):
        unknown = save(published("never")[MOMENTUM])
        for other in (french_zips[THREE], unknown):
            with pytest.raises(VintageError, match="of vintage unknown"):
                ms.french_factors([other, unknown])

    def test_months_and_days_are_refused(self, save, french_zips):
        with pytest.raises(InputError, match=r"daily_CSV\.zip is daily, a\.zip is monthly; join files of one freq"):
            ms.french_factors([french_zips[THREE], save(zipped(MONTHLY))])


class TestVintage:
    def test_another_vintage_is_announced_with_what_differs(self, save):
        path = save(published("202510", change=0.01)[THREE])
        message = r"of vintage 202510, the bundled ones of 202604 \(563 of 2252 common daily values differ\)"
        with pytest.warns(VintageWarning, match=message) as caught:
            frame = ms.french_factors(path)
        assert frame.attrs["vintage"] == "202510"
        assert caught[0].filename == __file__

    def test_so_are_other_figures_under_the_bundled_vintage_s_name(self, save):
        with pytest.warns(VintageWarning, match="563 of 2252 common daily values differ"):
            ms.french_factors(save(published(change=0.01)[THREE]))

    def test_a_file_that_names_no_vintage(self, save):
        with pytest.warns(VintageWarning, match=r"no vintage is named in the file, .* \(0 of 563 common daily values"):
            frame = ms.french_factors(save(published("never")[MOMENTUM]))
        assert frame.attrs["vintage"] == "unknown"

    def test_a_file_that_names_two(self, save):
        text = MONTHLY.replace("It contains", "Until 2000 using the 202501 CRSP database. It contains")
        with pytest.warns(VintageWarning, match="no vintage"):
            assert ms.french_factors(save(zipped(text))).attrs["vintage"] == "unknown"

    def test_another_database(self, save):
        text = layout(pd.DataFrame({"WML": [1.0]}, [pd.Timestamp("2025-01-27")]), "202604").replace("CRSP", "Bloomberg")
        with pytest.warns(VintageWarning, match="vintage 202604 Bloomberg, the bundled ones of 202604. Results"):
            frame = ms.french_factors(save(zipped(text)))
        assert (list(frame.columns), frame.attrs["vintage"]) == (["WML"], "202604 Bloomberg")


AT_ONCE = Retry(attempts=2, base=0, base_limited=0)


class TestFromTheWeb:
    def test_a_dataset_by_name_and_a_list_of_them(self, server, tmp_path):
        frame = ms.french_factors([THREE, FIVE, MOMENTUM], cache=tmp_path, library=server.base + "/")
        same(frame, ms.french_factors())
        assert [path for path, _ in server.requests] == [f"/{name}_CSV.zip" for name in (THREE, FIVE, MOMENTUM)]
        assert [about["source"] for about in frame.attrs["files"]] == [THREE, FIVE, MOMENTUM]
        assert frame.attrs["files"][0]["url"] == f"{server.base}/{THREE}_CSV.zip"
        assert dt.datetime.fromisoformat(frame.attrs["files"][0]["fetched"]).tzinfo
        assert frame.attrs["source"] == f"Kenneth R. French data library: {THREE}, {FIVE}, {MOMENTUM}"

    def test_an_address_of_a_zip_and_of_a_csv(self, server, tmp_path):
        server.files["/m.csv"] = MONTHLY.encode("latin-1")
        assert len(ms.french_factors(f"{server.base}/m.csv?again=1", cache=tmp_path)) == 3
        for _ in range(2):
            assert len(ms.french_factors(f"{server.base}/{FIVE}_CSV.zip", cache=False)) == 563
        assert len(server.requests) == 3

    def test_the_cache_serves_without_a_request_and_offline(self, server, tmp_path):
        fetched = ms.french_factors(THREE, cache=Store(tmp_path), library=server.base)
        for offline in (False, True):
            again = ms.french_factors(THREE, cache=tmp_path, library=server.base, offline=offline)
            same(again, fetched)
            assert again.attrs == fetched.attrs
        assert len(server.requests) == 1
        assert [entry.about["vintage"] for entry in Store(tmp_path).entries()] == [BUNDLED]

    def test_offline_opens_no_connection(self, server, tmp_path):
        for cache in (False, tmp_path):
            with pytest.raises(OfflineMiss, match=rf"{THREE}: asked for .*_CSV\.zip; the cache does not hold it"):
                ms.french_factors(THREE, cache=cache, library=server.base, offline=True)
        assert server.requests == []
        same(ms.french_factors(offline=True), ms.french_factors())

    def test_an_unknown_dataset(self, server):
        with pytest.raises(NoData, match=r"F-F_Reserch: asked for .*HTTP 404"):
            ms.french_factors("F-F_Reserch", cache=False, library=server.base)

    def test_a_page_with_status_200_is_not_kept(self, server, tmp_path):
        good = server.files[f"/{THREE}_CSV.zip"]
        server.files[f"/{THREE}_CSV.zip"] = b"<html>"
        with pytest.raises(BadData, match="is no zip file"):
            ms.french_factors(THREE, cache=tmp_path, library=server.base)
        server.files[f"/{THREE}_CSV.zip"] = good
        assert len(ms.french_factors(THREE, cache=tmp_path, library=server.base)) == 563

    def age(self, folder, url):
        """Fetch a file as of some days ago."""
        long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=9)
        download = Download(Store(folder), now=lambda: long_ago)
        download.file(Key("french", "factors", THREE), url, lambda payload: {"vintage": BUNDLED})

    def test_a_cached_file_that_another_vintage_replaces_is_announced(self, server, tmp_path):
        self.age(tmp_path, f"{server.base}/{THREE}_CSV.zip")
        server.files[f"/{THREE}_CSV.zip"] = published("202510", change=0.01)[THREE]
        with pytest.warns(VintageWarning) as caught:
            ms.french_factors(THREE, cache=tmp_path, library=server.base)
        messages = [str(warning.message) for warning in caught]
        assert "vintage 202510 came; it replaces vintage 202604 of " in messages[0]
        assert "563 of 2252 common daily values differ" in messages[1]
        assert len(messages) == 2

    def test_the_same_vintage_again_is_not(self, server, tmp_path):
        self.age(tmp_path, f"{server.base}/{THREE}_CSV.zip")
        ms.french_factors(THREE, cache=tmp_path, library=server.base)
        assert len(server.requests) == 2

    @pytest.mark.parametrize("fault", ["500", "page"])
    def test_an_old_copy_that_serves_for_a_new_one(self, server, tmp_path, fault):
        self.age(tmp_path, f"{server.base}/{THREE}_CSV.zip")
        if fault == "page":
            server.files[f"/{THREE}_CSV.zip"] = b"<html>"
        else:
            server.fail(f"/{THREE}_CSV.zip", fault, times=9)
        with pytest.warns(CacheWarning, match="serves instead"):
            frame = ms.french_factors(THREE, cache=tmp_path, library=server.base, retry=AT_ONCE)
        assert ("HTTP 500" if fault == "500" else "is no zip file") in frame.attrs["files"][0]["stale"]


class TestStudies:
    @pytest.mark.parametrize("model", [ms.FamaFrench(3), ms.FamaFrench(5), ms.FamaFrench(3, momentum=True)])
    def test_the_same_numbers_as_the_bundled_factors(self, prices, catalog, french_zips, model):
        names = {3: [THREE], 4: [THREE, MOMENTUM], 5: [FIVE]}[len(model.factors)]
        factors = ms.french_factors([french_zips[name] for name in names])
        options = {"tickers": ms.MAGNIFICENT_SEVEN, "prices": prices, "model": model}
        ours = ms.event_study(catalog["deepseek-selloff"], **options)
        theirs = ms.event_study(catalog["deepseek-selloff"], **options, factors=factors)
        pd.testing.assert_frame_equal(theirs.car(0, 5), ours.car(0, 5), check_exact=True)
        pd.testing.assert_frame_equal(theirs.ar, ours.ar, check_exact=True)
        assert theirs.spec == ours.spec
        assert theirs.spec.to_dict()["factor_vintage"] == BUNDLED

    def test_the_spec_says_which_vintage_a_frame_has_also_one_that_was_cut(self, prices, catalog, save):
        with pytest.warns(VintageWarning):
            factors = ms.french_factors(save(published("202510")[THREE]))
        study = ms.event_study(
            catalog["deepseek-selloff"],
            tickers=["NVDA"],
            prices=prices,
            model=ms.FamaFrench(3),
            factors=factors.loc["2023-06-01":],
        )
        assert study.spec.factor_vintage == "202510"


class TestCommand:
    def run(self, capsys, *arguments):
        events = ("study", "--events", "bundled", "--prices", "bundled", "--tickers", "NVDA", "--json")
        code = main([*events, "--on-closed", "next", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    def test_a_zip_and_several(self, capsys, french_zips):
        bundled = self.run(capsys, "--model", "carhart", "--factors", "bundled")
        given = self.run(capsys, "--model", "carhart", "--factors", f"{french_zips[THREE]},{french_zips[MOMENTUM]}")
        assert bundled[0] == 0
        assert bundled == given
        code, out, _ = self.run(capsys, "--model", "ff5", "--factors", str(french_zips[FIVE]))
        assert code == 0
        assert json.loads(out)["spec"]["factor_vintage"] == BUNDLED

    def test_another_vintage_is_a_note_and_a_bad_zip_one_line(self, capsys, save):
        path = str(save(published("202510")[THREE]))
        code, out, err = self.run(capsys, "--model", "ff3", "--factors", path)
        assert (code, json.loads(out)["spec"]["factor_vintage"]) == (0, "202510")
        assert "marketshock: note: factors: these are of vintage 202510" in err
        code, out, err = self.run(capsys, "--model", "ff3", "--factors", str(save(b"<html>", "b.zip")))
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
