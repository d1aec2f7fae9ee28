"""A study of a Parquet folder larger than memory, on each engine: seconds, memory of all processes, the same bytes.

Run as ``python benchmarks/folder.py [--rows 1e6] [--events 1e5] [--workers 2] [--engines serial threads ...]``; the
full size is ``--rows 1e8 --events 1e7`` (1.5 GB on disk). The folder is made under build/ and kept.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import workload as w

DAYS = 6300
KILLED_AFTER = 1.0  # seconds: before the smallest run ends
A_FILE = 160  # securities a file: about a million rows


def made(size: w.Size) -> Path:
    """Write the folder, a file at a time, unless it is there; and the events beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    root = Path("build/benchmarks") / f"folder-{size.securities}x{size.days}-{size.events}"
    if (root / "complete").exists():
        return root
    (root / "returns").mkdir(parents=True, exist_ok=True)
    factors, names, index = w.factor_values(size), w.tickers(size), w.dates(size)
    days = pa.array(index.to_numpy().astype("datetime64[D]"))
    for lo in range(0, size.securities, A_FILE):
        some = range(lo, min(lo + A_FILE, size.securities))
        code = pa.array(np.repeat(np.arange(len(some), dtype=np.int32), size.days))
        ticker = pa.DictionaryArray.from_arrays(code, pa.array(names[some.start : some.stop].tolist()))
        table = pa.table(
            {
                "ticker": ticker,
                "date": pa.concat_arrays([days] * len(some)),
                "ret": w.returns_of(size, some, factors).ravel(),
            }
        )
        pq.write_table(table, root / "returns" / f"{lo:06d}.parquet")
    security, day = w.event_places(size)
    events = pa.table(
        {
            "ticker": pa.DictionaryArray.from_arrays(pa.array(security.astype(np.int32)), pa.array(names.tolist())),
            "date": pa.array(index.to_numpy().astype("datetime64[D]")[day]),
        }
    )
    pq.write_table(events, root / "events.parquet")
    pd.DataFrame(factors, index=index, columns=["MKT"]).to_parquet(root / "factors.parquet")
    (root / "complete").touch()
    return root


def events_of(root: Path) -> pd.DataFrame:
    """Read the events: ten million of them are a column of codes and one of dates."""
    import pyarrow.parquet as pq

    table = pq.read_table(root / "events.parquet", memory_map=True)
    return pd.DataFrame(
        {
            "ticker": table["ticker"].to_pandas(),
            "date": table["date"].to_numpy().astype("datetime64[s]"),
        },
        copy=False,
    )


@contextmanager
def engine_of(kind: str, workers: int):
    """Make an engine."""
    if kind == "serial":
        yield None
    elif kind == "threads":
        with ThreadPoolExecutor(workers) as pool:
            yield pool
    elif kind == "processes":
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield pool
    else:
        from distributed import Client, LocalCluster

        options = {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None, "memory_limit": 0}
        with LocalCluster(**options) as cluster, Client(cluster) as client:
            if kind == "dask-killed":
                threading.Timer(KILLED_AFTER, kill_one, [client]).start()
            yield client


def kill_one(client: object) -> None:
    """Kill the first worker of a cluster."""
    address = next(iter(client.scheduler_info()["workers"]))
    os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
    print("killed", flush=True)


class Memory(threading.Thread):
    """The memory of this process and its children, shared pages divided among them, at its largest."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.largest = 0.0

    def run(self) -> None:
        while True:
            self.largest = max(self.largest, sum(proportional(pid) for pid in family(os.getpid())))
            time.sleep(0.05)


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text("ascii").split():
                found += family(int(child))
    except OSError:
        pass
    return found


def proportional(pid: int) -> float:
    """Return the proportional set size of a process in megabytes."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return 0.0


def one(root: Path, kind: str, workers: int, size: w.Size) -> None:
    """Study the folder on one engine and report."""
    import marketshock as ms

    memory = Memory()
    memory.start()
    events, factors = events_of(root), pd.read_parquet(root / "factors.parquet")
    with engine_of(kind, workers) as engine:
        start = time.perf_counter()
        study = ms.summarize_events(events, returns=root / "returns", factors=factors, engine=engine, **w.options(size))
        seconds = time.perf_counter() - start
    told = study.aar().to_csv() + pd.DataFrame(study.tests(*w.WINDOW)).to_csv()
    digest = hashlib.sha256(told.encode()).hexdigest()[:16]
    w.report(seconds=seconds, megabytes=memory.largest, digest=digest, events=len(study))


def main() -> None:
    """Make the folder and study it on each engine, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=float, default=1e6)
    parser.add_argument("--events", type=float, default=1e5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", nargs="+", default=["serial", "threads", "processes", "dask", "dask-killed"])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = w.Size(securities=-(-int(arguments.rows) // DAYS), days=DAYS, events=int(arguments.events))
    if arguments.one:
        one(made(size), arguments.one, arguments.workers, size)
        return
    root = made(size)
    on_disk = sum(file.stat().st_size for file in root.rglob("*.parquet")) / 1e6
    print(
        f"{size.securities * size.days:,} rows, {on_disk:,.0f} MB; {size.events:,} events; {arguments.workers} workers"
    )
    print(f"{'engine':<12} {'s':>8} {'MB':>8} {'events':>12}  sha256 of averages and tests")
    digests = set()
    for kind in arguments.engines:
        command = [sys.executable, __file__, "--rows", str(arguments.rows), "--events", str(arguments.events)]
        command += ["--workers", str(arguments.workers), "--one", kind]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        told = w.reported(output)
        if kind == "dask-killed" and "killed" not in output:
            print("no worker was killed: the run was over")
        digests.add(told["digest"])
        print(
            f"{kind:<12} {told['seconds']:8.1f} {told['megabytes']:8.0f} {told['events']:12,}  {told['digest']}",
            flush=True,
        )
    print("the same bytes" if len(digests) == 1 else "NOT the same bytes")


if __name__ == "__main__":
    main()
