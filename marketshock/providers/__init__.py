"""Where prices, share counts and factors come from."""
