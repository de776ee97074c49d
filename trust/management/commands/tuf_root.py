"""``manage.py tuf_root``: the root keys of trust stores, which in production never touch a machine of the portal.

::

    tuf_root init --out USB --keys 3 --threshold 2     offline: make key files and root-keys.json
    tuf_root use USB/root-keys.json                    portal: name these keys in the next root of every store
    tuf_root export --out DIR                          portal: write the roots that wait for signatures
    tuf_root sign DIR/*.root.json --key USB/root-1.pem offline: add a signature, once with each key
    tuf_root import DIR/*.root.json                    portal: take the signatures; a root with enough is in force
    tuf_root rotate                                    portal: begin the next root of every store, e.g. before it expires
    tuf_root rotate --online --store NAME              portal: also make new online keys, e.g. after a break-in

``init`` and ``sign`` need no database.
"""

import json
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from securesystemslib.exceptions import FormatError
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root

from portal import errors
from trust.stores.models import TrustStore
from trust.stores.tuf import root_files, roots, services, signing


class Command(BaseCommand):
    """Makes, uses and rotates root keys."""

    help = "Make root keys, sign the roots of trust stores offline, and rotate keys."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        acts = parser.add_subparsers(dest="act", required=True)
        init = acts.add_parser("init", help="Offline: make key files and root-keys.json.")
        init.add_argument("--out", type=Path, required=True)
        init.add_argument("--keys", type=int, default=3)
        init.add_argument("--threshold", type=int, default=2)
        init.add_argument("--passphrase-file", type=Path)
        use = acts.add_parser("use", help="Name these keys in the next root of every store.")
        use.add_argument("file", type=Path)
        export = acts.add_parser("export", help="Write the roots that wait for signatures.")
        export.add_argument("--out", type=Path, required=True)
        sign = acts.add_parser("sign", help="Offline: add a signature to each file.")
        sign.add_argument("files", type=Path, nargs="+")
        sign.add_argument("--key", type=Path, required=True)
        sign.add_argument("--passphrase-file", type=Path)
        take = acts.add_parser("import", help="Take the signatures of each file.")
        take.add_argument("files", type=Path, nargs="+")
        rotate = acts.add_parser("rotate", help="Begin the next root.")
        rotate.add_argument("--store", help="Of stores with this name only.")
        rotate.add_argument("--online", action="store_true", help="With new online keys.")

    def handle(self, *args: Any, act: str, **options: Any) -> None:
        try:
            getattr(self, f"_{act}")(**options)
        except errors.Refusal as refusal:
            raise CommandError(f"{refusal.sentence} {refusal.fix}".strip()) from refusal
        except (OSError, ValueError, RepositoryError, FormatError) as error:
            raise CommandError(str(error)) from error

    def _init(self, *, out: Path, keys: int, threshold: int, passphrase_file: Path | None, **_: Any) -> None:
        if not 1 <= threshold <= keys:
            raise CommandError("The threshold is between 1 and the number of keys.")
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        public = {}
        for number in range(1, keys + 1):
            pem = signing.new_key()
            key = signing.public(pem)
            if not root_files.write_key(out / f"root-{number}.pem", signing.encrypted(pem, _secret(passphrase_file))):
                raise CommandError(f"{out / f'root-{number}.pem'} exists already. No key is ever written over.")
            public[key.keyid] = key.to_dict()
        (out / "root-keys.json").write_text(json.dumps({"threshold": threshold, "keys": public}, indent=1) + "\n")
        self.stdout.write(f"{keys} keys in {out}. Keep each in another place; take only root-keys.json to the portal.")

    def _use(self, *, file: Path, **_: Any) -> None:
        read, now = json.loads(file.read_text()), timezone.now()
        roots.use_keys(keys=read["keys"], threshold=read["threshold"], now=now)
        self._begin(TrustStore.objects.all(), now)

    def _rotate(self, *, store: str | None, online: bool, **_: Any) -> None:
        stores = TrustStore.objects.filter(name=store) if store else TrustStore.objects.all()
        if not stores.exists():
            raise CommandError("There is no such store.")
        self._begin(stores, timezone.now(), online=online)

    def _begin(self, stores: Any, now: datetime, *, online: bool = False) -> None:
        act = services.replace_online_keys if online else services.renew_root
        begun = [act(store=store, now=now) for store in stores.filter(current_number__gt=0)]
        if None in begun:
            raise CommandError("There are no root keys yet: tuf_root init, then tuf_root use.")
        waiting = sum(not root.served for root in begun if root)
        self.stdout.write(f"{len(begun)} roots begun, {waiting} wait for signatures.")

    def _export(self, *, out: Path, **_: Any) -> None:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        waiting = roots.waiting()
        for root in waiting:
            store = root.repository.store
            (out / f"{store.relying.slug}.{store.name}.{root.version}.root.json").write_bytes(bytes(root.content))
        self.stdout.write(f"{len(waiting)} roots wait for signatures; they are in {out}.")

    def _sign(self, *, files: list[Path], key: Path, passphrase_file: Path | None, **_: Any) -> None:
        signer = signing.signer(key.read_text(encoding="ascii"), _secret(passphrase_file))
        for file in files:
            metadata: Metadata[Root] = Metadata[Root].from_bytes(file.read_bytes())
            if not isinstance(metadata.signed, Root):
                raise CommandError(f"{file} is no root.")
            metadata.sign(signer, append=True)
            file.write_bytes(signing.to_bytes(metadata))
            about = metadata.signed.unrecognized_fields.get("x-trust-exchange", {})
            self.stdout.write(f"Signed root {metadata.signed.version} of {about.get('store')}.")

    def _import(self, *, files: list[Path], **_: Any) -> None:
        for file in files:
            content = file.read_bytes()
            store = roots.store_of(content)
            in_force = services.take_signed_root(store=store, content=content, now=timezone.now())
            self.stdout.write(f"{store.name}: {'in force' if in_force else 'more signatures are needed'}.")


def _secret(file: Path | None) -> bytes | None:
    return file.read_bytes().strip() if file else None
