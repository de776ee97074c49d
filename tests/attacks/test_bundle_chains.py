"""Attacks on chain building: sets that take other validators for ever."""

import time
from datetime import timedelta

import pytest

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID
from trust.pki.bundles import read_bundle
from trust.pki.examination import examine

SECONDS = 10


def mesh(count: int) -> list[make.Made]:
    """CAs of which each has certified each other, and itself."""
    names = [make.name(f"Mesh {number}") for number in range(count)]
    keys = [make.ec_key(f"mesh {number}") for number in range(count)]
    return [
        make.make(
            subject=names[subject],
            key=keys[subject],
            signing_key=keys[issuer],
            issuer_name=names[issuer],
            lifetime=timedelta(days=400),
        )
        for issuer in range(count)
        for subject in range(count)
    ]


def chain(length: int) -> list[make.Made]:
    made = [make.root(path_length=None)]
    for number in range(1, length):
        made.append(make.policy_ca(made[-1], f"Link {number}", key=make.ec_key("link"), path_length=None))
    return made


def twins(count: int) -> list[make.Made]:
    """Roots of one name with different keys, and CAs that name them as issuer."""
    roots = [make.root("Twin", key=make.ec_key(f"twin {number}")) for number in range(count)]
    return roots + [make.policy_ca(roots[-1], f"Below {number}", key=make.ec_key("below")) for number in range(count)]


def examined(made: list[make.Made]):
    content = b"".join(one.pem for one in made)
    started = time.monotonic()
    result = examine(content, now=EVERYTHING_VALID)
    assert time.monotonic() - started < SECONDS
    return {finding.code for finding in result.findings}


def test_a_mesh_of_twelve_is_judged_in_time():
    assert "cross_signed" in examined(mesh(12))


def test_a_chain_of_120_is_judged_in_time():
    assert "chain_incomplete" not in examined(chain(120))


def test_many_twins_of_one_name_are_judged_in_time():
    assert {"subject_reused"} <= examined(twins(40))


def test_a_loop_of_two_leads_nowhere():
    made = [one for one in mesh(2) if one.certificate.subject != one.certificate.issuer]

    assert {"chain_loop", "chain_incomplete"} <= examined(made)


def test_more_roots_than_anybody_needs_are_refused_before_they_are_read():
    content = make.root().pem * 1200

    assert "too_many_certificates" in {finding.code for finding in read_bundle(content).findings}


def test_an_attackers_hierarchy_with_the_same_names_does_not_mix_with_the_real_one():
    real, fake = make.hierarchy(), _copy_with_other_keys()

    codes = examined([real.root, fake.policy, fake.issuing])

    assert "signature_does_not_verify" in codes


def _copy_with_other_keys() -> make.Hierarchy:
    real = make.hierarchy()
    names = [one.certificate.subject for one in real.cas]
    top = make.root(subject=names[0], key=make.ec_key("fake root"))
    policy = make.policy_ca(top, subject=names[1], key=make.ec_key("fake policy"))
    issuing = make.issuing_ca(policy, subject=names[2], key=make.ec_key("fake issuing"))
    return make.Hierarchy(top, policy, issuing, make.leaf(issuing))


@pytest.mark.parametrize("brackets", [100_000, 1_000_000])
def test_a_million_brackets_do_not_reach_the_parser(brackets):
    content = b'{"keys": ' + b"[" * brackets

    assert "jwks_unreadable" in {finding.code for finding in read_bundle(content).findings}


def test_a_file_of_broken_blocks_does_not_fill_the_report():
    content = b"-----BEGIN CERTIFICATE-----\n" * 30_000

    result = examine(content, now=EVERYTHING_VALID)

    assert result.refused
    assert len(result.findings) == 301
    assert result.findings[-1].code == "more_findings"
