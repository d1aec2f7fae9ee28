# %% [markdown]
# # Your own data
#
# A CSV file of events, a CSV file of closes, and the same from polars. Run as `python examples/own_data.py`. (The
# files are made here, from the bundled closes, so that the example runs as it is.)

# %%
import tempfile
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

import marketshock as ms

folder = Path(tempfile.mkdtemp())
closes = ms.snapshot().adj_close[["AAPL", "MSFT", "NVDA", "SPY"]]
closes.to_csv(folder / "prices.csv")
(folder / "events.csv").write_text(
    "ticker,date,group\n"
    "NVDA,2025-01-27,chips\n"
    "AAPL,2025-01-27,others\n"
    "MSFT,2025-01-29T16:05:00-05:00,others\n"  # five minutes after the close: the next session
    "NVDA,2025-01-20,chips\n",  # a market holiday
    "utf-8",
)
print((folder / "events.csv").read_text("utf-8"))
print((folder / "prices.csv").read_text("utf-8")[:120], "...")

# %% [markdown]
# One column of closes does not say whether dividends are in it. `adjusted=True` does: returns are then total returns,
# and market caps refuse these closes.

# %%
events = pd.read_csv(folder / "events.csv")
prices = ms.read_prices(folder / "prices.csv", adjusted=True)
study = ms.event_study(events, prices=prices, model=ms.MarketModel("SPY"), window=(0, 2), on_closed="next")
print(study, "\n")
print(study.alignment[["given", "timestamp_utc", "session", "moved", "rule"]].to_string())

# %% [markdown]
# `on_closed="next"` was needed for the holiday. Without it the study stops, and says what to do:

# %%
try:
    ms.event_study(events, prices=prices, model=ms.MarketModel("SPY"))
except ms.errors.NotSessionError as error:
    print(error)

# %% [markdown]
# Long frames, CRSP's daily stock file, Parquet and yfinance's two-level columns are read as they come ([all
# shapes](../data.md)).

# %%
long = closes.reset_index().melt("date", var_name="ticker", value_name="close")
same = ms.event_study(
    events,
    prices=ms.Prices.from_frame(long, adjusted=True),
    model=ms.MarketModel("SPY"),
    window=(0, 2),
    on_closed="next",
)
print("from a long frame, the same:", bool((same.ar == study.ar).all(axis=None)))

# %% [markdown]
# And frames of polars, lazy ones too:

# %%
if find_spec("polars") and find_spec("narwhals"):
    import polars as pl

    lazy = pl.scan_csv(folder / "prices.csv", try_parse_dates=True)
    frame = pl.DataFrame({"ticker": ["NVDA", "AAPL"], "date": ["2025-01-27", "2025-01-27"]})
    polars = ms.event_study(frame, prices=lazy, model=ms.MarketModel("SPY"), window=(0, 2))
    print("from polars:")
    print(polars)
else:
    print("polars is not installed: pip install 'marketshock[polars]'")
