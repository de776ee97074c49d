"""Index of the domain's background tasks; each lives in the folder of its noun."""
