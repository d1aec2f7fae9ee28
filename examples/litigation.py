# %% [markdown]
# # One firm, one day: the study a court would ask for
#
# Alphabet reported its fourth quarter of 2024 after the close of 4 February 2025 and said how much it would spend on
# data centres. Did the news move the price, how surely, and how many dollars is that? Run as `python
# examples/litigation.py`.
#
# News after the close belongs to the next session; the catalog's event says so, and `alignment` shows what was done.

# %%
import marketshock as ms

prices = ms.snapshot()
event = ms.load_catalog()["google-call"]
study = ms.event_study(event, prices=prices, model=ms.MarketModel("^NDX"), window=(-1, 5))
print(study, "\n")
print(study.alignment.T.to_string())

# %% [markdown]
# ## The loss, and how surely
#
# `t_firm` leans on normal returns. `sq` ranks the day among the days before and leans on nothing but their likeness
# (Gelbach, Helland and Klick 2013). The alternative is a loss, so both are one-sided.

# %%
print(study.tests(0, 0, which=["t_firm", "sq"], alternative="less"))

# %% [markdown]
# The same day among all days of two years, each estimated like the event; and under other models and estimation
# windows.

# %%
unusual = ms.placebo(study, None, 0, 0)
picture = ms.plots.placebo(unusual)
print(unusual)

# %%
curve = ms.specification_curve(
    event,
    models=[ms.MarketModel("^NDX"), ms.MarketModel("^GSPC"), ms.FamaFrench(3), ms.MarketAdjusted("^NDX")],
    estimations=[(-260, -11), (-130, -11)],
    prices=prices,
    min_obs=60,
)
picture = ms.plots.specification_curve(curve)
print(curve)

# %% [markdown]
# Was the estimation window like the days of the event? With the variance of the last 21 sessions in place of its own
# (Baker 2016) the standard error is less than half as large: they were calmer than the year before. Both are
# reported; nothing in the data says which one is right.

# %%
lately = ms.event_study(
    event, prices=prices, model=ms.RecentVolatility(ms.MarketModel("^NDX"), days=21), window=(-1, 5)
)
both = ms.compare({"estimation window": study, "last 21 days": lately}, 0, 0)
print(both[["car", "se", "t", "pvalue"]].to_string())

# %% [markdown]
# ## What could have been found at all
#
# "Not significant" is no finding where the study could not have found anything. `mde` is the smallest effect that is
# found with 80 % power, `power` that of finding 3 %.

# %%
power = study.power(0, 0, effect=0.03)
print((100 * power[["se", "mde", "power"]]).round(2).to_string())
mde = 100 * power["mde"].iloc[0]
print(f"An abnormal move of {mde:.1f} % would have been found with 80 % power.")

# %% [markdown]
# ## What else happened
#
# A window of one day holds what else came out that day, and no statistic can take it apart.

# %%
print(study.confounders(estimation_days=20)[["title", "day", "in_window"]].to_string(), "\n")
print(ms.pretrend(study, 5))

# %% [markdown]
# ## Dollars
#
# Three classes of shares, two of them listed, each at its own close and by the last count filed before the day.

# %%
print(ms.market_cap_change("2025-02-05", study=study))
