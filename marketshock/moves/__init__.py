"""Moves measured in their own trailing volatility, moves of an index by member, and portfolios by volatility."""
