"""``trustx``: the command. Sentences on terminals, one JSON line otherwise."""

import argparse
import hashlib
import json
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from tuf.api.exceptions import DownloadError
from tuf.api.metadata import Metadata, Root

from trustx import __version__, fingerprints, partner, placing, pulling, reading_aloud, status, watching
from trustx.fetching import Portal
from trustx.settings import Settings, load
from trustx.stops import Exit, Stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        return int(asked.act(asked))
    except Stop as stop:
        _say({"exit": int(stop.code), "outcome": stop.code.name.lower(), "said": stop.sentence, "fix": stop.fix})
        return int(stop.code)
    except OSError as error:
        _say({"exit": int(Exit.UNEXPECTED), "outcome": "unexpected", "said": str(error), "fix": ""})
        return int(Exit.UNEXPECTED)


def _pull(asked: argparse.Namespace) -> int:
    return _run(_settings(asked))


def _run(settings: Settings) -> int:
    result: pulling.Outcome | Stop
    try:
        result = pulling.pull(settings)
    except Stop as stop:
        result = stop
    # Somebody else's run writes its own status.
    if not (isinstance(result, Stop) and result.code is Exit.BUSY):
        shown = status.write(settings, result, pulling.now())
    else:
        shown = status.document(settings, result, pulling.now(), {})
    _say(shown)
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
    outcome = pulling.compare(settings)
    _say(status.document(settings, outcome, pulling.now(), {}))
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
    _say({"exit": 0, "outcome": "written", "store": settings.store, "said": f"SHA-256 {fingerprints.grouped(digest)}"})
    return Exit.OK


def _fingerprint(asked: argparse.Namespace) -> int:
    return reading_aloud.print_all(asked.files)


def _sign(asked: argparse.Namespace) -> int:
    signature = partner.sign(asked.file, asked.key)
    _say({"exit": 0, "outcome": "signed", "said": str(signature)})
    return Exit.OK


def _submit(asked: argparse.Namespace) -> int:
    found = partner.Api(asked.portal, asked.token_file).submit(asked.partnership, asked.file, asked.signature)
    return _told(found)


def _check(asked: argparse.Namespace) -> int:
    api = partner.Api(asked.portal, asked.token_file)
    return _told(api.check(str(asked.id), until_decided=asked.wait))


def _told(found: dict[str, Any]) -> int:
    refused = found.get("state") in ("refused", "quarantined")
    code = Exit.REFUSED if refused else Exit.OK
    _say(
        {
            "exit": int(code),
            "outcome": found.get("state"),
            "said": f"Submission {found.get('number')}",
            "submission": found,
        }
    )
    return code


def _settings(asked: argparse.Namespace) -> Settings:
    options = vars(asked).copy()
    if asked.output:
        pairs = [each.partition("=") for each in asked.output]
        if not all(name and sign and path for name, sign, path in pairs):
            raise Stop(Exit.USAGE, "Write --output FORMAT=FILE, for example pem=/etc/ssl/halden-prod.pem.")
        options["outputs"] = {name: path for name, _, path in pairs}
    if asked.formats:
        options["formats"] = asked.formats.split(",")
    if asked.no_report:
        options["report"] = False
    return load(asked.config, options)


def _say(shown: dict[str, Any]) -> None:
    if not sys.stdout.isatty():
        print(json.dumps(shown), flush=True)
        return
    version = f" v{shown['version']}" if "version" in shown else ""
    print(f"{shown.get('store', 'trustx')}{version}: {shown['outcome']}", flush=True)
    for each in ("said", "fix"):
        if shown.get(each):
            print(f"  {shown[each]}", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trustx", description="Pull trust stores and check where they come from.")
    parser.add_argument("--version", action="version", version=f"trustx {__version__}")
    acts = parser.add_subparsers(dest="command", required=True)
    for name, act, says in (
        ("pull", _pull, "Bring the store on this machine up to date."),
        ("watch", _watch, "Pull whenever something is new, until stopped."),
        ("verify", _verify, "Say whether the files are what the portal and the partner signed; change nothing."),
    ):
        each = acts.add_parser(name, help=says, description=says)
        each.set_defaults(act=act)
        _pull_options(each)
    root = acts.add_parser("root", help="Fetch the store's first TUF root, to be pinned.")
    root.set_defaults(act=_root)
    for option in ("--portal", "--store"):
        root.add_argument(option, required=True)
    root.add_argument("--token-file", type=Path, required=True)
    root.add_argument("--out", type=Path, required=True)
    root.add_argument("--ca-file", type=Path)
    root.add_argument("--sha256", help="What it must be, as somebody told you by another way.")
    digest = acts.add_parser("fingerprint", help="Print fingerprints to read aloud, from files, without network.")
    digest.set_defaults(act=_fingerprint)
    digest.add_argument("files", type=Path, nargs="+")
    _partner_options(acts)
    return parser


def _pull_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="A TOML file; options win over it.")
    parser.add_argument("--portal")
    parser.add_argument("--store")
    for option in ("--token-file", "--root", "--state-dir", "--directory", "--ca-file", "--partner-keys"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--status-file", type=Path)
    parser.add_argument("--metrics-file", type=Path)
    parser.add_argument("--output", action="append", metavar="FORMAT=FILE")
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


def _partner_options(acts: Any) -> None:
    sign = acts.add_parser("sign", help="Sign a bundle with gpg, detached.")
    sign.set_defaults(act=_sign)
    sign.add_argument("file", type=Path)
    sign.add_argument("--key", required=True, help="The full fingerprint.")
    submit = acts.add_parser("submit", help="Hand a signed bundle in.")
    submit.set_defaults(act=_submit)
    submit.add_argument("file", type=Path)
    submit.add_argument("--signature", type=Path)
    check = acts.add_parser("check", help="Say what became of a submission.")
    check.set_defaults(act=_check)
    check.add_argument("id", type=UUID, help="As submit printed it.")
    check.add_argument("--wait", type=float, default=0, help="Seconds to wait for a decision.")
    for each in (submit, check):
        each.add_argument("--portal", required=True)
        each.add_argument("--token-file", type=Path, required=True)
    submit.add_argument("--partnership", required=True, help="The partner's short name.")
