"""A partner chooses a URL that leads into the portal's own network. Nothing is ever sent there."""

import ipaddress
import itertools

import pytest

from notifications.webhooks import client
from notifications.webhooks.rules import Outcome
from portal.outbound.guard import Blocked, Guard
from tests.makers import listener as listeners

SHIPPED = Guard()
LOOPBACK = Guard(allowed=(ipaddress.ip_network("127.0.0.1/32"),))
INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.170", "192.0.2.7", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "168.63.129.16",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
    "2002:7f00:1::", "2001::1", "100::1", "5f00::1", "3fff::1",
]  # fmt: skip
OUTSIDE = ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"]


@pytest.fixture
def listener():
    with listeners.running() as running:
        yield running


def post(url: str, guard: Guard, lookup=None) -> client.Answer:
    made = client.Post(key=1, endpoint="e", url=url, body=b"{}", headers={})
    return client.post_one(made, guard=guard, **({"lookup": lookup} if lookup else {}))


def answers(*rounds):
    """Return a name server that gives the first answer first, and the last one for ever after."""
    left = itertools.chain(rounds, itertools.repeat(rounds[-1]))

    async def lookup(host: str):
        return next(left)

    return lookup


@pytest.mark.parametrize("address", INSIDE)
def test_case_53_a_name_that_leads_inside_is_refused_before_any_connection(address):
    answer = post("https://hooks.example.com/x", SHIPPED, answers([address]))

    assert answer.outcome is Outcome.BLOCKED


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_on_the_open_internet_is_not_refused(address):
    assert str(SHIPPED.check_address(address, 443, https=True)) == address


def test_one_inside_answer_among_good_ones_refuses_all():
    answer = post("https://hooks.example.com/x", SHIPPED, answers(["93.184.216.34", "127.0.0.1"]))

    assert answer.outcome is Outcome.BLOCKED


def test_a_name_that_changes_its_answer_gains_nothing(listener):
    """The name is asked once for a connection, and that very answer is dialed: there is no second look-up to poison."""
    asked = []

    async def lookup(host):
        asked.append(host)
        return ["93.184.216.34"] if len(asked) % 2 else ["127.0.0.1"]

    guard = Guard(ports=frozenset({listener.port}))
    for _ in range(2):
        post(f"https://rebind.example.com:{listener.port}/ok", guard, lookup)

    assert (len(asked), listener.connections) == (2, 0)


def test_the_address_that_is_dialed_is_checked_even_if_a_resolver_lied(monkeypatch, listener):
    from portal.outbound.guard import PinningResolver

    async def lying(self, host, port=0, family=0):
        found = {"hostname": host, "host": "127.0.0.1", "port": port, "family": 2, "proto": 6, "flags": 4}
        return [found]

    monkeypatch.setattr(PinningResolver, "resolve", lying)
    guard = Guard(ports=frozenset({listener.port}))

    answer = post(f"https://hooks.example.com:{listener.port}/ok", guard)

    assert (answer.outcome, listener.connections) == (Outcome.BLOCKED, 0)


URLS = {
    "plain http": "http://hooks.example.com/",
    "loopback": "https://127.0.0.1/",
    "metadata": "https://169.254.169.254/latest/meta-data/",
    "mapped": "https://[::ffff:127.0.0.1]/",
    "loopback v6": "https://[::1]/",
    "decimal": "https://2130706433/",
    "hexadecimal": "https://0x7f000001/",
    "octal": "https://0177.0.0.1/",
    "short": "https://127.1/",
    "zero": "https://0.0.0.0/",
    "localhost": "https://localhost/",
    "localhost with a dot": "https://localhost./",
    "user information": "https://hooks.example.com@127.0.0.1/",
    "password": "https://u:p@hooks.example.com/",
    "line feed": "https://hooks.example.com/\r\nX-Evil: 1",
    "space": "https://hooks.example.com/a b",
    "backslash": "https://hooks.example.com\\@127.0.0.1/",
    "file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "no scheme": "//hooks.example.com/",
    "other port": "https://hooks.example.com:6379/",
    "fragment": "https://hooks.example.com/#@127.0.0.1",
    "full-width dots": "https://127。0。0。1/",
    "circled digits": "https://①②⑦.⓪.⓪.①/",
    "too long": "https://hooks.example.com/" + "a" * 2000,
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
def test_a_hostile_url_is_refused_by_the_guard_as_shipped(url):
    assert post(url, SHIPPED).outcome is Outcome.BLOCKED


def test_a_redirect_is_a_failure_and_is_not_followed(listener):
    answer = post(listener.url("/redirect"), LOOPBACK)

    assert (answer.outcome, answer.status) == (Outcome.FAILED, 302)
    assert "not followed" in answer.reason


def test_a_proxy_from_the_environment_is_not_asked(monkeypatch, listener):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert post(listener.url(), LOOPBACK).outcome is Outcome.DELIVERED


def test_what_the_operator_opened_stays_closed_next_door(listener):
    assert post(listener.url(), LOOPBACK).outcome is Outcome.DELIVERED
    assert post(listener.url(host="127.0.0.2"), LOOPBACK).outcome is Outcome.BLOCKED


def test_an_opened_network_does_not_open_plain_http_to_the_internet():
    with pytest.raises(Blocked):
        LOOPBACK.check_address("93.184.216.34", 80, https=False)
    with pytest.raises(Blocked):
        LOOPBACK.check_address("93.184.216.34", 6379, https=True)
