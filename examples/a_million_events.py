# %% [markdown]
# # A million events
#
# `ms.summarize_events` takes the arguments of `ms.event_study` and keeps sums over the events instead of the events.
# Run it as `python examples/a_million_events.py 1000000`. Without a number (or `EVENTS=1000000` in the environment) it
# takes twenty thousand events and ends in a moment.

# %%
import os
import sys
import time

import numpy as np
import pandas as pd

import marketshock as ms


def wanted() -> int:
    """Return how many events: the argument, the environment, or twenty thousand."""
    given = sys.argv[1] if len(sys.argv) == 2 and sys.argv[1].isdigit() else os.environ.get("EVENTS", "20000")
    return int(given)


n_events = wanted()

# %% [markdown]
# Returns of 500 securities over ten years, and events on random days. Each event has an abnormal return of half a
# percent on day 0, so that there is something to find.

# %%
rng = np.random.default_rng(20250127)
days = pd.bdate_range("2015-01-01", periods=2520, name="date")
names = [f"S{i:03d}" for i in range(500)]
market = 0.0003 + 0.008 * rng.standard_t(5, len(days))
beta, sigma = rng.uniform(0.4, 1.8, 500), rng.uniform(0.01, 0.035, 500)
values = market[:, None] * beta + sigma * rng.standard_normal((len(days), 500))
security, day = rng.integers(0, 500, n_events), rng.integers(270, len(days) - 10, n_events)
hit = np.zeros_like(values)
hit[day, security] = 0.005
factors = pd.DataFrame({"MKT": market}, index=days)
returns = pd.DataFrame(values + hit, index=days, columns=names)
events = pd.DataFrame(
    {
        "ticker": np.array(names)[security],
        "date": days[day],
        "group": np.where(beta[security] > 1.1, "high beta", "low beta"),
    }
)

# %%
began = time.perf_counter()
study = ms.summarize_events(
    events,
    returns=returns,
    factors=factors,
    model=ms.MarketModel("MKT"),
    window=(-1, 1),
    estimation=(-250, -11),
    calendar="index",
    duplicates="keep",
)
seconds = time.perf_counter() - began
print(f"{len(study):,} events studied")
print(study)

# %% [markdown]
# Averages, tests by group, and nothing else: what needs the returns of each estimation window (ranks, Kolari and
# Pynnonen) says that it does not apply. [scale](../scale.md) says how folders larger than memory, executors and
# clusters come in.

# %%
print(study.tests(0, 0, by="group"))
print(f"({n_events:,} events took {seconds:.1f} s)")
