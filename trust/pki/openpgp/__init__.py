"""Reading OpenPGP: keys, signatures, and what a signature says.

The doors are `verify.check` (a signature over a document), `keys.read_public_key` (a key somebody
uploads), and `challenge` (proof that somebody holds a key). Nothing here knows an organization: the
caller hands in the ring of keys that may count, and one organization's ring never holds another's key.
"""
