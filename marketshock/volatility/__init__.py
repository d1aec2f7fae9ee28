"""Moves in units of trailing volatility, group membership, contributions to an index, portfolios by volatility."""
