"""Measurements, each beside its baseline: ``python -m bench [names…] [--quick]``."""
