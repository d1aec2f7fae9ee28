# %% [markdown]
# # The rules of the two documents, traded
#
# What the two documents suggest, tried after costs, offline. Run as `python examples/rules_of_the_documents.py`.
#
# Buying the dip of 27 January 2025, following the rebound of 3 February, turning to quiet stocks: each is one date,
# and so one draw. The last part asks the question that can be answered: how such falls went before.

# %%
import warnings

import pandas as pd

import marketshock as ms

catalog, prices, members = ms.load_catalog(), ms.snapshot(), ms.datasets.sp500()
costs = ms.Costs(bps=1, half_spread_bps=1, slippage_bps=3, borrow=0.005)
seven = ms.MAGNIFICENT_SEVEN

# %% [markdown]
# The dip of 27 January in each of the Seven: in at the open of the 28th, out after 1 to 20 closes. Returns after
# costs.

# %%
holds = {"1 close": 1, "2 closes": 2, "5 closes": 5, "10 closes": 10, "20 closes": 20}
dip = {
    name: ms.backtest(
        catalog["deepseek-selloff"], prices, ms.rules.HoldAfter(days=n), tickers=seven, costs=costs, benchmark="^GSPC"
    )
    for name, n in holds.items()
}
by_firm = pd.DataFrame({name: b.trades.set_index("ticker")["return"] for name, b in dip.items()}).T
print("Buying the dip of 27 January, return after costs, %\n")
print((100 * by_firm).round(2).to_string(), "\n")
print(ms.compare_rules(dip), "\n")

# %% [markdown]
# The rebound of 3 February: in at the open of the 4th. And the same with the market sold against it.

# %%
follow = ms.rules.HoldAfter(days=5)
for rule in (follow, ms.rules.Hedged(rule=follow, by="SPY")):
    rebound = ms.backtest(catalog["tariff-pause"], prices, rule, tickers=seven, costs=costs)
    print(rebound, "\n")

# %% [markdown]
# Turning to quiet stocks at the close of the 28th: the quietest third of the S&P 500 against the most volatile one.

# %%
rotation = ms.rules.LowVolatility(
    days=10, entry="next_close", members=ms.Membership.from_frame(members.joined(), name="members of the S&P 500")
)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ms.errors.MembershipWarning)  # the bundled membership begins with its first day
    quiet = ms.backtest(catalog["deepseek-selloff"], members.prices, rotation, costs=costs)
    print(quiet, "\n")
    random_dates = ms.placebo_trades(quiet, 499)
print(random_dates)
picture = ms.plots.placebo_trades(random_dates)

# %% [markdown]
# What can be asked: every fall of three volatilities of a bundled stock since 2023, bought at the next open.

# %%
stocks = [ticker for ticker in prices.tickers if "^" not in ticker and ticker not in ("SPY", "QQQ", "GOOG")]
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ms.errors.SurvivorshipWarning)  # thirteen large firms of today: survivors indeed
    warnings.simplefilter("ignore", ms.errors.OverlapWarning)
    falls = {
        name: ms.backtest(None, prices, ms.rules.AfterDrop(days=n), tickers=stocks, costs=costs, benchmark="^GSPC")
        for name, n in holds.items()
    }
print("Every fall of three volatilities since 2023, thirteen stocks\n")
print(ms.compare_rules(falls), "\n")
print(ms.walk_forward(falls, "2024-01-01", min_trades=8), "\n")

# %%
print(
    "One date is one draw: seven returns of 28 January share its market, and no test makes seven of them. Dozens of\n"
    "falls of survivors are little more. These tables show what happened, not what will."
)
