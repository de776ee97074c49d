"""A revocation from composing to closed, while a web process and a worker are killed on the way."""

from email.message import EmailMessage
from functools import partial

import pytest
import standardwebhooks
from cryptography.hazmat.primitives import hashes

from portal.operations.demo.teams import MERIDIAN
from tests.makers import listener as listeners
from tests.makers.running import wait_for


@pytest.fixture
def pager():
    with listeners.running() as running:
        yield running


class ByApi:
    """A program of a company, with its token."""

    def __init__(self, deployment, team) -> None:
        self._deployment, self._team = deployment, team

    def __call__(self, method: str, path: str, **options):
        answer = self._deployment.ask(
            method, f"/api/v1/{path}", headers={"Authorization": f"Bearer {self._team.api_token}"}, **options
        )
        assert answer.status_code < 300, answer.text
        return answer.json()


def listens(program, pager) -> standardwebhooks.Webhook:
    """Add the pager as a webhook of the company, proven by its challenge, and return what checks its signatures."""
    added = program(
        "POST",
        "webhooks",
        json={"name": "pager", "url": pager.url("/echo"), "event_types": ["notice.*"], "scheme": "hmac"},
    )
    assert program("POST", f"webhooks/{added['id']}/test")["state"] == "active"
    pager.manner = "ok"
    pager.received.clear()
    return standardwebhooks.Webhook(added["key"])


def sends_revocation(story, sha256: str) -> str:
    """Compose a revocation in the browser, sign it offline, send it, and return its label."""
    officer = story.halden.approver
    officer.open(f"/notices/new/{story.slug}/ca_revocation/")
    officer.fill(
        'form:has([name="revocation_reason"])',
        {"certificate": sha256, "revocation_reason": "keyCompromise", "summary": "The issuing CA's key was copied."},
    )
    draft = officer.browser.url
    content = officer.browser.get(f"{draft}notice.json", timeout=30).content
    officer.open(draft)
    officer.fill(
        'form:has([name="signature"])', files={"signature": ("notice.json.asc", story.halden.holder.sign(content))}
    )
    return officer.browser.url.rstrip("/").rsplit("/", 1)[1]


def mailed(deployment, label: str) -> bool:
    """Say whether somebody of the receiver got the mail that shows the notice and carries it, signed."""
    mails = [mail for mail in deployment.mails() if MERIDIAN.domain in mail["To"]]
    return any(f"/n/{label}" in words(mail) and f"{label}.json.asc" in attached(mail) for mail in mails)


def words(mail: EmailMessage) -> str:
    plain = (part for part in mail.walk() if part.get_content_type() == "text/plain" and not part.get_filename())
    return "".join(part.get_content() for part in plain)


def attached(mail: EmailMessage) -> set[str | None]:
    return {part.get_filename() for part in mail.walk()}


def test_a_revocation_is_closed_although_processes_die(deployment, story, pager):
    issuing = story.halden.hierarchy.issuing.certificate
    halden, meridian = ByApi(deployment, story.halden), ByApi(deployment, story.meridian)
    current = f"/api/v1/trust-stores/{story.meridian.store}/current.pem"
    service = {"Authorization": f"Bearer {story.meridian.store_token}"}
    signatures = listens(meridian, pager)
    before = deployment.ask("GET", current, headers=service)

    # A worker and a web process die in the moment in which the notice is taken.
    label = sends_revocation(story, issuing.fingerprint(hashes.SHA256()).hex())
    worker, web = deployment.kill("worker-1"), deployment.kill("web-2")

    # Everybody who has to hear of it does: the pager, whose library believes the signature, and people by mail.
    wait_for(
        lambda: "notice.received" in {each.json()["type"] for each in pager.received},
        seconds=150,
        what="the pager rings",
    )
    rung = next(each for each in pager.received if each.json()["type"] == "notice.received")
    assert label in str(signatures.verify(rung.body, rung.headers)["data"])
    wait_for(lambda: mailed(deployment, label), seconds=150, what="people are mailed")

    # The person on call, who is no security officer, acknowledges and removes it alone.
    on_call = story.meridian.person("Priya Nair")
    on_call.open(f"/n/{label}/")
    on_call.fill('form[action$="/acknowledge/"]')
    on_call.fill('form[action$="/remove/"]')
    assert meridian("GET", f"notices/{label}")["state"] in ("executed", "adopted", "closed")

    # The service that waits for a change gets the store without the certificate, and by pulling it says what it runs.
    after = deployment.ask(
        "GET", current, headers={**service, "If-None-Match": before.headers["ETag"], "Prefer": "wait=30"}
    )
    assert after.status_code == 200
    assert after.content.count(b"BEGIN CERTIFICATE") == before.content.count(b"BEGIN CERTIFICATE") - 1
    assert story.halden.hierarchy.issuing.pem not in after.content

    # Said to be done, and adopted by every service: closed on both sides, and nothing is owed any more.
    meridian("POST", f"notices/{label}/acknowledgement", json={"answer": "done", "message": "v2 is out."})
    for side in (meridian, halden):
        is_closed = partial(lambda ask: ask("GET", f"notices/{label}")["state"] == "closed", side)
        wait_for(is_closed, seconds=90, what="it is closed")
    wait_for(
        lambda: {each["state"] for each in meridian("GET", "deliveries")["results"]} == {"delivered"},
        seconds=150,
        what="every webhook is delivered",
    )
    deployment.wait_until_replaced("worker-1", worker)
    deployment.wait_until_replaced("web-2", web)
    assert "The chain holds" in deployment.manage("verify_log")
