"""Prices, share counts and factors from frames, files and the web."""
