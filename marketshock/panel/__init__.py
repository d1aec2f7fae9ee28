"""Event panel: events aligned with prices, and arrays of shape (event, day)."""
