"""Moves scaled by trailing volatility, group membership, index contributions and portfolios sorted by volatility."""
