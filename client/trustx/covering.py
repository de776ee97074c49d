"""The end-to-end check: every certificate must be in something that a pinned key of the partner signed.

The portal's word is not used for anything here but to find the files, so that a portal that was broken into can withhold a
certificate but not add one.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Protocol

from trustx import certificates, gpgv, reading
from trustx.fingerprints import grouped
from trustx.settings import Settings
from trustx.stops import Exit, Stop


class Targets(Protocol):
    """Who has the partner's originals."""

    def target(self, path: str) -> bytes | None: ...


def require(
    ders: frozenset[bytes],
    *,
    about: Mapping[str, Mapping[str, Any]],
    installed: frozenset[str],
    settings: Settings,
    targets: Targets,
) -> None:
    """Demand that pinned keys signed all of ``ders``. Raises Stop with NOT_COVERED.

    ``installed`` are digests (hex) of certificates that were checked before: a key that has expired since still covers those, and
    nothing new.
    """
    by_original: dict[str, set[bytes]] = {}
    for der in ders:
        digest = hashlib.sha256(der).hexdigest()
        original = str(about.get(digest, {}).get("submission_sha256", ""))
        by_original.setdefault(original, set()).add(der)
    for original, wanted in sorted(by_original.items()):
        _require_in(original, wanted, about, installed, settings, targets)


def _require_in(
    original: str,
    wanted: set[bytes],
    about: Mapping[str, Mapping[str, Any]],
    installed: frozenset[str],
    settings: Settings,
    targets: Targets,
) -> None:
    content = targets.target(f"originals/{original}") if original else None
    if content is None:
        raise _not_covered(wanted, "the portal does not say in which submission it came")
    found = gpgv.signed(
        content=content,
        signature=targets.target(f"originals/{original}.sig"),
        keys=_keys(about, original, settings, targets),
        pinned=settings.partner_fingerprints,
    )
    missing = wanted - certificates.of_original(found.content)
    if missing:
        raise _not_covered(missing, "it is not in the submission that the portal names")
    new = {der for der in wanted if hashlib.sha256(der).hexdigest() not in installed}
    if found.key_expired and new:
        raise _not_covered(new, f"the key {found.fingerprint} has expired and covers nothing new")


def _keys(about: Mapping[str, Mapping[str, Any]], original: str, settings: Settings, targets: Targets) -> bytes:
    if settings.partner_keys is not None:
        try:
            return reading.whole(settings.partner_keys)
        except OSError as error:
            raise Stop(Exit.USAGE, f"The partner's keys cannot be read: {error}") from error
    # The pinned fingerprint says which key it must be, so the portal may bring it.
    blocks = [targets.target(f"keys/{fingerprint}.asc") for fingerprint in settings.partner_fingerprints]
    keys = b"".join(gpgv.binary(block) for block in blocks if block)
    if not keys:
        raise Stop(
            Exit.NOT_COVERED,
            f"The portal has none of the pinned keys; it says that {_signers(about)} signed.",
            "Ask the partner by phone, digit by digit, whether that is their key, before you pin it.",
        )
    return keys


def _signers(about: Mapping[str, Mapping[str, Any]]) -> str:
    found = {str(each.get("signer_fingerprint", "")).upper() for each in about.values()}
    return " and ".join(grouped(each) for each in sorted(found) if each) or "nobody"


def _not_covered(ders: set[bytes], why: str) -> Stop:
    digest = hashlib.sha256(min(ders)).hexdigest()
    more = f" and {len(ders) - 1} more" if len(ders) > 1 else ""
    return Stop(
        Exit.NOT_COVERED,
        f"No pinned key of the partner stands behind certificate {digest}{more}: {why}.",
        "Keep the store you have, and ask the partner by phone whether this certificate is theirs.",
    )
