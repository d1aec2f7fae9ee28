# %% [markdown]
# # Where the 589 billion come from
#
# On 27 January 2025 NVIDIA lost "589 billion dollars", said the press, the most a firm had lost in a day. Which price
# and which share count give that figure? Run as `python examples/the_589_billion.py`.
#
# The library's own answer: official closes times the last count that was *filed before* that day. A count that was
# filed later was not known then.

# %%
import marketshock as ms

prices, shares = ms.snapshot(), ms.share_counts()
loss = ms.market_cap_change("2025-01-27", prices, shares, tickers=["NVDA"])
print(loss)

# %% [markdown]
# That is 592.7 billion. Now every price that was printed that evening, times every count that was known, against the
# figures that outlets gave. A row *matches* where it lies in the rounding interval of the reported figure.

# %%
listed = ms.reconcile("NVDA", "2025-01-27")
print(listed)

# %% [markdown]
# The preliminary close of that evening (118.58, not the official 118.42) gives 589; the official one gives 592.7. No
# outlet says how it computed. The match is arithmetic, and which of the two an outlet used is inference.
#
# What the count's rounding leaves open: NVIDIA gave its count to ten millions.

# %%
row = listed.table.query("is_own").iloc[0]
low, high = -row["change_high_usd"] / 1e9, -row["change_low_usd"] / 1e9
print(f"{low:.1f} to {high:.1f} bn USD, for a count given to {row['rounding']:,.0f} shares")

# %% [markdown]
# And how much of it was NVIDIA's own? The market fell too. The abnormal loss is the abnormal return times the value
# of the firm on the evening before, with the interval of that return.

# %%
study = ms.event_study(
    ms.load_catalog()["deepseek-selloff"], tickers=ms.MAGNIFICENT_SEVEN, prices=prices, model=ms.MarketModel("^GSPC")
)
dollars = ms.market_cap_change("2025-01-27", study=study)
picture = ms.plots.market_cap(dollars)
print(dollars)
