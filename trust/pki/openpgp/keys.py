"""Reading a public key that somebody uploads.

1. Size, and a scan for private keys, before anything else: not a byte of one may reach a file.
2. Armor and packets read by ourselves: exactly one version 4 key block, nothing around it.
3. gpg imports it into a throw-away home with filters that drop other people's signatures, lists it, and
   exports the minimal form.
4. The minimal form is read again by ourselves: components that signed back, digests, sizes.
5. Findings under the registration policy. The caller refuses a key whose facts say so.
"""

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import gnupg

from trust.pki import limits
from trust.pki.openpgp import armor, components, gpgv, key_codes, key_facts, key_packet, packets
from trust.pki.openpgp.components import PublicKeyBlock
from trust.pki.openpgp.errors import NotReadable, SecretKeyFound, TooLarge, ToolMissing
from trust.pki.openpgp.key_facts import ComponentState, KeyFacts
from trust.pki.openpgp.packets import Packet, Tag
from trust.pki.openpgp.signature_packet import WEAK_DIGESTS, Kind
from trust.pki.text import escaped

T = TypeVar("T")

_SECRET_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----")
_KEY_TAGS = frozenset({Tag.PUBLIC_KEY, Tag.PUBLIC_SUBKEY, Tag.USER_ID, Tag.USER_ATTRIBUTE, Tag.SIGNATURE, Tag.TRUST})
_OPTIONS = (
    "--no-options",
    "--no-auto-key-retrieve",
    "--disable-dirmngr",
    "--no-autostart",
    "--weak-digest=SHA1",
    "--weak-digest=RIPEMD160",
)
_IMPORT = ("--import-options", "self-sigs-only,import-minimal,no-repair-keys")


def read_public_key(block: bytes, *, now: datetime) -> KeyFacts:
    """The facts of the one public key in `block`, armored or binary, with findings at `now`.

    Raises:
        SecretKeyFound: `block` holds private key material. Refuse before keeping anything.
        NotReadable: it is not exactly one version 4 public key block.
        TooLarge: it is larger than what is read, or still large after stripping.
        ToolMissing: gpg is not there.
    """
    refuse_secret_keys(block)
    found = _one_key(block)
    _refuse_weak(found)
    return _with_gpg(lambda gpg: _facts(gpg, _imported(gpg, _encoded(found)), now))


def merged(stored_block: bytes, upload: bytes, *, now: datetime) -> KeyFacts:
    """The facts of a stored key together with a newer form of it, as gpg merges them.

    The newest self-signature counts, and a revocation that either of them carries stays.

    Raises: as `read_public_key`; NotReadable also when `upload` is another key.
    """
    fingerprint = read_public_key(upload, now=now).fingerprint
    facts = _together(stored_block, _one_key(upload), now=now)
    if facts.fingerprint != fingerprint:
        raise NotReadable("This is another key.", code="openpgp_other_key")
    return facts


def with_revocation(stored_block: bytes, certificate: bytes, *, now: datetime) -> KeyFacts:
    """The facts of a stored key after its revocation `certificate` was applied to it.

    The certificate is what ``gpg --gen-revoke`` wrote, or GnuPG's prepared file with the colon before the
    first line removed. A public key block that carries its own revocation is taken as well.

    Raises:
        SecretKeyFound, NotReadable, TooLarge, ToolMissing: as `read_public_key`.
        NotReadable: with code ``openpgp_not_a_revocation`` when the key is not revoked by it.
    """
    refuse_secret_keys(certificate)
    found = _packets(certificate)
    if not {packet.tag for packet in found} <= _KEY_TAGS:
        raise NotReadable("The file is not a revocation certificate.", code="openpgp_not_a_revocation")
    facts = _together(stored_block, found, now=now)
    if not facts.revoked:
        raise NotReadable(
            "This is not a revocation certificate of that key.",
            code="openpgp_not_a_revocation",
            fix="Make one with `gpg --output revoke.asc --gen-revoke FINGERPRINT`.",
        )
    return facts


def _together(stored_block: bytes, more: Sequence[Packet], *, now: datetime) -> KeyFacts:
    def both(gpg: gnupg.GPG) -> KeyFacts:
        fingerprint = _imported(gpg, stored_block)
        gpg.import_keys(_encoded(more), extra_args=list(_IMPORT))
        return _facts(gpg, fingerprint, now)

    return _with_gpg(both)


def refuse_secret_keys(data: bytes) -> None:
    """Passes if no private key is in `data`: no PEM or OpenPGP private block, no secret key packet.

    Raises:
        SecretKeyFound: with the kind and the line, and never with any of the contents.
    """
    label = _SECRET_LABEL.search(data)
    if label:
        line = data.count(b"\n", 0, label.start()) + 1
        pgp = label[1].startswith(b"PGP ")
        kind = "OpenPGP private key" if pgp else label[1].decode().title().replace("Key", "key")
        raise SecretKeyFound(kind=kind, line=line, fingerprint=_exposed(data[label.start() :]) if pgp else None)
    try:
        found = _packets(data)
    except NotReadable:
        return
    for packet in found:
        if packet.tag in (Tag.SECRET_KEY, Tag.SECRET_SUBKEY):
            raise SecretKeyFound(kind="OpenPGP private key", line=None, fingerprint=_public_fingerprint(packet))


def _exposed(rest: bytes) -> str | None:
    """The fingerprint of the key whose private block starts `rest`, if the block can be read."""
    end = rest.find(b"-----END PGP PRIVATE KEY BLOCK-----")
    if end < 0:
        return None
    try:
        block = armor.decode(rest[: end + len(b"-----END PGP PRIVATE KEY BLOCK-----")])
        return _public_fingerprint(packets.walk(block.data, at_most=limits.KEY_PACKETS)[0])
    except NotReadable:
        return None


def _public_fingerprint(packet: Packet) -> str | None:
    public = key_packet.public_part(packet.body)
    return key_packet.fingerprint(public) if public else None


def _packets(block: bytes) -> tuple[Packet, ...]:
    if len(block) > limits.KEY_BYTES_TAKEN:
        raise TooLarge(
            f"The key is larger than {limits.KEY_BYTES_TAKEN // limits.KIB} KiB.",
            fix="Export it without other people's signatures: `gpg --armor --export-options export-minimal "
            "--export FINGERPRINT`.",
        )
    data = armor.decode_or_binary(block, label=armor.PUBLIC_KEY)
    return packets.walk(data, at_most=limits.KEY_PACKETS)


def _one_key(block: bytes) -> tuple[Packet, ...]:
    """The packets of the single key block, without trust packets, which gpg writes for itself."""
    found = tuple(packet for packet in _packets(block) if packet.tag != Tag.TRUST)
    count = sum(packet.tag == Tag.PUBLIC_KEY for packet in found)
    if count > 1:
        raise NotReadable(
            f"There are {count} keys in it. Exactly one is accepted.",
            code="openpgp_several_keys",
            fix="Export one key: `gpg --armor --export FINGERPRINT`.",
        )
    unknown = {packet.tag for packet in found} - _KEY_TAGS
    if count == 0 or found[0].tag != Tag.PUBLIC_KEY or unknown or not all(item.definite for item in found):
        raise NotReadable(
            "This is not an OpenPGP public key.",
            code="openpgp_not_a_key",
            fix="Export it with `gpg --armor --export FINGERPRINT` and upload what that prints.",
        )
    key_packet.read(found[0].body)
    return tuple(_without_photos(found))


def _without_photos(found: Sequence[Packet]) -> Iterator[Packet]:
    """The packets without user attributes (photos of any size) and the signatures that follow them."""
    dropping = False
    for packet in found:
        if packet.tag != Tag.SIGNATURE:
            dropping = packet.tag == Tag.USER_ATTRIBUTE
        if not dropping:
            yield packet


def _refuse_weak(found: Sequence[Packet]) -> None:
    """Refuses a key that only weak self-signatures hold together: gpg would just say "no user ID"."""
    block = components.read(found)
    own = [item for item in block.self_signatures if item.kind != Kind.KEY_REVOCATION]
    if own and all(item.digest in WEAK_DIGESTS for item in own):
        finding = key_codes.finding("key_weak_self_signature")
        raise NotReadable(finding.sentence, code=finding.code, fix=finding.fix)


def _encoded(found: Sequence[Packet]) -> bytes:
    return b"".join(packets.encode(packet.tag, packet.body) for packet in found)


def _with_gpg(work: Callable[[gnupg.GPG], T]) -> T:
    """`work` with a gpg that has an empty home of its own, gone afterwards."""
    program = gpgv.find("gpg")
    # A short name: sockets in a home must fit into 108 bytes.
    with tempfile.TemporaryDirectory(prefix="gk-") as home:
        try:
            gpg = gnupg.GPG(gpgbinary=program, gnupghome=home, options=list(_OPTIONS))
        except (OSError, ValueError) as problem:
            raise ToolMissing("gpg cannot be started, so keys cannot be read.") from problem
        # User IDs are bytes that somebody chose. We read them from the packets ourselves.
        gpg.encoding = "latin-1"
        return work(gpg)


def _imported(gpg: gnupg.GPG, block: bytes) -> str:
    """Imports `block` and returns the fingerprint of the one key that came of it."""
    gpg.import_keys(block, extra_args=list(_IMPORT))
    listed = gpg.list_keys()
    if len(listed) != 1:
        raise NotReadable(
            "gpg finds no usable user ID on this key, so it cannot be used.",
            code="openpgp_no_user_id",
            fix="Add a user ID with `gpg --quick-add-uid FINGERPRINT 'Your company CA signing'`.",
        )
    return str(listed[0]["fingerprint"]).lower()


def _facts(gpg: gnupg.GPG, fingerprint: str, now: datetime) -> KeyFacts:
    data = bytes(gpg.export_keys(fingerprint, armor=False, minimal=True))
    if len(data) > limits.KEY_BYTES_KEPT:
        raise TooLarge(f"The key is larger than {limits.KEY_BYTES_KEPT // limits.KIB} KiB even when stripped.")
    block = components.read(packets.walk(data, at_most=limits.KEY_PACKETS))
    states = _states(gpg.list_keys(keys=[fingerprint])[0])
    primary = block.primary.key
    if primary.fingerprint != fingerprint or primary.fingerprint not in states:
        raise NotReadable("gpg and our own reading name different fingerprints for this key.")
    state = states[primary.fingerprint]
    can_sign = _can_sign(block, states, now)
    return KeyFacts(
        fingerprint=primary.fingerprint,
        version=primary.version,
        subkey_fingerprints=tuple(
            item.key.fingerprint for item in block.subkeys if item.signed_back and item.claims_to_sign
        ),
        algorithm=primary.algorithm_name,
        bits=primary.bits,
        curve=primary.curve,
        created_at=primary.created_at,
        expires_at=state.expires_at,
        revoked=state.revoked,
        claimed_user_ids=tuple(escaped(item.decode("utf-8", "backslashreplace")) for item in block.user_ids),
        can_sign_now=can_sign,
        findings=key_facts.judged(
            block, expires_at=state.expires_at, revoked=state.revoked, can_sign_now=can_sign, now=now
        ),
        public_block=armor.encode(armor.PUBLIC_KEY, data),
    )


def _can_sign(block: PublicKeyBlock, states: dict[str, ComponentState], now: datetime) -> bool:
    primary = states[block.primary.key.fingerprint]
    if primary.revoked or (primary.expires_at is not None and primary.expires_at <= now):
        return False
    return any(
        key_facts.may_sign(item, states[item.key.fingerprint], now)
        for item in block.components
        if item.key.fingerprint in states
    )


def _states(listed: dict[str, Any]) -> dict[str, ComponentState]:
    """What gpg's listing says about the primary key and each subkey, by fingerprint."""
    states = [_state(listed, str(listed["fingerprint"]).lower())]
    for key_id, _capabilities, fingerprint, *_ in listed["subkeys"]:
        states.append(_state(listed["subkey_info"][key_id], str(fingerprint).lower()))
    return {state.fingerprint: state for state in states}


def _state(row: dict[str, Any], fingerprint: str) -> ComponentState:
    return ComponentState(
        fingerprint=fingerprint,
        revoked=row["trust"] == "r",
        # Lower case is what this component may do; upper case what the whole key may do.
        may_sign="s" in row["cap"],
        expires_at=datetime.fromtimestamp(int(row["expires"]), tz=UTC) if row["expires"] else None,
    )
