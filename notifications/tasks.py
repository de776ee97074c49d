"""Index of the background tasks of notifications; each lives in the folder of its noun."""
