"""How partitions are mapped: here, on an executor, or on a cluster."""
