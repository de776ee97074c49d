"""``trustx pull``, ``watch``, ``verify`` and ``root``: for those who run a service."""

import argparse
import hashlib
import signal
from pathlib import Path
from typing import Any

from tuf.api.exceptions import DownloadError, DownloadHTTPError, RepositoryError
from tuf.api.metadata import Metadata, Root

from trustx import fingerprints, placing, probing, pulling, status, watching
from trustx.fetching import Portal, unreachable
from trustx.options import command
from trustx.saying import say, step
from trustx.settings import LISTS, Settings, load
from trustx.stops import Exit, Stop, unexpected


def add(acts: Any) -> None:
    """Add the commands about stores."""
    for name, act, says, examples in (
        (
            "pull",
            _pull,
            "Bring the store on this machine up to date.",
            """trustx pull --config /etc/trustx/halden-prod.toml
trustx pull --config /etc/trustx/halden-prod.toml --check 'nginx -t' --reload 'systemctl reload-or-restart nginx'""",
        ),
        (
            "watch",
            _watch,
            "Pull whenever something is new, until stopped.",
            "trustx watch --config /etc/trustx/halden-prod.toml --interval 60",
        ),
        (
            "verify",
            _verify,
            "Say whether the files are what the portal and the partner signed; change nothing.",
            "trustx verify --config /etc/trustx/halden-prod.toml",
        ),
    ):
        _options(command(acts, name, act, says, examples), name)
    root = command(
        acts,
        "root",
        _root,
        "Fetch the store's first TUF root, to be pinned.",
        """trustx root --portal https://portal.example --store halden-prod --token-file /etc/trustx/token \\
    --sha256 '7E21 …' --out /etc/trustx/halden-prod.root.json""",
    )
    root.add_argument("--portal", required=True, metavar="URL", help="The portal's address, https://…")
    root.add_argument("--store", required=True, metavar="NAME", help="The store's name, as its page says it.")
    root.add_argument(
        "--token-file", type=Path, required=True, metavar="FILE", help="Holds the consumer's token, txc_…"
    )
    root.add_argument("--out", type=Path, required=True, metavar="FILE", help="Where to keep it.")
    root.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="CAs that the portal's own certificate is checked with."
    )
    root.add_argument("--sha256", metavar="HEX", help="What it must be, as somebody told you by another way.")


def _pull(asked: argparse.Namespace) -> int:
    return _run(settings_of(asked))


def _run(settings: Settings) -> int:
    result: pulling.Outcome | Stop
    try:
        result = pulling.pull(settings, tell=step)
    except Stop as stop:
        result = stop
    except Exception as error:
        # Also what nobody thought of: an agent that watches goes on, and says it.
        result = unexpected(error, "The last good store is in place.")
    shown = _told(settings, result)
    say(shown)
    return int(shown["exit"])


def _told(settings: Settings, result: pulling.Outcome | Stop) -> dict[str, Any]:
    # Somebody else's run writes its own status.
    if isinstance(result, Stop) and result.code is Exit.BUSY:
        return status.document(settings, result, pulling.now(), {})
    try:
        return status.write(settings, result, pulling.now())
    except Stop as stop:
        # What kept the store from being taken says more than that nobody could be told. And ``watch`` goes on: a disk gets room.
        return status.document(settings, result if isinstance(result, Stop) else stop, pulling.now(), {})


def _watch(asked: argparse.Namespace) -> int:
    settings, ended = settings_of(asked), watching.Ending()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ended.on_signal)

    def run() -> bool:
        return _run(settings) == Exit.OK

    watching.watch(settings, run, ended)
    return Exit.OK


def _verify(asked: argparse.Namespace) -> int:
    settings = settings_of(asked)
    outcome = pulling.compare(settings, tell=step)
    say(status.document(settings, outcome, pulling.now(), {}))
    return Exit.OK


def _root(asked: argparse.Namespace) -> int:
    """Fetch root 1. Whoever pins it should have its digest from somebody, and not from the same address."""
    settings = load(
        None,
        {
            **vars(asked),
            "root": asked.out,
            "state_dir": asked.out.parent,
            "outputs": {"pem": asked.out.parent / "unused"},
        },
    )
    try:
        content = Portal(settings).download_bytes(f"{settings.api}/tuf/metadata/1.root.json", 256 * 1024)
    except DownloadHTTPError as error:
        raise Stop(
            Exit.NO_ACCESS if error.status_code in (401, 403, 404) else Exit.UNREACHABLE,
            f"The root cannot be fetched: {error}.",
            "Check the token, the store's name, and whether the store's root is signed.",
        ) from error
    except DownloadError as error:
        raise unreachable(error.__cause__ or error, "Nothing was written.") from error
    digest = hashlib.sha256(content).hexdigest()
    if asked.sha256 and digest != "".join(asked.sha256.split()).lower():
        raise Stop(
            Exit.REFUSED,
            f"The portal's root has SHA-256 {fingerprints.grouped(digest)}, not the one that you expect.",
            "Nothing was written. Ask who gave you the SHA-256, and tell the portal's operator.",
        )
    try:
        root = Metadata[Root].from_bytes(content)
        root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
    except RepositoryError as error:
        raise Stop(
            Exit.REFUSED, f"What the portal sent is no root of a store: {error}.", "Is this the portal's address?"
        ) from error
    placing.write(asked.out, content)
    shown = {
        "exit": 0,
        "outcome": "written",
        "store": settings.store,
        "said": f"SHA-256 {fingerprints.grouped(digest)}",
    }
    if not asked.sha256:
        shown["fix"] = "Compare it with the SHA-256 on the store's page, under trustx, before you rely on it."
    say(shown)
    return Exit.OK


def settings_of(asked: argparse.Namespace) -> Settings:
    """Return what the options and the file say. Raises Stop."""
    options = vars(asked).copy()
    if asked.output:
        pairs = [each.partition("=") for each in asked.output]
        if not all(name and sign and path for name, sign, path in pairs):
            raise Stop(Exit.USAGE, "Write --output FORMAT=FILE, for example pem=/etc/ssl/halden-prod.pem.")
        options["outputs"] = {name: path for name, _, path in pairs}
    if asked.list:
        options["lists"] = dict(
            _pair(each, "--list", "deny-list.json=/etc/ssl/halden-deny.json") for each in asked.list
        )
    if asked.formats:
        options["formats"] = [each.strip() for each in asked.formats.split(",")]
    if getattr(asked, "no_report", False):
        options["report"] = False
    return load(asked.config, options, wait=watching.WAIT if asked.command == "watch" else 0)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise Stop(Exit.USAGE, f"Write {option} NAME=FILE, for example {example}.")
    return name, path


def _options(parser: argparse.ArgumentParser, name: str) -> None:
    _from(parser.add_argument_group("what, and from where"))
    _to(parser.add_argument_group("where it lies"))
    if name != "verify":
        _use(parser.add_argument_group("taking it into use"))
        _probe(parser.add_argument_group("looking whether the service took it"))
        _tell(parser.add_argument_group("telling"))
    if name == "watch":
        group = parser.add_argument_group("how often")
        group.add_argument(
            "--interval",
            type=float,
            metavar="SECONDS",
            help="Between questions (default: as the portal signed).",
        )
        group.add_argument(
            "--wait",
            type=int,
            metavar="SECONDS",
            help=f"For which the portal may hold a question back until there is news (default: {watching.WAIT}; 0: never).",
        )


def _from(group: Any) -> None:
    group.add_argument("--config", type=Path, metavar="FILE", help="A TOML file with all of this; options win over it.")
    group.add_argument("--portal", metavar="URL", help="The portal's address, https://…")
    group.add_argument("--store", metavar="NAME", help="The store's name, as its page says it.")
    group.add_argument("--token-file", type=Path, metavar="FILE", help="Holds the consumer's token, txc_…")
    group.add_argument("--root", type=Path, metavar="FILE", help="The store's first root, as 'trustx root' wrote it.")
    group.add_argument(
        "--ca-file", type=Path, metavar="FILE", help="CAs that the portal's own certificate is checked with."
    )
    group.add_argument(
        "--partner-fingerprint",
        action="append",
        dest="partner_fingerprints",
        metavar="HEX",
        help="An OpenPGP key of the partner, as read over the phone: nothing is taken that it did not sign.",
    )
    group.add_argument(
        "--partner-keys",
        type=Path,
        metavar="FILE",
        help="The partner's public keys; without it the portal brings them.",
    )
    group.add_argument(
        "--when-expired",
        choices=["keep", "fail-closed"],
        help="Keep the store when the portal's signature ran out (default), or take it away.",
    )
    group.add_argument("--max-bytes", type=int, metavar="BYTES", help="The largest file to take (default: 10 MiB).")
    group.add_argument(
        "--download-timeout",
        type=float,
        metavar="SECONDS",
        help="For each answer of the portal, however slowly it comes (default: 60).",
    )


def _to(group: Any) -> None:
    group.add_argument(
        "--output", action="append", metavar="FORMAT=FILE", help="Write this format to this file; may be given again."
    )
    group.add_argument(
        "--directory", type=Path, metavar="LINK", help="Instead: all formats below a link that is swapped."
    )
    group.add_argument("--formats", metavar="LIST", help="With --directory: pem,json")
    group.add_argument(
        "--list", action="append", metavar="NAME=FILE", help=f"A list beside the store: {', '.join(LISTS)}."
    )
    group.add_argument(
        "--take-incomplete-crls",
        action="store_true",
        default=None,
        help="Take a CRL set in which a CA has none, which nginx' ssl_crl could not do with.",
    )
    group.add_argument(
        "--state-dir", type=Path, metavar="FOLDER", help="For what must not be forgotten, such as the version in place."
    )


def _use(group: Any) -> None:
    group.add_argument(
        "--check",
        metavar="COMMAND",
        help="Must end with 0 or the old store comes back; {file} stands for the new file.",
    )
    group.add_argument("--check-timeout", type=float, metavar="SECONDS", help="For the check (default: 30).")
    group.add_argument(
        "--reload", metavar="COMMAND", help="Makes the service load the store; when it fails, the old store comes back."
    )
    group.add_argument("--reload-timeout", type=float, metavar="SECONDS", help="For the reload (default: 60).")


def _probe(group: Any) -> None:
    group.add_argument(
        "--probe", metavar="URL", help="An https:// address of the service that must show the new store."
    )
    group.add_argument(
        "--probe-shows",
        choices=probing.WAYS,
        help="The CAs that it names in the handshake (default), a client certificate that it takes, or just an answer.",
    )
    group.add_argument(
        "--probe-certificate", type=Path, metavar="FILE", help="That client certificate, with its chain."
    )
    group.add_argument("--probe-key", type=Path, metavar="FILE", help="Its private key.")
    group.add_argument("--probe-ca-file", type=Path, metavar="FILE", help="CAs for the service's own certificate.")
    group.add_argument(
        "--probe-timeout",
        type=float,
        metavar="SECONDS",
        help="For which it may go on showing the old one (default: 15).",
    )


def _tell(group: Any) -> None:
    group.add_argument(
        "--status-file", type=Path, metavar="FILE", help="JSON (default: status.json in the state folder)."
    )
    group.add_argument("--metrics-file", type=Path, metavar="FILE", help="A textfile for Prometheus' node exporter.")
    group.add_argument("--no-report", action="store_true", help="Do not tell the portal what runs here.")
