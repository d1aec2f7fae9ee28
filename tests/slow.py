"""Slow tests: what `make test-quick` leaves out, so that it answers in about a minute on two cores.

A test that needs a second or more of one core, or a browser, a cluster or other processes, is listed here or bears
``@pytest.mark.slow``; so are the files of agreement tests that need many seconds in sum. `make test` runs all of them.
"""

from __future__ import annotations

SLOW: dict[str, tuple[str, ...]] = {
    "test_against_statsmodels.py": ("test_event_study_equals_a_loop_of_statsmodels",),
    "test_agreement_backtests.py": (
        "test_equity_of_the_orders_alone",
        "test_files_and_json_are_the_frames",
    ),
    "test_agreement_by.py": (),
    "test_agreement_cars.py": (),
    "test_agreement_dollars.py": (),
    "test_agreement_mean.py": (),
    "test_agreement_open.py": (
        "test_a_difference_over_several_dates_is_the_sum_of_long_short_portfolios",
        "test_a_mean_counts_the_events_in_it",
        "test_studies_compared_read_the_error_of_the_mean",
    ),
    "test_agreement_reports.py": (),
    "test_agreement_storage.py": (),
    "test_backtest.py": (
        "test_every_day_is_cash_and_positions",
        "test_limits_hold_at_the_prices_they_were_judged_by",
        "test_what_comes_after_changes_nothing_before",
    ),
    "test_backtest_rules.py": (
        "test_a_plan_from_the_shell",
        "test_labels_do_not_overlap",
        "test_rules_side_by_side",
        "test_the_page_says_what_the_example_computes",
    ),
    "test_backtest_stats.py": (
        "test_a_planted_edge_is_found_as_often_as_theory_says",
        "test_without_an_edge_p_is_uniform",
    ),
    "test_bad_files.py": (
        "TestAnyFile",
        "TestHandMade::test_binary_files_cut_off_or_of_odd_columns",
    ),
    "test_cache.py": (
        "test_any_order_of_asking_gives_what_one_fetch_gives",
        "test_no_story_of_splits_corrections_and_days_leaves_a_seam",
        "test_two_processes_fill_one_cache",
    ),
    "test_claims.py": (
        "TestCommand::test_bad_input",
        "TestCommand::test_json_and_markdown",
        "TestCommand::test_json_of_all",
        "TestCommand::test_one_claim_in_full",
        "TestCommand::test_one_document",
        "TestCommand::test_reproduce_ends_with_the_summary",
        "TestCommand::test_table_and_summary",
        "TestTheTwoDocuments::test_the_page_is_what_is_computed",
        "TestTheTwoDocuments::test_verdicts_read_by_eye",
        "TestYourOwn::test_no_figures_no_verdict",
    ),
    "test_cli.py": ("TestReproduce",),
    "test_cli_fragility.py": ("test_out_writes_tables_and_plots_again_to_the_byte",),
    "test_clustering.py": ("test_p_is_uniform_under_independence",),
    "test_docs.py": (),
    "test_docs_site.py": (),
    "test_engines.py": (
        "TestDask",
        "test_bars",
    ),
    "test_estimation.py": (
        "test_compiled_loops_give_the_same_bits",
        "test_many_events_are_what_statsmodels_says",
    ),
    "test_explain.py": (
        "TestForms::test_formulas_are_mathematics",
        "test_every_model_ends_where_its_table_does",
        "test_printed_numbers_are_the_stored_ones",
        "test_the_arithmetic_of_every_line_holds",
    ),
    "test_explain_models.py": (
        "TestOwnModels::test_every_figure_by_numpy",
        "test_a_page",
    ),
    "test_french_file.py": ("test_no_damage_to_a_file_ends_in_anything_but_an_error_of_ours_or_a_table",),
    "test_inference.py": ("test_size_of_the_exact_tests_under_the_null",),
    "test_inference_twins.py": ("test_joint_rank",),
    "test_mean_car.py": (
        "TestOneHome::test_all_readers_agree",
        "test_intervals_cover_the_truth_as_often_as_they_say",
    ),
    "test_models.py": (
        "test_adding_a_regressor_to_the_stock_leaves_its_abnormal_return",
        "test_every_test_of_the_literature_runs",
        "test_hardly_any_days_are_an_exclusion_with_a_reason",
        "test_one_event_equals_its_row_of_the_batch",
        "test_permuting_events_permutes_rows",
        "test_short_history_is_an_exclusion_or_a_shorter_estimation",
        "test_standardised_returns_do_not_depend_on_the_unit",
        "test_two_runs_give_the_same_bytes",
    ),
    "test_models_against_others.py": (
        "test_covariances_equal_statsmodels",
        "test_dimson_equals_statsmodels",
        "test_garch_equals_arch",
        "test_huber_equals_statsmodels",
    ),
    "test_mutation.py": (
        "test_a_listed_mutant_that_a_test_kills_is_reported",
        "test_a_run_prints_survivors_and_score_and_leaves_the_files_alone",
        "test_tests_that_fail_without_a_mutant_stop_the_run",
    ),
    "test_no_network.py": (),
    "test_plot_signatures.py": (),
    "test_plots.py": (
        "test_first_picture_leaves_interactive_mode_alone",
        "test_one_panel_a_firm",
    ),
    "test_plots_event.py": (
        "TestPricePath::test_labels_do_not_overlap",
        "TestResiduals::test_labels_do_not_overlap",
    ),
    "test_plots_fragility.py": (
        "TestCounts::test_labels_do_not_overlap",
        "TestHeatmap::test_labels_do_not_overlap",
        "TestRanking::test_labels_do_not_overlap",
    ),
    "test_plots_mean.py": (
        "TestCaar::test_labels_do_not_overlap",
        "TestForest::test_labels_do_not_overlap",
        "TestHeatmap::test_labels_do_not_overlap",
    ),
    "test_plots_robustness.py": ("test_too_many_specifications",),
    "test_plots_totals.py": ("TestWaterfall::test_labels_do_not_overlap",),
    "test_printouts.py": ("TestEveryResult::test_text_and_notebook_have_every_line",),
    "test_properties.py": (
        "test_adding_the_market_to_a_stock_leaves_its_abnormal_return",
        "test_car_of_one_day_is_ar_and_cars_add_up",
        "test_every_mean_test_changes_sign_with_the_data",
        "test_every_test_ignores_the_order_of_events",
        "test_every_test_ignores_the_unit_of_returns",
        "test_permuting_events_permutes_rows",
        "test_scaling_prices_changes_nothing",
        "test_standardised_returns_do_not_depend_on_the_unit",
    ),
    "test_reference_tables.py": ("test_window_statistics",),
    "test_report.py": (
        "TestCommand",
        "TestNumbers",
        "TestPage",
        "test_numbers_lead_to_their_derivations",
    ),
    "test_report_browser.py": (),
    "test_robustness.py": ("test_placebo_and_pretrend_hold_their_size",),
    "test_sec.py": ("TestCounts::test_what_is_no_count_is_left_out_with_a_word",),
    "test_simulate.py": (),
    "test_size_page.py": (),
    "test_summary.py": (
        "test_other_processes",
        "test_the_same_bits_however_the_securities_are_divided",
        "test_the_whole_study_on_an_engine",
    ),
    "test_yahoo.py": (
        "TestCommandLine",
        "TestFaults::test_a_fault_after_a_good_day_leaves_the_file_as_it_was",
        "TestFaults::test_each_fault_has_its_error_and_leaves_the_cache_alone",
        "TestFaults::test_the_total_bound_holds",
        "TestFaults::test_what_passes_is_waited_for",
    ),
    "test_yahoo_bad_days.py": (
        "TestWhatIsTrueOfDays::test_an_empty_piece_of_a_longer_answer_is_no_holiday",
        "test_an_interruption_ends_the_call_and_gives_yfinance_back",
    ),
}
"""Test file -> its slow classes and functions; none named means the whole file."""


def is_slow(nodeid: str) -> bool:
    """Tell whether a test, such as ``tests/test_a.py::TestB::test_c[1]``, is listed."""
    path, _, rest = nodeid.partition("[")[0].partition("::")
    names = SLOW.get(path.rpartition("/")[2])
    return names is not None and (not names or any(f"{rest}::".startswith(f"{name}::") for name in names))
