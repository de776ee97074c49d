"""One pull, in order.

1. Only one run at a time per store: a lock in the state directory.
2. If the last run was killed half-way, put the old files back.
3. Update the TUF metadata and fetch the formats (``update``): signatures, versions, hashes, lengths, expiry.
4. Look into every file: it holds exactly the certificates that the signed list names, and is not empty unless the store was
   withdrawn on purpose.
5. With pinned fingerprints: the partner's own signature covers every certificate (``covering``).
6. Take it into use (``installing``), remember it, and tell the portal how far it got and what proved it. A report that did not
   arrive is owed, and the next run brings it. What was fetched and is not taken into use, here or in 4 and 5, is told too.
7. Bring the lists beside the store up to date, where they are wanted (``lists``): they are held against what is in place now.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trustx import certificates, covering, lists, placing, probing
from trustx.fetching import Portal
from trustx.installing import Installer
from trustx.settings import FAIL_CLOSED, Settings
from trustx.stops import Exit, Stop
from trustx.update import ASK, OWN_STATE, Offered, Repository, expires_at


@dataclass
class Outcome:
    """What a pull did. ``stage`` is current, written or loaded; ``said`` is a sentence about what is in place now."""

    version: int
    stage: str
    certificates: int
    end_to_end: bool
    withdrawn: bool
    expires_at: datetime
    said: str
    outputs: dict[str, str] = field(default_factory=dict)  # path -> SHA-256


Tell = Callable[[str], None]


def pull(settings: Settings, *, tell: Tell = lambda _: None) -> Outcome:
    """Bring the store on this machine up to date. Raises Stop; then the last good files are in place.

    ``tell`` hears what is being done, in a few words.
    """
    with _alone(settings):
        installer = Installer(settings)
        installer.recover()
        try:
            portal = Portal(settings)
            offered, ders = verified(settings, portal, tell)
        except Stop as stop:
            if settings.when_expired == FAIL_CLOSED:
                _fail_closed(settings, installer, stop)
            raise
        stage, owed = _take_into_use(settings, portal, installer, offered, ders, tell)
        _remember(settings, offered, ders, owed)
        if owed and settings.report and portal.report(*owed):
            _remember(settings, offered, ders, None)
        outcome = _outcome(settings, installer, offered, ders, stage)
        outcome.outputs |= lists.pull(settings, portal, ders, tell)
        return outcome


def _fail_closed(settings: Settings, installer: Installer, stop: Stop) -> None:
    """Take the store away when what the portal signed last has expired, whatever kept the news away.

    Who is on the way can answer 404 or nonsense as well as nothing, and that must not keep an old store for ever.
    """
    expires = expires_at(settings)
    if stop.code is not Exit.EXPIRED and (expires is None or expires > now()):
        return
    installer.remove()
    if stop.code is not Exit.EXPIRED:
        raise Stop(Exit.EXPIRED, f"What the portal signed last expired {expires}. {stop.sentence}", stop.fix) from stop


Report = tuple[int, str, str]  # version, stage, what proved it


def _take_into_use(
    settings: Settings,
    portal: Portal,
    installer: Installer,
    offered: Offered,
    ders: frozenset[bytes],
    tell: Tell,
) -> tuple[str, Report | None]:
    """Return how far the version got on this machine, and the report that is owed for it."""
    if installer.holds(offered.files):
        held = memory(settings)
        owed = held.get("owed")
        if held.get("version") != offered.version:
            # Killed after the last step and before it was remembered.
            owed = [offered.version, "written", "found in place"]
        return "current", tuple(owed) if owed else None
    before = _on_disk(installer)
    present = frozenset(der for der in ders if _is_anchor(der, offered))
    expected = probing.Expected(offered.version, present, before - ders)
    try:
        stage, proof = installer.install(offered.files, expected, tell)
    except Stop as stop:
        _say_not_taken(settings, portal, offered.version, stop)
        raise
    return stage, (offered.version, stage, proof)


def _say_not_taken(settings: Settings, portal: Portal, version: int, stop: Stop) -> None:
    """Tell the portal that a version was fetched and is not in use here, so that it is not counted as running."""
    if settings.report and stop.code in _NOT_TAKEN:
        portal.report(version, "fetched", _NOT_TAKEN[stop.code])


_NOT_TAKEN = {
    Exit.REFUSED: "does not verify here; the old version is in use",
    Exit.NOT_COVERED: "not covered by a pinned key of the partner; the old version is in use",
    Exit.EMPTY_OR_UNREADABLE: "empty or unreadable; the old version is in use",
    Exit.DIFFERS: "verified; other files are in place",
    Exit.CHECK_FAILED: "verified, but the check refused it; the old version is in use",
    Exit.RELOAD_FAILED: "verified, but the service did not load it; the old version is in use",
    Exit.NOT_WRITTEN: "verified, but it could not be written; the old version is in use",
}


def _is_anchor(der: bytes, offered: Offered) -> bool:
    return offered.about.get(hashlib.sha256(der).hexdigest(), {}).get("role") == "anchor"


def _on_disk(installer: Installer) -> frozenset[bytes]:
    """Return the certificates of the old files, as far as they can be read."""
    found: set[bytes] = set()
    for extension, path in installer.place.paths().items():
        with suppress(certificates.Unreadable):
            found |= certificates.of_store(extension, placing.read(path) or b"")
    return frozenset(found)


def compare(settings: Settings, *, tell: Tell = lambda _: None) -> Outcome:
    """Do everything of a pull but change files. Raises Stop with DIFFERS when the files are not what the portal signed."""
    with _alone(settings):
        portal = Portal(settings)
        offered, ders = verified(settings, portal, tell)
        installer = Installer(settings)
        if not installer.holds(offered.files):
            stop = Stop(
                Exit.DIFFERS,
                f"What is on disk is not v{offered.version}, which the portal signed.",
                "Run 'trustx pull'.",
            )
            _say_not_taken(settings, portal, offered.version, stop)
            raise stop
        outcome = _outcome(settings, installer, offered, ders, "current")
        outcome.outputs |= lists.compare(settings, portal, ders, tell)
        return outcome


def verified(settings: Settings, portal: Portal, tell: Tell = lambda _: None) -> tuple[Offered, frozenset[bytes]]:
    """Return what the portal offers and its certificates, after steps 3 to 5. Raises Stop."""
    tell(f"Asking {settings.portal} for {settings.store}")
    before = memory(settings)
    repository = Repository(settings, portal)
    offered = repository.offered(int(before.get("version", 0)))
    try:
        ders = frozenset(der for extension in offered.files for der in _looked_into(settings, offered, extension))
        if settings.partner_fingerprints:
            tell("Checking the partner's signature")
            covering.require(
                ders,
                about=offered.about,
                installed=frozenset(before.get("checked", [])),
                settings=settings,
                targets=repository,
            )
    except Stop as stop:
        # Of what is in use already it would not be true.
        if offered.version != before.get("version"):
            _say_not_taken(settings, portal, offered.version, stop)
        raise
    return offered, ders


def _looked_into(settings: Settings, offered: Offered, extension: str) -> frozenset[bytes]:
    content = offered.files[extension]
    expected = offered.expected(extension)
    if not expected and not offered.withdrawn:
        raise Stop(
            Exit.EMPTY_OR_UNREADABLE, f"v{offered.version} is empty and was not withdrawn.", "The old store stays."
        )
    if not certificates.is_readable(extension):
        if settings.partner_fingerprints:
            raise Stop(
                Exit.USAGE,
                f"trustx cannot look into .{extension}, so the partner's signature cannot cover it.",
                "Pull pem or json, and make other formats from it.",
            )
        if not content:
            raise Stop(Exit.EMPTY_OR_UNREADABLE, f"The .{extension} is empty.", "The old store stays.")
        return frozenset()
    try:
        found = certificates.of_store(extension, content)
    except certificates.Unreadable as error:
        raise Stop(
            Exit.EMPTY_OR_UNREADABLE, f"The .{extension} cannot be read: {error}", "The old store stays."
        ) from error
    if {hashlib.sha256(der).hexdigest() for der in found} != expected:
        raise Stop(Exit.REFUSED, f"The .{extension} does not hold the certificates that the signed list names.", ASK)
    return found


def memory(settings: Settings) -> dict[str, Any]:
    """Return what the last good pull remembered; empty before the first. Raises Stop when it is damaged."""
    content = placing.read(settings.state_dir / "state.json")
    if content is None:
        return {}
    try:
        held = dict(json.loads(content))
        if not isinstance(held.get("version", 0), int) or not isinstance(held.get("checked", []), list):
            raise TypeError
        return held
    except (ValueError, TypeError, RecursionError) as error:
        # Going on without it would forget which version must not be undercut.
        raise Stop(
            Exit.NOT_WRITTEN, f"{settings.state_dir / 'state.json'} is damaged.", "Restore it, or remove it."
        ) from error


def _remember(settings: Settings, offered: Offered, ders: frozenset[bytes], owed: Report | None) -> None:
    held = memory(settings)
    checked = sorted(hashlib.sha256(der).hexdigest() for der in ders) if settings.partner_fingerprints else []
    new: dict[str, Any] = {"store": settings.store, "version": offered.version, "checked": checked}
    new["refresh_hint"] = offered.refresh_hint
    if owed and settings.report:
        new["owed"] = list(owed)
    if held != new:
        placing.write(settings.state_dir / "state.json", json.dumps(new).encode(), mode=0o600)


def _outcome(settings: Settings, installer: Installer, offered: Offered, ders: frozenset[bytes], stage: str) -> Outcome:
    paths = installer.place.paths()
    return Outcome(
        version=offered.version,
        stage=stage,
        certificates=len(offered.about),
        end_to_end=bool(settings.partner_fingerprints),
        withdrawn=offered.withdrawn,
        expires_at=offered.expires_at,
        said=_said(settings, offered, [str(path) for each, path in paths.items() if each not in offered.files]),
        outputs={str(paths[each]): hashlib.sha256(content).hexdigest() for each, content in offered.files.items()},
    )


def _said(settings: Settings, offered: Offered, removed: list[str]) -> str:
    if offered.withdrawn:
        gone = f" {' and '.join(removed)} cannot say so and is not there." if removed else ""
        return f"The store was withdrawn on purpose: it trusts nobody.{gone}"
    count = len(offered.about)
    certificates = "1 certificate" if count == 1 else f"{count} certificates"
    if settings.partner_fingerprints:
        return f"{certificates}{', which' if count == 1 else ', each of which'} the partner signed."
    return (
        f"{certificates}. Only the portal says that they are the partner's: pin the partner's OpenPGP key"
        " with partner_fingerprints."
    )


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    try:
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(settings.state_dir)
        descriptor = os.open(settings.state_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Stop(Exit.NOT_WRITTEN, f"The state directory cannot be used: {error}", OWN_STATE) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Stop(
                Exit.BUSY,
                "Another trustx is at work on this store.",
                f"It ends by itself; 'fuser {settings.state_dir / 'lock'}' names it.",
            ) from error
        yield
    finally:
        with suppress(OSError):
            os.close(descriptor)


def _require_own(folder: Path) -> None:
    """Demand that nobody else can write what is remembered: it is how an older version is known. Raises Stop."""
    found = folder.stat()
    # Kubernetes makes a volume writable for the group of its pod, which is ours.
    others = 0o002 if found.st_gid == os.getegid() else 0o022
    if found.st_uid not in (os.geteuid(), 0) or found.st_mode & others:
        raise Stop(
            Exit.USAGE,
            f"Others can write to {folder}, where trustx keeps what it must not forget.",
            f"chmod go-w {folder}, and have it belong to the user that trustx runs as.",
        )


def now() -> datetime:
    """Return the moment, aware UTC."""
    return datetime.now(UTC)
