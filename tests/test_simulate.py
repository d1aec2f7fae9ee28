"""Simulated size and power: determinism, theory, and each test against its own null."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import marketshock as ms
from marketshock.errors import InputError
from marketshock.simulate import Design, bmp_size, rejection_rates

B = 2000
ERROR = np.sqrt(0.05 * 0.95 / B)

#: Tests whose size theory gives exactly (or asymptotically, with 60 estimation days and 20 firms) in each design.
INDEPENDENT = [
    "joint_f",
    "joint_rank",
    "joint_equal",
    "portfolio",
    "kolari_pynnonen",
    "patell_adjusted",
    "brown_warner",
    "grank_t",
    "corrado",
    "corrado_zivney",
    "permutation",
    "t_cross_sectional",
    "patell",
    "bmp",
    "mackinlay",
    "grank_z",
    "wilcoxon",
]
CORRELATED = ["joint_f", "joint_equal", "portfolio", "brown_warner", "kolari_pynnonen"]


def size(design: Design, tests: list[str], seed: int = 1) -> pd.Series:
    table = rejection_rates(design, tests=tests, shocks=(0.0,), n_samples=B, seed=seed).table
    return table["rate"].droplevel("shock")


def test_size_of_independent_normal_firms():
    rates = size(Design(n_firms=20, n_days=120), INDEPENDENT)
    # Normal approximations of statistics with 119 to 120 degrees of freedom are off by a few tenths of a point.
    assert (abs(rates - 0.05) < 3 * ERROR + 0.004).all(), rates


def test_size_of_correlated_firms_on_one_date():
    rates = size(Design(n_firms=10, n_days=120, correlation=0.3), [*CORRELATED, "bmp", "patell", "t_cross_sectional"])
    assert (abs(rates[CORRELATED] - 0.05) < 3 * ERROR + 0.004).all(), rates
    assert (rates[["bmp", "patell", "t_cross_sectional"]] > 0.2).all(), rates


@pytest.mark.parametrize("correlation", [0.05, 0.1])
def test_size_of_bmp_under_equicorrelation_is_that_of_theory(correlation):
    theory = bmp_size(50, correlation)
    rate = size(Design(n_firms=50, n_days=120, correlation=correlation), ["bmp"]).iloc[0]
    assert abs(rate - theory) < 3 * np.sqrt(theory * (1 - theory) / B) + 0.003


def test_published_sizes_under_equicorrelation():
    """The analytic sizes of the unadjusted statistic with normal critical values, for N = 50 and N = 7."""
    from scipy import stats

    for n, r, published in ((50, 0.01, 0.110), (50, 0.10, 0.444), (7, 0.05, 0.094), (100, 0.02, 0.261)):
        normal = 2 * stats.norm.sf(1.959964 * np.sqrt((1 - r) / (1 + (n - 1) * r)))
        assert normal == pytest.approx(published, abs=6e-4)
        assert bmp_size(n, r) == pytest.approx(normal, abs=0.02)  # t(N - 1) instead of the normal


def test_event_induced_variance_breaks_patell_and_leaves_bmp():
    rates = size(
        Design(n_firms=20, n_days=120, event_variance=2.0, dates="scattered"), ["patell", "mackinlay", "bmp", "grank_t"]
    )
    assert (rates[["patell", "mackinlay"]] > 0.1).all(), rates
    assert (abs(rates[["bmp", "grank_t"]] - 0.05) < 3 * ERROR + 0.006).all(), rates


def test_missing_days_do_not_break_size():
    rates = size(
        Design(n_firms=10, n_days=120, missing=0.1), ["portfolio", "bmp", "corrado_zivney", "grank_t", "patell"]
    )
    assert (abs(rates - 0.05) < 3 * ERROR + 0.006).all(), rates


def test_power_grows_with_the_shock_and_meets_theory():
    design = Design(n_firms=20, n_days=120)
    table = rejection_rates(design, tests=["mackinlay", "sign"], n_samples=1000, seed=2).table["rate"]
    for test in ("mackinlay", "sign"):
        assert table[test].is_monotonic_increasing
    expected = float(ms.power_of_t(0.01, 0.02 / np.sqrt(20), np.inf))  # MacKinlay (1997), table 2: .61
    assert expected == pytest.approx(0.61, abs=0.005)
    assert abs(table["mackinlay"][0.01] - expected) < 4 * np.sqrt(expected * (1 - expected) / 1000)


def test_same_seed_same_table_whatever_the_workers():
    tests = ["bmp", "corrado", "joint_f"]
    a = rejection_rates(Design(n_firms=5, n_days=40), tests=tests, n_samples=130, seed=7)
    b = rejection_rates(Design(n_firms=5, n_days=40), tests=tests, n_samples=130, seed=7, workers=2)
    c = rejection_rates(Design(n_firms=5, n_days=40), tests=tests, n_samples=130, seed=8)
    assert a.table.to_csv() == b.table.to_csv()
    assert a.table.to_csv() != c.table.to_csv()
    assert "130 samples, seed 7" in " ".join(repr(a).split())


def test_real_returns_can_be_drawn_from(returns):
    firms = returns.dropna().drop(columns=["^NDX", "^IXIC", "SPY", "QQQ"])
    rates = rejection_rates(
        Design(n_firms=8, n_days=120), returns=firms, market="^GSPC", tests=["portfolio", "bmp"], n_samples=200, seed=3
    )
    assert rates.table["rate"]["portfolio"][0.02] > 0.8
    assert rates.table["rate"]["portfolio"][0.0] < 0.15


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n_firms", 0),
        ("n_days", 5),
        ("correlation", 1.0),
        ("missing", -0.1),
        ("tails", "cauchy"),
        ("event_variance", 0),
    ],
)
def test_designs_are_checked(field, value):
    with pytest.raises(InputError, match=field):
        Design(**{field: value})


def test_options_are_checked(returns):
    for options in ({"n_samples": 0}, {"workers": 0}, {"level": 0}, {"returns": returns}, {"alternative": "both"}):
        with pytest.raises(InputError):
            rejection_rates(Design(n_firms=3, n_days=20), **options)
