"""A real nginx that asks its clients for a certificate, as a service of Birch does."""

import contextlib
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.makers import certificates as make

_CONF = """daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/server.pem; ssl_certificate_key {folder}/server.key;
    ssl_client_certificate {store}; ssl_verify_client on; ssl_verify_depth 3; ssl_session_cache off;
    ssl_session_tickets off; keepalive_timeout 0;
    location / {{ return 200 "$ssl_client_s_dn\\n"; }}
  }}
}}
"""


def program() -> str:
    """Return nginx, or skip loudly."""
    return shutil.which("nginx") or shutil.which("/usr/sbin/nginx") or pytest.skip("nginx is not installed")


@dataclass
class Nginx:
    """nginx on a port of its own. ``conf`` is its configuration, ``reload`` and ``check`` are what an operator types."""

    folder: Path
    store: Path
    port: int = 0
    _process: subprocess.Popen | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        server = make.leaf(make.root(subject=make.name("Birch Root", "Birch Inc")))
        (self.folder / "server.pem").write_bytes(server.pem)
        (self.folder / "server.key").write_bytes(server.key_pem())
        self.conf = self.folder / "nginx.conf"
        user = "user root;" if os.getuid() == 0 else ""
        self.conf.write_text(_CONF.format(folder=self.folder, store=self.store, port=self.port, user=user))

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def check(self) -> str:
        return f"{program()} -t -c {self.conf}"

    @property
    def reload(self) -> str:
        return f"{program()} -s reload -c {self.conf}"

    @contextlib.contextmanager
    def running(self) -> Iterator["Nginx"]:
        with (self.folder / "nginx.log").open("wb") as log:
            self._process = subprocess.Popen([program(), "-c", str(self.conf)], stdout=log, stderr=log)
        try:
            self._wait()
            yield self
        finally:
            self._process.terminate()
            self._process.wait(20)

    def _wait(self) -> None:
        for _ in range(400):
            assert self._process is not None
            assert self._process.poll() is None, (self.folder / "nginx.log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.05)
        raise AssertionError((self.folder / "nginx.log").read_text())

    def answers(self, client: make.Made | None, *chain: make.Made) -> int:
        """Return the status of a request with this client certificate and the CAs that its owner sends along."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if client is not None:
            pair = self.folder / "client.pem"
            pair.write_bytes(client.key_pem() + client.pem + b"".join(each.pem for each in chain))
            context.load_cert_chain(pair)
        with (
            socket.create_connection(("127.0.0.1", self.port), 10) as plain,
            context.wrap_socket(plain) as connection,
        ):
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            return int(connection.recv(4096).split()[1])
