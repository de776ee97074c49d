"""Trying a chain under a version, an earlier one, or a proposal: two verifiers, and the certificate that decides."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from portal import errors
from tests.makers import certificates
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.stores import checking, proposals, queries, services, trying

ADDRESS = "/api/v1/trust-stores/alder-prod/check-chain"


@pytest.fixture
def chain():
    tiers = make.hierarchy()
    return (tiers.leaf.pem + tiers.issuing.pem + tiers.policy.pem).decode()


@pytest.fixture
def store(cast, now):
    """Return a store whose v1 has the whole hierarchy, and whose v2 has another company's instead of its root."""
    make.published(cast)
    make.published(cast, *make.whole("Other"))
    services.withdraw_certificates(
        store=make_consumers.store_of(cast),
        certificates=[make.hierarchy().root.sha256],
        actor=cast.birch.officer.actor,
        now=now,
        reason="It was stolen.",
    )
    return make_consumers.store_of(cast)


class TestCheckChain:
    def test_names_the_anchor_that_was_reached_under_an_earlier_version(self, store, chain, now):
        found = checking.check(queries.version(store, 1), chain, now)

        assert (found.accepted, found.version, found.under) == (True, 1, "v1")
        assert found.decided_by == make.hierarchy().root.sha256
        assert {(each.verifier, each.use) for each in found.readings} == {
            (verifier, use) for verifier in ("cryptography", "openssl") for use in ("clientAuth", "serverAuth")
        }

    def test_names_the_certificate_whose_issuer_is_missing(self, store, chain, now):
        found = checking.check(queries.version(store, 3), chain, now)

        assert not found.accepted
        assert found.decided_by == make.hierarchy().policy.sha256
        assert "unable to get issuer certificate" in found.sentence or "local issuer" in found.sentence

    @pytest.mark.parametrize("form", ["crlf", "indented", "with words", "own alone", "own twice"])
    def test_takes_a_chain_as_people_paste_it(self, store, chain, now, form):
        own = make.hierarchy().leaf.pem.decode()
        pasted = {
            "crlf": chain.replace("\n", "\r\n"),
            "indented": "".join(f"    {line}\n" for line in chain.splitlines()),
            "with words": f"Certificate chain\n 0 s:CN = payments\n{chain}---\nServer certificate\n",
            "own alone": own,
            "own twice": own + chain,
        }[form]

        found = checking.check(queries.version(store, 1), pasted, now)

        assert (found.accepted, found.decided_by) == (True, make.hierarchy().root.sha256)

    def test_says_that_the_services_own_certificate_comes_first(self, store, now):
        tiers = make.hierarchy()
        for chain in (
            tiers.root.pem + tiers.policy.pem + tiers.issuing.pem + tiers.leaf.pem,
            tiers.issuing.pem + tiers.leaf.pem,
        ):
            with pytest.raises(errors.Invalid) as refusal:
                checking.check(queries.version(store, 1), chain.decode(), now)
            assert refusal.value.code == "own_certificate_not_first"

    @pytest.mark.parametrize("use", ["clientAuth", "serverAuth"])
    def test_tells_a_client_from_a_server(self, store, now, use):
        """A certificate for one use is taken for that one by both verifiers, and for the other by neither."""
        purpose = {"clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH, "serverAuth": ExtendedKeyUsageOID.SERVER_AUTH}[use]
        names = x509.SubjectAlternativeName([x509.DNSName("orders.alder.example")])
        extensions = ((names, False), (x509.ExtendedKeyUsage([purpose]), False))
        own = certificates.leaf(make.hierarchy().issuing, extensions=extensions)

        found = checking.check(queries.version(store, 1), own.pem.decode(), now)

        assert {(each.verifier, each.use) for each in found.readings if each.accepted} == {
            ("cryptography", use),
            ("openssl", use),
        }
        assert found.sentence == f"It verifies under v1 for {use}."

    def test_says_when_openssl_takes_too_long(self, store, chain, now, tmp_path, settings, monkeypatch):
        slow = tmp_path / "openssl"
        slow.write_text("#!/bin/sh\nexec sleep 30\n")
        slow.chmod(0o755)
        settings.OPENSSL_BINARY = str(slow)
        monkeypatch.setattr(trying, "_TIMEOUT", 0.1)

        found = checking.check(queries.version(store, 1), chain, now)

        assert not found.accepted
        assert {each.reason for each in found.readings if each.verifier == "openssl"} == {
            "It takes more than 0.1 seconds."
        }

    def test_says_what_a_proposal_would_change(self, cast, store, chain, now):
        digests = [each.sha256 for each in make.whole()]
        draft = proposals.restore(
            store=store, certificates=digests, actor=cast.birch.officer.actor, now=now, reason="It was a drill."
        )

        found = checking.check_draft(draft, chain, now)

        assert (found.accepted, found.version, found.under) == (True, 4, "the proposal")
        page = cast.birch.viewer.client().post("/trust-stores/alder-prod/try/", {"chain": chain, "other": "1"})
        text = page.content.decode()
        assert "It verifies under the proposal" in text
        assert "It does not verify under v3" in text
        assert "It verifies under v1" in text

    def test_is_asked_over_the_api_for_any_version_and_for_a_proposal(self, cast, store, chain, now):
        client = cast.birch.viewer.client()
        draft = proposals.restore(
            store=store,
            certificates=[each.sha256 for each in make.whole()],
            actor=cast.birch.officer.actor,
            now=now,
            reason="It was a drill.",
        )

        def ask(query: str):
            return client.post(f"{ADDRESS}{query}", {"chain": chain}, content_type="application/json")

        assert [ask(each).json()["accepted"] for each in ("", "?version=1", f"?draft={draft.pk}")] == [
            False,
            True,
            True,
        ]
        assert ask("?version=9").status_code == 404
        assert ask("?version=x").status_code == 400
        assert ask("?draft=x").status_code == 404
        stranger = cast.cedar.officer.client()
        assert (
            stranger.post(f"{ADDRESS}?draft={draft.pk}", {"chain": chain}, content_type="application/json").status_code
            == 404
        )

    def test_keeps_no_private_key(self, store, now):
        leaked = make.hierarchy().issuing.key_pem().decode()

        with pytest.raises(errors.Invalid) as refusal:
            checking.check(queries.version(store, 1), leaked, now)

        assert refusal.value.code == "private_key"
        assert leaked.splitlines()[1] not in str(refusal.value)
