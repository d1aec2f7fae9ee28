"""Dated events with their sources, and the one table in which events of any origin reach the panel."""
