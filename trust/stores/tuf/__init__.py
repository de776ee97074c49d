"""Each store as a TUF repository, written with python-tuf, so that a pulling agent notices rollback, freeze and mix-and-match.

The update framework's specification 1.0.33. Targets, snapshot and timestamp are signed here with keys that are sealed in the
database; the root, which names those keys, is signed with keys that live in files and, in production, on no machine of the portal.
"""
