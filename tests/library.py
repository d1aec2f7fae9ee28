"""Files as the data library publishes them, written from the bundled factors."""

from __future__ import annotations

import io
import zipfile

import pandas as pd

import marketshock as ms

BUNDLED = "202604"
THREE, FIVE, MOMENTUM = (
    "F-F_Research_Data_Factors_daily",
    "F-F_Research_Data_5_Factors_2x3_daily",
    "F-F_Momentum_Factor_daily",
)
COPYRIGHT = "Copyright 2026 Eugene F. Fama and Kenneth R. French"
DAILY_TEXT = (
    "This file was created by using the {} CRSP database.",
    "The Tbill return is the simple daily rate that, over the number of trading days",
    "compounds to 1-month TBill rate.",
)
MOMENTUM_TEXT = (  # the sentence with the vintage goes on, and the missing codes are named
    "This file was created by using the {} CRSP database.  It",
    "contains a momentum factor, constructed from six value-weight portfolios.",
    "Missing data are indicated by -99.99 or -999.",
)
MONTHLY = """This file was created by using the 202604 CRSP database. It contains monthly and annual factors.

,Mkt-RF,SMB,HML,RF
192607,   2.89,  -2.55,  -2.39,   0.22
192608,   2.64,  -1.14, -99.99,   0.25
200002,   2.45,  21.36,  -9.59,   0.43

 Annual Factors: January-December\x20
,Mkt-RF,SMB,HML,RF
  1927,  29.35,  -1.99,  -4.49,   3.12
  1928,  35.43,   4.37,  -6.40,   3.56

Copyright 2026 Eugene F. Fama and Kenneth R. French
"""
PORTFOLIOS = """This file was created by using the 202604 CRSP database.

  Average Value Weighted Returns -- Daily
,Agric,Food
20250102,   0.56,  -0.07
20250103,   0.29,   0.06

  Average Equal Weighted Returns -- Daily
,Agric,Food
20250102,   0.10,   0.20

"""


def layout(percent, vintage=BUNDLED, text=DAILY_TEXT, heading=""):
    """Write a frame of percent as the library does."""
    rows = [f"{day:%Y%m%d}," + ",".join(f"{value:8.2f}" for value in row) for day, *row in percent.itertuples()]
    preamble = [line.format(vintage) for line in text]
    return "\r\n".join([*preamble, "", f"{heading},{','.join(percent.columns)}", *rows, "", COPYRIGHT, ""])


def zipped(text, name="data.CSV", **more):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, content in {name: text, **more}.items():
            packed.writestr(member, content.encode("latin-1"))
    return held.getvalue()


def published(vintage=BUNDLED, change=0.0):
    """Return the bundled factors as the three zips they would be published in."""
    percent = (ms.french_factors() * 100).round(2)
    percent["HML"] += change
    five = percent[["Mkt-RF", "SMB5", "HML", "RMW", "CMA", "RF"]].rename(columns={"SMB5": "SMB"})
    momentum = percent[["MOM"]].rename(columns={"MOM": "Mom   "})
    return {
        THREE: zipped(layout(percent[["Mkt-RF", "SMB", "HML", "RF"]], vintage), f"{THREE}.CSV"),
        FIVE: zipped(layout(five, vintage), f"{FIVE}.CSV"),
        MOMENTUM: zipped(layout(momentum, vintage, MOMENTUM_TEXT, "  "), f"{MOMENTUM}.CSV"),
    }


def same(one, other):
    pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    assert one.index.dtype == other.index.dtype
