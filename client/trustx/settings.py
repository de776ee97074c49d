"""What an agent is told: a TOML file, and options that win over it."""

import math
import os
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from trustx import reading
from trustx.proxies import LOOPBACK
from trustx.stops import Exit, Stop

KEEP, FAIL_CLOSED = "keep", "fail-closed"
CRL_SET, CRL_STATEMENT, DENY_LIST = LISTS = ("crl-set.pem", "crl-set.json", "deny-list.json")
_WHERE_FROM = "Write the token there that the consumer's page showed once, and let nobody else read the file."


@dataclass(frozen=True)
class Settings:
    """One store on one machine. Times are in seconds, sizes in bytes."""

    portal: str
    store: str
    token_file: Path
    root: Path
    state_dir: Path
    outputs: dict[str, Path] = field(default_factory=dict)  # format -> file
    directory: Path | None = None  # instead of outputs: all formats below one link that is swapped at once
    formats: tuple[str, ...] = ()
    lists: dict[str, Path] = field(default_factory=dict)  # of LISTS -> file
    take_incomplete_crls: bool = False  # nginx rejects everybody below a CA that has no CRL in the set
    partner_fingerprints: tuple[str, ...] = ()
    partner_keys: Path | None = None
    ca_file: Path | None = None
    check: str = ""
    check_timeout: float = 30.0
    reload: str = ""
    reload_timeout: float = 60.0
    probe: str = ""  # an https:// address of the service, which must show that it loaded the store
    probe_shows: str = "names"  # or client, or answer; see ``probing``
    probe_certificate: Path | None = None
    probe_key: Path | None = None
    probe_ca_file: Path | None = None
    probe_timeout: float = 15.0
    when_expired: str = KEEP
    max_bytes: int = 10 * 1024 * 1024
    download_timeout: float = 60.0
    status_file: Path | None = None
    metrics_file: Path | None = None
    report: bool = True
    interval: float = 0.0  # between questions of watch; 0 is what the portal's signed metadata asks for
    wait: int = 0

    @property
    def api(self) -> str:
        """Return the address of the store in the portal's API."""
        return f"{self.portal.rstrip('/')}/api/v1/trust-stores/{self.store}"

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the formats to pull."""
        return tuple(self.outputs) or self.formats

    def token(self) -> str:
        """Return the token. Raises Stop when there is none."""
        try:
            token = reading.words(self.token_file).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Stop(Exit.USAGE, f"The token file cannot be read: {error}", _WHERE_FROM) from error
        if not token.isascii() or not token or any(character.isspace() for character in token):
            raise Stop(Exit.USAGE, f"{self.token_file} does not hold one token.", _WHERE_FROM)
        return token


_PATHS = {
    "token_file", "root", "state_dir", "directory", "partner_keys", "ca_file", "status_file", "metrics_file",
    "probe_certificate", "probe_key", "probe_ca_file",
}  # fmt: skip
_WRITTEN = ("directory", "status_file", "metrics_file")
# What a run keeps in ``state_dir``.
_OWN = (
    "state.json",
    "lock",
    "journal.json",
    "journal-lists.json",
    "download",
    "kept",
    "lists.json",
    "kept-lists",
    "metadata",
)
_TABLES = {"outputs", "lists"}
_LISTS = {"formats", "partner_fingerprints"}
_FLAGS = {"take_incomplete_crls", "report"}
_COUNTS = {"max_bytes": 1, "wait": 0}  # and the least that each may be
_SECONDS = {"check_timeout", "reload_timeout", "probe_timeout", "download_timeout", "interval"}
_NAMES = [each.name for each in fields(Settings)]
_KNOWN = set(_NAMES)


def load(file: Path | None, options: dict[str, Any], **otherwise: Any) -> Settings:
    """Return the settings of a file, with the ``options`` that are not None over them and ``otherwise`` below. Raises Stop."""
    values = otherwise | (_read(file) if file else {})
    values |= {name: value for name, value in options.items() if value is not None and name in _KNOWN}
    unknown = set(values) - _KNOWN
    if unknown:
        raise Stop(
            Exit.USAGE, f"{file} has unknown settings: {', '.join(sorted(unknown))}.", f"Known are {', '.join(_NAMES)}."
        )
    missing = [name for name in ("portal", "store", "token_file", "root", "state_dir") if not values.get(name)]
    if missing:
        raise Stop(Exit.USAGE, f"These are missing: {', '.join(missing)}.", "Give them as options or in --config.")
    return _checked(Settings(**{name: _typed(name, value) for name, value in values.items()}))


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(reading.words(file))
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise Stop(Exit.USAGE, f"{file} cannot be read: {why}.", "README.md shows such a file.") from error


def _typed(name: str, value: Any) -> Any:
    """Return a value as ``Settings`` holds it. Raises Stop when it is of another kind: it would be found out half-way."""
    if should_be := _wrong(name, value):
        raise Stop(Exit.USAGE, f"{name} is not what it must be: {should_be}.", "README.md shows each setting.")
    if name in _PATHS:
        return Path(value)
    if name in _TABLES:
        return {str(extension): Path(path) for extension, path in value.items()}
    if name == "partner_fingerprints":
        return tuple("".join(each.split()).lower() for each in value)
    return tuple(value) if name in _LISTS else value


def _wrong(name: str, value: Any) -> str:
    """Return what a value should be; empty when it is that."""
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if name in _PATHS:
        return "" if _is_path(value) else "the path of a file, in quotes"
    if name in _TABLES:
        fits = isinstance(value, dict) and all(_is_path(each) for each in value.values())
        return "" if fits else 'a table of paths, such as pem = "/etc/ssl/halden-prod.pem"'
    if name in _LISTS:
        fits = isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
        return "" if fits else 'a list of texts, such as ["pem", "json"]'
    if name in _FLAGS:
        return "" if isinstance(value, bool) else "true or false"
    if name in _COUNTS:
        least = _COUNTS[name]
        return "" if number and isinstance(value, int) and value >= least else f"a whole number of at least {least}"
    if name in _SECONDS:
        return "" if number and (value > 0 or (name == "interval" and value == 0)) else "a number of seconds above 0"
    return "" if isinstance(value, str) else "a text, in quotes"


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path) and bool(str(value)) and "\0" not in str(value)


def require_safe(portal: str) -> None:
    """Demand an address to which a token may be sent. Raises Stop."""
    try:
        address = urlsplit(portal)
        bare = not (address.username or address.password or address.query or address.fragment)
        whole = bool(address.hostname) and address.port != 0 and bare and not any(map(str.isspace, portal))
    except ValueError:
        whole = False
    if not whole:
        raise Stop(Exit.USAGE, f"{portal!r} is no address of a portal.", "Write it like https://portal.example.")
    if address.scheme != "https" and not (address.scheme == "http" and address.hostname in LOOPBACK):
        raise Stop(Exit.USAGE, "The portal's address must start with https://, so that the token stays secret.")


def _checked(settings: Settings) -> Settings:
    require_safe(settings.portal)
    if not all(part.isalnum() for part in settings.store.replace("_", "-").split("-")):
        raise Stop(Exit.USAGE, f"{settings.store!r} is no name of a store.", "Its page says it, such as halden-prod.")
    if bool(settings.outputs) == bool(settings.directory):
        raise Stop(Exit.USAGE, "Give either outputs or a directory to write to.")
    if not settings.wanted:
        raise Stop(Exit.USAGE, "Name the formats to write into the directory.")
    if settings.when_expired not in (KEEP, FAIL_CLOSED):
        raise Stop(Exit.USAGE, f"when_expired is {KEEP} or {FAIL_CLOSED}.")
    if unknown := set(settings.lists) - set(LISTS):
        raise Stop(Exit.USAGE, f"There is no list {min(unknown)!r}.", f"Lists are {', '.join(LISTS)}.")
    if CRL_SET in settings.lists and not {"pem", "json"} & set(settings.wanted):
        raise Stop(Exit.USAGE, "CRLs are held against every CA of the store.", "Pull pem or json too.")
    _require_apart(settings)
    _require_probe(settings)
    bad = [
        each
        for each in settings.partner_fingerprints
        if len(each) not in (40, 64) or set(each) - set("0123456789abcdef")
    ]
    if bad:
        raise Stop(
            Exit.USAGE, f"This is no full OpenPGP fingerprint: {bad[0]}", "A fingerprint has 40 or 64 hex digits."
        )
    return settings


def _require_apart(settings: Settings) -> None:
    """Demand that nothing is written over something else: whoever reads a store would find a status in its place. Raises Stop."""
    own = _OWN if settings.status_file else (*_OWN, "status.json")
    written = {f"outputs.{each}": path for each, path in settings.outputs.items()}
    written |= {f"lists.{each}": path for each, path in settings.lists.items()}
    written |= {name: path for name in _WRITTEN if (path := getattr(settings, name))}
    found = {_place(path): name for name in sorted(_PATHS.difference(_WRITTEN)) if (path := getattr(settings, name))}
    found |= {_place(settings.state_dir / each): f"{each} in state_dir" for each in own}
    for name, path in written.items():
        if not path.name:
            raise Stop(Exit.USAGE, f"{name} is {path}, which is no place for it.", "Name a file or folder in it.")
        if (place := _place(path)) in found:
            raise Stop(Exit.USAGE, f"{found[place]} and {name} are both {path}.", "Give each a place of its own.")
        found[place] = name


def _place(path: Path) -> Path:
    return Path(os.path.realpath(path.parent)) / path.name


def _require_probe(settings: Settings) -> None:
    if not settings.probe:
        return
    if urlsplit(settings.probe).scheme != "https" or not urlsplit(settings.probe).hostname:
        raise Stop(Exit.USAGE, "probe is an https:// address of the service.")
    if settings.probe_shows not in ("names", "client", "answer"):
        raise Stop(Exit.USAGE, "probe_shows is names, client or answer.")
    if settings.probe_shows == "client" and not (settings.probe_certificate and settings.probe_key):
        raise Stop(Exit.USAGE, "Name probe_certificate and probe_key: a client certificate below the store.")
