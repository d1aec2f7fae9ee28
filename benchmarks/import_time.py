"""What ``import marketshock`` costs beside ``import pandas``: whole processes in turn, medians and their ratio.

Run as ``python benchmarks/import_time.py [ROUNDS]``.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

STATEMENTS = ("pass", "import pandas", "import marketshock", "import marketshock as ms; ms.event_study; ms.snapshot")


def seconds(statement: str) -> float:
    """Return the wall time of a new interpreter that runs one statement."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    for statement in STATEMENTS:
        seconds(statement)  # warm the file cache
    times = {statement: [] for statement in STATEMENTS}
    for _ in range(rounds):
        for statement in STATEMENTS:
            times[statement].append(seconds(statement))
    pandas = statistics.median(times["import pandas"])
    print(f"{'statement':<56} {'median s':>9} {'/ pandas':>9}")
    for statement, measured in times.items():
        median = statistics.median(measured)
        print(f"{statement:<56} {median:9.3f} {median / pandas:9.2f}")


if __name__ == "__main__":
    main()
