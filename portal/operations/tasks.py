"""Background tasks of the shell itself."""
