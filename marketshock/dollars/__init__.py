"""Market-cap changes and reported losses in dollars."""
