"""Names as people and programs write them, against names as the portal shows them."""

import pytest

from tests.makers import certificates as make
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


def test_what_the_library_writes_is_what_the_portal_shows():
    facts = make.issuing_ca().facts

    assert str(facts.subject) in texts_of(make.issuing_ca().certificate.subject.rfc4514_string())


@pytest.mark.parametrize(
    "written", ["", " ", "a CA", "=", ",,", "CN=", "CN=a\\", "CN=#zz", "/O=Halden/CN=x", "XX=a", "CN=a,,O=b"]
)
def test_what_is_no_name_is_none(written):
    assert texts_of(written) == []


def test_other_names_are_not_taken_for_it():
    assert SHOWN not in texts_of("CN=Issuing CA 1,O=Halden") + texts_of("CN=Issuing CA 2,OU=Freight\\, East,O=Halden")
