"""What the portal offers, once python-tuf has verified all of it: never lower, never older than its expiry, never mixed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
)
from tuf.api.metadata import Metadata, Root, TargetFile, Targets, Timestamp
from tuf.ngclient import Updater, UpdaterConfig

from trustx import formats, reading
from trustx.fetching import Portal, reason, unreachable
from trustx.settings import Settings
from trustx.stops import Exit, Stop

ASK = "Keep the store you have, and tell the portal's operator and your security team."
OWN_STATE = "Name with --state-dir a folder that the user that trustx runs as can write to."
REFRESH_HINT = 300  # seconds, where the portal says nothing


@dataclass(frozen=True)
class Offered:
    """A version of the store as the portal signed it. ``about`` maps a certificate's SHA-256 to what is said of it.

    ``files`` lacks the formats that have no way to say that the store was withdrawn.
    """

    version: int
    withdrawn: bool
    files: Mapping[str, bytes]  # format -> bytes
    about: Mapping[str, Mapping[str, Any]]
    expires_at: datetime  # of the timestamp
    refresh_hint: int  # seconds; how often the portal wishes to be asked

    def expected(self, extension: str) -> frozenset[str]:
        """Return the digests of the certificates that a format must hold: some hold the trust anchors alone."""
        anchors_only = extension in formats.ANCHORS_ONLY
        return frozenset(
            digest for digest, about in self.about.items() if not anchors_only or about.get("role") == "anchor"
        )


class Repository:
    """The store's TUF repository, with what is remembered of it below ``state_dir``."""

    def __init__(self, settings: Settings, portal: Portal) -> None:
        self._settings = settings
        self._folder = settings.state_dir / "metadata"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Stop(Exit.NOT_WRITTEN, f"The state directory cannot be used: {error}", OWN_STATE) from error
        limits = UpdaterConfig(
            root_max_length=256 * 1024,
            timestamp_max_length=16 * 1024,
            snapshot_max_length=64 * 1024,
            targets_max_length=5 * 1024 * 1024,
            max_delegations=0,
        )
        with _explained(self._settings):
            self._updater = Updater(
                metadata_dir=str(self._folder),
                metadata_base_url=f"{settings.api}/tuf/metadata/",
                target_base_url=f"{settings.api}/tuf/targets/",
                fetcher=portal,
                config=limits,
                bootstrap=_pinned(settings),
            )

    def offered(self, lowest: int) -> Offered:
        """Return what the portal offers now. ``lowest`` is the version that is installed. Raises Stop."""
        with _explained(self._settings):
            self._updater.refresh()
        store = self._about_store()
        version = store.get("version")
        if store.get("store") != self._settings.store:
            raise Stop(
                Exit.REFUSED,
                f"The portal offers the store {store.get('store')!r} instead of {self._settings.store!r}.",
                ASK,
            )
        if not isinstance(version, int) or version < max(1, lowest):
            raise Stop(
                Exit.REFUSED, f"The portal offers v{version}, but v{lowest} is installed: a store never goes back.", ASK
            )
        withdrawn = bool(store.get("withdrawn"))
        artifacts = {each: self._artifact(each, version, may_lack=withdrawn) for each in self._settings.wanted}
        files = {extension: content for extension, content in artifacts.items() if content is not None}
        about = {str(each["sha256"]): each for each in store.get("certificates", [])}
        expires = expires_at(self._settings)
        if expires is None:
            raise Stop(Exit.REFUSED, "There is no timestamp.", ASK)
        return Offered(version, withdrawn, files, about, expires, _hint(store.get("refresh_hint")))

    def target(self, path: str) -> bytes | None:
        """Return a target's verified bytes, or None when it is not listed. Raises Stop."""
        with _explained(self._settings):
            found = self._updater.get_targetinfo(path)
            return self._download(found) if found else None

    def _about_store(self) -> dict[str, Any]:
        # Verified and written by the refresh just before; the class has no public way to ask for it.
        held = Metadata[Targets].from_file(str(self._folder / "targets.json"))
        return held.signed.unrecognized_fields.get("x-trust-store") or {}

    def _formats(self) -> list[str]:
        held = Metadata[Targets].from_file(str(self._folder / "targets.json"))
        prefix = f"{self._settings.store}."
        return [path.removeprefix(prefix) for path in held.signed.targets if path.startswith(prefix)]

    def _artifact(self, extension: str, version: int, *, may_lack: bool) -> bytes | None:
        path = f"{self._settings.store}.{extension}"
        with _explained(self._settings):
            found = self._updater.get_targetinfo(path)
            if found is None and may_lack:
                return None
            if found is None:
                raise Stop(
                    Exit.USAGE,
                    f"The store is not offered as .{extension}.",
                    f"It is offered as {', '.join(sorted(self._formats()))}.",
                )
            if (found.custom or {}).get("version") != version:
                raise Stop(Exit.REFUSED, f"{path} belongs to another version than the rest.", ASK)
            return self._download(found)

    def _download(self, target: TargetFile) -> bytes:
        if target.length > self._settings.max_bytes:
            raise Stop(
                Exit.REFUSED,
                f"{target.path} has {target.length} bytes, more than max_bytes allows.",
                "Set max_bytes higher if that may be so.",
            )
        aside = self._settings.state_dir / "download"
        self._updater.download_target(target, filepath=str(aside))
        try:
            return aside.read_bytes()
        finally:
            aside.unlink()


def _pinned(settings: Settings) -> bytes:
    try:
        content = reading.whole(settings.root)
        Metadata[Root].from_bytes(content)
    except OSError as error:
        raise Stop(Exit.USAGE, f"{settings.root} cannot be read: {error.strerror}.", _ROOT) from error
    except RepositoryError as error:
        raise Stop(Exit.USAGE, f"{settings.root} is not the root of a store.", _ROOT) from error
    return content


def expires_at(settings: Settings) -> datetime | None:
    """Return when the timestamp that is remembered expires, or None when there is none."""
    try:
        held = Metadata[Timestamp].from_file(str(settings.state_dir / "metadata" / "timestamp.json"))
    except Exception:  # python-tuf raises its own kinds and the storage's; all mean that there is none
        return None
    return held.signed.expires.replace(tzinfo=UTC)


def _hint(said: object) -> int:
    """Return a hint within reason: a portal can wish for neither a flood nor silence."""
    return min(max(said, 10), 3600) if isinstance(said, int) else REFRESH_HINT


class _explained:
    """Turns python-tuf's errors into the exit codes of this command."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or isinstance(error, Stop):
            return
        if isinstance(error, ExpiredMetadataError):
            raise Stop(Exit.EXPIRED, f"The portal's signed metadata expired: {error}.", _FROZEN) from error
        if isinstance(error, DownloadHTTPError) and error.status_code in (401, 403, 404):
            raise Stop(
                Exit.NO_ACCESS, f"The portal does not open this store to the token: {error}.", _ACCESS
            ) from error
        if isinstance(error, RepositoryError | DownloadLengthMismatchError):
            raise Stop(Exit.REFUSED, f"What the portal sent does not verify: {error}.", ASK) from error
        if isinstance(error, DownloadError):
            self._unreachable(error)
        if isinstance(error, OSError | json.JSONDecodeError):
            raise Stop(Exit.NOT_WRITTEN, f"The state directory cannot be used: {error}", OWN_STATE) from error

    def _unreachable(self, error: DownloadError) -> None:
        expires = expires_at(self._settings)
        cause = error.__cause__ or error
        if expires is not None and expires <= datetime.now(UTC):
            raise Stop(
                Exit.EXPIRED,
                f"The portal cannot be reached, and what it signed expired {expires}: {reason(cause)}",
                _FROZEN,
            )
        raise unreachable(cause)


_ROOT = "'trustx root' fetches the store's root; 'trustx root --help' shows how."
_FROZEN = (
    "Look at this machine's clock. If it is right, somebody may be keeping news from you: ask the portal's operator, by another "
    "way, whether it signs."
)
_ACCESS = "Check the token, the store's name, and whether the store's root is signed."
