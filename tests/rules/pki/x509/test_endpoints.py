"""Addresses in a package are judged as text and never contacted."""

import json

import pytest

from trust.pki.endpoints import named_endpoints, read_endpoints, unsafe


class TestUnsafe:
    @pytest.mark.parametrize(
        "address",
        ["http://ocsp.alder.example/x", "https://pki.alder.example:8443/ocsp?x=1", "http://xn--bcher-kva.example/"],
    )
    def test_passes_public_names(self, address):
        assert unsafe(address) is None

    @pytest.mark.parametrize(
        "address",
        [
            "http://169.254.169.254/latest/meta-data",
            "http://127.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://017700000001/",
            "http://localhost/",
            "http://localhost./",
            "http://metadata.google.internal/",
            "http://printer/",
            "file:///etc/passwd",
            "ftp://alder.example/",
            "gopher://alder.example/",
            "http://user:secret@alder.example/",
            "http://alder.example@evil.example/",
            "http://alder.example:22/",
            "http://alder.example:x/",
            "http://alder.example/\r\nHost: x",
            "http://alder.example\\@evil.example/",
            "http://\u0430lder.example/",
            "http://[",
            "http://",
            "http://" + "a" * 3000,
        ],
    )
    def test_tells_why_others_are_never_contacted(self, address):
        assert unsafe(address)


class TestReadEndpoints:
    def test_finds_addresses_wherever_they_stand(self):
        content = json.dumps({"issuing": {"ocsp": ["http://a.example/"]}, "note": "see policy", "ttl": 5}).encode()

        assert read_endpoints("x", content) == (("http://a.example/",), ())

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"[]",
            b"{}",
            b"nonsense",
            b'{"a": NaN}',
            b'{"a": 1, "a": 2}',
            b'{"a": "\\ud800"}',
            b"[" * 100_000,
            b"\xff",
        ],
    )
    def test_says_what_cannot_be_used(self, content):
        addresses, findings = read_endpoints("x", content)

        assert addresses == ()
        assert [one.code for one in findings] == ["endpoints_unreadable"]

    def test_names_the_address_that_is_not_safe(self):
        (_, (finding,)) = read_endpoints("x", b'{"ocsp": "http://127.0.0.1/"}')

        assert finding.code == "endpoints_unsafe_url"
        assert "http://127.0.0.1/" in finding.sentence


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"ocsp": "http://ocsp.alder.example/"}, {("ocsp", "http://ocsp.alder.example/")}),
        ({"endpoints": ["http://ocsp.alder.example/"]}, {("ocsp", "http://ocsp.alder.example/")}),
        ({"crl": ["http://pki.alder.example/root"]}, {("crl", "http://pki.alder.example/root")}),
        ({"urls": ["http://pki.alder.example/root.crl?v=2"]}, {("crl", "http://pki.alder.example/root.crl?v=2")}),
        (
            {"issuing": {"crl_url": "http://pki.alder.example/a", "ocsp_url": "http://ocsp.alder.example/a"}},
            {("crl", "http://pki.alder.example/a"), ("ocsp", "http://ocsp.alder.example/a")},
        ),
        ({"ocsp": "http://169.254.169.254/"}, set()),
        ({"ocsp": "ldap://ocsp.alder.example/"}, set()),
    ],
)
def test_each_address_is_told_apart_as_crl_or_responder(document, expected):
    assert set(named_endpoints(json.dumps(document).encode())) == expected


def test_a_file_that_cannot_be_read_names_nothing():
    assert named_endpoints(b"{") == ()
