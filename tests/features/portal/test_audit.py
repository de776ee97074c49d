"""The log: chained, append-only, and honest about what was done to it."""

from dataclasses import replace

import pytest
from django.db import DatabaseError, connection, transaction

from portal.audit import queries, rules, services, triggers
from portal.audit.models import Event


def record(cast, now, **data):
    with transaction.atomic():
        return services.record(
            "test.happened",
            now=now,
            actor=cast.alder.officer.actor,
            organization_id=cast.alder.organization.pk,
            subject=("thing", 1),
            data=data,
        )


class TestRecord:
    def test_chains_each_line_to_the_one_before(self, cast, now):
        first, second = record(cast, now, n=1), record(cast, now, n=2)

        assert second.sequence == first.sequence + 1
        assert second.previous_hash == first.hash
        assert queries.verify()[2] is None

    @pytest.mark.django_db(transaction=True)
    def test_refuses_outside_a_transaction(self, now):
        with pytest.raises(RuntimeError):
            services.record("test.happened", now=now, actor=None)

    def test_leaves_nothing_when_the_change_is_rolled_back(self, cast, now):
        with pytest.raises(ValueError, match="no"), transaction.atomic():
            services.record("test.happened", now=now, actor=cast.alder.officer.actor)
            raise ValueError("no")

        assert not Event.objects.exists()
        assert record(cast, now).sequence == 1

    @pytest.mark.parametrize("statement", ["UPDATE audit_event SET kind='x'", "DELETE FROM audit_event"])
    def test_cannot_be_changed_or_removed_in_the_database(self, cast, now, statement):
        record(cast, now)

        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

        assert Event.objects.get().kind == "test.happened"


class TestVerify:
    @pytest.fixture
    def lines(self, cast, now):
        for number in range(4):
            record(cast, now, n=number)
        return list(queries.lines())

    def test_finds_a_changed_line(self, lines):
        lines[1] = replace(lines[1], facts={**lines[1].facts, "kind": "other"})

        assert rules.first_break(lines).sequence == 2

    def test_finds_a_removed_line(self, lines):
        assert rules.first_break([lines[0], *lines[2:]]).sequence == 3

    def test_finds_an_inserted_line(self, lines):
        forged = replace(lines[1], sequence=3)
        forged = replace(forged, hash=rules.chain(forged.previous_hash, forged.facts))

        assert rules.first_break([*lines[:2], forged, *lines[2:]]).sequence == 3

    def test_finds_a_tail_that_was_cut_off(self, lines):
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ALTER TABLE audit_event DISABLE TRIGGER USER")
        else:
            triggers.remove()
        Event.objects.filter(sequence=4).delete()

        checked, _, broken = queries.verify()

        assert (checked, broken.sequence) == (3, 4)

    def test_accepts_what_was_recorded(self, lines):
        assert queries.verify()[0] == 4
        assert queries.verify()[2] is None
