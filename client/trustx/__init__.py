"""What people and services install beside the trust-exchange portal, to check it without trusting it."""

__version__ = "0.1.0"
