"""Names as people and programs write them, against names as the portal shows them."""

import subprocess

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from tests.makers import certificates as make
from trust.pki import names
from trust.pki.names import texts_of

SHOWN = "CN=Issuing CA 1, OU=Freight\\, East, O=Halden"


@pytest.mark.parametrize(
    "written",
    [
        SHOWN,
        "CN=Issuing CA 1,OU=Freight\\, East,O=Halden",
        "O = Halden, OU = Freight\\, East, CN = Issuing CA 1",
        "O=Halden,OU=Freight\\, East,CN=Issuing CA 1",
    ],
)
def test_one_name_written_in_four_ways_is_one_name(written):
    assert SHOWN in texts_of(written)


# What companies are called, and what programs quote, escape or leave as it is.
AWKWARD = x509.Name(
    [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "NO"),
        x509.NameAttribute(NameOID.STATE_OR_PROVINCE_NAME, "Oslo"),
        x509.NameAttribute(NameOID.LOCALITY_NAME, 'The "Harbor" + more'),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Müller, Sønn; <Co>"),
        x509.NameAttribute(NameOID.COMMON_NAME, "#1 CA = root/issuing"),
        x509.NameAttribute(NameOID.EMAIL_ADDRESS, "ca@halden.example"),
    ]
)


@pytest.mark.parametrize(
    "options",
    [
        "oneline",
        "RFC2253",
        "compat",
        "oneline,lname",
        "RFC2253,oid",
        "sep_comma_plus_space,esc_2253,utf8",
        "oneline,-esc_msb,utf8",
    ],
)
def test_what_openssl_prints_is_what_the_portal_shows(options):
    ca = make.root(AWKWARD)
    command = ["openssl", "x509", "-noout", "-issuer", "-nameopt", options]

    printed = subprocess.run(command, input=ca.pem, capture_output=True, check=True, timeout=30).stdout.decode()

    assert names.read_name(ca.certificate.issuer, b"").text in texts_of(printed)


@pytest.mark.parametrize(
    "printed",
    [
        # Go's pkix.Name.String, with its own order; Java's keytool; certutil of Windows.
        "CN=CA 1,OU=Müller,O=Halden\\, Inc.,L=Sentrum,ST=Oslo,C=NO",
        'CN=CA 1, OU=Müller, O="Halden, Inc.", L=Sentrum, ST=Oslo, C=NO',
        'CN=CA 1, OU=Müller, O="Halden, Inc.", L=Sentrum, S=Oslo, C=NO',
        "cn=CA 1; ou=Müller; o=Halden\\, Inc.; l=Sentrum; st=Oslo; c=NO",
    ],
)
def test_what_go_java_and_windows_print_is_what_the_portal_shows(printed):
    kept = "CN=CA 1, OU=M<U+00FC>ller, O=Halden\\, Inc., ST=Oslo, L=Sentrum, C=NO"

    assert kept in texts_of(printed)


def test_a_long_text_takes_no_time():
    for written in ('CN= "' + " " * 999 + "x", "CN=" + "a " * 500 + '"', 'CN="' + "\\" * 999, "C" * 1000, "1.1" * 330):
        assert texts_of(written) == []


def test_what_the_library_writes_is_what_the_portal_shows():
    facts = make.issuing_ca().facts

    assert str(facts.subject) in texts_of(make.issuing_ca().certificate.subject.rfc4514_string())


@pytest.mark.parametrize(
    "written",
    [
        "",
        " ",
        "/",
        "/x",
        "issuer=",
        "a CA",
        "=",
        ",,",
        "CN=",
        "CN=a\\",
        "CN=#zz",
        "XX=a",
        "CN=a,,O=b",
        "CN=a,",
        'CN="a"b',
        "C=NOR,CN=a",
    ],
)
def test_what_is_no_name_is_none(written):
    assert texts_of(written) == []


def test_other_names_are_not_taken_for_it():
    assert SHOWN not in texts_of("CN=Issuing CA 1,O=Halden") + texts_of("CN=Issuing CA 2,OU=Freight\\, East,O=Halden")
