"""Answering pulls: from memory in front of Django for the usual request, through Django for every other, with one answer."""
