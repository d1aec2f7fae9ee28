# %% [markdown]
# # Many events: groups and regressions
#
# After a large fall, do prices come back? After a large rise, do they go on? Every move of five volatilities or more
# of a large American firm, February 2024 to January 2025, and the five days after it. Run as `python
# examples/groups_and_regressions.py`.
#
# The events are chosen by the move of day 0, so that nothing can be learned from day 0 itself: only the days after it
# are studied.

# %%
import warnings

import numpy as np
import pandas as pd

import marketshock as ms

members, index = ms.datasets.sp500(), ms.snapshot().adj_close["^GSPC"]
closes = members.prices.close.join(index)
returns = closes.pct_change(fill_method=None).iloc[1:]

measured = ms.fragility(members.prices, threshold=5)
moves = measured.events("2024-02-01", "2025-01-31").reset_index()
events = moves[["ticker", "date"]].assign(group=np.where(moves["z"] > 0, "rise", "fall"))
events["event_id"] = [f"{t}@{d:%Y-%m-%d}" for t, d in zip(events["ticker"], events["date"], strict=True)]
print(events["group"].value_counts().to_string())

# %% [markdown]
# Events without a history long enough are left out with a warning, one by one with their reason in
# `study.exclusions`.

# %%
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ms.errors.ExclusionWarning)  # counted below
    study = ms.event_study(
        events,
        returns=returns,
        model=ms.MarketModel("^GSPC"),
        window=(0, 5),
        estimation=(-130, -11),
        min_obs=100,
    )
print(len(study), "events studied,", len(study.exclusions), "left out:")
print(study.exclusions["code"].value_counts().to_string())

# %%
print(study.aar().loc[1:].to_string(float_format="{:.5f}".format))

# %% [markdown]
# ## Group by group
#
# Many events share a date (an election, a meeting of the Federal Reserve), and their residuals are correlated: the
# tests that take this into account stand first, what leans on independence says so in its note.

# %%
which = ["kolari_pynnonen", "grank_t", "calendar_time", "bmp", "generalized_sign"]
print(study.tests(1, 5, which=which, by="group"), "\n")
print(ms.group_differences(study, 1, 5).T.to_string())

# %% [markdown]
# ## What sets them apart
#
# CARs on traits, with standard errors clustered by event date: a rise or a fall, how large in volatilities, how large
# the firm was.

# %%
caps = members.market_caps()
traits = pd.DataFrame(
    {
        "fall": (events["group"] == "fall").to_numpy(float),
        "size": moves["z"].abs().to_numpy(),
        "log_cap": [
            np.log(caps[t].asof(d - pd.Timedelta(days=1))) if t in caps else np.nan
            for t, d in moves[["ticker", "date"]].to_numpy()
        ],
    },
    index=events["event_id"],
)
fit = ms.regress_car(study, traits, 1, 5, cov="cluster")
print(fit)

# %% [markdown]
# A coefficient that is not different from zero says that these events do not tell, not that nothing is there: the
# interval is what was learned.

# %%
low, high = 100 * fit.table.loc["fall", ["ci_low", "ci_high"]]
print(f"after a fall rather than a rise: between {low:+.1f} and {high:+.1f} points over five days, at 95 %")
