"""A partner's CAs for servers, for clients and for each environment lie in stores of their own."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from portal import errors
from tests.makers import calls, certificates, packages
from tests.makers import submissions as make
from trust.stores import checking, services
from trust.submissions.models import Submission

REASON = "The root was verified by phone today."


@pytest.fixture
def holder(cast):
    return make.signer(cast)


def accepted(cast, now, holder, hierarchy, **fields):
    """Return the version that came of a bundle which was sent, heard and approved."""
    sent = make.submit(cast, hierarchy.bundle, holder=holder, **fields)
    calls.recorded(cast, make.request_about(cast, hierarchy.root.sha256))
    sent.refresh_from_db()
    return services.approve_and_publish(submission=sent, actor=cast.birch.officer.actor, now=now, reason=REASON).version


class TestStores:
    def test_are_one_for_each_environment_and_purpose_and_nothing_of_one_is_in_another(self, cast, now, holder):
        both, clients, servers, test = (certificates.hierarchy(name) for name in ("Alder", "Eins", "Zwei", "Drei"))

        versions = [
            accepted(cast, now, holder, both),
            accepted(cast, now, holder, clients, purpose="client"),
            accepted(cast, now, holder, servers, purpose="server"),
            accepted(cast, now, holder, test, purpose="client", environment="test"),
        ]

        names = ["alder-prod", "alder-prod-client", "alder-prod-server", "alder-test-client"]
        assert [str(version) for version in versions] == [f"{name} v1" for name in names]
        for version, hierarchy in zip(versions, (both, clients, servers, test), strict=True):
            held = set(version.entries.values_list("certificate_id", flat=True))
            assert held == {each.sha256 for each in hierarchy.cas}
        said = cast.birch.viewer.client().get("/api/v1/trust-stores/alder-test-client").json()
        assert (said["environment"], said["purpose"]) == ("test", "client")

    def test_hold_the_same_bundle_twice_when_it_was_sent_for_both(self, cast, now, holder):
        hierarchy = make.hierarchy()
        accepted(cast, now, holder, hierarchy, purpose="client")
        again = make.submit(cast, hierarchy.bundle, holder=holder, purpose="server")

        assert again.state == Submission.State.WAITING_FOR_APPROVAL  # its root was heard for the first
        with pytest.raises(errors.Conflict) as refused:
            make.submit(cast, hierarchy.bundle, holder=holder, purpose="server")
        assert refused.value.code == "already_submitted"

    def test_of_clients_are_tried_for_nothing_else(self, cast, now, holder):
        hierarchy = make.hierarchy()
        version = accepted(cast, now, holder, hierarchy, purpose="client")
        chain = (hierarchy.leaf.pem + hierarchy.issuing.pem + hierarchy.policy.pem).decode()

        tried = checking.check(version, chain, now)

        assert {each.use for each in tried.readings} == {"clientAuth"}
        assert (tried.accepted, tried.sentence) == (True, "It verifies under v1 for clientAuth.")

    def test_are_named_to_the_officer_before_they_approve(self, cast):
        sent = make.submit(cast, purpose="client", environment="test")
        officer, base = cast.birch.officer.client(), f"/p/{sent.partnership.slug}/submissions/{sent.number}/"

        assert "alder-test-client" in officer.get(f"{base}approve/").content.decode()
        assert 'For clients in <span class="mono">test</span>' in officer.get(base).content.decode()


class TestWhatIsSaid:
    def test_in_the_signed_manifest_counts(self, cast):
        signed = make.submit(cast, packages.with_manifest(environment="test", purpose="server"), file_name="p.zip")

        assert (signed.environment, signed.purpose) == ("test", "server")

    def test_beside_the_file_never_overrules_the_manifest(self, cast):
        content = packages.with_manifest(environment="test", purpose="server")

        with pytest.raises(errors.Invalid) as refused:
            make.submit(cast, content, file_name="p.zip", environment="prod", purpose="client")

        assert list(refused.value.fields) == ["environment", "purpose"]
        assert not Submission.objects.exists()

    def test_in_a_manifest_is_held_to_its_schema(self, cast):
        sent = make.submit(cast, packages.with_manifest(environment="NOT A NAME"), file_name="p.zip")

        assert (sent.state, sent.refusal_code) == ("refused", "manifest_unreadable")

    def test_on_the_page_and_over_the_api_comes_to_the_same(self, cast):
        content = make.hierarchy().bundle
        signature = make.signer(cast).sign_detached(content)
        uploader = cast.alder.officer.client()

        def files():
            return {
                "file": SimpleUploadedFile("bundle.pem", content),
                "signature": SimpleUploadedFile("bundle.pem.asc", signature),
            }

        page = f"/p/{cast.partnership.slug}/submissions/new/"
        assert uploader.post(page, {**files(), "purpose": "client", "environment": "NO"}).status_code == 400
        assert uploader.post(page, {**files(), "purpose": "client", "environment": "test"}).status_code == 302
        api = {"partnership": cast.partnership.slug, "environment": "test"}
        wrong = uploader.post("/api/v1/submissions", {**files(), **api, "purpose": "all"})
        made = uploader.post("/api/v1/submissions", {**files(), **api, "purpose": "server"})

        assert wrong.status_code == 400
        assert (made.status_code, made.json()["environment"], made.json()["purpose"]) == (201, "test", "server")
        scopes = sorted(Submission.objects.values_list("environment", "purpose"))
        assert scopes == [("test", "client"), ("test", "server")]
