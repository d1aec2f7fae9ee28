"""Oracle tests: for each test statistic the test that compares it with an outside number.

An outside number comes from a paper, from R, statsmodels or scipy, from the authors' data, or from the formula written
out a second time with plain numpy. A test of a property (size, order, units) is not an oracle.
"""

from __future__ import annotations

_INFERENCE, _TABLES, _HAND = "test_inference.py", "test_reference_tables.py", "test_statistics_by_hand.py"
_DAILY, _WINDOWS = (_TABLES, "test_daily_statistics"), (_TABLES, "test_window_statistics")

ORACLES: dict[str, tuple[str, str]] = {
    "t_firm": (_HAND, "test_t_firm"),
    "sq": (_INFERENCE, "test_equals_ranks_counted_by_hand"),
    "joint_f": (_INFERENCE, "test_joint_f"),
    "joint_rank": (_INFERENCE, "test_joint_rank_judges_every_day_as_the_event_day_is_judged"),
    "joint_equal": (_INFERENCE, "test_joint_equal"),
    "portfolio": (_INFERENCE, "test_portfolio_is_the_one_firm_t_of_the_portfolio"),
    "kolari_pynnonen": _DAILY,
    "patell_adjusted": _DAILY,
    "brown_warner": _DAILY,
    "grank_t": _WINDOWS,
    "sign_gsar": (_HAND, "test_sign_gsar"),
    "corrado": _DAILY,
    "corrado_zivney": _DAILY,
    "corrado_zivney_standardised": (_HAND, "test_corrado_zivney_standardized"),
    "permutation": (_HAND, "test_permutation"),
    "calendar_time": (_HAND, "test_calendar_time"),
    "t_cross_sectional": _DAILY,
    "patell": _DAILY,
    "bmp": _DAILY,
    "mackinlay": _WINDOWS,
    "grank_z": (_HAND, "test_grank_z"),
    "sign": _DAILY,
    "generalized_sign": _DAILY,
    "wilcoxon": _WINDOWS,
    "skewness_adjusted": (_HAND, "test_skewness_adjusted"),
    "wild_bootstrap": (_HAND, "test_wild_bootstrap"),
    "block_bootstrap": (_HAND, "test_block_bootstrap"),
}
"""Test statistic -> (file in tests/, function)."""
