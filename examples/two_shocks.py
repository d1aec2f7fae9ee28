# %% [markdown]
# # Two shocks, step by step
#
# The DeepSeek selloff of 27 January 2025 and the tariff pause of 3 February, on the bundled figures. Run as `python
# examples/two_shocks.py`.
#
# One study of both dates: seven firms against the S&P 500, estimated over 250 trading days that end eleven before.

# %%
import marketshock as ms

catalog, prices = ms.load_catalog(), ms.snapshot()
study = ms.event_study(
    [catalog["deepseek-selloff"], catalog["tariff-pause"]],
    tickers=ms.MAGNIFICENT_SEVEN,
    prices=prices,
    model=ms.MarketModel("^GSPC"),
)
print(study)

# %%
panels = ms.plots.car_by_firm(study)

# %% [markdown]
# How sure can one be? Seven firms on one date: the joint tests see effects of both signs, a mean does not.

# %%
print(study.tests(0, 0, which=["joint_f", "joint_rank", "portfolio"], by="event"))

# %% [markdown]
# How unusual was NVIDIA's day among all the days of the last years, and what else fell into Microsoft's window?

# %%
unusual = ms.placebo(study, "deepseek-selloff/NVDA", 0, 0)
picture = ms.plots.placebo(unusual)
print(unusual, "\n")
print(study.confounders().loc["deepseek-selloff/MSFT", ["title", "day"]])

# %% [markdown]
# The index contains NVIDIA (about 7 % of it): held against the rest, the fall is larger.

# %%
rest = ms.LeaveOneOut("^GSPC", {"NVDA": 0.07})
alone = ms.event_study(catalog["deepseek-selloff"], tickers="NVDA", prices=prices, model=ms.MarketModel(rest))
print(alone.car(0, 0))

# %% [markdown]
# Dollars, and where the reported figure comes from.

# %%
print(ms.market_cap_change("2025-01-27", prices, study=study), "\n")
print(ms.reconcile("NVDA", "2025-01-27", reported_usd=589e9))
