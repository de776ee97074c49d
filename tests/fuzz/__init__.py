"""Hostile bytes for each door through which a partner's bytes come in. See doors.py."""
