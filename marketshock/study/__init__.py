"""Event studies: run, results, streamed sums, partitions, cross-sections."""
