"""The batched least-squares kernel and the instrument against statsmodels, event by event, with missing days."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import statsmodels.api as sm

import marketshock as ms
from marketshock.models._ols import ols
from marketshock.models.nonsync import fit_instrument

RNG = np.random.default_rng(3)
EXACT = 1e-10  # double precision after a well-conditioned QR of a few dozen days
DAYS_AHEAD = np.arange(3, 6)


def problem(n_events=5, n_days=40, k=3):
    """Regressions with a constant, of which each lacks other days; what is masked is NaN."""
    x = np.concatenate([np.ones((n_events, n_days, 1)), RNG.normal(0, 0.01, (n_events, n_days, k - 1))], axis=2)
    y = 0.001 + 1.2 * x[:, :, -1] + RNG.normal(0, 0.02, (n_events, n_days))
    mask = RNG.random((n_events, n_days)) < 0.8
    return np.where(mask, y, np.nan), np.where(mask[:, :, None], x, np.nan), mask


@pytest.mark.parametrize("k", [1, 2, 3])
def test_each_event_equals_statsmodels(k):
    y, x, mask = problem()
    x = x[:, :, :k]
    fit = ols(y, x, mask)
    for event, own in enumerate(mask):
        other = sm.OLS(y[event, own], x[event, own]).fit()
        np.testing.assert_allclose(fit.params[event], other.params, rtol=EXACT)
        np.testing.assert_allclose(fit.xtx_inv[event], other.normalized_cov_params, rtol=EXACT, atol=1e-12)
        assert fit.rss[event] == pytest.approx(other.ssr, rel=EXACT)
        assert fit.n_obs[event] == own.sum() == other.nobs
    assert fit.full_rank.all()


def test_more_events_than_one_block_equal_each_by_itself():
    y, x, mask = problem(n_events=1)
    many = ols(np.repeat(y, 4100, axis=0), np.repeat(x, 4100, axis=0), np.repeat(mask, 4100, axis=0))
    alone = ols(y, x, mask)
    for field in ("params", "xtx_inv", "rss", "n_obs", "full_rank"):
        assert (getattr(many, field) == getattr(alone, field)).all(), field


@pytest.mark.parametrize("n_days", [1, 2])
def test_fewer_days_than_coefficients_are_no_fit(n_days):
    y, x, _ = problem(n_events=4, n_days=n_days)
    fit = ols(y, x, np.ones((4, n_days), dtype=bool))
    assert not fit.full_rank.any()
    assert np.isnan(fit.params).all()
    assert fit.n_obs.tolist() == [n_days] * 4


def test_collinear_regressors_are_no_fit_and_leave_the_others_alone():
    y, x, mask = problem(n_events=3)
    x[1, :, 2] = 2 * x[1, :, 1]
    x[2, :, 2] = np.where(mask[2], 0.0, np.nan)
    fit = ols(y, x, mask)
    assert fit.full_rank.tolist() == [True, False, False]
    assert np.isfinite(fit.params[0]).all()
    assert np.isnan(fit.params[1:]).all()


@pytest.mark.parametrize(("new", "full_rank"), [(1e-10, False), (1.1e-10, True)])
def test_a_regressor_explained_to_one_part_in_ten_billion_carries_nothing(new, full_rank):
    """Two columns of length 1 of which the second has `new` of its length outside of the first: the bound included."""
    x = np.array([[[1.0, 1.0], [0.0, new]]])
    assert ols(np.array([[0.01, 0.02]]), x, np.ones((1, 2), dtype=bool)).full_rank.tolist() == [full_rank]


def test_without_regressors_the_residual_is_the_return():
    y, _, mask = problem()
    fit = ols(y, np.empty((5, 40, 0)), mask)
    np.testing.assert_allclose(fit.rss, np.nansum(y * y, axis=1), rtol=EXACT)
    assert fit.full_rank.all()
    assert fit.params.shape == (5, 0)


def test_a_nearly_perfect_fit_keeps_its_residuals():
    """Residuals of 1e-10 beside returns of 0.01: plain subtraction would leave six digits of them, or none."""
    y, x, mask = problem()
    planted = RNG.normal(0, 1e-10, y.shape)
    y = x @ np.array([0.001, 0.5, 1.2]) + planted
    fit = ols(y, x, mask)
    for event, own in enumerate(mask):
        left = planted[event, own] - x[event, own] @ np.linalg.lstsq(x[event, own], planted[event, own], rcond=None)[0]
        assert fit.rss[event] == pytest.approx(left @ left, rel=1e-4)
        np.testing.assert_allclose(fit.params[event], [0.001, 0.5, 1.2], rtol=1e-7)


def test_a_nearly_perfect_fit_of_nearly_collinear_regressors_has_the_digits_of_exact_arithmetic():
    """The third regressor differs from the second by a millionth: plain least squares is off by 2e-10 to 7e-10."""
    rng = np.random.default_rng(1)
    x = np.concatenate([np.ones((1, 12, 1)), rng.normal(0, 1, (1, 12, 2))], axis=2)
    x[:, :, 2] = x[:, :, 1] + 1e-6 * x[:, :, 2]
    y = x @ np.array([0.3, 0.5, 1.2]) + rng.normal(0, 1e-8, (1, 12))
    exact = exact_least_squares(x[0], y[0])
    fit = ols(y, x, np.ones((1, 12), dtype=bool))
    np.testing.assert_allclose(fit.params[0], exact, rtol=3e-11)


def exact_least_squares(x, y):
    """Solve the normal equations in rational numbers, by elimination."""
    x, y = [[Fraction(v) for v in row] for row in x], [Fraction(v) for v in y]
    k = len(x[0])
    rows = [
        [sum(r[i] * r[j] for r in x) for j in range(k)] + [sum(r[i] * v for r, v in zip(x, y, strict=True))]
        for i in range(k)
    ]
    for i in range(k):
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for j in range(k):
            if j != i:
                rows[j] = [a - rows[j][i] * b for a, b in zip(rows[j], rows[i], strict=True)]
    return [float(row[-1]) for row in rows]


class TestInstrument:
    """Scholes-Williams against two-stage least squares written out with statsmodels' regressions."""

    def test_equals_two_stage_least_squares(self):
        y, x, mask = problem()
        market = x[:, :, 2]
        z = np.where(mask, market + RNG.normal(0, 0.01, market.shape), np.nan)
        fit = fit_instrument(y, market, z, mask, DAYS_AHEAD)
        for event, own in enumerate(mask):
            first = sm.OLS(market[event, own], sm.add_constant(z[event, own])).fit()
            second = sm.OLS(y[event, own], sm.add_constant(first.fittedvalues)).fit()
            residual = y[event, own] - sm.add_constant(market[event, own]) @ second.params
            sigma2 = residual @ residual / (own.sum() - 2)
            np.testing.assert_allclose(fit.params[event], second.params, rtol=1e-8)
            assert fit.sigma2[event] == pytest.approx(sigma2, rel=1e-9)
            np.testing.assert_allclose(fit.cov_params[event], sigma2 * second.normalized_cov_params, rtol=1e-8)
            assert fit.dof[event] == own.sum() - 2
        assert (fit.problem == "").all()
        np.testing.assert_array_equal(fit.sigma2_days, np.repeat(fit.sigma2[:, None], 3, axis=1))

    @pytest.mark.parametrize("scale", [1e-12, 1e12])
    def test_the_unit_of_the_returns_makes_no_problem(self, scale):
        y, x, mask = problem()
        own, other = (fit_instrument(y * s, x[:, :, 2], x[:, :, 2], mask, DAYS_AHEAD) for s in (1.0, scale))
        assert (other.problem == own.problem).all()
        np.testing.assert_allclose(other.params, own.params * scale, rtol=1e-9)

    def test_problems_are_named(self):
        y, x, mask = problem(n_events=4)
        market = x[:, :, 2].copy()
        market[0] = np.where(mask[0], 0.01, np.nan)
        y[1] = np.where(mask[1], 0.01, np.nan)
        z = market.copy()
        z[2] = np.where(mask[2], 0.01, np.nan)
        words = fit_instrument(y, market, z, mask, DAYS_AHEAD).problem
        assert "constant benchmark" in words[0]
        assert "no variance" in words[1]
        assert "uncorrelated with its sum" in words[2]
        assert words[3] == ""


def test_dimson_by_hand():
    """Slopes of one multiple regression are added, and alpha is the mean that remains."""
    n_days = 60
    x = np.concatenate([np.ones((1, n_days, 1)), RNG.normal(0, 0.01, (1, n_days, 3))], axis=2)
    y = 0.001 + x[:, :, 1:] @ np.array([0.7, 0.2, 0.3]) + RNG.normal(0, 0.01, (1, n_days))
    mask = RNG.random((1, n_days)) < 0.9
    fit = ms.Dimson("market").fit(y, x, mask, DAYS_AHEAD)
    own = mask[0]
    other = sm.OLS(y[0, own], x[0, own]).fit()
    beta = other.params[1:].sum()
    alpha = y[0, own].mean() - beta * x[0, own, 1].mean()
    np.testing.assert_allclose(fit.params[0], [alpha, beta], rtol=1e-9)
    residual = y[0, own] - alpha - beta * x[0, own, 1]
    assert fit.sigma2[0] == pytest.approx(residual @ residual / (own.sum() - 4), rel=1e-9)
    shifted = [0.0, *(x[0, own, j].mean() - x[0, own, 1].mean() for j in (1, 2, 3))]
    a = np.array([[1.0, *shifted[1:]], [0.0, 1.0, 1.0, 1.0]])
    np.testing.assert_allclose(fit.cov_params[0], a @ other.cov_params() @ a.T, rtol=1e-8)
    assert fit.dof[0] == own.sum() - 4
