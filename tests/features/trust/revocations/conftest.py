"""A partner's server with CRLs, and what all tests of watching share."""

import ipaddress

import pytest

from portal.outbound.guard import Guard
from tests.makers import revocations

# The loopback is opened here as an operator opens a private link to a partner.
LOOPBACK = Guard(allowed=(ipaddress.ip_network("127.0.0.1/32"),), plain=True)


@pytest.fixture
def server():
    with revocations.serving() as running:
        yield running


@pytest.fixture
def tiers(server):
    """A hierarchy whose certificates name the server, which serves fresh CRLs."""
    found = revocations.hierarchy(server)
    revocations.publish_crls(server, found)
    return found
