"""Whether what a document states agrees with the figures: one pure check a kind of claim, and verdicts."""
