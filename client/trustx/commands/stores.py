"""``trustx pull``, ``watch``, ``verify`` and ``root``: for those who run a service."""

import argparse
import hashlib
import signal
import threading
from pathlib import Path
from typing import Any

from tuf.api.exceptions import DownloadError
from tuf.api.metadata import Metadata, Root

from trustx import fingerprints, placing, probing, pulling, status, watching
from trustx.fetching import Portal
from trustx.options import command
from trustx.saying import say, step
from trustx.settings import LISTS, Settings, load
from trustx.stops import Exit, Stop


def add(acts: Any) -> None:
    """Add the commands about stores."""
    for name, act, says, examples in (
        (
            "pull",
            _pull,
            "Bring the store on this machine up to date.",
            """trustx pull --config /etc/trustx/halden-prod.toml
trustx pull --config /etc/trustx/halden-prod.toml --check 'nginx -t' --reload 'systemctl reload nginx'""",
        ),
        (
            "watch",
            _watch,
            "Pull whenever something is new, until stopped.",
            "trustx watch --config /etc/trustx/halden-prod.toml --interval 60 --wait 50",
        ),
        (
            "verify",
            _verify,
            "Say whether the files are what the portal and the partner signed; change nothing.",
            "trustx verify --config /etc/trustx/halden-prod.toml",
        ),
    ):
        _pull_options(command(acts, name, act, says, examples))
    root = command(
        acts,
        "root",
        _root,
        "Fetch the store's first TUF root, to be pinned.",
        """trustx root --portal https://portal.example --store halden-prod --token-file /etc/trustx/token \\
    --sha256 '7E21 …' --out /etc/trustx/halden-prod.root.json""",
    )
    for option in ("--portal", "--store"):
        root.add_argument(option, required=True)
    root.add_argument("--token-file", type=Path, required=True)
    root.add_argument("--out", type=Path, required=True)
    root.add_argument("--ca-file", type=Path)
    root.add_argument("--sha256", help="What it must be, as somebody told you by another way.")


def _pull(asked: argparse.Namespace) -> int:
    return _run(_settings(asked))


def _run(settings: Settings) -> int:
    result: pulling.Outcome | Stop
    try:
        result = pulling.pull(settings, tell=step)
    except Stop as stop:
        result = stop
    except OSError as error:
        result = Stop(Exit.UNEXPECTED, str(error), "The last good store is in place.")
    # Somebody else's run writes its own status.
    if not (isinstance(result, Stop) and result.code is Exit.BUSY):
        shown = status.write(settings, result, pulling.now())
    else:
        shown = status.document(settings, result, pulling.now(), {})
    say(shown)
    return int(shown["exit"])


def _watch(asked: argparse.Namespace) -> int:
    settings, ended = _settings(asked), threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def run() -> bool:
        return _run(settings) == Exit.OK

    watching.watch(settings, run, ended)
    return Exit.OK


def _verify(asked: argparse.Namespace) -> int:
    settings = _settings(asked)
    outcome = pulling.compare(settings, tell=step)
    say(status.document(settings, outcome, pulling.now(), {}))
    return Exit.OK


def _root(asked: argparse.Namespace) -> int:
    """Fetch root 1. Whoever pins it should have its digest from somebody, and not from the same address."""
    settings = load(
        None, {**vars(asked), "root": asked.out, "state_dir": asked.out.parent, "outputs": {"pem": asked.out}}
    )
    try:
        content = Portal(settings).download_bytes(f"{settings.api}/tuf/metadata/1.root.json", 256 * 1024)
    except DownloadError as error:
        raise Stop(Exit.NO_ACCESS, f"The root cannot be fetched: {error}") from error
    digest = hashlib.sha256(content).hexdigest()
    if asked.sha256 and digest != "".join(asked.sha256.split()).lower():
        raise Stop(Exit.REFUSED, f"The portal's root has SHA-256 {digest}, not the one that you expect.")
    root = Metadata[Root].from_bytes(content)
    root.signed.verify_delegate("root", root.signed_bytes, root.signatures)
    placing.write(asked.out, content)
    say({"exit": 0, "outcome": "written", "store": settings.store, "said": f"SHA-256 {fingerprints.grouped(digest)}"})
    return Exit.OK


def _settings(asked: argparse.Namespace) -> Settings:
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
        options["formats"] = asked.formats.split(",")
    if asked.no_report:
        options["report"] = False
    return load(asked.config, options)


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, sign, path = text.partition("=")
    if not (name and sign and path):
        raise Stop(Exit.USAGE, f"Write {option} NAME=FILE, for example {example}.")
    return name, path


def _pull_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="A TOML file; options win over it.")
    parser.add_argument("--portal")
    parser.add_argument("--store")
    for option in ("--token-file", "--root", "--state-dir", "--directory", "--ca-file", "--partner-keys"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--status-file", type=Path)
    parser.add_argument("--metrics-file", type=Path)
    parser.add_argument("--output", action="append", metavar="FORMAT=FILE")
    parser.add_argument(
        "--list", action="append", metavar="NAME=FILE", help=f"A list beside the store: {', '.join(LISTS)}."
    )
    parser.add_argument("--formats", help="With --directory: pem,json")
    parser.add_argument("--partner-fingerprint", action="append", dest="partner_fingerprints", metavar="HEX")
    parser.add_argument("--check", help="A command that must end with 0; {file} stands for the new file.")
    parser.add_argument("--check-timeout", type=float)
    parser.add_argument("--reload", help="A command that makes the service load the new store.")
    parser.add_argument("--reload-timeout", type=float)
    parser.add_argument("--when-expired", choices=["keep", "fail-closed"])
    parser.add_argument("--max-bytes", type=int)
    parser.add_argument("--interval", type=float, help="Seconds between questions of watch.")
    parser.add_argument("--wait", type=int, help="Seconds for which the portal may hold a question of watch back.")
    parser.add_argument("--no-report", action="store_true", help="Do not tell the portal what runs here.")
    parser.add_argument(
        "--probe", metavar="URL", help="After the reload, an https:// address that must show the store."
    )
    parser.add_argument("--probe-shows", choices=probing.WAYS, help="What it must show (default: names).")
    for option in ("--probe-certificate", "--probe-key", "--probe-ca-file"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--probe-timeout", type=float, help="Seconds for which it may go on showing the old one.")
