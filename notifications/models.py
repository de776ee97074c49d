"""Index of the models of notifications; each lives in the folder of its noun."""
