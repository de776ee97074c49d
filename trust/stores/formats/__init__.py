"""The ways in which a store is written down: one small encoder each, made once per version.

To add one: write a class like those in ``pem.py`` (``content.Format`` says what it needs) and name it in ``FORMATS``. The shared
test cases then run it against every kind of store.
"""

import hashlib
from dataclasses import dataclass

from asn1crypto import x509 as asn1_x509

from trust.stores.formats.archives import DerZip, HashedDirectory
from trust.stores.formats.content import DoesNotFit, Format, StoreContent
from trust.stores.formats.java import Jks, Pkcs12
from trust.stores.formats.json_document import JsonDocument
from trust.stores.formats.kubernetes import ClusterTrustBundle, ConfigMap, EnvoySecret, TrustManagerBundle
from trust.stores.formats.pem import AnchorsPem, Pem
from trust.stores.formats.pkcs7 import Pkcs7
from trust.stores.formats.spiffe import SpiffeBundle, SpiffeBundleMap

FORMATS: tuple[Format, ...] = (
    Pem(),
    AnchorsPem(),
    JsonDocument(),
    SpiffeBundle(),
    SpiffeBundleMap(),
    Pkcs7(),
    Pkcs12(),
    Jks(),
    DerZip(),
    HashedDirectory(),
    ConfigMap(),
    ClusterTrustBundle(),
    TrustManagerBundle(),
    EnvoySecret(),
)
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
    """Return every format that can say this version, each opened again by an independent reader and counted.

    Raises Unreadable when a reader finds other certificates than the version holds.
    """
    _require_readable(content)
    made = []
    for each in FORMATS:
        try:
            made.append(make(each, content))
        except DoesNotFit:
            continue
    return made


def make(form: Format, content: StoreContent) -> Made:
    """Return one format of a version. Raises Unreadable, and DoesNotFit when the format cannot say it."""
    try:
        artifact = form.encode(content)
    except DoesNotFit:
        raise
    except ValueError as error:
        raise Unreadable(f"The {form.extension} of {content.name} v{content.number} cannot be written.") from error
    expected = [each.der for each in (content.anchors if form.anchors_only else content.certificates)]
    try:
        found = form.read(artifact)
    except Exception as error:
        raise Unreadable(f"The {form.extension} of {content.name} v{content.number} does not read back.") from error
    if sorted(found) != sorted(expected):
        raise Unreadable(
            f"The {form.extension} of {content.name} v{content.number} holds {len(found)} certificates"
            f" where {len(expected)} were meant, or other ones."
        )
    return Made(form.extension, form.content_type, artifact, hashlib.sha256(artifact).hexdigest())


def _require_readable(content: StoreContent) -> None:
    """Have a second X.509 reader find a certificate with a key in each DER, and nothing after it. Raises Unreadable."""
    for each in content.certificates:
        try:
            asn1_x509.Certificate.load(each.der, strict=True).public_key.dump()
        except Exception as error:
            raise Unreadable(f"Certificate {each.sha256} cannot be read by a second reader.") from error
