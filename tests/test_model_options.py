"""Options of the models are checked when a model is made."""

from __future__ import annotations

import pytest

import marketshock as ms
from marketshock.errors import ChoiceError, InputError


@pytest.mark.parametrize(
    "make",
    [
        lambda: ms.MarketModel("m", cov="HC2"),
        lambda: ms.MarketModel("m", lags=3),
        lambda: ms.MarketModel("m", cov="HAC", lags=-1),
        lambda: ms.MarketModel("m", cov="HAC", lags=2.5),
        lambda: ms.FactorModel(["m"], cov="hc1"),
        lambda: ms.FactorModel([]),
        lambda: ms.FactorModel(["m", "m"]),
        lambda: ms.FamaFrench(4),
        lambda: ms.FamaFrench(3, momentum="yes"),
        lambda: ms.CAPM(ms.EqualWeighted(["A", "B"]), "rf"),
        lambda: ms.CAPM("m", ""),
        lambda: ms.CAPM("m", "m"),
        lambda: ms.ScholesWilliams(ms.EqualWeighted(["A", "B"])),
        lambda: ms.Dimson("m", leads=-1),
        lambda: ms.Dimson("m", lags=1.0),
        lambda: ms.HuberModel("m", c=0),
        lambda: ms.HuberModel("m", c="1"),
        lambda: ms.HuberModel("m", variance="other"),
        lambda: ms.HuberModel([]),
        lambda: ms.GarchModel("m", dist="skewt"),
        lambda: ms.GarchModel("m", cov="HC1"),
        lambda: ms.RecentVolatility(ms.MarketModel("m"), days=1),
        lambda: ms.RecentVolatility("m"),
        lambda: ms.RecentVolatility(ms.RecentVolatility(ms.MarketModel("m"))),
    ],
)
def test_options_are_checked_when_made(make):
    with pytest.raises(InputError):
        make()


def test_choices_are_listed():
    with pytest.raises(ChoiceError, match="'HC3', 'HAC'"):
        ms.MarketModel("m", cov="robust")
