"""Partitions mapped in this process, on an executor, or on a cluster."""
