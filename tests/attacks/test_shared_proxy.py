"""A shared proxy in front of the portal that keeps what it may: nginx, whose cache does not look at ``Authorization``."""

import contextlib
import os
import socket
import subprocess
import time

import pytest
import requests

from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.nginx import program
from trust.stores.federation import services as federation
from trust.stores.models import TrustStore

STORE = "/api/v1/trust-stores/alder-prod"
PRIVATE = [
    f"{STORE}/current.pem",
    f"{STORE}/current",
    f"{STORE}/versions/1.pem",
    f"{STORE}/tuf/metadata/timestamp.json",
    f"{STORE}/tuf/metadata/1.root.json",
    "/api/v1/trust-store-set?store=alder-prod",
    "/trust/alder/ca",
]
_CONF = """daemon off; pid {folder}/nginx.pid; error_log stderr warn; worker_processes 1; {user}
events {{ worker_connections 64; }}
http {{
  access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  proxy_cache_path {folder}/cache keys_zone=shared:1m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {portal}; proxy_cache shared; proxy_cache_key $request_uri; proxy_cache_valid any 10m;
      add_header X-Cache $upstream_cache_status always;
    }}
  }}
}}
"""


@pytest.fixture
def proxy(live_server, tmp_path):
    """Return the address of the proxy."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = tmp_path / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(_CONF.format(folder=tmp_path, port=port, portal=live_server.url, user=user))
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program(), "-c", str(config)], stdout=log, stderr=log)
    try:
        for _ in range(400):
            assert process.poll() is None, (tmp_path / "log").read_text()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def ask(url: str, token: str = "", **headers: str) -> requests.Response:
    return requests.get(url, headers=headers | ({"Authorization": f"Bearer {token}"} if token else {}), timeout=30)


@pytest.mark.django_db(transaction=True)
def test_keeps_nothing_that_is_not_for_everybody_and_cannot_be_poisoned(cast, now, proxy):
    make.published(cast)
    token = make_consumers.registered(cast)[1]
    make.empty_store(cast)
    other = make_consumers.registered(cast, "other", store="other-prod")[1]

    for path in PRIVATE:
        # A refusal, the store, and refusals again: none is kept for the next one who asks.
        found = [ask(proxy + path, each) for each in ("", token, other, "")]
        assert [each.status_code for each in found] == [401, 200, 404, 401], path
        assert {each.headers["X-Cache"] for each in found} == {"MISS"}, path

    store = TrustStore.objects.get(name="alder-prod")
    federation.bind(store=store, trust_domain="alder.example", public=True, actor=cast.birch.officer.actor, now=now)
    public = f"{proxy}/spiffe/birch/alder-prod"
    poisoned = ask(
        public, **{"X-Forwarded-Host": "evil.example", "X-Original-URL": "/spiffe/birch/", "Accept": "text/html"}
    )
    kept = ask(public)
    assert (poisoned.headers["X-Cache"], kept.headers["X-Cache"]) == ("MISS", "HIT")
    assert b"evil" not in kept.content
    assert set(kept.json()) == {"keys", "spiffe_sequence", "spiffe_refresh_hint"}
