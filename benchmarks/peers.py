"""One workload, one run, one machine: marketshock beside what the field has, as ratios.

100,000 events of 500 securities over 2,520 days, market model: abnormal returns, CARs, cross-sectional t, Patell's Z
and BMP. Run as ``python benchmarks/peers.py [--events 100000] [--rounds 7]``; prints a table, writes
``benchmarks/results/peers.csv`` and ``docs/figures/benchmark_peers.png``.

The fast ones take turns, and their medians are compared; the slow ones run once on fewer events and are scaled to all
of them (the table says on how many). All must agree on averages and statistics, or the script fails. The package
``eventstudy`` runs in an environment of its own under build/, made on the first run; it has no Patell Z and no BMP.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import workload as w
from numpy.lib.stride_tricks import sliding_window_view

EST, FIRST, LAST = 250, w.WINDOW[0], w.WINDOW[1]
LENGTH, START = LAST - FIRST + 1, w.ESTIMATION[0]
LEMAIRE = "eventstudy==0.1a12"

Fingerprint = dict[str, float]
Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fingerprint(ar: np.ndarray, patell: float = np.nan, bmp: float = np.nan) -> Fingerprint:
    """Return what all must agree on."""
    car = ar.sum(axis=1)
    t = float(np.sqrt(len(car)) * car.mean() / car.std(ddof=1))
    return {"aar0": float(ar[:, -FIRST].mean()), "caar": float(car.mean()), "t": t, "patell": patell, "bmp": bmp}


def tested(ar: np.ndarray, s2: np.ndarray, inflation: np.ndarray, of_sum: np.ndarray) -> Fingerprint:
    """Do the tests of every day and of the window, as anyone would with numpy."""
    n, k = len(ar), (EST - 2) / (EST - 4)
    sar = ar / np.sqrt(s2[:, None] * inflation)
    for values in (ar, sar):  # by day: t, and BMP
        values.mean(axis=0) / values.std(axis=0, ddof=1) * np.sqrt(n)
    sar.sum(axis=0) / np.sqrt(n * k)
    ar.cumsum(axis=1)
    z = ar.sum(axis=1) / np.sqrt(s2 * of_sum)
    return fingerprint(ar, float(z.sum() / np.sqrt(n * k)), float(np.sqrt(n) * z.mean() / z.std(ddof=1)))


def numpy_running_sums(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Fingerprint:
    """Bare running sums over whole arrays, no checks, no gaps."""
    level, mc = r.mean(axis=1, keepdims=True), m - m.mean()
    rc = r - level

    def running(a: np.ndarray) -> np.ndarray:
        out = np.zeros((*a.shape[:-1], a.shape[-1] + 1))
        np.cumsum(a, axis=-1, out=out[..., 1:])
        return out

    y, xy, yy, x, xx = (running(a) for a in (rc, rc * mc, rc * rc, mc, mc * mc))
    lo = day + START
    sx = (x[EST:] - x[:-EST])[lo]
    sxx = (xx[EST:] - xx[:-EST])[lo] - sx**2 / EST
    flat = security * (r.shape[1] + 1) + lo
    sy, sxy, syy = (a.ravel()[flat + EST] - a.ravel()[flat] for a in (y, xy, yy))
    beta = (sxy - sx * sy / EST) / sxx
    s2 = (syy - sy**2 / EST - beta * (sxy - sx * sy / EST)) / (EST - 2)
    xe = sliding_window_view(mc, LENGTH)[day + FIRST]
    ar = sliding_window_view(rc, LENGTH, axis=1)[security, day + FIRST]
    ar -= ((sy - beta * sx) / EST)[:, None]
    ar -= beta[:, None] * xe
    q = xe - (sx / EST)[:, None]
    of_sum = LENGTH + LENGTH**2 / EST + q.sum(axis=1) ** 2 / sxx
    return tested(ar, s2, 1 + 1 / EST + q**2 / sxx[:, None], of_sum)


def numpy_windows(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Fingerprint:
    """Gather every window, two passes."""
    windows, x = sliding_window_view(r, EST, axis=1), sliding_window_view(m, EST)
    ar, s2, inflation, of_sum = (
        np.empty((len(day), LENGTH)),
        *np.empty((1, len(day))),
        np.empty((len(day), LENGTH)),
        np.empty(len(day)),
    )
    for a in range(0, len(day), 4096):
        part = slice(a, a + 4096)
        s, t = security[part], day[part]
        y, market = windows[s, t + START], x[t + START]
        my, mx = y.mean(axis=1, keepdims=True), market.mean(axis=1, keepdims=True)
        yc, xc = y - my, market - mx
        sxx = (xc * xc).sum(axis=1)
        beta = ((xc * yc).sum(axis=1) / sxx)[:, None]
        e = yc - beta * xc
        s2[part] = (e * e).sum(axis=1) / (EST - 2)
        q = sliding_window_view(m, LENGTH)[t + FIRST] - mx
        ar[part] = sliding_window_view(r, LENGTH, axis=1)[s, t + FIRST] - my - beta * q
        inflation[part] = 1 + 1 / EST + q**2 / sxx[:, None]
        of_sum[part] = LENGTH + LENGTH**2 / EST + q.sum(axis=1) ** 2 / sxx
    return tested(ar, s2, inflation, of_sum)


def fused_numba() -> Callable[..., Fingerprint]:
    """Compile running sums and tests into one loop over events."""
    import numba

    @numba.njit(fastmath=True, cache=True)
    def fused(r, m, security, day):
        n_sec, n_days = r.shape
        n = len(day)
        sums = np.zeros((n_sec, n_days + 1, 3))
        x = np.zeros((n_days + 1, 2))
        mean = m.mean()
        for t in range(n_days):
            d = m[t] - mean
            x[t + 1, 0] = x[t, 0] + d
            x[t + 1, 1] = x[t, 1] + d * d
        level = np.empty(n_sec)
        for i in range(n_sec):
            u = r[i].mean()
            level[i] = u
            for t in range(n_days):
                d = r[i, t] - u
                sums[i, t + 1, 0] = sums[i, t, 0] + d
                sums[i, t + 1, 1] = sums[i, t, 1] + d * (m[t] - mean)
                sums[i, t + 1, 2] = sums[i, t, 2] + d * d
        ar, car, acc = np.empty((n, LENGTH)), np.empty((n, LENGTH)), np.zeros((6, LENGTH + 1))
        for e in range(n):
            i, first = security[e], day[e] + FIRST
            lo = day[e] + START
            hi = lo + EST
            sx, sxx = x[hi, 0] - x[lo, 0], x[hi, 1] - x[lo, 1]
            sxx -= sx * sx / EST
            sy = sums[i, hi, 0] - sums[i, lo, 0]
            sxy = sums[i, hi, 1] - sums[i, lo, 1] - sx * sy / EST
            syy = sums[i, hi, 2] - sums[i, lo, 2] - sy * sy / EST
            beta = sxy / sxx
            s2 = (syy - beta * sxy) / (EST - 2)
            u = level[i] + (sy - beta * sx) / EST
            c = 0.0
            total = 0.0
            for j in range(LENGTH):
                d = m[first + j] - mean
                a = r[i, first + j] - u - beta * d
                c += a
                ar[e, j], car[e, j] = a, c
                q = d - sx / EST
                total += q
                z = a / np.sqrt(s2 * (1 + 1 / EST + q * q / sxx))
                acc[0, j] += a
                acc[1, j] += a * a
                acc[2, j] += z
                acc[3, j] += z * z
            z = c / np.sqrt(s2 * (LENGTH + LENGTH * LENGTH / EST + total * total / sxx))
            acc[4, LENGTH] += z
            acc[5, LENGTH] += z * z
        return ar, car, acc

    def run(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Fingerprint:
        ar, _, acc = fused(r, m, security, day)
        n, total, squares = len(ar), acc[4, LENGTH], acc[5, LENGTH]
        sd = np.sqrt((squares - total**2 / n) / (n - 1))
        return fingerprint(ar, float(total / np.sqrt(n * (EST - 2) / (EST - 4))), float(np.sqrt(n) * total / n / sd))

    return run


def polars_rolling(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Callable[[], Fingerprint]:
    """Rolling sums by security, joined to events; the frames are there before the clock starts."""
    import polars as pl

    n_sec, n_days = r.shape
    prices = pl.DataFrame(
        {
            "sec": np.repeat(np.arange(n_sec, dtype=np.int32), n_days),
            "t": np.tile(np.arange(n_days, dtype=np.int32), n_sec),
            "r": r.ravel(),
            "x": np.tile(m, n_sec),
        }
    )
    events = pl.DataFrame({"id": np.arange(len(day)), "sec": security.astype(np.int32), "t": day.astype(np.int32)})
    c = pl.col

    def rolled(e: pl.Expr) -> pl.Expr:
        return e.rolling_sum(EST).shift(-START - EST + 1).over("sec")

    def run() -> Fingerprint:
        fits = (
            prices.lazy()
            .with_columns(sx=rolled(c.x), sy=rolled(c.r), sxx=rolled(c.x**2), sxy=rolled(c.x * c.r), syy=rolled(c.r**2))
            .with_columns(
                sxx=c.sxx - c.sx**2 / EST, sxy=c.sxy - c.sx * c.sy / EST, syy=c.syy - c.sy**2 / EST, mx=c.sx / EST
            )
            .with_columns(beta=c.sxy / c.sxx)
            .select(
                "sec",
                "t",
                "beta",
                "mx",
                "sxx",
                alpha=(c.sy - c.beta * c.sx) / EST,
                s2=(c.syy - c.beta * c.sxy) / (EST - 2),
            )
        )
        days = pl.DataFrame({"k": np.arange(FIRST, LAST + 1, dtype=np.int32)}).lazy()
        ar = (
            events.lazy()
            .join(fits, on=["sec", "t"])
            .join(days, how="cross")
            .with_columns(tt=c.t + c.k)
            .join(prices.lazy(), left_on=["sec", "tt"], right_on=["sec", "t"])
            .with_columns(ar=c.r - c.alpha - c.beta * c.x, q=c.x - c.mx)
            .with_columns(sar=c.ar / (c.s2 * (1 + 1 / EST + c.q**2 / c.sxx)).sqrt())
        )
        by_day = ar.group_by("k").agg(
            aar=c.ar.mean(), t=c.ar.mean() / c.ar.std(), bmp=c.sar.mean() / c.sar.std(), patell=c.sar.sum()
        )
        by_event = ar.group_by("id").agg(car=c.ar.sum(), q=c.q.sum(), s2=c.s2.first(), sxx=c.sxx.first())
        day, car = pl.collect_all([by_day, by_event])
        value, n = car["car"], len(car)
        z = value / (car["s2"] * (LENGTH + LENGTH**2 / EST + car["q"] ** 2 / car["sxx"])).sqrt()
        return {
            "aar0": float(day.filter(c.k == 0)["aar"][0]),
            "caar": float(value.mean()),
            "t": float(np.sqrt(n) * value.mean() / value.std()),
            "patell": float(z.sum() / np.sqrt(n * (EST - 2) / (EST - 4))),
            "bmp": float(np.sqrt(n) * z.mean() / z.std()),
        }

    return run


def statsmodels_loop(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Fingerprint:
    """An OLS of statsmodels an event."""
    import statsmodels.api as sm

    ar = np.empty((len(day), LENGTH))
    for e, (i, t) in enumerate(zip(security, day, strict=True)):
        window, event = slice(t + START, t + START + EST), slice(t + FIRST, t + LAST + 1)
        alpha, beta = sm.OLS(r[i, window], sm.add_constant(m[window])).fit().params
        ar[e] = r[i, event] - alpha - beta * m[event]
    return fingerprint(ar)


def rolling_ols(r: np.ndarray, m: np.ndarray, security: np.ndarray, day: np.ndarray) -> Fingerprint:
    """RollingOLS of statsmodels over every security, whatever the events."""
    import statsmodels.api as sm
    from statsmodels.regression.rolling import RollingOLS

    x = sm.add_constant(m)
    params = np.array([RollingOLS(one, x, window=EST).fit(params_only=True).params for one in r])
    ab = params[security, day + START + EST - 1]
    rows = day[:, None] + np.arange(FIRST, LAST + 1)
    return fingerprint(r[security[:, None], rows] - ab[:, :1] - ab[:, 1:] * m[rows])


CHILD = """
import sys, time, json, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, sys.argv[1])
import numpy as np
import workload as w
import eventstudy as es
size = w.Size(events=int(sys.argv[2]))
events, returns, factors = w.frames(size)
held = {"date": returns.index.values, "MKT": factors["MKT"].values}
held.update({name: returns[name].values for name in returns.columns})
es.Single._save_parameter("returns", held)
listed = [dict(event_date=np.datetime64(d), security_ticker=t, market_ticker="MKT")
          for t, d in zip(events["ticker"], events["date"])]
start = time.perf_counter()
made = es.Multiple.from_list(listed, es.Single.market_model, event_window=w.WINDOW, estimation_size=250, buffer_size=10)
made.results()
seconds = time.perf_counter() - start
ar = np.array([one.AR for one in made.sample])
car = ar.sum(axis=1)
w.report(seconds=seconds, aar0=float(ar[:, 10].mean()), caar=float(car.mean()),
         t=float(np.sqrt(len(car)) * car.mean() / car.std(ddof=1)))
"""


def pypi_eventstudy(n: int) -> tuple[float, Fingerprint] | str:
    """Run the package in its own environment; return seconds and fingerprint, or why it did not run."""
    home = Path("build/benchmarks/eventstudy")
    python = home / "bin" / "python"
    try:
        if not (home / "installed").exists():
            venv.create(home, with_pip=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", LEMAIRE], check=True, capture_output=True)
            (home / "installed").touch()
        command = [python, "-c", CHILD, str(Path(__file__).parent), str(n)]
        told = w.reported(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    except (subprocess.CalledProcessError, OSError) as error:
        return f"{LEMAIRE} did not run: {error}"
    nan = float("nan")
    return float(told.pop("seconds")), {**{k: float(v) for k, v in told.items()}, "patell": nan, "bmp": nan}


def marketshock_run(
    events: pd.DataFrame, returns: pd.DataFrame, factors: pd.DataFrame, size: w.Size, *, streamed: bool = False
) -> Fingerprint:
    """Do what a user does, from the two frames to the tests."""
    import marketshock as ms

    run = ms.summarize_events if streamed else ms.event_study
    study = run(events, returns=returns, factors=factors, **w.options(size))
    tests = study.tests(*w.WINDOW, which=["t_cross_sectional", "patell", "bmp"])["statistic"]
    if not streamed:
        car = study.sample(*w.WINDOW).sum.car
        aar0, caar = float(study.abnormal.ar[:, -FIRST].mean()), float(car.mean())
    else:
        aar = study.aar()
        aar0, caar = float(aar.loc[0, "aar"]), float(aar["caar"].iloc[-1])
    t, patell, bmp = (float(tests[name]) for name in ("t_cross_sectional", "patell", "bmp"))
    return {"aar0": aar0, "caar": caar, "t": t, "patell": patell, "bmp": bmp}


def uncompiled(run: Callable[[], Fingerprint]) -> Fingerprint:
    """Run as where numba is not installed."""
    from marketshock.models import _moments

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_moments, "compiled", lambda _: None)
        return run()


def timed(run: Callable[[], Fingerprint]) -> tuple[float, Fingerprint]:
    """Return seconds and fingerprint of one call."""
    start = time.perf_counter()
    told = run()
    return time.perf_counter() - start, told


def agree(told: Fingerprint, reference: Fingerprint, who: str) -> None:
    """Fail unless a fingerprint is the reference's; NaN is what a peer does not compute."""
    for name, value in told.items():
        if np.isfinite(value) and not np.isclose(value, reference[name], rtol=1e-8, atol=1e-13):
            raise SystemExit(f"{who}: {name} is {value!r}, numpy says {reference[name]!r}")


def main() -> None:
    """Measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=2_000, help="events of the slow ones")
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    size, few = w.Size(events=arguments.events), w.Size(events=arguments.few)
    frames = w.frames(size)
    r, m = np.ascontiguousarray(frames[1].to_numpy().T), frames[2]["MKT"].to_numpy()
    places, some = w.event_places(size), w.event_places(few)
    fast: dict[str, Callable[[], Fingerprint]] = {
        "numpy, bare running sums": lambda: numpy_running_sums(r, m, *places),
        "numpy, every window gathered": lambda: numpy_windows(r, m, *places),
        "polars, rolling sums and joins": polars_rolling(r, m, *places),
        "marketshock": lambda: uncompiled(lambda: marketshock_run(*frames, size)),
        "marketshock, summarize_events": lambda: uncompiled(lambda: marketshock_run(*frames, size, streamed=True)),
    }
    try:
        compiled = fused_numba()
        fast["numba, one fused loop"] = lambda: compiled(r, m, *places)
        fast["marketshock with numba"] = lambda: marketshock_run(*frames, size)
        fast["marketshock with numba, summarize_events"] = lambda: marketshock_run(*frames, size, streamed=True)
    except ImportError:
        print("numba is not installed: its loop is left out")
    reference = {n: numpy_windows(r, m, *where) for n, where in ((size.events, places), (few.events, some))}
    seconds: dict[str, list[float]] = {name: [] for name in fast}
    for _ in range(arguments.rounds + 1):
        for name, run in fast.items():
            took, told = timed(run)
            agree(told, reference[size.events], name)
            seconds[name].append(took)
    rows = [(name, statistics.median(took[1:]), size.events) for name, took in seconds.items()]  # the first is warm-up
    slow = {"statsmodels OLS, a loop": statsmodels_loop}
    for name, function in slow.items():
        took, told = timed(lambda function=function: function(r, m, *some))
        agree(told, reference[few.events], name)
        rows.append((name, took * size.events / few.events, few.events))
    took, told = timed(lambda: rolling_ols(r, m, *places))
    agree(told, reference[size.events], "RollingOLS")
    rows.append(("statsmodels RollingOLS", took, size.events))
    lemaire = pypi_eventstudy(few.events)
    if isinstance(lemaire, str):
        print(lemaire)
    else:
        agree(lemaire[1], reference[few.events], LEMAIRE)
        rows.append((LEMAIRE.replace("==", " "), lemaire[0] * size.events / few.events, few.events))
    written(pd.DataFrame(rows, columns=["who", "seconds", "events_run"]).sort_values("seconds"), size)


def written(table: pd.DataFrame, size: w.Size) -> None:
    """Print and write the table and its picture."""
    mine = table.loc[table["who"] == "marketshock", "seconds"].iloc[0]
    table = table.assign(ratio=table["seconds"] / mine)
    print(f"\n{size.events:,} events; seconds are scaled to all of them where fewer were run\n")
    print(f"{'':<36} {'seconds':>10} {'of marketshock':>15} {'events run':>11}")
    for row in table.itertuples():
        print(f"{row.who:<36} {row.seconds:10.3f} {row.ratio:15.2f} {row.events_run:11,}")
    Path("benchmarks/results").mkdir(exist_ok=True)
    table.to_csv("benchmarks/results/peers.csv", index=False, float_format="%.4g")
    picture(table, size.events)


def picture(table: pd.DataFrame, n_events: int) -> None:
    """Draw the table."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 0.42 * len(table) + 1.2), layout="constrained")
    colours = ["#0b6e99" if who.startswith("marketshock") else "#b0b0b0" for who in table["who"]]
    axes.barh(table["who"], table["seconds"], color=colours)
    axes.set_xscale("log")
    axes.set_xlim(right=table["seconds"].max() * 12)
    for at, row in enumerate(table.itertuples()):
        axes.text(row.seconds * 1.1, at, f"{row.seconds:.3g} s ({row.ratio:.3g}x)", va="center", fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(f"seconds for {n_events:,} events (in brackets: times marketshock's)")
    axes.spines[["top", "right"]].set_visible(False)
    Path("docs/figures").mkdir(exist_ok=True)
    figure.savefig("docs/figures/benchmark_peers.png", dpi=110)


if __name__ == "__main__":
    sys.exit(main())
