"""What is read: within a bound of time and memory, or refused with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock._files import parsed_json, read_bytes, read_toml
from marketshock.backtests.plan import read_plan
from marketshock.command.main import main
from marketshock.errors import CatalogError, InputError, PriceError, UnknownNameError, did_you_mean, twice
from marketshock.providers.files import read_events, read_table
from tests.structure import PACKAGE

posix = pytest.mark.skipif(os.name != "posix", reason="named pipes and devices")


def shell(*command: str, **options: object) -> subprocess.CompletedProcess[str]:
    whole = [sys.executable, *(command if command[0] == "-c" else ("-m", "marketshock", *command))]
    kept = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(whole, text=True, timeout=120, check=False, **kept)  # type: ignore[call-overload]


_LONG_TEXTS = """
from marketshock.documents.html_text import html_text, markdown_text
from marketshock.documents.figures import figures
units = ["<!--", "<!", "<?", "</", "<a ", '<a b="', "<a b='x", "<script>", "<nav></p>", "<![CDATA[", "&#1", "<", "[",
         "[a](", "[a][", "![", "![a](", "`", "**", "*a", "_a", "```\\n", "a\\n", "> ", "<!---", "[]", "(", "\\\\["]
for unit in units:
    text = unit * (100_000 // len(unit))
    html_text(text), markdown_text(text), markdown_text(text + "](x)")
for text in ("1" + " " * 50_000 + "x", "closed at " + "1" * 200_000 + "%", "1-2% " * 20_000, "1" + ",111" * 50_000):
    figures(text, text, 1)
"""


def test_texts_that_never_close_what_they_open_take_linear_time():
    """A quadratic scan of one of them would take more than the two minutes that all have."""
    done = shell("-c", _LONG_TEXTS)
    assert done.returncode == 0, done.stderr[-500:]


def test_what_is_in_a_page_stays_in_it():
    pages = {
        "<p>a<!-- b --><b>c</b> d</p><p>e": ("ac d", "e"),
        "<p>1 < 2 &amp; 3 &#60; &#99999999999;</p>": ("1 < 2 & 3 < \ufffd",),
        "<script>if (a < b) '<p>x</p>'</script >y": ("y",),
        "<nav>a<div>b</div></nav>c": ("c",),
        "<p title='a>b'>c</p>": ("c",),
        "<p title=it's>c</p>d's": ("c", "d's"),
        "a<!-- never closed b": ("a",),
        "a<b": ("a",),
    }
    from marketshock.documents.html_text import html_text

    for text, blocks in pages.items():
        assert tuple(html_text(text)[0]) == blocks, text
    assert html_text("<meta name=date content='2025-01-27T10:00'>")[1:] == (
        pd.Timestamp("2025-01-27").date(),
        "date of the page",
    )


@pytest.mark.parametrize("spent", ["&#" + "9" * 5000 + ";", "closed at " + "9" * 400])
def test_numbers_beyond_floats_are_no_figures(tmp_path, spent):
    (tmp_path / "a.html").write_text(f"<p>Nvidia fell {spent} on January 27, 2025</p>", encoding="utf-8")
    document = ms.read_document(tmp_path / "a.html")
    assert len(document.days) == 1
    assert np.isfinite(document.figures["value"]).all()


class TestPaths:
    def test_the_bound_is_applied_while_reading(self, tmp_path):
        (tmp_path / "a").write_bytes(b"x" * 11)
        with pytest.raises(InputError, match="has 11 bytes; at most 10 are read; split it"):
            read_bytes(tmp_path / "a", 10, "split it")
        assert read_bytes(tmp_path / "a", 11, "split it") == b"x" * 11

    @posix
    @pytest.mark.parametrize("read", [ms.read_prices, ms.read_document, ms.load_catalog, read_plan, read_events])
    def test_a_device_a_folder_a_pipe_without_writer(self, tmp_path, read, monkeypatch):
        monkeypatch.setattr("marketshock._files.reading._PATIENCE", 0.05)
        os.mkfifo(tmp_path / "pipe")
        for path, what in (("/dev/zero", "is a device"), (tmp_path / "pipe", "is a pipe that no process writes to")):
            with pytest.raises(InputError, match=what):
                read(path)
        with pytest.raises(InputError, match=r"is a folder|no \.toml file"):
            read(tmp_path)
        with pytest.raises(InputError, match="no such file"):
            read("a\0b")

    @posix
    def test_a_pipe_is_read_once(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        text = b"date,A\n" + b"".join(b"2024-01-%02d,%d\n" % (day, day) for day in range(1, 29)) * 1
        writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(text,))
        writer.start()
        prices = ms.read_prices(tmp_path / "pipe")
        writer.join()
        assert prices.close["A"].tolist() == list(range(1, 29))

    @posix
    def test_an_endless_pipe_ends_at_the_bound(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")

        def write() -> None:
            with suppress(BrokenPipeError), open(tmp_path / "pipe", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(1000))

        writer = threading.Thread(target=write)
        writer.start()
        with pytest.raises(InputError, match=r"has more than 5,000 bytes, which is the most that is read; split it"):
            read_bytes(tmp_path / "pipe", 5_000, "split it")
        writer.join()


class TestToml:
    @pytest.mark.parametrize(
        ("text", "what"),
        [
            ("a = " + "[" * 5000 + "]" * 5000, "nested too deeply"),
            ("a = " + "9" * 5000, "TOML: a whole number is beyond 64 bits"),
            ("a = [{ b = 9223372036854775808 }]", "TOML: a whole number is beyond 64 bits"),
            ("a." * 100_000 + "a = 1", "TOML: a key has more than 32 parts"),
            ('"a" . ' * 100_000 + "a = 1", "TOML: a key has more than 32 parts"),
            ("a = 9999-99-99", "TOML: "),
            ('a = "\0"', "TOML: Illegal character"),
            ("#" * 4_000_001, "has 4,000,001 bytes; at most 4,000,000 are read"),
        ],
    )
    def test_one_sentence(self, tmp_path, text, what):
        (tmp_path / "a.toml").write_text(text, encoding="utf-8")
        with pytest.raises(CatalogError, match=what):
            ms.load_catalog(tmp_path / "a.toml")
        with pytest.raises(InputError, match=what):
            read_plan(tmp_path / "a.toml")

    def test_what_toml_allows(self, tmp_path):
        text = f"a = {2**63 - 1}\nb = {-(2**63)}\nc = 'x.y'\n" + ".".join("d" * 32) + " = 1\n"
        (tmp_path / "a.toml").write_text(text, encoding="utf-8")
        assert read_toml(tmp_path / "a.toml")["a"] == 2**63 - 1


def test_json_that_is_deep_or_large(tmp_path):
    with pytest.raises(ValueError, match="nested too deeply"):
        parsed_json(b"[" * 200_000)
    assert parsed_json(b"[1, 2.5, -3]") == [1, 2.5, -3]
    assert parsed_json(b"9" * 5000) == float("inf")
    (tmp_path / "f.json").write_bytes(b'{"facts": ' + b"[" * 200_000)
    with pytest.raises(InputError, match="nested too deeply"):
        ms.sec_share_counts(tmp_path / "f.json", "X")


class TestTables:
    def test_many_columns(self, tmp_path):
        names = [f"A{k}" for k in range(200_000)]
        assert twice(names) is None
        assert twice([*names, "A7", "A3"]) == "A7"
        (tmp_path / "a.csv").write_text("date," + ",".join(names) + "\n", encoding="utf-8")
        with pytest.raises(InputError, match="has 200,001 columns, and at most 100,000 are read"):
            ms.read_prices(tmp_path / "a.csv")

    def test_a_csv_file_of_commas(self, tmp_path, monkeypatch):
        monkeypatch.setattr("marketshock.providers.files._MOST_BYTES", 100_000)
        (tmp_path / "a.csv").write_text("date,A,B,C\n" + ",,,\n" * 10_000, encoding="utf-8")
        with pytest.raises(InputError, match="holds 10,000 rows of 4 fields, more than"):
            ms.read_prices(tmp_path / "a.csv")

    @pytest.mark.parametrize("suffix", [".parquet", ".feather"])
    def test_a_small_file_of_many_rows(self, tmp_path, monkeypatch, suffix):
        pa = pytest.importorskip("pyarrow")
        pq, feather = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow.feather")
        monkeypatch.setattr("marketshock.providers.files._MOST_BYTES", 1_000_000)
        table = pa.table({"date": ["2024-01-02"] * 90_000, "A": [1.0] * 90_000})
        path = tmp_path / f"a{suffix}"
        if suffix == ".parquet":
            pq.write_table(table, path, compression="zstd")
        else:
            feather.write_feather(table, path, compression="zstd")
        assert path.stat().st_size < 400_000
        with pytest.raises(InputError, match=r"would take more than .* GB in memory"):
            read_table(path)

    @pytest.mark.parametrize("coded", [False, True])
    @pytest.mark.parametrize("suffix", [".parquet", ".feather"])
    def test_a_long_text_in_every_row(self, tmp_path, monkeypatch, suffix, coded):
        pa = pytest.importorskip("pyarrow")
        import pyarrow.feather as feather
        import pyarrow.parquet as pq

        path, text = tmp_path / f"a{suffix}", pa.array(["x" * 5_000] * 1_000)
        table = pa.table({"ticker": text.dictionary_encode() if coded else text, "close": [1.0] * 1_000})
        (pq.write_table if suffix == ".parquet" else feather.write_feather)(table, path)
        assert len(read_table(path)) == 1_000
        monkeypatch.setattr("marketshock.providers.files._MOST_BYTES", 1_000_000)
        with pytest.raises(InputError, match=r"would take more than"):
            read_table(path)

    def test_lists_are_no_numbers(self, tmp_path):
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"date": ["2024-01-02"], "A": [[1.0] * 10]}), tmp_path / "a.parquet")
        with pytest.raises(InputError, match="column 'A' holds lists or records"):
            read_table(tmp_path / "a.parquet")

    def test_a_file_without_a_suffix_is_what_its_first_bytes_say(self, tmp_path):
        pytest.importorskip("pyarrow")
        frame = pd.DataFrame({"date": pd.to_datetime(["2024-01-02", "2024-01-03"]), "A": [1.0, 2.0]})
        frame.to_parquet(tmp_path / "one")
        frame.to_feather(tmp_path / "two")
        frame.to_csv(tmp_path / "three", index=False)
        for name in ("one", "two", "three"):
            assert ms.read_prices(tmp_path / name).close["A"].tolist() == [1.0, 2.0]

    def test_a_zip_that_unpacks_to_lines_only(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("a.csv", "\n" * 3_000_000)
        with pytest.raises(InputError, match="has more than 2,000,000 lines"):
            ms.french_factors(tmp_path / "a.zip")
        (tmp_path / "a.csv").write_text(",A\n20240101," + "1" * 90_000 + "x\n")
        with pytest.raises(InputError, match="no row of figures"):
            ms.french_factors(tmp_path / "a.csv")


class TestNumbers:
    days = pd.bdate_range("2024-01-01", periods=20)

    def frame(self, factor: float = 1.0) -> pd.DataFrame:
        return pd.DataFrame({"A": np.linspace(100, 120, 20) * factor}, index=self.days)

    def test_half_precision_is_refused(self):
        half = self.frame().astype("float16")
        long = half.rename_axis("date").reset_index().melt("date", var_name="ticker", value_name="close")
        for make, given in ((ms.Prices.from_frame, [half]), (ms.Prices, [half, half]), (ms.Prices.from_frame, [long])):
            with pytest.raises(PriceError, match="is of half precision"):
                make(*given)
        events = pd.DataFrame({"ticker": ["A"], "date": [self.days[15]]})
        with pytest.raises(PriceError, match="returns: column 'A' is of half precision"):
            ms.event_study(events, returns=half / 1e4, model=ms.ConstantMean())

    def test_half_precision_in_files(self, tmp_path):
        pa = pytest.importorskip("pyarrow")
        import pyarrow.parquet as pq

        rows = {"ticker": ["A"] * 20, "date": self.days.date.tolist(), "ret": pa.array(np.full(20, 0.01, np.float16))}
        pq.write_table(pa.table(rows), tmp_path / "a.parquet")
        with pytest.raises(PriceError, match="half precision"):
            ms.read_returns(tmp_path / "a.parquet")
        events = pd.DataFrame({"ticker": ["A"], "date": [self.days[15]]})
        with pytest.raises(PriceError, match="half precision"):
            ms.summarize_events(
                events,
                returns=tmp_path,
                factors=self.frame(1e-4).rename(columns={"A": "M"}),
                model=ms.MarketModel("M"),
                calendar="index",
                min_obs=5,
                estimation=(-12, -2),
                window=(-1, 1),
            )

    @pytest.mark.parametrize("kind", ["float32", "Float32", "Float64", "int64", object])
    def test_single_precision_is_read(self, kind):
        frame = self.frame().round(0)
        assert ms.Prices.from_frame(frame.astype(kind)).close.equals(ms.Prices.from_frame(frame).close)

    def test_numbers_that_no_float_holds(self):
        with pytest.raises(PriceError, match="is too small for a price"):
            ms.Prices.from_frame(self.frame(1e-320))
        with pytest.raises(PriceError, match="holds what is no number"):
            ms.Prices.from_frame(self.frame().astype(object).map(lambda _: 10**400))


def test_messages_about_many_or_long_names_are_short():
    error = UnknownNameError("tickers", [f"X{k}" for k in range(5_000)], ["A"])
    assert len(str(error)) < 400
    assert "and 4988 more" in str(error)
    assert did_you_mean("A" * 100_000, ["A" * 100_000]) is None


class TestShell:
    @pytest.mark.parametrize("value", ["9" * 5000, "9" * 30, "nan", "1e400", "inf"])
    def test_numbers_that_are_none(self, value, capsys):
        for option in (
            "--samples",
            "--seed",
            "--window-length",
            *(() if value == "9" * 30 else ("--level", "--shocks")),
        ):
            with pytest.raises(SystemExit) as ended:
                main(["simulate", option, value])
            said = capsys.readouterr().err
            assert ended.value.code == 2
            assert len(said) < 1000

    @pytest.mark.parametrize("text", ["a\0b", "\ud800"])
    def test_arguments_that_are_no_text(self, text, capsys, tmp_path):
        (tmp_path / "a.txt").write_text("Nvidia fell on January 27, 2025.")
        for command in (
            ["loss", "--date", "2025-01-27", "--ticker", text],
            ["events", str(tmp_path / "a.txt"), "--encoding", text],
            ["backtest", "--events", "bundled", "--rule", "hold", "--days", "1", "--tickers", text],
            ["claims", "--catalog", text],
        ):
            assert main(command) == 2
            assert len(capsys.readouterr().err.splitlines()) == 1

    @posix
    def test_streams_that_cannot_be_written(self):
        loss = ("loss", "--ticker", "NVDA", "--date", "2025-01-27")
        with open("/dev/full", "w") as full:
            done = shell(*loss, stdout=full)
            assert done.returncode == 70
            assert done.stderr == "marketshock: the output cannot be written: No space left on device\n"
            done = shell("loss", "--ticker", "NONE", "--date", "2025-01-27", stderr=full)
            assert done.returncode == 2
        closed = f"exec {sys.executable} -m marketshock {' '.join(loss)} <&- >&- 2>&-"
        assert subprocess.run(["sh", "-c", closed], timeout=120, check=False).returncode == 0

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            ("ZeroDivisionError('a\\nb')", "unexpected ZeroDivisionError: a b; run it again with MARKETSHOCK_DEBUG=1"),
            ("MemoryError", "there is not enough memory"),
        ],
    )
    def test_an_error_of_its_own_is_one_sentence(self, error, said):
        broken = f"""
import sys
from marketshock.command import entry, main
def broken(): raise {error}
main.main = broken
entry.run()
"""
        done = shell("-c", broken)
        assert done.returncode == 70
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith(f"marketshock: {said}")
        if "Zero" in error:
            done = shell("-c", broken, env={**os.environ, "MARKETSHOCK_DEBUG": "1"})
            assert "Traceback" in done.stderr

    def test_the_entry_imports_nothing_that_takes_time(self):
        loaded = "import sys, marketshock.command.entry; print({'numpy', 'argparse', 'pandas'} & set(sys.modules))"
        assert shell("-c", loaded).stdout == "set()\n"


def test_out_of_a_zip_file_the_library_says_how_to_install_it(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as packed:
        for path in PACKAGE.rglob("*"):
            if path.suffix in (".py", ".css", ".js", ".html"):
                packed.write(path, Path("marketshock") / path.relative_to(PACKAGE))
    read = f"import sys; sys.path.insert(0, {str(tmp_path / 'a.whl')!r}); import marketshock as ms; ms.load_catalog()"
    done = shell("-c", read, cwd=tmp_path, env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"})
    assert done.stderr.splitlines()[-1].endswith(
        "marketshock cannot run from inside a zip file; install it with pip"
    ), done.stderr[-300:]
