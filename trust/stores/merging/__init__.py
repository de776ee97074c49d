"""Stores of several partners poured into one file: never by itself, and only after two officers read what that gives away."""
