"""What validators will say, and how we know."""

import dataclasses
from types import SimpleNamespace

import pytest

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID as NOW
from trust.pki import bounded, keytool, openssl
from trust.pki.certificate_set import CertificateSet
from trust.pki.chains import build_chains
from trust.pki.crl import read_crl
from trust.pki.forecast import by_keytool, check_samples, forecast

MADE = make.hierarchy()
GUIDE = make.hierarchy(guide=True)


def said(hierarchy: make.Hierarchy, **more) -> dict[str, object]:
    certificates = CertificateSet.of(one.facts for one in hierarchy.cas)
    found = forecast(certificates, build_chains(certificates), now=NOW, **more)
    return {one.validator.split(",")[0].split(" (")[0]: one for one in found}


class TestForecast:
    def test_has_no_complaint_about_a_good_hierarchy(self):
        assert not any(one.accepts is False for one in said(MADE).values())

    def test_catches_the_guides_intermediate_by_running_openssl(self):
        assert openssl.version()

        strict = said(GUIDE)["OpenSSL with -x509_strict"]

        assert (strict.accepts, strict.how) == (False, "run")
        assert "Basic Constraints" in strict.sentence
        assert said(GUIDE)["OpenSSL"].accepts is True

    def test_catches_the_guides_single_crl_in_nginx(self):
        crls = [read_crl(make.crl(MADE.issuing))]

        nginx = said(MADE, crls=crls)["nginx with ssl_verify_client"]

        assert nginx.accepts is False
        assert "no fresh CRL of CN=Alder Root CA" in nginx.sentence

    def test_tells_the_depth_that_nginx_needs(self):
        assert "ssl_verify_depth to 2" in said(MADE)["nginx with ssl_verify_client"].sentence

    def test_is_content_with_a_crl_of_each_ca(self):
        crls = [read_crl(make.crl(one)) for one in MADE.cas]

        assert said(MADE, crls=crls)["nginx with ssl_verify_client"].accepts is not False

    def test_tells_what_envoy_needs(self):
        without = make.leaf(MADE.issuing, extensions=())

        assert said(MADE, samples=[MADE.leaf.facts])["Envoy with SPIFFE validation"].accepts is True
        assert said(MADE, samples=[without.facts])["Envoy with SPIFFE validation"].accepts is False


class TestPython:
    def test_loads_the_anchors_with_its_own_ssl_module(self):
        found = said(MADE)["Python ssl"]

        assert (found.accepts, found.how, found.sentence) == (True, "run", "It loads the anchor as a CA.")
        assert "OpenSSL" in found.validator

    def test_counts_what_it_does_not_load(self):
        broken = dataclasses.replace(MADE.root.facts, der=MADE.root.der[:-1])

        assert bounded.load_with_ssl([broken])[0] == 0


@pytest.mark.skipif(keytool.version() is None, reason="Java's keytool is not installed")
class TestJava:
    def test_imports_the_anchors_into_a_scratch_store(self):
        found = by_keytool([MADE.root.facts, make.root("Second Root").facts])

        assert (found.accepts, found.how) == (True, "run")
        assert found.sentence == "It imports 2 anchors; its trust store has 2 entries then."

    def test_tells_what_java_refuses_in_its_own_words(self):
        unreadable = SimpleNamespace(load=lambda: SimpleNamespace(public_bytes=lambda encoding: b"no certificate"))

        found = by_keytool([unreadable])

        assert found.accepts is False
        assert "Input not an X.509 certificate" in found.sentence


class TestCheckSamples:
    def codes(self, hierarchy: make.Hierarchy, *samples: make.Made) -> list[str]:
        certificates = CertificateSet.of(one.facts for one in hierarchy.cas)
        return [one.code for one in check_samples([each.facts for each in samples], certificates, now=NOW)]

    def test_passes_a_good_sample_in_both_roles(self):
        assert self.codes(MADE, MADE.leaf) == []

    def test_tells_when_two_validators_disagree(self):
        assert set(self.codes(GUIDE, GUIDE.leaf)) == {"validators_disagree"}

    def test_tells_when_both_refuse(self):
        stranger = make.leaf(make.issuing_ca(make.root("Nobody"), "Nobody's CA"))

        assert set(self.codes(MADE, stranger)) == {"sample_rejected"}

    def test_tells_when_the_sample_is_a_ca(self):
        assert self.codes(MADE, MADE.issuing) == ["sample_is_ca"]

    def test_runs_openssl_with_nothing_that_an_uploader_chose(self):
        root = make.root("-CAfile /etc/passwd; touch /tmp/owned")

        verdict = openssl.verify(root.facts, anchors=[root.facts], untrusted=[], at=NOW)

        assert verdict is not None
        assert verdict.accepts

    def test_runs_openssl_under_its_limits(self, tmp_path, monkeypatch):
        monkeypatch.setattr(openssl, "_MEMORY_KIB", 1024)  # too little for any program to start

        assert openssl._run(["openssl", "version"], str(tmp_path)) is None
