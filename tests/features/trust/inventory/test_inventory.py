"""The inventory: who sees what, search, filters, exports, service certificates, compliance and expiries."""

import csv
import io
import json
from datetime import timedelta
from functools import partial

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from portal import errors
from portal.audit.models import Event
from portal.partnerships.models import Partnership
from tests.makers import agreements, many, stores
from tests.makers import certificates as make
from tests.makers.onboarding import mirrored
from trust.certificates.models import Certificate
from trust.inventory import compliance, expiries, pages, queries, services
from trust.inventory.models import ExpiryTold, ServiceCertificate
from trust.inventory.rules import Filters, Kind, State, search
from trust.keys.models import OpenPgpKey
from trust.submissions.models import Submission

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def tiers():
    return stores.hierarchy("Alder")


def found(organization, now, **filters):
    rows = queries.every_row(organization.organization, Filters(**filters), now)
    return [row.sha256 for row in rows]


def listed_keys(cast, filters, now):
    keys = queries.openpgp_keys(cast.birch.organization, filters, now)
    return queries.key_rows(cast.birch.organization, keys, now)


def expected(tiers):
    return {tiers.root.sha256, tiers.policy.sha256, tiers.issuing.sha256}


class TestWhoSeesWhat:
    def test_both_sides_see_what_is_accepted(self, cast, now, tiers):
        stores.published(cast, *stores.whole())

        for company in (cast.alder, cast.birch):
            assert set(found(company, now, kind=Kind.CA)) == expected(tiers)
        assert found(cast.cedar, now) == []

    def test_only_the_owner_sees_what_nobody_has_heard_yet(self, cast, now, tiers):
        stores.submission(cast, *stores.whole(), state=Submission.State.WAITING_FOR_CALL)

        assert set(found(cast.alder, now)) == expected(tiers)
        assert found(cast.birch, now) == []

    def test_nobody_is_shown_what_was_refused(self, cast, now):
        stores.submission(cast, *stores.whole(), state=Submission.State.REFUSED)

        assert found(cast.alder, now) == []

    def test_a_key_is_shown_in_full_only_after_its_call(self, cast, now):
        holder = agreements.holder_of(cast.alder)

        (row,) = listed_keys(cast, Filters(), now)
        assert holder.fingerprint not in row.sha256
        assert "…" in row.sha256

    def test_a_key_is_not_found_by_a_part_of_its_fingerprint(self, cast, now):
        """Else whoever must hear it on the phone could ask for it digit by digit."""
        holder = agreements.holder_of(cast.alder)

        def asked(text):
            return listed_keys(cast, Filters(search=search(text)), now)

        assert not asked(holder.fingerprint[:20] + "0" * 20)
        assert not asked(holder.fingerprint[:16])
        assert len(asked(holder.fingerprint)) == 1


class TestFilters:
    @pytest.fixture(autouse=True)
    def _published(self, cast):
        stores.published(cast, *stores.whole())

    @pytest.mark.parametrize("spell", [str.upper, lambda x: ":".join(x[n : n + 2] for n in range(0, 64, 2))])
    def test_find_a_fingerprint_in_any_spelling(self, cast, now, tiers, spell):
        assert found(cast.birch, now, search=search(spell(tiers.root.sha256))) == [tiers.root.sha256]

    def test_find_a_key_hash_a_serial_and_a_name(self, cast, now, tiers):
        row = Certificate.objects.get(pk=tiers.policy.sha256)

        for typed in (row.spki_sha256, row.serial.upper(), f"00{row.serial}", "Intermediate"):
            assert tiers.policy.sha256 in found(cast.birch, now, search=search(typed)), typed

    def test_find_a_short_serial_and_a_year_in_a_name(self, cast, now, tiers):
        Certificate.objects.filter(pk=tiers.policy.sha256).update(serial="7", subject="CN=Alder Policy CA 2026-A")

        for typed in ("7", "0x07", "serial 07", "2026", "2026-A", "ca 2026"):
            assert tiers.policy.sha256 in found(cast.birch, now, search=search(typed)), typed

    def test_tell_ours_from_theirs(self, cast, now, tiers):
        assert set(found(cast.alder, now, side="own")) == expected(tiers)
        assert found(cast.birch, now, side="own") == []
        assert set(found(cast.birch, now, side="partner")) >= expected(tiers)

    def test_tell_states_apart(self, cast, now, tiers):
        after = tiers.issuing.certificate.not_valid_after_utc + DAY

        assert set(found(cast.birch, now, state=State.TRUSTED)) == expected(tiers)
        assert found(cast.birch, now, state=State.PENDING, kind=Kind.CA) == []
        assert found(cast.birch, after, state=State.EXPIRED) == [tiers.issuing.sha256]

    def test_find_what_ends_soon(self, cast, now, tiers):
        before = tiers.issuing.certificate.not_valid_after_utc - 10 * DAY

        assert found(cast.birch, before, expiring=15) == [tiers.issuing.sha256]
        assert found(cast.birch, before, expiring=7) == []

    def test_narrow_to_a_partnership(self, cast, now, tiers):
        assert set(found(cast.birch, now, partnership=cast.partnership.slug, kind=Kind.CA)) == expected(tiers)
        assert found(cast.birch, now, partnership="other-one", kind=Kind.CA) == []

    def test_say_where_each_stands(self, cast, now, tiers):
        rows = {row.sha256: row for row in queries.every_row(cast.birch.organization, Filters(kind=Kind.CA), now)}

        root = rows[tiers.root.sha256]
        assert (root.tier, root.state, root.owner, root.partnerships) == (
            "root",
            State.TRUSTED,
            "Alder",
            (cast.partnership.slug,),
        )

    def test_ask_as_many_queries_for_many_as_for_few(self, cast, now, tiers, django_assert_num_queries):
        few = list(queries.certificates(cast.birch.organization, Filters(), now)[:1])
        many = list(queries.certificates(cast.birch.organization, Filters(), now))

        for some in (few, many):
            with django_assert_num_queries(5):
                queries.rows_of(cast.birch.organization, some, now)


class TestPages:
    def test_list_and_picture_show_both_sides(self, cast, tiers):
        stores.published(cast, *stores.whole())
        client = cast.birch.viewer.client()

        assert "Alder Root CA" in client.get(reverse("inventory")).content.decode()
        text = client.get(reverse("expiry")).content.decode()
        assert "<svg" in text
        assert "Alder Issuing CA" in text

    @pytest.mark.parametrize(
        "query", ["kind=what", "page=zzz", "page=-1", "expiring=soon", "partnership=../x", "q=" + "a" * 500]
    )
    def test_take_any_query(self, cast, query):
        for name in ("inventory", "inventory_csv", "inventory_json"):
            assert cast.birch.viewer.client().get(f"{reverse(name)}?{query}").status_code == 200

    def test_refuse_a_character_that_no_text_can_have(self, cast):
        for name in ("inventory", "inventory_csv", "inventory_json"):
            answer = cast.birch.viewer.client().get(f"{reverse(name)}?q=%00")

            assert answer.status_code == 400
            assert "a character that no text can have" in answer.content.decode()

    def test_say_that_there_is_nothing(self, cast):
        client = cast.cedar.viewer.client()

        assert "No certificates yet" in client.get(reverse("inventory")).content.decode()
        assert "Nothing fits" in client.get(reverse("inventory") + "?q=abc123").content.decode()

    def test_export_csv_and_json(self, cast, tiers):
        stores.published(cast, *stores.whole())
        client = cast.birch.viewer.client()

        table = list(csv.DictReader(io.StringIO(client.get(reverse("inventory_csv")).getvalue().decode())))
        objects = json.loads(client.get(reverse("inventory_json")).getvalue())

        assert {row["sha256"] for row in table} == {each["sha256"] for each in objects} >= expected(tiers)
        (root,) = [each for each in objects if each["sha256"] == tiers.root.sha256]
        assert root["key_size"] == tiers.root.certificate.public_key().key_size

    def test_export_only_what_fits_the_filters(self, cast, tiers):
        stores.published(cast, *stores.whole())

        answer = cast.birch.viewer.client().get(f"{reverse('inventory_json')}?q={tiers.root.sha256}")

        assert [each["sha256"] for each in json.loads(answer.getvalue())] == [tiers.root.sha256]


class TestManyRows:
    """A page stays short and quick with a thousand partners; what is left out is said."""

    def page(self, cast, **query):
        return cast.birch.officer.client().get(reverse("inventory"), query).content.decode()

    def test_says_when_there_are_more_than_were_counted(self, cast, tiers, monkeypatch):
        stores.published(cast, *stores.whole())
        assert "1 to 3 of 3 certificates" in self.page(cast)

        monkeypatch.setattr(queries, "COUNTED", 2)
        assert "1 to 2 of more than 2 certificates" in self.page(cast)

    def test_shows_the_keys_that_end_first_and_leads_to_all(self, cast, monkeypatch):
        many.partners(cast, range(1, 4))
        monkeypatch.setattr(pages, "KEYS_BESIDE", 2)

        assert self.page(cast).count('<td data-label="Kind">OpenPGP key') == 2
        assert "?kind=key" in self.page(cast)
        assert self.page(cast, kind="key").count('<td data-label="Kind">OpenPGP key') == 3
        assert "1 to 3 of 3 OpenPGP keys" in self.page(cast, kind="key")

    def test_pages_of_keys_follow_each_other(self, cast, monkeypatch):
        many.partners(cast, range(1, 4))
        monkeypatch.setattr(pages, "PER_PAGE", 2)

        first, second = (self.page(cast, kind="key", page=number) for number in (1, 2))
        assert first.count("OpenPGP key</td>") == 2
        assert second.count("OpenPGP key</td>") == 1

    def test_leads_to_the_list_of_partnerships_when_there_are_many(self, cast, monkeypatch):
        many.partners(cast, range(1, 4))
        assert "All partnerships" not in self.page(cast)

        monkeypatch.setattr(pages, "PARTNERS_SHOWN", 2)
        assert "All partnerships" in self.page(cast)

    def test_a_key_is_found_by_the_state_that_its_row_shows(self, cast, now):
        many.partners(cast, range(1, 4))
        first, second, third = OpenPgpKey.objects.order_by("fingerprint")
        OpenPgpKey.objects.filter(pk=first.pk).update(state="revoked", expires_at=now - DAY)
        OpenPgpKey.objects.filter(pk=second.pk).update(expires_at=now - DAY)

        for state, holder in ((State.REVOKED, first), (State.EXPIRED, second)):
            (row,) = listed_keys(cast, Filters(state=state), now)
            assert (row.owner, row.state) == (holder.organization.name, state)
        assert not listed_keys(cast, Filters(state=State.TRUSTED), now)
        assert listed_keys(cast, Filters(), now)[-1].owner == third.organization.name

    def test_the_name_of_a_service_that_is_not_shared_finds_nothing(self, cast, now):
        leaf = make.leaf()
        add = partial(services.add_service_certificate, upload=leaf.pem, now=now)
        add(actor=cast.alder.verifier.actor, service_name="orders", partnership=cast.partnership)
        add(actor=cast.cedar.verifier.actor, service_name="hush")

        assert found(cast.birch, now, search=search("orders")) == [leaf.sha256]
        assert found(cast.birch, now, search=search("hush")) == []
        assert found(cast.cedar, now, search=search("hush")) == [leaf.sha256]


class TestTheApi:
    def test_lists_pages_and_finds(self, cast, tiers):
        stores.published(cast, *stores.whole())
        client = cast.birch.viewer.client()

        first = client.get("/api/v1/inventory?limit=2").json()
        second = client.get(first["next"]).json()
        digests = [each["sha256"] for each in first["results"] + second["results"]]

        assert set(digests) == expected(tiers)
        assert len(digests) == 3
        one = client.get(f"/api/v1/inventory?q={tiers.policy.sha256}").json()["results"]
        assert [each["tier"] for each in one] == ["policy"]

    @pytest.mark.parametrize("query", ["kind=what", "state=fine", "expiring=soon", "partnership=other-one"])
    def test_refuses_filters_that_it_cannot_read(self, cast, query):
        answer = cast.birch.viewer.client().get(f"/api/v1/inventory?{query}")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == query.split("=")[0]


class TestServiceCertificates:
    def add(self, cast, now, made=None, **changes):
        valid = {"upload": (made or make.leaf()).pem, "service_name": "orders", "environment": "prod", "team": "Ledger"}
        return services.add_service_certificate(actor=cast.alder.verifier.actor, now=now, **(valid | changes))

    def test_are_seen_by_their_owner(self, cast, now):
        made = self.add(cast, now)

        (row,) = queries.every_row(cast.alder.organization, Filters(), now)
        assert (row.kind, row.service_name, row.environment, row.team_owner) == ("service", "orders", "prod", "Ledger")
        assert row.sha256 == made.certificate_id
        assert found(cast.birch, now) == []

    def test_are_seen_by_the_partner_they_are_shown_to(self, cast, now):
        made = self.add(cast, now, partnership=cast.partnership)

        assert found(cast.birch, now) == [made.certificate_id]
        assert found(cast.cedar, now) == []

    def test_leave_the_inventory(self, cast, now):
        made = self.add(cast, now)

        with pytest.raises(errors.NotFound):
            services.retire_service_certificate(
                actor=cast.birch.verifier.actor, service_certificate_id=made.pk, now=now
            )
        services.retire_service_certificate(actor=cast.alder.verifier.actor, service_certificate_id=made.pk, now=now)

        assert found(cast.alder, now) == []

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"upload": b"hello"}, "certificate"),
            ({"upload": make.root().pem}, "certificate"),
            ({"upload": make.leaf().key_pem()}, "certificate"),
            ({"upload": make.leaf().pem * 2}, "certificate"),
            ({"service_name": ""}, "service_name"),
            ({"service_name": "x" * 81}, "service_name"),
            ({"environment": "a\nb"}, "environment"),
        ],
    )
    def test_are_refused_with_the_field(self, cast, now, changes, field):
        with pytest.raises(errors.Invalid) as refused:
            self.add(cast, now, **changes)

        assert list(refused.value.fields) == [field]
        assert not ServiceCertificate.objects.exists()

    def test_are_there_once(self, cast, now):
        leaf = make.leaf()
        self.add(cast, now, leaf)

        with pytest.raises(errors.Conflict):
            self.add(cast, now, leaf)

    def test_are_not_shown_to_strangers_partnerships(self, cast, now):
        from tests.cast import make_partnership

        others = make_partnership(cast.birch, cast.cedar)

        with pytest.raises(errors.NotFound):
            self.add(cast, now, partnership=others)

    def test_are_added_in_the_browser(self, cast):
        answer = cast.alder.verifier.client().post(
            reverse("service_certificate_new"),
            {"certificate": SimpleUploadedFile("orders.pem", make.leaf().pem), "service_name": "orders"},
        )

        assert answer.status_code == 302
        assert ServiceCertificate.objects.get().service_name == "orders"


class TestCompliance:
    def test_counts_by_clause_and_drills_down(self, cast, now):
        agreements.in_force(cast)
        stores.published(cast, *stores.whole())

        seen = compliance.of(cast.partnership, cast.birch.organization, now)
        text = cast.birch.viewer.client().get(
            reverse("compliance", args=[cast.partnership.slug]) + "?clause=Agreement%205.1"
        )

        assert seen.clauses == [("Agreement 5.1", "CRL and OCSP", 2)]
        assert len(seen.of(cast.alder.organization)) == 3
        assert "Alder Issuing CA" in text.content.decode()
        assert "Alder Root CA" not in text.content.decode()

    def test_leaves_out_what_the_viewer_may_not_see(self, cast, now):
        stores.submission(cast, *stores.whole(), state=Submission.State.WAITING_FOR_CALL)

        assert compliance.of(cast.partnership, cast.birch.organization, now).judged == ()
        assert len(compliance.of(cast.partnership, cast.alder.organization, now).judged) == 3

    def test_does_not_exist_for_strangers(self, cast):
        assert cast.cedar.viewer.client().get(reverse("compliance", args=[cast.partnership.slug])).status_code == 404


class TestTellingExpiries:
    def told(self):
        return [(each.data["label"], each.data["step"]) for each in Event.objects.filter(kind__startswith="inventory.")]

    def test_tells_once_for_each_step_through_the_years(self, cast, now, tiers):
        stores.published(cast, *stores.whole())
        end = tiers.issuing.certificate.not_valid_after_utc
        moment = end - 40 * DAY
        while moment < end + 10 * DAY:
            expiries.tell_expiries(now=moment)
            expiries.tell_expiries(now=moment)
            moment += 2 * DAY

        steps = [step for label, step in self.told() if "Issuing" in label]
        assert steps == [30, 15, 7, 0]

    def test_tells_both_sides_through_the_log(self, cast, now, tiers):
        stores.published(cast, *stores.whole())
        expiries.tell_expiries(now=tiers.issuing.certificate.not_valid_after_utc - 29 * DAY)

        event = Event.objects.get(kind="inventory.expires_soon", subject_id=tiers.issuing.sha256)
        assert event.organization_id == cast.alder.organization.pk
        assert event.partnership_id == cast.partnership.pk
        assert event.audience == "partnership"

    def test_tells_nobody_else_of_a_service_certificate_that_is_not_shared(self, cast, now):
        leaf = make.leaf()
        services.add_service_certificate(
            actor=cast.alder.verifier.actor, upload=leaf.pem, service_name="orders", now=now
        )
        expiries.tell_expiries(now=leaf.certificate.not_valid_after_utc - 5 * DAY)

        event = Event.objects.get(kind="inventory.expires_soon")
        assert (event.partnership_id, event.audience) == (None, "organization")

    def test_leaves_ended_partnerships_alone(self, cast, now, tiers):
        stores.published(cast, *stores.whole())
        Partnership.objects.update(state=Partnership.State.ENDED)

        assert expiries.tell_expiries(now=tiers.issuing.certificate.not_valid_after_utc - DAY) == 0

    def test_leaves_what_was_not_accepted_alone(self, cast, now, tiers):
        stores.submission(cast, *stores.whole(), state=Submission.State.WITHDRAWN)

        assert expiries.tell_expiries(now=tiers.issuing.certificate.not_valid_after_utc - DAY) == 0

    def test_tells_each_partnership_for_itself(self, cast, now, tiers):
        stores.published(cast, *stores.whole())
        stores.published(mirrored(cast), *stores.whole("Birch"))
        expiries.tell_expiries(now=tiers.issuing.certificate.not_valid_after_utc - 29 * DAY)

        assert ExpiryTold.objects.count() == 2
