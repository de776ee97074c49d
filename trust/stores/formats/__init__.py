"""The ways in which a store is written down: one small encoder each, made once per version.

To add one: write a class like those in ``pem.py`` (``content.Format`` says what it needs) and name it in ``FORMATS``. The shared
test cases then run it against every kind of store.
"""

import hashlib
from dataclasses import dataclass

from asn1crypto import x509 as asn1_x509

from trust.stores.formats.content import Format, StoreContent
from trust.stores.formats.json_document import JsonDocument
from trust.stores.formats.pem import AnchorsPem, Pem

FORMATS: tuple[Format, ...] = (Pem(), AnchorsPem(), JsonDocument())
BY_EXTENSION = {each.extension: each for each in FORMATS}


@dataclass(frozen=True)
class Made:
    """The bytes of one format of one version. ``sha256`` is lower-case hex."""

    extension: str
    content_type: str
    content: bytes
    sha256: str


class Unreadable(ValueError):
    """What was made does not read back as what was meant. The version must not be published."""


def make_all(content: StoreContent) -> list[Made]:
    """Return every format of a version, each opened again by an independent reader and counted.

    Raises Unreadable when a reader finds other certificates than the version holds.
    """
    return [make(each, content) for each in FORMATS]


def make(form: Format, content: StoreContent) -> Made:
    """Return one format of a version. Raises Unreadable."""
    artifact = form.encode(content)
    expected = [each.der for each in (content.anchors if form.anchors_only else content.certificates)]
    try:
        found = form.read(artifact)
        for der in found:
            # A second X.509 reader has to find a certificate with a key, and nothing after it.
            _ = asn1_x509.Certificate.load(der, strict=True).public_key.dump()
    except Exception as error:
        raise Unreadable(f"The {form.extension} of {content.name} v{content.number} does not read back.") from error
    if sorted(found) != sorted(expected):
        raise Unreadable(
            f"The {form.extension} of {content.name} v{content.number} holds {len(found)} certificates"
            f" where {len(expected)} were meant, or other ones."
        )
    return Made(form.extension, form.content_type, artifact, hashlib.sha256(artifact).hexdigest())
