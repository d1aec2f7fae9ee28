# %% [markdown]
# # A newspaper, checked
#
# Which sentences of two articles of February 2025 come out of the figures, and by which convention? Run as `python
# examples/newspaper_checked.py`.

# %%
import datetime as dt
import tempfile
from pathlib import Path

import marketshock as ms

claims = ms.verify_claims()
print(claims.summary)

# %% [markdown]
# One claim with everything that was tried. "Reproduced by convention" means that one reading gives the figure and
# another, as plain, does not; the verdict names both.

# %%
claim = claims["A11"]
print(f"{claim.claim.text}: {claim.status}\n  stated {claim.stated}, computed {claim.computed}\n  {claim.reason}\n")
for name, value in claim.inputs.items():
    print(f"  {name}: {value}")

# %% [markdown]
# "Misleading" means that the number is right and the cause it is given is not.

# %%
claim = claims["A14"]
print(f"{claim.claim.text}: {claim.status}\n  {claim.reason}")

# %% [markdown]
# A sentence of your own is a table in TOML: what is stated, in which unit, to which digit, in which words.

# %%
SENTENCES = """
[[claim]]
id = "fall"
document = "article.txt"
paragraph = 1
text = "NVIDIA fell by nearly 17 % on 27 January"
kind = "return"
parameters = { ticker = "NVDA", date = 2025-01-27 }
stated = -0.17
unit = "percent"
step = 0.01
wording = "nearly"

[[claim]]
id = "recovery"
document = "article.txt"
paragraph = 2
text = "By Friday NVIDIA had made good its loss"
kind = "period_return"
parameters = { ticker = "NVDA", start = 2025-01-24, end = 2025-01-31 }
stated = 0.0
unit = "percent"
step = 0.01
wording = "at_least"
"""
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "mine.toml"
    path.write_text(SENTENCES, "utf-8")
    print(ms.verify_claims(ms.load_catalog(path)))

# %% [markdown]
# And the text itself: what it dates and what it counts, read by rules that never invent a year.

# %%
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "article.txt"
    path.write_text("NVIDIA fell by nearly 17 % on January 27.\n\nOn Friday it closed at 120.07.\n", "utf-8")
    text = ms.read_document(path, published=dt.date(2025, 2, 3))
print(text.mentions[["text", "first_date", "session", "confidence", "reason"]].to_string(), "\n")
print(text.figures[["text", "value", "unit", "modifier"]].to_string())
