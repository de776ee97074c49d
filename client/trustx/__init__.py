"""The agent that consumers of trust stores and signers install. Small on purpose: no framework, three libraries."""

__version__ = "0.1.0"
