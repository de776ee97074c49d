"""From what a certificate says to what it may."""

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.makers import certificates
from tests.makers.agreements import make_identity, make_terms, make_values
from trust.agreements import checks, identity
from trust.agreements.identity import Presented

RULE = {"when": {"spiffe": "spiffe://alder.example/prod/*"}, "grants": ["orders.read"]}
ALDER = {"trust_domains": ["alder.example"], "dns_suffixes": ["alder.example"], "rules": [RULE]}
VALID = Presented(
    spiffe_ids=("spiffe://alder.example/prod/orders",),
    dns_names=("orders.alder.example",),
    organizations=("Alder Inc",),
    units=("Production",),
    purposes=("clientAuth",),
)


def decide(who=VALID, **party):
    return checks.map_identity(make_terms(make_identity(**(ALDER | party))), who, owner="alder")


def with_(**changes):
    from dataclasses import replace

    return replace(VALID, **changes)


class TestSpiffePatterns:
    @pytest.mark.parametrize(
        ("pattern", "value", "fits"),
        [
            ("spiffe://alder.example/prod/orders", "spiffe://alder.example/prod/orders", True),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod/orders", True),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod/orders/client", False),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod", False),
            ("spiffe://alder.example/prod/**", "spiffe://alder.example/prod/orders/client", True),
            ("spiffe://alder.example/prod/**", "spiffe://alder.example/prod", False),
            ("spiffe://alder.example/prod/**", "spiffe://alder.example/production/orders", False),
            ("spiffe://alder.example/*/orders", "spiffe://alder.example/test/orders", True),
            ("spiffe://alder.example", "spiffe://alder.example", True),
            ("spiffe://alder.example/**", "spiffe://alder.example.evil.example/prod", False),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod/..", False),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod/", False),
            ("spiffe://alder.example/prod/*", "SPIFFE://alder.example/prod/orders", False),
            ("spiffe://alder.example/prod/*", "spiffe://ALDER.example/prod/orders", False),
            ("spiffe://alder.example/prod/*", "spiffe://user@alder.example/prod/orders", False),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example:443/prod/orders", False),
            ("spiffe://alder.example/prod/*", "spiffe://alder.example/prod/a%2Fb", False),
        ],
    )
    def test_fit(self, pattern, value, fits):
        assert identity.matches_spiffe(pattern, value) is fits


class TestDnsPatterns:
    @pytest.mark.parametrize(
        ("pattern", "value", "fits"),
        [
            ("orders.alder.example", "Orders.Alder.Example", True),
            ("*.alder.example", "orders.alder.example", True),
            ("*.alder.example", "a.b.alder.example", False),
            ("*.alder.example", "alder.example", False),
            ("*.alder.example", "*.alder.example", True),
            ("*.alder.example", "o*.alder.example", False),
            ("orders.alder.example", "*.alder.example", False),
            ("*.alder.example", "orders.alder.example.evil.example", False),
        ],
    )
    def test_fit(self, pattern, value, fits):
        assert identity.matches_dns(pattern, value) is fits

    @pytest.mark.parametrize(
        ("name", "is_under"),
        [
            ("alder.example", True),
            ("x.alder.example", True),
            ("evilalder.example", False),
            ("alder.example.evil", False),
        ],
    )
    def test_end_in_a_suffix(self, name, is_under):
        assert identity.under("alder.example", name) is is_under


class TestWrittenRules:
    @pytest.mark.parametrize(
        "line",
        [
            "spiffe://alder.example/prod/* -> orders.read",
            "spiffe://alder.example/prod/* and OU=prod -> orders.read, orders.write",
            "dns:*.alder.example -> orders.read",
            "O=Alder, Inc and OU=clinical -> read_patient_data",
        ],
    )
    def test_read_and_write_back(self, line):
        assert identity.write_rule(identity.read_rule(line)) == line

    @pytest.mark.parametrize(
        "line",
        [
            "spiffe://alder.example/prod/*",
            "alder.example -> x",
            " -> x",
            "O= -> x",
            "O=a and O=b -> x",
            "O=a -> ",
            "O=a -> x y",
            "O=a -> <script>",
        ],
    )
    def test_are_refused_in_words(self, line):
        with pytest.raises(ValueError, match="“"):
            identity.read_rule(line)


class TestDecision:
    def test_gives_the_permissions_of_rules_that_fit(self):
        assert decide().permissions == ("orders.read",)
        assert decide().accepted
        assert decide().findings == ()

    @pytest.mark.parametrize(
        ("who", "party", "code"),
        [
            (with_(spiffe_ids=("spiffe://birch.example/prod/orders",)), {}, "identity_trust_domain"),
            (with_(spiffe_ids=("spiffe://alder.example/prod//orders",)), {}, "identity_trust_domain"),
            (with_(spiffe_ids=(*VALID.spiffe_ids, "spiffe://alder.example/b")), {}, "identity_several_ids"),
            (with_(dns_names=("orders.birch.example",)), {}, "identity_dns_name"),
            (VALID, {"subject_organizations": ["Alder GmbH"]}, "identity_organization"),
            (with_(organizations=()), {"subject_organizations": ["Alder Inc"]}, "identity_organization"),
            (with_(purposes=("clientAuth", "serverAuth")), {}, "identity_purposes_together"),
        ],
    )
    def test_gives_nothing_when_a_clause_is_broken(self, who, party, code):
        decision = decide(who, **party)

        assert [each.code for each in decision.findings] == [code]
        assert decision.permissions == ()
        assert not decision.accepted
        assert decision.findings[0].source.startswith("Agreement 6.")

    def test_warns_when_no_rule_fits(self):
        decision = decide(with_(spiffe_ids=("spiffe://alder.example/test/orders",)))

        assert [each.code for each in decision.findings] == ["identity_no_rule"]
        assert decision.permissions == ()

    def test_needs_every_condition_of_a_rule(self):
        rule = {"when": {**RULE["when"], "unit": "prod"}, "grants": ["orders.write"]}

        assert decide(rules=[rule]).permissions == ()
        assert decide(with_(units=("prod",)), rules=[rule]).permissions == ("orders.write",)

    def test_joins_the_permissions_of_several_rules(self):
        also = {"when": {"unit": "Production"}, "grants": ["health.read", "orders.read"]}

        assert decide(rules=[RULE, also]).permissions == ("health.read", "orders.read")

    def test_knows_no_rules_for_a_stranger(self):
        terms = make_terms(make_values())

        assert checks.map_identity(terms, VALID, owner="cedar").permissions == ()


class TestPresented:
    def test_is_read_from_a_certificate(self):
        who = identity.presented(certificates.leaf().certificate)

        assert who.spiffe_ids == ("spiffe://alder.example/prod/orders",)
        assert who.dns_names == ("orders.alder.example",)
        assert who.organizations == ("Alder Inc",)
        assert who.units == ("Production",)
        assert set(who.purposes) == {"clientAuth", "serverAuth"}

    def test_is_empty_without_extensions(self):
        who = identity.presented(certificates.leaf(extensions=()).certificate)

        assert (who.spiffe_ids, who.dns_names, who.purposes) == ((), (), ())

    def test_takes_spiffe_ids_only(self):
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("https://alder.example/")])

        assert identity.presented(certificates.leaf(extensions=((names, False),)).certificate).spiffe_ids == ()

    def test_names_other_purposes_by_number(self):
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])

        who = identity.presented(certificates.leaf(extensions=((usage, False),)).certificate)

        assert who.purposes == ("1.3.6.1.5.5.7.3.3",)
