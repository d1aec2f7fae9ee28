"""Test statistics: one function of a `Sample` and one row of the registry each."""
