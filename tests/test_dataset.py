"""A Parquet folder of returns is read strictly, a few securities at a time, whatever its shape."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest

from marketshock.errors import InputError, PriceError
from marketshock.providers import dataset as module
from marketshock.providers.dataset import ReturnsDataset, is_dataset

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pq = pytest.importorskip("pyarrow.parquet")

DAYS = pd.bdate_range("2020-01-01", periods=30)
AXIS = DAYS.to_numpy().astype("datetime64[D]")


def long(names=("A", "B"), seed=0, days=DAYS):
    rng = np.random.default_rng(seed)
    frames = [pd.DataFrame({"ticker": n, "date": days, "ret": 0.01 * rng.normal(size=len(days))}) for n in names]
    return pd.concat(frames, ignore_index=True)


def written(folder, *frames):
    for at, frame in enumerate(frames):
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"part-{at}.parquet")
    return folder


def read(folder, tickers=None, axis=AXIS, log=False):
    opened = ReturnsDataset.open("returns", folder)
    wanted = opened.tickers if tickers is None else tickers
    out = {}
    for partition in opened.partitions:
        names, values = partition.read(axis, wanted, log)
        assert values.shape == (len(axis), len(names))
        out |= dict(zip(names, values.T, strict=True))
    return out


def test_what_is_written_is_read(tmp_path):
    frame = long(("A", "B", "C"))
    found = read(written(tmp_path, frame[frame["ticker"] != "C"], frame[frame["ticker"] == "C"]))
    for name in "ABC":
        np.testing.assert_array_equal(found[name], frame.loc[frame["ticker"] == name, "ret"])


def test_the_order_of_rows_does_not_matter(tmp_path):
    frame = long()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = read(written(tmp_path / "a", frame))
    other = read(written(tmp_path / "b", frame.sample(frac=1, random_state=1)))
    assert {n: v.tobytes() for n, v in one.items()} == {n: v.tobytes() for n, v in other.items()}


def test_a_day_without_a_row_is_missing_and_one_beyond_the_axis_left_alone(tmp_path):
    frame = long().drop(index=[4, 5])
    found = read(written(tmp_path, frame), axis=AXIS[2:20])
    assert list(np.flatnonzero(np.isnan(found["A"]))) == [2, 3]
    assert not np.isnan(found["B"]).any()


@pytest.mark.parametrize("shape", ["dictionary", "large_string", "text dates", "zoned", "date32", "named Symbol"])
def test_columns_of_other_types(tmp_path, shape):
    frame = long()
    table = pa.Table.from_pandas(frame, preserve_index=False)
    if shape == "dictionary":
        table = table.set_column(0, "ticker", table["ticker"].dictionary_encode())
    if shape == "large_string":
        table = table.set_column(0, "ticker", table["ticker"].cast(pa.large_string()))
    if shape == "text dates":
        table = table.set_column(1, "date", pa.array(frame["date"].dt.strftime("%Y-%m-%d")))
    if shape == "zoned":
        late = (frame["date"] + pd.Timedelta(hours=20)).dt.tz_localize("America/New_York")  # the next day in UTC
        table = table.set_column(1, "date", pa.array(late))
    if shape == "date32":
        table = table.set_column(1, "date", table["date"].cast(pa.date32()))
    if shape == "named Symbol":
        table = table.rename_columns(["Symbol", "Date", "Return"])
    pq.write_table(table, tmp_path / "x.parquet")
    np.testing.assert_array_equal(read(tmp_path)["B"], frame.loc[frame["ticker"] == "B", "ret"])


def test_a_folder_by_security_a_single_file_and_a_dataset(tmp_path):
    frame = long()
    for name, part in frame.groupby("ticker"):
        (tmp_path / "hive" / f"ticker={name}").mkdir(parents=True)
        written(tmp_path / "hive" / f"ticker={name}", part.drop(columns="ticker"))
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "one.parquet")
    import pyarrow.dataset as ds

    opened = ds.dataset(tmp_path / "one.parquet")
    assert is_dataset(opened)
    assert is_dataset(str(tmp_path))
    assert not is_dataset(frame)
    for source in (tmp_path / "hive", str(tmp_path / "one.parquet"), opened):
        np.testing.assert_array_equal(read(source)["A"], frame.loc[frame["ticker"] == "A", "ret"])


def test_only_what_is_asked_for_is_read(tmp_path):
    frame = long(("A", "B", "C"))
    opened = ReturnsDataset.open("returns", written(tmp_path, frame))
    names, values = opened.partitions[0].read(AXIS, {"B", "Z"}, False)
    assert names == ("B",)
    assert values.shape == (30, 1)
    days, series = opened.series("C")
    np.testing.assert_array_equal(days, AXIS)
    np.testing.assert_array_equal(series, frame.loc[frame["ticker"] == "C", "ret"])
    with pytest.raises(KeyError):
        opened.series("Z")


def test_small_files_are_joined_and_large_ones_cut(tmp_path, monkeypatch):
    names = [f"S{i}" for i in range(12)]
    monkeypatch.setattr(module, "_ROWS", 100)
    (tmp_path / "small").mkdir()
    small = ReturnsDataset.open("returns", written(tmp_path / "small", *(long((n,)) for n in names)))
    assert [len(p.tickers) for p in small.partitions] == [3, 3, 3, 3]
    monkeypatch.setattr(module, "_ROWS", 80)
    (tmp_path / "large").mkdir()
    large = ReturnsDataset.open("returns", written(tmp_path / "large", long(names)))
    assert sorted(n for p in large.partitions for n in p.tickers) == sorted(names)
    assert max(len(p.tickers) for p in large.partitions) == 2
    assert len(read(tmp_path / "large")) == 12


def test_a_partition_travels(tmp_path):
    partition = ReturnsDataset.open("returns", written(tmp_path, long())).partitions[0]
    again = pickle.loads(pickle.dumps(partition))
    assert again.read(AXIS, {"A"}, False)[1].tobytes() == partition.read(AXIS, {"A"}, False)[1].tobytes()


class TestRefusals:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda f: pd.concat([f, f.iloc[[3]]]), "2020-01-06 stands there more than once for A"),
            (lambda f: f.assign(date=f["date"].where(f.index != 3, pd.Timestamp("2020-01-04"))), "no session"),
            (lambda f: f.assign(ret=f["ret"].where(f.index != 3, np.inf)), "cannot be right"),
            (lambda f: f.assign(ret=f["ret"].where(f.index != 3, -1.5)), "a loss of more than everything"),
            (lambda f: f.assign(ret=100 + f["ret"]), "prices or percentages"),
            (lambda f: f.assign(ret=f["ret"].astype(str)), "holds (large_)?string"),
            (lambda f: f.assign(date=f["date"].where(f.index != 3)), "no date"),
            (lambda f: f.assign(date="soon"), "dates holds (large_)?string"),
        ],
    )
    def test_rows_that_cannot_be_right(self, tmp_path, change, words):
        with pytest.raises(PriceError, match=words) as caught:
            read(written(tmp_path, change(long())))
        assert caught.value.parameter == "returns"

    def test_log_returns_may_be_below_minus_one(self, tmp_path):
        frame = long()
        frame.loc[3, "ret"] = -1.5
        assert read(written(tmp_path, frame), log=True)["A"][3] == -1.5

    def test_a_security_in_two_files(self, tmp_path):
        with pytest.raises(InputError, match="lies in two files"):
            ReturnsDataset.open("returns", written(tmp_path, long(("A",)), long(("A",))))

    def test_a_row_without_a_ticker(self, tmp_path):
        frame = long()
        frame.loc[3, "ticker"] = None
        with pytest.raises(InputError, match="without a ticker"):
            ReturnsDataset.open("returns", written(tmp_path, frame))

    @pytest.mark.parametrize("column", ["ticker", "date", "ret"])
    def test_a_column_that_is_missing(self, tmp_path, column):
        with pytest.raises(InputError, match="has 0 columns of a"):
            ReturnsDataset.open("returns", written(tmp_path, long().drop(columns=column)))

    def test_no_such_folder_and_an_empty_one(self, tmp_path):
        with pytest.raises(InputError, match="no file or folder"):
            ReturnsDataset.open("returns", tmp_path / "none")
        with pytest.raises(InputError, match=r"no \.parquet file"):
            ReturnsDataset.open("returns", tmp_path)

    def test_a_file_that_is_no_parquet(self, tmp_path):
        (tmp_path / "x.parquet").write_text("hello", "ascii")
        with pytest.raises(InputError, match="cannot be read"):
            ReturnsDataset.open("returns", tmp_path)
