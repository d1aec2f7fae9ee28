"""Backtests: rules traded on events, with fills, costs, statistics and random dates."""
