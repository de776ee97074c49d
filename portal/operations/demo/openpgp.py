"""A demonstration company's OpenPGP key, made and used with gpg as its security team would."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Holder:
    """The holder of an OpenPGP key in a GnuPG home of its own.

    gpg's agent needs a socket path below 108 bytes, so it is given a short link to the home for the time of each call.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def _environment(self) -> Iterator[dict[str, str]]:
        with tempfile.TemporaryDirectory(prefix="gpg-") as folder:
            link = Path(folder) / "h"
            link.symlink_to(self.home)
            environment = {"PATH": os.environ["PATH"], "GNUPGHOME": str(link), "LC_ALL": "C.UTF-8", "HOME": folder}
            try:
                yield environment
            finally:
                subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False, capture_output=True)

    def _gpg(self, *arguments: str, content: bytes = b"") -> bytes:
        with self._environment() as environment:
            done = subprocess.run(
                [
                    "gpg",
                    "--batch",
                    "--no-tty",
                    "--quiet",
                    "--pinentry-mode",
                    "loopback",
                    "--passphrase",
                    "",
                    *arguments,
                ],
                input=content,
                env=environment,
                capture_output=True,
                check=False,
                timeout=60,
            )
        if done.returncode:
            raise RuntimeError(f"gpg {arguments[0]} failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout

    def generate(self, user_id: str) -> str:
        """Make an Ed25519 signing key that expires in two years, and return its full fingerprint in lower-case hex."""
        self._gpg("--quick-generate-key", user_id, "ed25519", "sign", "2y")
        return self.fingerprint()

    def fingerprint(self) -> str:
        """Return the full fingerprint of the key, in lower-case hex, as gpg prints it from the holder's own record."""
        listing = self._gpg("--list-keys", "--with-colons").decode()
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:")).lower()

    def public_block(self) -> str:
        """Return the armored public key."""
        return self._gpg("--armor", "--export").decode("ascii")

    def sign(self, content: bytes) -> bytes:
        """Return an armored detached signature over ``content``."""
        return self._gpg("--armor", "--digest-algo", "SHA256", "--detach-sign", content=content)

    def clearsign(self, text: str) -> str:
        """Return ``text`` in the cleartext signature framework."""
        return self._gpg("--digest-algo", "SHA256", "--clearsign", content=text.encode()).decode()
