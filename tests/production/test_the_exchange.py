"""The whole exchange through nginx on several processes, and services that pull while processes die."""

import base64
import hashlib
import re
import threading

import requests

from tests.makers.running import wait_for


def pull(deployment, team, store="", **headers) -> requests.Response:
    """Pull the store of a team as its service does."""
    return deployment.ask(
        "GET",
        f"/api/v1/trust-stores/{store or team.store}/current.pem",
        headers={"Authorization": f"Bearer {team.store_token}", "Accept-Encoding": "identity", **headers},
    )


class TestTheExchange:
    def test_leaves_a_log_that_holds_and_no_key(self, deployment, story):
        assert "The chain holds" in deployment.manage("verify_log")
        assert "PRIVATE KEY" not in (deployment.folder / "log").read_text(errors="replace")

    def test_serves_the_published_bytes_under_their_digest(self, deployment, story):
        answer = pull(deployment, story.meridian)

        digest = hashlib.sha256(answer.content).digest()
        assert answer.content.count(b"BEGIN CERTIFICATE") in (2, 3)
        assert answer.headers["Content-Digest"] == f"sha-256=:{base64.b64encode(digest).decode()}:"
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert "Content-Encoding" not in answer.headers

    def test_serves_nothing_new_as_304_through_nginx(self, deployment, story):
        first = pull(deployment, story.meridian)

        again = pull(deployment, story.meridian, **{"If-None-Match": first.headers["ETag"]})

        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]

    def test_serves_nothing_to_the_partners_token(self, deployment, story):
        assert pull(deployment, story.halden, store=story.meridian.store).status_code == 404


class TestTheDoor:
    def test_hides_what_is_for_those_who_run_it(self, deployment):
        assert deployment.ask("GET", "/metrics").status_code == 404
        assert deployment.ask("GET", "/readyz").status_code == 404
        assert deployment.ask("GET", "/healthz").status_code == 200

    def test_refuses_big_bodies_before_the_portal_reads_them(self, deployment):
        answer = deployment.ask("POST", "/api/v1/submissions", data=b"x" * (5 * 1024 * 1024))

        assert answer.status_code == 413
        assert answer.text.startswith("A request has at most 4 MB")

    def test_leaves_it_to_the_portal_to_say_what_is_only_more_than_it_wants(self, deployment):
        cookies = deployment.ask("GET", "/account/login/").cookies
        page = {"Accept": "text/html", "Referer": f"{deployment.base_url}/account/login/"}

        form = {"login": "x" * (3 * 1024 * 1024)}
        answer = deployment.ask("POST", "/account/login/", data=form, headers=page, cookies=cookies)

        assert answer.status_code == 413
        assert "<title>Too large" in answer.text

    def test_believes_no_header_of_the_asker(self, deployment):
        claims = {"X-Forwarded-Proto": "http", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}

        answer = deployment.ask("GET", "/notices/", headers=claims)

        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/account/login/")
        assert deployment.ask("GET", "/healthz", headers={"Host": "evil.example"}).status_code in (200, 400)
        assert deployment.ask("GET", "/account/login/", headers={"Host": "evil.example"}).status_code == 400

    def test_keeps_the_session_to_itself(self, deployment):
        answer = deployment.ask("GET", "/account/login/")

        assert "max-age=31536000" in answer.headers["Strict-Transport-Security"]
        assert "__Host-csrf" in answer.headers["Set-Cookie"]
        assert "Secure" in answer.headers["Set-Cookie"]


class TestMetrics:
    FAILED = 'trust_exchange_sign_in_failures_total{step="password"}'

    def test_are_the_same_whichever_process_is_asked(self, deployment):
        before = {found.get(self.FAILED, 0) for found in deployment.metrics()}
        assert len(before) == 1

        # nginx gives them to one process and then to the other.
        for _ in range(4):
            assert failed_sign_in(deployment).status_code == 200

        wanted = before.pop() + 4
        wait_for(
            lambda: [found.get(self.FAILED) for found in deployment.metrics()] == [wanted] * 3,
            seconds=60,
            what="each process counts the four",
        )


def failed_sign_in(deployment) -> requests.Response:
    """Try to sign in with a password that is wrong."""
    session = requests.Session()
    address = f"{deployment.base_url}/account/login/"
    page = session.get(address, timeout=60).text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    form = {"csrfmiddlewaretoken": token, "login": "nobody@meridian.example", "password": "wrong"}
    return session.post(address, data=form, headers={"Referer": address}, timeout=60)


class TestAKilledWebProcess:
    def test_costs_no_pull(self, deployment, story):
        first, statuses, enough = pull(deployment, story.meridian), [], threading.Event()

        def service() -> None:
            # Busier than any service, and below the bound on how often one token pulls.
            while not enough.wait(0.2):
                etag = first.headers["ETag"] if len(statuses) % 2 else "none"
                statuses.append(pull(deployment, story.meridian, **{"If-None-Match": etag}).status_code)

        services = [threading.Thread(target=service) for _ in range(3)]
        for each in services:
            each.start()
        killed = deployment.kill("web-1")
        deployment.wait_until_replaced("web-1", killed)
        wait_for(lambda: len(statuses) > 20, seconds=60, what="the services go on pulling")
        enough.set()
        for each in services:
            each.join()

        assert set(statuses) == {200, 304}
