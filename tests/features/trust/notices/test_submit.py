"""Taking notices: what a signed notice of a partner comes to."""

import json
from datetime import timedelta, timezone

import pytest
from trustx import notices as trustx_notices

from notifications.acknowledgements import queries as clocks
from notifications.acknowledgements import todo
from portal import errors
from portal.audit.models import Event
from tests.makers import certificates as make_certificates
from tests.makers import notices, stores
from trust.notices import effects, life, queries, services
from trust.notices.models import DenyEntry, Notice
from trust.notices.rules import State
from trust.stores.models import TrustStore
from trust.submissions.models import Submission


@pytest.fixture
def alder(cast):
    stores.published(cast)
    return notices.make_signer(cast)


def digests(cast) -> set[str]:
    store = TrustStore.objects.get(relying=cast.birch.organization)
    current = store.versions.get(number=store.current_number)
    return set(current.entries.values_list("certificate_id", flat=True))


ISSUING = stores.hierarchy("Alder").issuing.sha256
ROOT = stores.hierarchy("Alder").root.sha256


class TestSubmit:
    def test_keeps_what_was_signed_byte_for_byte(self, alder, now):
        content, signature = alder.signed(alder.members())

        notice = services.submit(actor=alder.sender.officer.actor, now=now, content=content, signature=signature).notice

        notice.refresh_from_db()
        assert (bytes(notice.content), bytes(notice.signature)) == (content, signature)
        assert notice.state == State.ANNOUNCED

    def test_names_it_after_its_sender_and_numbers_it_in_the_partnership(self, alder, now):
        first, second = alder.send().notice, alder.send().notice

        assert [first.label, second.label] == [f"AL-{now.year}-001", f"AL-{now.year}-002"]
        assert [first.sequence, second.sequence] == [1, 2]

    def test_records_what_everybody_is_told(self, alder):
        notice = alder.send().notice

        event = Event.objects.get(kind="notice.received")
        assert event.subject_id == str(notice.pk)
        assert event.data["title"].startswith("Alder revoked ")
        assert event.data["certificate_sha256"] == ISSUING

    def test_takes_a_clearsigned_file(self, alder, now):
        from trust.notices import document

        content = alder.holder.clearsign(document.canonical(alder.members()))

        notice = services.submit(actor=alder.sender.officer.actor, now=now, content=content, signature=None).notice

        assert notice.payload_sha256
        assert bytes(notice.content) == content

    @pytest.mark.parametrize("written", ["detached and binary", "on Windows", "clear-signed on Windows"])
    def test_takes_what_programs_write_and_sign(self, alder, now, written):
        # Digits of a second as .NET and Go write them, each in a time zone of its own; JSON for people, with the lines of Windows.
        there = timezone(timedelta(hours=5, minutes=30))
        moments = {
            "timestamp": f"{now.astimezone(there):%Y-%m-%dT%H:%M:%S}.1234567+05:30",
            "effective_date": f"{now + notices.LEAD:%Y-%m-%dT%H:%M:%S}.123456789Z",
            "certificate_sha256": ":".join(ISSUING[place : place + 2] for place in range(0, 64, 2)).upper(),
        }
        content = json.dumps(alder.members(**moments), indent=2).encode() + b"\n"
        windows = content.replace(b"\n", b"\r\n")
        content, signature = {
            "detached and binary": lambda: (content, alder.holder.sign_detached(content, armored=False, at=now)),
            "on Windows": lambda: (windows, alder.holder.sign_detached(windows, at=now).replace(b"\n", b"\r\n")),
            "clear-signed on Windows": lambda: (alder.holder.clearsign(content, at=now).replace(b"\n", b"\r\n"), None),
        }[written]()

        notice = services.submit(actor=alder.sender.officer.actor, now=now, content=content, signature=signature).notice

        assert (notice.state, notice.certificate_id) == (State.ANNOUNCED, ISSUING)
        assert notice.effective_at == now.replace(microsecond=123456) + notices.LEAD
        assert bytes(notice.content) == content

    def test_shows_but_does_not_accept_a_key_that_was_not_verified(self, cast, now):
        stores.published(cast)
        signer = notices.make_signer(cast, name="Unverified Alder", verified=False)

        taken = signer.send(effective_date=None, revocation_reason="keyCompromise")

        assert '"accepted":false' in taken.answer
        assert taken.notice.state == State.UNVERIFIED
        assert not Event.objects.filter(kind="notice.received").exists()

    def test_accepts_it_once_the_key_was_verified(self, cast, now):
        stores.published(cast)
        signer = notices.make_signer(cast, name="Unverified Alder", verified=False)
        notice = signer.send().notice
        notices.verify(cast, signer.holder.fingerprint, owner=cast.alder, relying=cast.birch)

        life.sweep(now=now)

        notice.refresh_from_db()
        assert (notice.state, notice.key_verified) == (State.ANNOUNCED, True)

    def test_keeps_a_notice_about_an_unknown_certificate_without_effect(self, cast, alder, now):
        before = digests(cast)

        notice = alder.send(certificate_sha256="ab" * 32, now=now, effective_date=None).notice

        assert not notice.matched
        assert digests(cast) == before

    def test_asks_for_a_reason_when_it_comes_late(self, alder):
        with pytest.raises(errors.Invalid) as refused:
            alder.send(kind="policy_change", summary="TLS 1.3 only", effective_date=None) and alder.send(
                kind="maintenance",
                starts_at="2030-01-01T00:00:00Z",
                ends_at="2030-01-01T01:00:00Z",
                effective_date=alder.members()["timestamp"],
            )

        assert refused.value.code == "lead_time"

    def test_marks_an_exception_that_gives_its_reason(self, alder):
        notice = alder.send(
            kind="ca_renewal",
            certificate_sha256=ISSUING,
            effective_date=alder.members()["timestamp"],
            exception_reason="The old key is lost.",
        ).notice

        assert "30 days" in notice.exceptions[0]

    @pytest.mark.parametrize("person", ["verifier", "responder", "viewer", "admin"])
    def test_is_for_officers(self, cast, alder, person):
        with pytest.raises(errors.NotAllowed):
            alder.send(actor=getattr(cast.alder, person).actor)

    def test_needs_a_second_factor(self, cast, alder):
        with pytest.raises(errors.StepUpRequired):
            alder.send(actor=cast.alder.officer.actor_without_step_up)


def revoked_leaf(signer, **members) -> Notice:
    """Return the notice of a service certificate that is revoked at once."""
    members = {"certificate_serial": "0A:1B:2C", "revocation_reason": "keyCompromise"} | members
    moment = signer.members()["timestamp"]
    return signer.send(kind="certificate_revocation", effective_date=moment, **members).notice


class TestEffect:
    def test_comes_at_the_effective_time_and_not_before(self, cast, alder, now):
        notice = alder.send().notice

        life.sweep(now=now + timedelta(hours=4) - timedelta(seconds=1))
        assert ISSUING in digests(cast)

        life.sweep(now=now + timedelta(hours=4))
        notice.refresh_from_db()
        assert ISSUING not in digests(cast)
        assert notice.effects == [{"store": "alder-prod", "version": 2, "removed": ISSUING}]

    def test_comes_at_once_when_the_time_is_past(self, cast, alder, now):
        notice = alder.send(effective_date=alder.members()["timestamp"]).notice

        assert notice.state == State.EXECUTED
        assert ISSUING not in digests(cast)

    def test_of_a_root_withdraws_everything_below(self, cast, alder):
        alder.send(certificate_sha256=ROOT, effective_date=alder.members()["timestamp"])

        assert digests(cast) == set()

    def test_of_a_leaf_is_an_entry_of_the_deny_list(self, cast, alder, now):
        notice = alder.send(
            kind="certificate_revocation",
            certificate_serial="0A:1B:2C",
            certificate_issuer_sha256=ISSUING,
            revocation_reason="keyCompromise",
            effective_date=alder.members()["timestamp"],
        ).notice

        entry = DenyEntry.objects.get()
        assert (entry.serial, entry.issuer_sha256, entry.notice) == ("a1b2c", ISSUING, notice)
        assert ISSUING in digests(cast)

    @pytest.mark.parametrize("written", ["rfc4514", "shown", "openssl", "reversed"])
    def test_of_a_leaf_comes_however_its_issuer_is_written(self, alder, written):
        name = stores.hierarchy("Alder").issuing.certificate.subject
        texts = {
            "rfc4514": name.rfc4514_string(),
            "shown": str(stores.hierarchy("Alder").issuing.facts.subject),
            "openssl": ", ".join(one.rfc4514_string().replace("=", " = ", 1) for one in name.rdns),
            "reversed": ",".join(one.rfc4514_string() for one in name.rdns),
        }

        notice = revoked_leaf(alder, certificate_issuer=texts[written])

        assert notice.matched
        assert DenyEntry.objects.get().issuer_sha256 == ISSUING
        [refuse] = [
            each for each in todo.tasks(notice, clocks.clock_of(notice), [], effects.Behind()) if "Refuse" in each.title
        ]
        assert (refuse.sentence, refuse.state) == ("It is on the deny list of alder-prod.", "done")

    def test_of_a_leaf_that_trustx_wrote_is_an_entry_of_the_deny_list(self, alder):
        leaf = make_certificates.leaf(stores.hierarchy("Alder").issuing)

        notice = revoked_leaf(alder, **trustx_notices.about_certificate(leaf.pem))

        entry = DenyEntry.objects.get()
        assert (entry.serial, entry.certificate_sha256) == (f"{leaf.certificate.serial_number:x}", leaf.sha256)
        assert notice.matched

    def test_of_a_leaf_is_an_entry_for_each_ca_of_that_name(self, cast, alder):
        renewed = stores.certificate(stores.hierarchy("Alder").issuing)
        renewed.pk, renewed.not_before = "ab" * 32, renewed.not_before + timedelta(days=1)
        renewed.save(force_insert=True)
        submission = Submission.objects.get(owner=cast.alder.organization)
        submission.places.create(certificate=renewed, role="intermediate", position=99)

        revoked_leaf(alder, certificate_issuer=renewed.subject)

        assert set(DenyEntry.objects.values_list("issuer_sha256", flat=True)) == {ISSUING, renewed.pk}

    def test_of_a_leaf_of_a_ca_that_nobody_knows_is_nothing_and_the_page_says_so(self, cast, alder, now):
        notice = revoked_leaf(alder, certificate_issuer="CN=Unheard of,O=Alder")
        clock = clocks.clock_of(notice)

        [refuse] = [each for each in todo.tasks(notice, clock, [], effects.Behind()) if "Refuse" in each.title]
        assert (notice.matched, DenyEntry.objects.count()) == (False, 0)
        assert (refuse.title, refuse.state) == ("Refuse the certificate yourself", "after")

    def test_of_a_rehearsal_is_nothing(self, cast, alder):
        notice = alder.send(rehearsal=True, effective_date=alder.members()["timestamp"]).notice

        assert notice.state == State.EXECUTED
        assert notice.title.startswith("REHEARSAL: ")
        assert ISSUING in digests(cast)

    def test_happens_once(self, cast, alder, now):
        alder.send(effective_date=alder.members()["timestamp"])

        life.sweep(now=now)
        life.sweep(now=now)

        assert TrustStore.objects.get().current_number == 2
        assert Event.objects.filter(kind="notice.executed").count() == 1

    def test_does_not_come_when_the_notice_was_withdrawn(self, cast, alder, now):
        notice = alder.send().notice

        withdrawal = alder.send(kind="withdrawal", withdraws=notice.message_id).notice
        life.sweep(now=now + timedelta(hours=5))

        notice.refresh_from_db()
        assert notice.state == State.WITHDRAWN
        assert withdrawal.withdraws == notice
        assert ISSUING in digests(cast)

    def test_cannot_be_withdrawn_after_it_came(self, cast, alder):
        notice = alder.send(effective_date=alder.members()["timestamp"]).notice

        with pytest.raises(errors.Conflict) as refused:
            alder.send(kind="withdrawal", withdraws=notice.message_id)

        assert "two people" in refused.value.fix
        assert ISSUING not in digests(cast)

    def test_is_that_of_the_correction(self, cast, alder, now):
        wrong = alder.send().notice

        alder.send(supersedes=wrong.message_id, effective_date=alder.members(now=now + timedelta(hours=9))["timestamp"])
        life.sweep(now=now + timedelta(hours=4))

        wrong.refresh_from_db()
        assert wrong.state == State.SUPERSEDED
        assert ISSUING in digests(cast)


class TestAdoption:
    def test_comes_when_every_consumer_has_moved(self, cast, alder, now):
        from trust.consumers.models import Consumer, PullRecord

        store = TrustStore.objects.get()
        consumer = Consumer.objects.create(organization=cast.birch.organization, name="recon-batch", created_at=now)
        consumer.stores.add(store)
        pull = PullRecord.objects.create(consumer=consumer, store=store, pulled_at=now, version_number=1)
        notice = alder.send(effective_date=alder.members()["timestamp"]).notice
        life.sweep(now=now)
        notice.refresh_from_db()
        assert notice.state == State.EXECUTED

        PullRecord.objects.filter(pk=pull.pk).update(version_number=2)
        life.sweep(now=now)

        notice.refresh_from_db()
        assert notice.state == State.ADOPTED

    def test_is_needed_before_closing(self, cast, alder, now):
        notice = alder.send().notice

        with pytest.raises(errors.Conflict):
            life.close(notice=notice, actor=cast.birch.officer.actor, now=now)


class TestEmergencyLane:
    def test_lets_a_responder_remove_early_and_alone(self, cast, alder, now):
        from trust.notices import effects

        notice = alder.send().notice

        effects.publish_removal_early(notice=notice, actor=cast.birch.responder.actor, now=now)

        version = TrustStore.objects.get().versions.first()
        assert ISSUING not in digests(cast)
        assert version.published_by == cast.birch.responder.user
        assert version.review_due_at == now + timedelta(hours=24)

    def test_is_closed_to_the_sender_and_to_strangers(self, cast, alder, now):
        from trust.notices import effects

        notice = alder.send().notice

        for company in (cast.alder, cast.cedar):
            with pytest.raises(errors.NotFound):
                effects.publish_removal_early(notice=notice, actor=company.officer.actor, now=now)
        assert ISSUING in digests(cast)

    def test_is_closed_while_the_key_is_not_verified(self, cast, now):
        from trust.notices import effects

        stores.published(cast)
        notice = notices.make_signer(cast, name="Unverified Alder", verified=False).send().notice

        with pytest.raises(errors.Conflict) as refused:
            effects.publish_removal_early(notice=notice, actor=cast.birch.responder.actor, now=now)

        assert refused.value.code == "key_not_verified"


class TestDistress:
    def notice(self, alder, now, **members):
        signed_at = now - timedelta(days=90)
        made = alder.members(now=signed_at, effective_date=None, certificate_sha256=ROOT)
        defaults = {"distress": True, "valid_until": "2039-01-01T00:00:00Z"}
        from trust.notices import document

        defaults["valid_until"] = document.stamp(now + timedelta(days=200))
        return alder.signed(made | defaults | members, at=None)

    def test_takes_effect_at_once_whoever_hands_it_in(self, cast, alder, now):
        content, signature = self.notice(alder, now)

        taken = services.hand_in_distress(now=now, content=content, signature=signature)

        assert taken.notice.state == State.EXECUTED
        assert digests(cast) == set()

    def test_takes_effect_once(self, cast, alder, now):
        content, signature = self.notice(alder, now)

        first = services.hand_in_distress(now=now, content=content, signature=signature)
        second = services.hand_in_distress(now=now + timedelta(days=2), content=content, signature=signature)

        assert (second.replayed, second.answer) == (True, first.answer)
        assert TrustStore.objects.get().current_number == 2

    @pytest.mark.parametrize(
        ("members", "code"),
        [
            ({"distress": None, "valid_until": None}, "not_distress"),
            ({"valid_until": "2020-01-01T00:00:00Z"}, "notice_distress_lapsed"),
            ({"valid_until": "2099-01-01T00:00:00Z"}, "notice_distress_too_long"),
        ],
        ids=["an ordinary notice", "lapsed", "good for decades"],
    )
    def test_is_refused_when(self, cast, alder, now, members, code):
        content, signature = self.notice(alder, now)
        from trust.notices import document

        made = document.read_object(content) | members
        content, signature = alder.signed({k: v for k, v in made.items() if v is not None})

        with pytest.raises(errors.Invalid) as refused:
            services.hand_in_distress(now=now, content=content, signature=signature)

        assert refused.value.code == code
        assert ROOT in digests(cast)


class TestFeed:
    def test_shows_a_gap(self, cast, alder):
        for _ in range(3):
            alder.send()

        assert [each.sequence for each in queries.feed(cast.partnership, after=1, limit=10)] == [2, 3]

    def test_is_nothing_for_a_stranger(self, cast, alder):
        alder.send()

        assert not queries.of(cast.cedar.organization).exists()
        assert Notice.objects.count() == 1
