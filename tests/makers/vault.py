"""Vault's KV engine, version 2, as its HTTP API is documented: enough of it to write a secret and to read it back.

No package carries Vault or OpenBao. What talks to this is hvac, the client library; ``COMMAND`` stands for the ``vault`` program.
"""

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hvac

TOKEN = "s.birch"
_DATA = "/v1/secret/data/"

# vault kv put -mount=MOUNT PATH KEY=@FILE, as the program documents it.
COMMAND = """#!{python}
import os, sys
import hvac
kv, put, mount, path, pair = sys.argv[1:]
assert (kv, put, mount[:7]) == ("kv", "put", "-mount=")
key, file = pair.split("=@", 1)
said = open(file, encoding="ascii").read()
vault = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"])
vault.secrets.kv.v2.create_or_update_secret(path=path, secret={{key: said}}, mount_point=mount[7:])
"""


@dataclass
class Vault:
    """A Vault with one KV engine at ``secret/``. ``versions`` holds what was written, by path."""

    url: str = ""
    versions: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def read(self, path: str) -> dict[str, Any]:
        """Return the newest version of a secret as hvac reads it: ``data`` and ``metadata``."""
        client = hvac.Client(url=self.url, token=TOKEN)
        return client.secrets.kv.v2.read_secret_version(path=path, raise_on_deleted_version=True)["data"]


class _Handler(BaseHTTPRequestHandler):
    vault: Vault

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self._may():
            return
        if set(body) - {"options", "data"} or not isinstance(body.get("data"), dict):
            self._say(400, {"errors": ["no data provided"]})
            return
        versions = self.vault.versions.setdefault(self.path.removeprefix(_DATA), [])
        versions.append(body["data"])
        self._say(200, {"data": self._about(len(versions))})

    do_PUT = do_POST

    def do_GET(self) -> None:
        if not self._may():
            return
        versions = self.vault.versions.get(self.path.removeprefix(_DATA).partition("?")[0])
        if not versions:
            self._say(404, {"errors": []})
            return
        self._say(200, {"data": {"data": versions[-1], "metadata": self._about(len(versions))}})

    def _may(self) -> bool:
        if not self.path.startswith(_DATA):
            self._say(404, {"errors": ["no handler for route"]})
            return False
        if self.headers["X-Vault-Token"] != TOKEN:
            self._say(403, {"errors": ["permission denied"]})
            return False
        return True

    def _about(self, version: int) -> dict[str, Any]:
        return {"created_time": "2026-01-01T00:00:00Z", "deletion_time": "", "destroyed": False, "version": version}

    def _say(self, status: int, said: dict[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def running() -> Iterator[Vault]:
    """Yield a Vault that listens on this machine."""
    vault = Vault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"vault": vault}))
    vault.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield vault
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def install(folder: Path) -> None:
    """Put a ``vault`` program into a folder, which becomes part of PATH."""
    program = folder / "vault"
    program.write_text(COMMAND.format(python=sys.executable))
    program.chmod(0o755)
