"""Stores as SPIFFE bundles: which trust domain a store is bound to, and the public endpoint that an officer may open for it."""
