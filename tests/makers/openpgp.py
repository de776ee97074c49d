"""Real OpenPGP keys and signatures, made by gpg. Everything is valid unless a test spoils one thing.

Keys are made once for a test run and kept in one home with a short path (a gpg-agent socket must fit into
108 bytes); each kind of key has a name, so that tests that ask for the same kind share it. A test that
changes a key (revokes it, gives it a subkey) asks for one of its own with ``fresh=True``.
"""

import atexit
import itertools
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from tests.moments import EVERYTHING_VALID
from trust.pki.openpgp import armor
from trust.pki.openpgp.ring import RingKey

_numbers = itertools.count(1)


@cache
def home() -> Path:
    """The home of all holders of this run; its agent is stopped at the end."""
    folder = Path(tempfile.mkdtemp(prefix="gh-", dir="/tmp"))
    (folder / "gpg-agent.conf").write_text("allow-loopback-pinentry\nmax-cache-ttl 0\n")

    def remove() -> None:
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)
    return folder


def gpg(*arguments: str, data: bytes | None = None, at: datetime | str | None = None) -> bytes:
    """What gpg prints. `at` is the moment it believes in, by default the one when everything is valid."""
    moment = at or EVERYTHING_VALID
    moment = moment if isinstance(moment, str) else f"{moment:%Y%m%dT%H%M%S}"
    faked = ["--faked-system-time", f"{moment}!"]
    done = subprocess.run(
        [
            "gpg", "--homedir", str(home()), "--batch", "--yes", "--quiet", "--no-tty", "--pinentry-mode", "loopback",
            "--passphrase", "", "--trust-model", "always", *faked, *arguments,
        ],
        input=data if data is not None else b"",
        capture_output=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise AssertionError(f"gpg {arguments} failed: {done.stderr.decode(errors='replace')}")
    return done.stdout


@dataclass
class OpenPgpHolder:
    """Somebody who holds an OpenPGP key and can do with it what people do with gpg."""

    fingerprint: str
    name: str
    _cache: dict[str, bytes] = field(default_factory=dict, repr=False)

    def public_block(self) -> bytes:
        """The armored public key as ``gpg --armor --export`` prints it."""
        return gpg("--armor", "--export", self.fingerprint)

    def secret_block(self) -> bytes:
        """The armored private key, for tests that paste the wrong thing."""
        return gpg("--armor", "--export-secret-keys", self.fingerprint)

    def ring_key(self) -> RingKey:
        """The key as a ring holds it."""
        if "ring" not in self._cache:
            self._cache["ring"] = self.public_block()
        return RingKey(self.fingerprint, self._cache["ring"])

    def sign_detached(
        self, content: bytes, *options: str, armored: bool = True, at: datetime | str | None = None
    ) -> bytes:
        """A detached signature over `content`."""
        extra = ("--armor",) if armored else ()
        return gpg("--local-user", self._exactly(), *extra, *options, "--detach-sign", data=content, at=at)

    def clearsign(self, content: bytes, *options: str, at: datetime | str | None = None) -> bytes:
        """`content` as clearsigned text."""
        return gpg("--local-user", self._exactly(), *options, "--clearsign", data=content, at=at)

    def sign_inline(self, content: bytes, *options: str, armored: bool = False) -> bytes:
        """`content` as an inline-signed message, compressed as gpg does by default."""
        extra = ("--armor",) if armored else ()
        return gpg("--local-user", self._exactly(), *extra, *options, "--sign", data=content)

    def revoke(self) -> bytes:
        """Revokes the key in this home and returns the revocation certificate."""
        certificate = self.revocation_certificate()
        gpg("--import", data=certificate)
        self._cache.clear()
        return certificate

    def revocation_certificate(self) -> bytes:
        """The revocation certificate that gpg prepared when the key was made."""
        prepared = (home() / "openpgp-revocs.d" / f"{self.fingerprint.upper()}.rev").read_bytes()
        return prepared[prepared.index(b":-----BEGIN") + 1 :]

    def add_subkey(self, algorithm: str = "ed25519", usage: str = "sign", expires: str = "1y") -> str:
        """Adds a subkey and returns its fingerprint."""
        before = set(self.subkeys())
        gpg("--quick-add-key", self.fingerprint, algorithm, usage, expires)
        self._cache.clear()
        return next(item for item in self.subkeys() if item not in before)

    def subkeys(self) -> list[str]:
        """Fingerprints of the subkeys."""
        listed = gpg("--with-colons", "--list-keys", self.fingerprint).decode().splitlines()
        found = [line.split(":")[9].lower() for line in listed if line.startswith("fpr:")]
        return found[1:]

    def _exactly(self) -> str:
        return self.fingerprint


def make_holder(
    name: str = "Alder",
    *,
    algorithm: str = "ed25519",
    usage: str = "sign",
    expires: str = "1y",
    made_at: datetime | str = EVERYTHING_VALID - timedelta(days=1),
    options: tuple[str, ...] = (),
    fresh: bool = False,
) -> OpenPgpHolder:
    """Somebody with a key in force. The same arguments give the same key, unless `fresh`."""
    if fresh:
        return _make(f"{name} {next(_numbers)}", algorithm, usage, expires, made_at, options)
    return _shared(name, algorithm, usage, expires, made_at, options)


@cache
def _shared(
    name: str, algorithm: str, usage: str, expires: str, made_at: datetime | str, options: tuple[str, ...]
) -> OpenPgpHolder:
    return _make(name, algorithm, usage, expires, made_at, options)


def _make(
    name: str, algorithm: str, usage: str, expires: str, made_at: datetime | str, options: tuple[str, ...]
) -> OpenPgpHolder:
    user_id = f"{name} CA signing <pki@{name.split()[0].lower()}.example>"
    printed = gpg(
        "--status-fd", "1", *options, "--quick-generate-key", user_id, algorithm, usage, expires, at=made_at
    ).decode()  # fmt: skip
    created = next(line for line in printed.splitlines() if " KEY_CREATED " in line)
    return OpenPgpHolder(fingerprint=created.split()[-1].lower(), name=name)


def expired_holder() -> OpenPgpHolder:
    """Somebody whose key expired long ago. Sign with ``at="20250105T000000"``."""
    return make_holder("Expired", expires="30d", made_at="20250101T000000")


@cache
def revoked_holder() -> OpenPgpHolder:
    """Somebody who revoked their key; `signature` of theirs must be made before (see `sign_then_revoke`)."""
    holder, _ = sign_then_revoke(b"")
    return holder


def sign_then_revoke(content: bytes) -> tuple[OpenPgpHolder, bytes]:
    """A signature over `content` by somebody who revokes the key right afterwards."""
    holder = make_holder("Revoked", fresh=True)
    signature = holder.sign_detached(content)
    holder.revoke()
    return holder, signature


def signed_by(content: bytes, *holders: OpenPgpHolder) -> bytes:
    """One detached signature file with the signatures of all `holders`, in that order, armored."""
    packets = b"".join(holder.sign_detached(content, armored=False) for holder in holders)
    return armor.encode(armor.SIGNATURE, packets)
