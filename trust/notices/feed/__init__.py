"""The feed of notices, from which a missed push is recovered: who reads it, how far, and who stopped."""
