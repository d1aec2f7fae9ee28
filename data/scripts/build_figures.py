"""Write data/figures/ from gathered public tables, checking every close against a second vendor.

Run as ``python data/scripts/build_figures.py --source DIR`` where DIR holds ``daily.csv``,
``daily_second_vendor.csv``, ``french_daily_percent_vintage_202604.csv``, ``shares_outstanding.csv``,
``sp500_adj_close.csv`` and ``sp500_members_2025-01-27.csv``.
Prints what it checked. A close that differs from the second vendor by more than ``TOLERANCE`` must be listed in
``KNOWN_DISAGREEMENTS``, and is then said in the file's header, in data/README.md and in ``Prices.provenance``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

FIRST, LAST = "2022-12-30", "2025-03-31"
OUT = Path(__file__).parents[1] / "figures"
TOLERANCE = 0.0151  # USD or index points: one tick of rounding on each side
KNOWN_DISAGREEMENTS = {("2024-10-22", "^IXIC"): (18579.7695, 18573.13)}
PRICE_FIELDS = ("open", "high", "low", "close")
PRICE_UNIT, ADJUSTED_UNIT, FACTOR_UNIT = 1e-4, 1e-6, 1e-4


def as_integers(values: np.ndarray, unit: float, dtype: type) -> np.ndarray:
    """Round to whole units; the vendor's figures are float32 images of prices, so four decimals lose nothing."""
    return np.rint(values / unit).astype(dtype)


def check_closes(daily: pd.DataFrame, second: pd.DataFrame) -> dict[str, object]:
    both = daily.merge(second, on=["date", "ticker"], suffixes=("", "_second"))
    off = both[(both["close"] - both["close_second"]).abs() > TOLERANCE]
    found = {(str(r.date.date()), r.ticker): (round(r.close, 4), r.close_second) for r in off.itertuples()}
    if found != KNOWN_DISAGREEMENTS:
        raise SystemExit(f"the vendors disagree on {found}; known are {KNOWN_DISAGREEMENTS}")
    unchecked = sorted(set(daily["ticker"]) - set(second["ticker"]))
    print(f"{len(both)} closes checked against the second vendor (tolerance {TOLERANCE}); {len(off)} known to differ")
    print(f"no second vendor for {', '.join(unchecked)}")
    return {
        "second_vendor_tolerance": TOLERANCE,
        "second_vendor_checked": len(both),
        "second_vendor_missing": unchecked,
        "second_vendor_disagreements": [[*key, *values] for key, values in sorted(found.items())],
    }


def check_bars(daily: pd.DataFrame) -> None:
    low, high = daily[["open", "close"]].min(axis=1), daily[["open", "close"]].max(axis=1)
    assert (daily["low"] <= low + 1e-9).all(), "a low is above the open or the close"
    assert (daily["high"] >= high - 1e-9).all(), "a high is below the open or the close"
    assert not daily.duplicated(["date", "ticker"]).any(), "duplicate bars"
    for field in PRICE_FIELDS:
        rounded = daily[field].round(4)
        assert (np.float32(rounded) == np.float32(daily[field])).all(), f"four decimals lose something in {field}"


def write_daily(source: Path) -> None:
    period = lambda frame: frame[frame["date"].between(FIRST, LAST)]  # noqa: E731
    daily = period(pd.read_csv(source / "daily.csv", parse_dates=["date"]))
    second = period(pd.read_csv(source / "daily_second_vendor.csv", parse_dates=["date"]))
    check_bars(daily)
    checks = check_closes(daily, second)
    wide = {
        field: daily.pivot(index="date", columns="ticker", values=field)
        for field in (*PRICE_FIELDS, "adj_close", "volume")
    }
    assert not any(wide[field].isna().any().any() for field in (*PRICE_FIELDS, "adj_close"))
    about = {
        "what": "daily bars; close is split-adjusted, not dividend-adjusted; adj_close is adjusted for both",
        "period": [FIRST, LAST],
        "vintage": "day of download not recorded; adj_close carries the dividends and splits known to the vendor then",
        "units": {
            "prices": PRICE_UNIT,
            "adj_close": ADJUSTED_UNIT,
            "volume": "shares, -1 where not reported",
        },
        **checks,
    }
    arrays = {field: as_integers(wide[field].to_numpy(), PRICE_UNIT, np.int32) for field in PRICE_FIELDS}
    arrays["adj_close"] = as_integers(wide["adj_close"].to_numpy(), ADJUSTED_UNIT, np.int64)
    arrays["volume"] = wide["volume"].fillna(-1).to_numpy().astype(np.int64)
    index = wide["close"].index.to_numpy().astype("datetime64[D]").astype(np.int32)
    tickers = np.array(wide["close"].columns, dtype="U")
    # Differences down the days compress to half the size; the reader sums them up again, exactly, as integers.
    packed = {name: np.diff(values, axis=0, prepend=values.dtype.type(0)) for name, values in arrays.items()}
    np.savez_compressed(OUT / "daily.npz", about=json.dumps(about), dates=index, tickers=tickers, **packed)
    print(f"daily.npz: {len(index)} sessions x {len(tickers)} tickers")


def write_factors(source: Path) -> None:
    path = next(source.glob("french_daily_percent_vintage_*.csv"))
    factors = pd.read_csv(path, parse_dates=["date"], index_col="date").loc[FIRST:LAST]
    about = {
        "what": "daily factors of the Kenneth R. French data library, in percent; SMB is the three-factor SMB, "
        "SMB5 the five-factor one; RF is the daily one-month bill rate; MOM is momentum",
        "period": [FIRST, LAST],
        "vintage": path.stem.rsplit("_", 1)[1],
        "units": f"percent, stored in {FACTOR_UNIT}",
    }
    assert np.allclose(factors.round(4), factors, atol=1e-12, rtol=0)
    np.savez_compressed(
        OUT / "french_daily.npz",
        about=json.dumps(about),
        dates=factors.index.to_numpy().astype("datetime64[D]").astype(np.int32),
        names=np.array(factors.columns, dtype="U"),
        percent=as_integers(factors.to_numpy(), FACTOR_UNIT, np.int32),
    )
    print(f"french_daily.npz: {len(factors)} sessions x {factors.shape[1]} factors, vintage {about['vintage']}")


# Members of the S&P 500 on 27 January 2025 that joined after the first day of the figures, by day of joining, as public
# histories of the index list them; renamed members are not among them. Between 23 December 2024 and 24 March 2025
# nobody joined or left.
MEMBERS_FROM, OTHERS_FROM, MEMBERS_LAST = "2023-01-03", "2024-11-13", "2025-02-14"
LARGE_USD_BN = 100
JOINED = {
    "2023-01-04": "GEHC",
    "2023-03-15": "BG PODD",
    "2023-03-20": "FICO",
    "2023-05-04": "AXON",
    "2023-06-20": "PANW",
    "2023-08-25": "KVUE",
    "2023-09-18": "ABNB BX",
    "2023-10-02": "VLTO",
    "2023-10-18": "HUBB LULU",
    "2023-12-18": "BLDR JBL UBER",
    "2024-03-18": "DECK SMCI",
    "2024-04-03": "GEV SOLV",
    "2024-05-08": "VST",
    "2024-06-24": "CRWD GDDY KKR",
    "2024-07-08": "SW",
    "2024-09-23": "DELL ERIE PLTR",
    "2024-11-26": "TPL",
    "2024-12-23": "APO LII WDAY",
}


def check_members(adjusted: pd.DataFrame, daily: pd.DataFrame) -> None:
    """Compare the members' returns with those of the daily bars, which another gathering of the same vendor gave."""
    bars = daily.pivot(index="date", columns="ticker", values="adj_close")
    both = [ticker for ticker in adjusted.columns if ticker in bars.columns]
    theirs = bars[both].reindex(adjusted.index)
    off = (adjusted[both].pct_change(fill_method=None) - theirs.pct_change(fill_method=None)).abs()
    worst = float(off.max().max())
    assert worst < 2e-4, f"returns of {off.max().idxmax()} differ by {worst:.2g}"
    print(f"returns of {len(both)} members agree with daily.csv, the worst by {worst:.1e}")


def write_members(source: Path) -> None:
    members = pd.read_csv(source / "sp500_members_2025-01-27.csv", keep_default_na=False)
    joined = {ticker: day for day, tickers in JOINED.items() for ticker in tickers.split()}
    assert set(joined) <= set(members["ticker"]), "joined, but no member"
    members["since"] = members["ticker"].map(joined).fillna("")
    members = members.rename(columns={"gics_sector": "sector"}).sort_values("ticker")
    members.to_csv(OUT / "sp500_members.csv", index=False, lineterminator="\n")
    wide = pd.read_csv(source / "sp500_adj_close.csv", parse_dates=["date"], index_col="date")
    wide = wide.loc[MEMBERS_FROM:MEMBERS_LAST, members["ticker"]]
    check_members(wide, pd.read_csv(source / "daily.csv", parse_dates=["date"]))
    caps = pd.read_csv(OUT / "market_caps.csv", index_col="ticker")["cap_usd_bn"]
    technology = members.loc[members["sector"] == "Information Technology", "ticker"]
    long = set(technology) | set(caps.index[caps >= LARGE_USD_BN])
    wide.loc[wide.index < OTHERS_FROM, [t for t in wide.columns if t not in long]] = np.nan
    assert np.allclose(wide.round(4), wide, atol=1e-9, rtol=0, equal_nan=True)
    values = as_integers(wide.fillna(0).to_numpy(), PRICE_UNIT, np.int64)
    about = {
        "what": "closes adjusted for splits and dividends of the members of the S&P 500 on 27 January 2025",
        "period": [MEMBERS_FROM, MEMBERS_LAST],
        "vintage": "day of download not recorded; adjusted for the dividends the vendor knew then",
        "units": {"adj_close": PRICE_UNIT, "missing": 0},
        "long": f"from {MEMBERS_FROM}: information technology, and caps of {LARGE_USD_BN} bn USD or more in "
        f"market_caps.csv; the others from {OTHERS_FROM}",
        "survivors": "firms that left the index before that day are not there",
    }
    np.savez_compressed(
        OUT / "sp500_adj_close.npz",
        about=json.dumps(about),
        dates=wide.index.to_numpy().astype("datetime64[D]").astype(np.int32),
        tickers=np.array(wide.columns, dtype="U"),
        adj_close=np.diff(values, axis=0, prepend=np.int64(0)).astype(np.int32),
    )
    print(f"sp500_adj_close.npz: {wide.shape[0]} sessions x {wide.shape[1]} members, {len(long)} of them all along")


# Weighted averages of the quarter to October 2024 (10-Q filed 2024-11-20, income statement, in millions). They are no
# count of shares on any day: only the reconciliation of press figures reads them.
NVDA_AVERAGES = [
    (
        "NVDA",
        "NVDA",
        "common",
        "basic average",
        "yes",
        24_533_000_000,
        10**6,
        "2024-10-27",
        "2024-11-20",
        "10-Q",
    ),
    (
        "NVDA",
        "NVDA",
        "common",
        "diluted average",
        "yes",
        24_774_000_000,
        10**6,
        "2024-10-27",
        "2024-11-20",
        "10-Q",
    ),
]


def cover_rounding(note: str) -> int:
    """Return the unit to which the filing's cover gives the count: 1 where it is exact."""
    if note == "exact":
        return 1
    if note == "cover in millions":
        return 10**6
    decimals = len(note.split('"')[1].split()[0].split(".")[1])  # cover text "24.49 billion"
    return 10 ** (9 - decimals)


def write_shares(source: Path) -> None:
    table = pd.read_csv(source / "shares_outstanding.csv")
    firm_of = {"GOOG": "GOOGL"}  # a firm goes by the name of its main ticker
    rows = pd.DataFrame(
        {
            "firm": table["ticker"].replace(firm_of),
            "priced_at": table["ticker"],
            "share_class": table["class"].str.replace(" (unlisted)", "", regex=False),
            "basis": "cover",
            "listed": ~table["class"].str.contains("unlisted"),
            "shares": table["shares"],
            "rounding": [cover_rounding(note) for note in table["note"]],
            "as_of": table["as_of"],
            "filed": table["filed"],
            "form": table["form"],
        }
    )
    rows["listed"] = rows["listed"].map({True: "yes", False: "no"})
    rows = pd.concat([rows, pd.DataFrame(NVDA_AVERAGES, columns=rows.columns)])
    rows = rows.sort_values(["firm", "filed", "share_class", "basis"], ascending=[True, True, True, False])
    rows.to_csv(OUT / "shares.csv", index=False, lineterminator="\n")
    print(f"shares.csv: {len(rows)} counts of {rows['firm'].nunique()} firms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True)
    source = parser.parse_args().source
    OUT.mkdir(exist_ok=True)
    write_daily(source)
    write_factors(source)
    write_shares(source)
    write_members(source)
    print(f"{sum(p.stat().st_size for p in OUT.iterdir()):,} bytes in {OUT.name}/")


if __name__ == "__main__":
    main()
