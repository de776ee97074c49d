"""Two people publish at once: every version is made on top of the one before, and none is lost or made twice."""

import threading

import pytest
from django.db import connections

from portal import errors
from tests.makers import stores as make
from trust.stores import queries, services
from trust.stores.models import StoreVersion


@pytest.mark.django_db(transaction=True)
class TestTwoPublishers:
    def test_make_versions_one_after_the_other(self, cast, now):
        for company in ("Alder", "Other", "Third"):
            make.published(cast, *make.whole(company))
        store = queries.get(cast.birch.organization, "alder-prod")
        wanted = [make.hierarchy(company).issuing.sha256 for company in ("Alder", "Other", "Third")]
        outcomes: list[object] = []
        together = threading.Barrier(len(wanted))

        def remove(digest: str) -> None:
            together.wait()
            try:
                version = services.withdraw_certificates(
                    store=store, certificates=[digest], actor=cast.birch.officer.actor, now=now, reason="Stolen."
                )
                outcomes.append(version.number)
            except errors.Conflict as refusal:
                outcomes.append(refusal.code)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=remove, args=(digest,)) for digest in wanted]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(map(str, outcomes)) == ["4", "5", "6"]
        left = {
            entry.certificate_id for entry in queries.entries(queries.current(queries.get(store.relying, store.name)))
        }
        assert not left & set(wanted)

    def test_with_one_removal_twice_make_one_version(self, cast, now):
        make.published(cast)
        store = queries.get(cast.birch.organization, "alder-prod")
        digest = make.hierarchy().issuing.sha256
        outcomes: list[str] = []
        together = threading.Barrier(2)

        def remove() -> None:
            together.wait()
            try:
                services.withdraw_certificates(
                    store=store, certificates=[digest], actor=cast.birch.officer.actor, now=now, reason="Stolen."
                )
                outcomes.append("published")
            except errors.Refusal as refusal:
                outcomes.append(refusal.code)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=remove) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(outcomes) == ["not_in_store", "published"]
        assert StoreVersion.objects.count() == 2
