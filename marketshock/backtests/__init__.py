"""Rules tried on events: what was known, what was filled, what it cost, and whether it was more than luck."""
