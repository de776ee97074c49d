"""A real Envoy, configured as a store's pages say: who comes in, and how a new version is taken without a restart."""

import os

import pytest
import yaml

from tests.makers import certificates, envoy
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from trust.stores import services as stores
from trust.stores import snippets
from trust.stores.federation import services


def moved(folder, version):
    """Move each file of a version over the one before, as an agent does."""
    for each in version.artifacts.all():
        aside = folder / f".{each.format}.new"
        aside.write_bytes(bytes(each.content))
        os.replace(aside, folder / f"alder-prod.{each.format}")


@pytest.fixture
def bound(cast, now):
    """Return Birch's store, bound to Alder's trust domain before it is published."""
    first = make.published(cast)
    store = make_consumers.store_of(cast)
    services.bind(store=store, trust_domain="alder.example", public=False, actor=cast.birch.officer.actor, now=now)
    assert not first.artifacts.filter(format="spiffe-map.json").exists()
    return store


def ways(store, folder):
    """Return what the pages say to paste, each as the members of a ``common_tls_context``."""
    said = {each.title: each.code for each in snippets.of(store)}
    pasted = {
        "sds": said["Envoy"],
        "domain": said["Envoy, by SPIFFE trust domain"],
        "map": snippets.envoy_map(store),
    }
    read = {way: yaml.safe_load(code.replace("/etc/ssl", str(folder))) for way, code in pasted.items()}
    return {way: each.get("common_tls_context", each) for way, each in read.items()}


class TestEnvoy:
    def test_lets_the_partners_services_in_by_every_file_and_takes_a_new_version_without_a_restart(
        self, cast, now, bound, tmp_path
    ):
        alder, other, spare = make.hierarchy(), certificates.hierarchy("Mallory"), certificates.root("Spare")
        version = make.published(cast, spare)
        moved(tmp_path, version)
        chain = (alder.issuing, alder.policy)

        with envoy.Envoy(tmp_path, ways(bound, tmp_path)).running() as running:
            for way in running.ways:
                assert running.answers(way, alder.leaf, *chain), (way, running.log.read_text())
                assert not running.answers(way, other.leaf, other.issuing, other.policy), way

            moved(tmp_path, self.without(cast, bound, now, alder.root))

            for way in ("sds", "map"):
                assert running.comes_to(way, False, alder.leaf, *chain), way
                assert running.answers(way, certificates.leaf(spare)), way
            # As the snippet says: without watched_directory Envoy reads the file when it starts.
            assert running.answers("domain", alder.leaf, *chain)

            moved(tmp_path, self.without(cast, bound, now, spare))

            assert running.comes_to("sds", False, certificates.leaf(spare)), running.log.read_text()
            # As the SPIFFE page says: Envoy does not take a map that trusts nobody, and keeps the one before.
            assert "No keys found" in running.log.read_text()

    def without(self, cast, store, now, root):
        store.refresh_from_db()
        return stores.withdraw_certificates(
            store=store,
            certificates=[root.sha256],
            actor=cast.birch.officer.actor,
            now=now,
            reason="It is stolen.",
            emergency=True,
            empty_store=True,
        )
