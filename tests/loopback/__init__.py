"""Servers on 127.0.0.1 that stand in for the world, with the faults it has."""
