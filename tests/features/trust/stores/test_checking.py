"""Trying a chain under a version, an earlier one, or a proposal: two verifiers, and the certificate that decides."""

import pytest

from portal import errors
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.stores import checking, proposals, queries, services

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
