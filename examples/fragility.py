# %% [markdown]
# # Fragility: how large was a move for that stock?
#
# A move in units of the stock's own volatility over the 21 sessions before. Run as `python examples/fragility.py`.

# %%
import marketshock as ms

members = ms.datasets.sp500()
measured = ms.fragility(members.prices)
print(measured)

# %% [markdown]
# On 27 January 2025 seventy firms of the S&P 500 moved by three of their volatilities or more.

# %%
print(measured.count("2025-01-27"), "firms moved by three volatilities or more on 27 January 2025")
picture = ms.plots.fragility_counts(measured, "2024-12-16", "2025-02-14")

# %% [markdown]
# The largest moves of the year among the fifty largest firms, ranked by market cap on the session before each move.

# %%
top = ms.Membership.top(50, members.market_caps())
print(measured.ranking("2025-01-01", "2025-02-12", members=top, n=6))
picture = ms.plots.fragility_ranking(measured, "2025-01-01", "2025-02-12", members=top, n=12)

# %% [markdown]
# Three volatilities are not three sigmas: z of independent normal returns is a Student t, and 1.7 events a stock-year
# are expected (the column "normal").

# %%
print(measured.by_year(members=top))

# %% [markdown]
# Do events come together? Against random worlds in which each stock keeps its own events and only what they share is
# broken.

# %%
print(measured.clustering(members=top))

# %% [markdown]
# And what the Seven did to the index that day.

# %%
print(ms.index_contribution(ms.MAGNIFICENT_SEVEN, "2025-01-27"))
