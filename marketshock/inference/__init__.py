"""Test statistics: each a function of a `Sample`, each a row of the registry."""
