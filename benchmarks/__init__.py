"""Measurements that are run by hand; each writes its table to docs/measurements."""
