"""Fragility of 500 tickers over 35 years: seconds and memory, each part in a process of its own.

Targets: under 2 s and under 500 MB in all, the input and the libraries included. Run as
``python benchmarks/fragility_500.py [ROUNDS]``.
"""

from __future__ import annotations

import multiprocessing
import resource
import statistics
import sys
import time
import tracemalloc

SESSIONS, TICKERS = 8820, 500
PARTS = {
    "z": lambda measured: measured.z.shape,
    "z, counts, by year, ranking": lambda measured: (
        measured.counts(),
        measured.by_year(),
        measured.ranking(),
    ),
    "  and events": lambda measured: (measured.counts(), measured.by_year(), measured.ranking(), measured.events()),
    "  and clustering, 999 shifts": lambda measured: (measured.counts(), measured.clustering()),
}


def closes():
    """Return random walks with fat tails on the sessions of the NYSE, as a wide frame."""
    import numpy as np
    import pandas as pd

    from marketshock.sessions import nyse

    rng = np.random.default_rng(0)
    days = nyse().days[-SESSIONS - 500 : -500]
    walk = rng.standard_t(4, (SESSIONS, TICKERS))
    walk *= 0.01
    np.cumsum(walk, axis=0, out=walk)
    np.exp(walk, out=walk)
    index = pd.DatetimeIndex(days.astype("datetime64[ns]"), name="date")
    return pd.DataFrame(walk, index=index, columns=[f"S{i:03d}" for i in range(TICKERS)], copy=False)


def measure(part: str, about: str, traced: bool, pipe) -> None:
    """Say how long it took, the peak of this process and, where traced, what was allocated beyond the input."""
    import marketshock as ms

    frame = closes()
    ms.fragility(frame.iloc[:300, :5]).by_year()  # what is loaded on the first call
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if traced:
        tracemalloc.start()
    start = time.perf_counter()
    PARTS[part](ms.fragility(frame, about=about))
    seconds = time.perf_counter() - start
    beyond = tracemalloc.get_traced_memory()[1] / 2**20 if traced else float("nan")
    pipe.send((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, before, beyond))


def measured(*arguments: object) -> tuple[float, ...]:
    """Return the figures of one run in a new process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=measure, args=(*arguments, there))
    process.start()
    there.close()  # so that a process that fails is not waited for
    result = here.recv()
    process.join()
    return result


def main() -> None:
    """Measure and print medians."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    title = f"{TICKERS} tickers, {SESSIONS:,} sessions"
    print(f"{title:<42} {'median s':>9} {'peak MB':>9} {'before':>9} {'allocated':>9}")
    for about in ("zero", "mean"):
        for part in PARTS:
            runs = [measured(part, about, False) for _ in range(rounds)]
            seconds, peak, before, _ = (statistics.median(column) for column in zip(*runs, strict=True))
            beyond = measured(part, about, True)[3]
            print(f"{part + ', about ' + about:<42} {seconds:9.2f} {peak:9.0f} {before:9.0f} {beyond:9.0f}")


if __name__ == "__main__":
    main()
