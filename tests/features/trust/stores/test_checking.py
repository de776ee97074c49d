"""Trying a chain under a version, an earlier one, or a proposal: two verifiers, and the certificate that decides."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

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
        assert {each.decided_by for each in found.readings} == {found.decided_by}

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

    def test_says_both_anchors_when_the_verifiers_reach_different_ones(self, cast, now):
        """A CA that was certified by the old root and the new one; cryptography leaves the first way, OpenSSL takes it."""
        key = certificates.ec_key("twice certified")
        old, new = certificates.root("Old Root"), certificates.root("New Root")
        loose = certificates.issuing_ca(old, "Twice CA", key=key, basic_constraints_critical=False)
        strict = certificates.issuing_ca(new, "Twice CA", key=key)
        make.published(cast, old, new)
        pasted = (certificates.leaf(strict).pem + loose.pem + strict.pem).decode()

        found = checking.check(queries.version(make_consumers.store_of(cast), 1), pasted, now)

        assert (found.accepted, found.decided_by) == (True, "")
        assert {(each.verifier, each.decided_by) for each in found.readings} == {
            ("cryptography", new.sha256),
            ("openssl", old.sha256),
        }
        assert found.sentence == (
            "It verifies under v1 for clientAuth and serverAuth, by different anchors: cryptography reaches New Root "
            f"({new.sha256[:8].upper()}), OpenSSL reaches Old Root ({old.sha256[:8].upper()})."
        )
        page = cast.birch.viewer.client().post("/trust-stores/alder-prod/try/", {"chain": pasted}).content.decode()
        for root in (old, new):
            assert f'by <a href="/certificates/{root.sha256}/">' in page

    def test_says_nothing_of_openssls_anchor_where_it_names_two(self, cast, now):
        """Of a root and its renewal, with one name and key, OpenSSL's words fit both."""
        key = certificates.ec_key("renewed root")
        first, renewed = (certificates.root("Root", key=key, lifetime=years * certificates.YEAR) for years in (18, 19))
        issuing = certificates.issuing_ca(first, "Below CA")
        make.published(cast, first, renewed)
        pasted = (certificates.leaf(issuing).pem + issuing.pem).decode()

        found = checking.check(queries.version(make_consumers.store_of(cast), 1), pasted, now)

        assert found.accepted
        assert found.decided_by in (first.sha256, renewed.sha256)
        assert {each.decided_by for each in found.readings} == {found.decided_by, ""}
        assert "different anchors" not in found.sentence

    @pytest.mark.parametrize(
        "subject",
        [
            [(NameOID.ORGANIZATION_NAME, 'Müller, "Söhne" + Co'), (NameOID.EMAIL_ADDRESS, "ca@alder.example")],
            [(NameOID.COMMON_NAME, " #Root; <1>= \\ "), (x509.ObjectIdentifier("1.2.3.4.5"), "own")],
        ],
        ids=["letters", "signs"],
    )
    def test_knows_openssls_anchor_by_any_name(self, now, subject):
        names = [
            x509.Name([x509.NameAttribute(*each) for each in [*subject, (NameOID.LOCALITY_NAME, at)]]) for at in "AB"
        ]
        first, second = (certificates.root(subject=each, key=certificates.ec_key(str(each))) for each in names)
        key = certificates.ec_key("below both")
        below = [certificates.issuing_ca(each, "Below CA", key=key) for each in (first, second)]
        chain = [certificates.leaf(below[0]).certificate, *(each.certificate for each in below)]

        found = trying.readings(chain, [first.certificate, second.certificate], [], now)

        assert {each.decided_by for each in found} == {first.sha256}

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

        def ask(query: str, **said):
            return client.post(f"{ADDRESS}{query}", {"chain": chain, **said}, content_type="application/json")

        assert [ask(each).json()["accepted"] for each in ("", "?version=1", f"?draft={draft.pk}")] == [
            False,
            True,
            True,
        ]
        in_body = [{"version": 1}, {"version": "1"}, {"version": None}, {"draft": str(draft.pk)}, {"draft": ""}]
        assert [ask("", **each).json()["accepted"] for each in in_body] == [True, True, False, True, False]
        assert ask("?version=1", version=1).json()["version"] == 1
        assert {each["decided_by"] for each in ask("", version=1).json()["readings"]} == {make.hierarchy().root.sha256}
        for query, said, code in (
            ("?version=1", {"version": 2}, "named_twice"),
            ("?version=1", {"draft": str(draft.pk)}, "version_and_draft"),
            (f"?version=1&draft={draft.pk}", {}, "version_and_draft"),
            ("", {"version": 1, "draft": str(draft.pk)}, "version_and_draft"),
        ):
            answer = ask(query, **said)
            assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert [ask("", version=each).status_code for each in ("x", 0, True, [1], 10**12)] == [400] * 5
        assert (ask("", version=9).status_code, ask("", draft="x").status_code) == (404, 404)
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
