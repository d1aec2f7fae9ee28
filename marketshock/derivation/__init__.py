"""Derivations of results from their data: one event of a study, and the change of a firm's market cap."""
