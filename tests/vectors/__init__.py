"""Other people's test vectors, pushed through intake, with the verdicts written down. See README.md."""
