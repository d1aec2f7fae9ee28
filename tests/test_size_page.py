"""The committed page of simulated sizes follows from the committed numbers, and the numbers from theory."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from marketshock.simulate import bmp_size

from .conftest import ROOT

B = 10_000
ERROR = np.sqrt(0.05 * 0.95 / B)


@pytest.fixture(scope="module")
def size() -> pd.DataFrame:
    rates = pd.read_csv(ROOT / "docs" / "size_and_power.csv", index_col=["test", "shock", "design"])["rate"]
    return rates.xs(0.0, level="shock").unstack("design")


def test_page_is_rendered_from_the_numbers():
    page = ROOT / "docs" / "size_and_power.md"
    before = page.read_bytes()
    script = ROOT / "docs" / "scripts" / "size_and_power.py"
    subprocess.run([sys.executable, str(script), "--render"], check=True)
    assert page.read_bytes() == before


@pytest.mark.parametrize("test", ["joint_f", "joint_equal", "portfolio", "brown_warner", "kolari_pynnonen"])
@pytest.mark.parametrize("design", ["50 normal", "7 normal", "7, r .3", "50, r .02", "50, r .1"])
def test_sizes_that_theory_gives_exactly_or_asymptotically(size, test, design):
    assert abs(size.loc[test, design] - 0.05) < 3 * ERROR


@pytest.mark.parametrize("design", ["50 normal", "7 normal", "50, 10 % missing", "50, variance x2"])
def test_tests_robust_to_variance_hold(size, design):
    for test in ("bmp", "t_cross_sectional", "kolari_pynnonen"):
        assert abs(size.loc[test, design] - 0.05) < 3 * ERROR + 0.001, test


@pytest.mark.parametrize(("design", "n", "r"), [("50, r .02", 50, 0.02), ("50, r .1", 50, 0.1), ("7, r .3", 7, 0.3)])
def test_bmp_under_equicorrelation_is_within_monte_carlo_error_of_theory(size, design, n, r):
    theory = bmp_size(n, r)
    assert abs(size.loc["bmp", design] - theory) < 3 * np.sqrt(theory * (1 - theory) / B)


def test_an_independent_draw_of_the_same_design_agrees(size):
    """The numbers are not only consistent with themselves: another seed gives the same rates."""
    from marketshock.simulate import Design, rejection_rates

    names = ["bmp", "patell", "joint_f", "corrado"]
    again = rejection_rates(
        Design(n_firms=7, correlation=0.3), tests=names, shocks=(0.0,), n_samples=1000, seed=3, workers=2
    )
    rate = again.table["rate"].droplevel("shock")
    for name in names:
        p = size.loc[name, "7, r .3"]
        assert abs(rate[name] - p) < 4 * np.sqrt(p * (1 - p) / 1000), name
