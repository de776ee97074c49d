"""What a store has beside its versions: the current CRLs of its CAs, and the deny list of service certificates.

They are not in the TUF repository (the portal's decision record 16 says why), so each is held against what did come through it:

* every CRL carries the signature of a CA of the store, and its number is never lower than the one before it;
* every CA of the store has a CRL in the set, unless ``take_incomplete_crls`` says that the service can do without: nginx' ssl_crl
  would reject every client below a CA without one;
* the deny list is this store's, counts what it says, and still has every entry that it ever had here.

Whatever fails keeps the last good list and ends with a code of its own. A CRL that ended is told too: a frozen list looks so.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustx import certificates, placing
from trustx.fetching import Portal
from trustx.installing import Installer
from trustx.settings import CRL_SET, CRL_STATEMENT, DENY_LIST, Settings
from trustx.stops import Exit, Stop

_KEEP = "The last good list stays in place."


@dataclass
class Memory:
    """What must not be forgotten: the SHA-256 of each list, the highest number of each CA's CRL, and what was ever denied."""

    files: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    denied: list[list[str]] = field(default_factory=list)


def pull(settings: Settings, portal: Portal, ders: Iterable[bytes], tell: Callable[[str], None]) -> dict[str, str]:
    """Bring the lists up to date and return the SHA-256 of each file, by path. Raises Stop; then the last good lists are in place.

    ``ders`` are the certificates of the store that is in place.
    """
    installer = Installer(settings, lists=True)
    installer.recover()
    if not settings.lists:
        return {}
    tell("Asking for the lists beside the store")
    memory, held = remembered(settings), {name: placing.read(path) for name, path in settings.lists.items()}
    files = {name: _fetched(settings, portal, name, held[name], memory) for name in settings.lists}
    cas = [x509.load_der_x509_certificate(der) for der in ders]
    new = _held_against(settings, files, cas, memory)
    lacking = _lacking(settings, files, cas)
    if lacking:
        _keep_crls(files, held[CRL_SET], new)
    if any(held[name] != content for name, content in files.items()):
        installer.replace(files, tell)
    if new != memory:
        placing.write(settings.state_dir / "lists.json", json.dumps(vars(new)).encode(), mode=0o600)
    _require_whole(lacking)
    _require_current(files.get(CRL_SET, b""))
    return {str(settings.lists[name]): new.files[name] for name in settings.lists}


def _keep_crls(files: dict[str, bytes], held: bytes | None, new: Memory) -> None:
    """Leave the last good set where it is, and take the other lists all the same."""
    del files[CRL_SET]
    new.files.pop(CRL_SET, None)
    if held is not None:
        files[CRL_SET] = held
        new.files[CRL_SET] = hashlib.sha256(held).hexdigest()


def compare(settings: Settings, portal: Portal, ders: Iterable[bytes], tell: Callable[[str], None]) -> dict[str, str]:
    """Hold the lists on disk against the store and against what the portal serves now; return their SHA-256, by path.

    Changes and remembers nothing. Raises Stop, with DIFFERS when a list is another than the portal's.
    """
    if not settings.lists:
        return {}
    tell("Comparing the lists beside the store")
    memory, files, differing = remembered(settings), dict[str, bytes](), list[str]()
    for name, path in settings.lists.items():
        held = placing.read(path)
        digest = hashlib.sha256(held).hexdigest() if held is not None else ""
        content = portal.list_of(name, digest, settings.max_bytes)
        files[name] = (held or b"") if content is None else content
        differing += [str(path)] if files[name] != held else []
    cas = [x509.load_der_x509_certificate(der) for der in ders]
    new = _held_against(settings, files, cas, memory)
    _require_whole(_lacking(settings, files, cas))
    if differing:
        raise Stop(Exit.DIFFERS, f"{differing[0]} is not the list that the portal serves now.", "Run 'trustx pull'.")
    _require_current(files.get(CRL_SET, b""))
    return {str(settings.lists[name]): new.files[name] for name in settings.lists}


def is_unchanged(settings: Settings, portal: Portal) -> bool:
    """Say whether the lists are as they were left, and the portal still serves them."""
    memory = remembered(settings)
    for name, path in settings.lists.items():
        content = placing.read(path)
        digest = hashlib.sha256(content or b"").hexdigest()
        if content is None or memory.files.get(name) != digest or portal.list_of(name, digest, 0) is not None:
            return False
    return True


def remembered(settings: Settings) -> Memory:
    """Return what earlier pulls remembered. Raises Stop when it is damaged."""
    path = settings.state_dir / "lists.json"
    content = placing.read(path)
    try:
        return Memory(**json.loads(content)) if content else Memory()
    except (ValueError, TypeError) as error:
        # Going on without it would forget what was denied.
        raise Stop(Exit.NOT_WRITTEN, f"{path} is damaged.", "Restore it, or remove it.") from error


def _fetched(settings: Settings, portal: Portal, name: str, held: bytes | None, memory: Memory) -> bytes:
    digest = hashlib.sha256(held or b"").hexdigest()
    known = held is not None and memory.files.get(name) == digest
    content = portal.list_of(name, digest if known else "", settings.max_bytes)
    return (held or b"") if content is None else content


def _held_against(
    settings: Settings, files: Mapping[str, bytes], cas: list[x509.Certificate], memory: Memory
) -> Memory:
    numbers, denied = dict(memory.numbers), memory.denied
    if CRL_SET in files:
        numbers |= _crl_numbers(files[CRL_SET], cas, memory.numbers)
    if CRL_STATEMENT in files:
        _json_of(settings, CRL_STATEMENT, files[CRL_STATEMENT])
    if DENY_LIST in files:
        denied = _denied(_json_of(settings, DENY_LIST, files[DENY_LIST]), memory.denied)
    return Memory({name: hashlib.sha256(content).hexdigest() for name, content in files.items()}, numbers, denied)


def _crl_numbers(content: bytes, cas: list[x509.Certificate], before: Mapping[str, int]) -> dict[str, int]:
    found = {}
    for crl in _crls(content):
        signer = next((ca for ca in cas if ca.subject == crl.issuer and _signed(crl, ca)), None)
        if signer is None:
            raise Stop(Exit.REFUSED, f"A CRL of {crl.issuer.rfc4514_string()} is signed by no CA of the store.", _KEEP)
        key = hashlib.sha256(
            signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest()
        number = _number(crl)
        if number < before.get(key, 0):
            raise Stop(
                Exit.REFUSED,
                f"The CRL of {crl.issuer.rfc4514_string()} has number {number}, after {before[key]}: a CRL never goes back.",
                _KEEP,
            )
        found[key] = number
    return found


def _crls(content: bytes) -> list[x509.CertificateRevocationList]:
    try:
        return [x509.load_der_x509_crl(der) for der in certificates.blocks(content, b"X509 CRL")]
    except ValueError as error:
        raise Stop(Exit.EMPTY_OR_UNREADABLE, f"{CRL_SET} cannot be read: {error}", _KEEP) from error


def _signed(crl: x509.CertificateRevocationList, ca: x509.Certificate) -> bool:
    try:
        return crl.is_signature_valid(ca.public_key())  # type: ignore[arg-type]
    except Exception:  # a key of another kind, or an algorithm that nobody knows: not signed by it
        return False


def _number(crl: x509.CertificateRevocationList) -> int:
    try:
        return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return 0
    except (ValueError, x509.DuplicateExtension) as error:
        raise Stop(Exit.EMPTY_OR_UNREADABLE, f"{CRL_SET} cannot be read: {error}", _KEEP) from error


def _json_of(settings: Settings, name: str, content: bytes) -> dict[str, Any]:
    try:
        said = json.loads(content)
    except ValueError as error:
        raise Stop(Exit.EMPTY_OR_UNREADABLE, f"{name} cannot be read: {error}", _KEEP) from error
    if not isinstance(said, dict) or said.get("store") != settings.store:
        raise Stop(Exit.REFUSED, f"{name} is not that of {settings.store}.", _KEEP)
    return said


def _denied(said: Mapping[str, Any], before: list[list[str]]) -> list[list[str]]:
    try:
        found = sorted({(str(each["issuer_sha256"]), str(each["serial"])) for each in said["entries"]})
        whole = len(said["entries"]) == said["count"]
    except (KeyError, TypeError) as error:
        raise Stop(Exit.EMPTY_OR_UNREADABLE, f"{DENY_LIST} cannot be read: {error!r}", _KEEP) from error
    if not whole:
        raise Stop(Exit.REFUSED, f"{DENY_LIST} holds another number of entries than it says.", _KEEP)
    gone = {(issuer, serial) for issuer, serial in before} - set(found)
    if gone:
        issuer, serial = min(gone)
        raise Stop(
            Exit.REFUSED,
            f"{DENY_LIST} lacks {len(gone)} that it had, such as serial {serial} of {issuer[:16]}…: it never goes back.",
            _KEEP,
        )
    return [list(each) for each in found]


def _lacking(settings: Settings, files: Mapping[str, bytes], cas: list[x509.Certificate]) -> list[str]:
    """Return the CAs of the store that have no CRL in the set, by name; none where that is no matter."""
    if CRL_SET not in files or settings.take_incomplete_crls:
        return []
    crls = _crls(files[CRL_SET])
    return sorted(
        ca.subject.rfc4514_string()
        for ca in cas
        if not any(crl.issuer == ca.subject and _signed(crl, ca) for crl in crls)
    )


def _require_whole(lacking: list[str]) -> None:
    if lacking:
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        raise Stop(
            Exit.EMPTY_OR_UNREADABLE,
            f"{CRL_SET} lacks a current CRL of {lacking[0]}{more}; a server that checks the whole chain would reject every client"
            " below it.",
            f"{_KEEP} Ask the partner for the CRL, or set take_incomplete_crls where the service can do without.",
        )


def _require_current(content: bytes) -> None:
    now = datetime.now(UTC)
    for crl in _crls(content):
        if crl.next_update_utc is not None and crl.next_update_utc <= now:
            raise Stop(
                Exit.EXPIRED,
                f"The CRL of {crl.issuer.rfc4514_string()} ended {crl.next_update_utc:%Y-%m-%dT%H:%M:%SZ}.",
                "Somebody may be keeping a newer one from you. Ask the portal's operator, or fetch it from the CA.",
            )
