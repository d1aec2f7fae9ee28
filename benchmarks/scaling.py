"""How time and memory grow with events, factors, missing returns and what is kept; each study in its own process.

Run as ``python benchmarks/scaling.py [--large]``; prints a table, writes ``benchmarks/results/scaling.csv`` and
``docs/figures/benchmark_scaling.png``. ``--large`` adds a million events of 5,000 securities over 6,300 days with five
factors beside the loop that only streams them (numba, no checks), and ten million events.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import workload as w

ROUNDS = 3


def one(size: w.Size, keep: str) -> None:
    """Study, and report the fastest time and the memory above the inputs."""
    import marketshock as ms

    run = {
        "all": ms.event_study,
        "car": partial(ms.summarize_events, cars=True),
        "aggregates": ms.summarize_events,
    }[keep]
    events, returns, factors = w.frames(size)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak counts from here
    inputs, seconds = w.resident(), []
    for round_ in range(ROUNDS):
        start = time.perf_counter()
        study = run(events, returns=returns, factors=factors, **w.options(size))
        study.tests(*w.WINDOW, which=["t_cross_sectional", "patell", "bmp"])
        seconds.append(time.perf_counter() - start)
        if round_ == 0:
            above = high_water() - inputs
        del study
    w.report(seconds=min(seconds), first=seconds[0], inputs=inputs, above=above)


def high_water() -> float:
    """Return the largest resident size since the peak was reset, in megabytes."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("nan")


def stream(size: w.Size) -> None:
    """Report the time of a bare loop over the same events: running sums of a security at a time, no checks, no gaps."""
    import numba

    @numba.njit(fastmath=True, cache=True)
    def core(r, fc, mean, inverse, starts, order, day, est, start, first, length, ar, car):
        n_sec, n_days = r.shape
        k = fc.shape[1]
        acc = np.zeros((n_sec, 6, length + 1))
        s = np.zeros((n_days + 1, k + 2))
        b, v, q = np.empty(k), np.empty(k), np.empty(k)
        for i in range(n_sec):
            u = r[i].mean()
            for t in range(n_days):
                y = r[i, t] - u
                s[t + 1, 0] = s[t, 0] + y
                s[t + 1, 1] = s[t, 1] + y * y
                for j in range(k):
                    s[t + 1, 2 + j] = s[t, 2 + j] + y * fc[t, j]
            for p in range(starts[i], starts[i + 1]):
                e = order[p]
                lo = day[e] + start
                hi = lo + est
                sy = s[hi, 0] - s[lo, 0]
                rss = s[hi, 1] - s[lo, 1] - sy * sy / est
                alpha = sy / est
                for j in range(k):
                    v[j] = s[hi, 2 + j] - s[lo, 2 + j] - sy * mean[lo, j]
                for j in range(k):
                    z = 0.0
                    for m in range(k):
                        z += inverse[lo, j, m] * v[m]
                    b[j] = z
                    rss -= z * v[j]
                    alpha -= z * mean[lo, j]
                s2 = rss / (est - k - 1)
                total, summed = 0.0, 0.0
                for d in range(length):
                    t = day[e] + first + d
                    a, h = r[i, t] - u - alpha, 1 + 1.0 / est
                    for j in range(k):
                        a -= b[j] * fc[t, j]
                        q[j] = fc[t, j] - mean[lo, j]
                    for j in range(k):
                        z = 0.0
                        for m in range(k):
                            z += inverse[lo, j, m] * q[m]
                        h += z * q[j]
                    total += a
                    z = a / np.sqrt(s2 * h)
                    summed += z
                    ar[e, d], car[e, d] = a, total
                    acc[i, 0, d] += a
                    acc[i, 1, d] += a * a
                    acc[i, 2, d] += total
                    acc[i, 3, d] += total * total
                    acc[i, 4, d] += z
                    acc[i, 5, d] += z * z
                acc[i, 4, length] += summed
                acc[i, 5, length] += summed * summed
        return acc

    factors = w.factor_values(size)
    r = w.returns_of(size, range(size.securities), factors)
    security, day = w.event_places(size)
    est, length = w.ESTIMATION[1] - w.ESTIMATION[0] + 1, w.WINDOW[1] - w.WINDOW[0] + 1
    seconds = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        fc = factors - factors.mean(axis=0)
        one_, two = fc.cumsum(axis=0), (fc[:, :, None] * fc[:, None, :]).cumsum(axis=0)
        one_, two = np.vstack([0 * one_[:1], one_]), np.concatenate([0 * two[:1], two])
        s, c = one_[est:] - one_[:-est], two[est:] - two[:-est]
        inverse = np.linalg.inv(c - s[:, :, None] * s[:, None, :] / est)
        order = np.argsort(security, kind="stable")
        starts = np.searchsorted(security[order], np.arange(size.securities + 1))
        ar, car = np.empty((2, size.events, length))
        core(r, fc, s / est, inverse, starts, order, day, est, w.ESTIMATION[0], w.WINDOW[0], length, ar, car)
        seconds.append(time.perf_counter() - start)
    w.report(seconds=min(seconds[1:]), first=seconds[0], inputs=r.nbytes / 1e6, above=float("nan"))


def measured(size: w.Size, keep: str) -> dict[str, object]:
    """Run one study in a new process."""
    command = [sys.executable, __file__, "--one", json.dumps(asdict(size)), keep]
    told = w.reported(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    row = {**asdict(size), "keep": keep, **told, "microseconds": 1e6 * float(str(told["seconds"])) / size.events}
    print(
        f"{size.events:>11,} {size.securities:>6,} x {size.days:<6,} {size.factors:>2} {size.missing:>7.0%}  {keep:<11}"
        f"{row['seconds']:9.3f} {row['microseconds']:10.2f} {row['inputs']:9.0f} {row['above']:9.0f}",
        flush=True,
    )
    return row


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        size = w.Size(**json.loads(arguments.one[0]))
        if arguments.one[1] == "bare loop":
            stream(size)
        else:
            one(size, arguments.one[1])
        return
    print(
        f"{'events':>11} {'panel':>15} {'K':>2} {'missing':>7}  {'keep':<11}"
        f"{'s':>9} {'us/event':>10} {'MB in':>9} {'MB above':>9}"
    )
    sizes = [w.Size(events=10**n) for n in range(1, 7)]
    rows = [measured(size, keep) for size in sizes for keep in ("all", "aggregates")]
    rows += [measured(w.Size(factors=k), "aggregates") for k in (2, 3, 4, 5, 6)]
    rows += [measured(w.Size(missing=share), keep) for share in (0.01, 0.2) for keep in ("all", "aggregates")]
    if arguments.large:
        large = w.Size(securities=5000, days=6300, events=10**6, factors=5)
        rows += [measured(large, keep) for keep in ("bare loop", "all", "car", "aggregates")]
        rows.append(measured(w.Size(securities=5000, days=6300, events=10**7), "aggregates"))
    written(pd.DataFrame(rows))


def written(table: pd.DataFrame) -> None:
    """Write the table and its picture."""
    Path("benchmarks/results").mkdir(exist_ok=True)
    table.to_csv("benchmarks/results/scaling.csv", index=False, float_format="%.4g")
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    plain = table[(table["factors"] == 1) & (table["missing"] == 0) & (table["securities"] == 500)]
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.4), layout="constrained")
    for keep, colour in (("all", "#0b6e99"), ("aggregates", "#d9822b")):
        mine = plain[plain["keep"] == keep]
        left.loglog(
            mine["events"],
            mine["seconds"],
            "o-",
            color=colour,
            label="event_study" if keep == "all" else "summarize_events",
            markersize=4,
        )
        right.semilogx(mine["events"], mine["above"], "o-", color=colour, markersize=4)
    left.set_xlabel("events (500 securities, 2,520 days, market model)")
    left.set_ylabel("seconds, study and three tests")
    right.set_xlabel("events")
    right.set_ylabel("memory above the inputs (MB)")
    left.legend(frameon=False)
    for axes in (left, right):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.25)
    Path("docs/figures").mkdir(exist_ok=True)
    figure.savefig("docs/figures/benchmark_scaling.png", dpi=110)


if __name__ == "__main__":
    main()
