"""The pages on which a notice is read, answered and written."""

import pytest

from notifications.acknowledgements import queries, services
from notifications.acknowledgements.models import NoticeAnswer, NoticeClock
from notifications.acknowledgements.rules import Answer, State
from portal.audit.models import Event
from tests.features.notifications.acknowledgements.test_answers import answer
from tests.makers import notices, stores
from trust.notices import document


class TestPages:
    def page(self, person, path, **headers):
        return person.client().get(path, headers=headers)

    def test_show_one_button_above_everything(self, cast, notice):
        page = self.page(cast.birch.responder, f"/notices/{notice.label}/").content.decode()

        assert page.count('class="btn p') == 1
        assert "Nobody has acknowledged this yet" in page
        assert "Tells" in page
        assert "Changes no trust store." in page

    def test_get_changes_nothing_and_the_button_does(self, cast, notice):
        client = cast.birch.responder.client()
        events = Event.objects.count()
        for path in (f"/n/{notice.label}/", f"/notices/{notice.label}/", f"/notices/{notice.label}/acknowledge/"):
            client.get(path)
            client.get(path)
        assert (Event.objects.count(), NoticeClock.objects.count()) == (events, 0)

        client.post(f"/notices/{notice.label}/acknowledge/")

        assert queries.clock_of(notice).state == State.ACKNOWLEDGED

    def test_opening_is_a_fact_of_its_own(self, cast, notice):
        cast.birch.responder.client().post(f"/notices/{notice.label}/opened/")

        assert NoticeAnswer.objects.get().answer == Answer.OPENED
        assert queries.clock_of(notice).state == State.OPEN
        seen = self.page(cast.birch.officer, f"/notices/{notice.label}/").content.decode()
        assert "<strong>Opened.</strong> By " in seen

    @pytest.mark.parametrize("tab", ["received", "sent"])
    def test_list_them_for_both_sides(self, cast, notice, tab):
        company = cast.alder if tab == "sent" else cast.birch

        page = self.page(company.officer, f"/notices/?tab={tab}").content.decode()

        assert notice.label in page

    def test_show_the_sender_the_answer_and_not_the_button(self, cast, notice, now):
        answer(cast, notice, now)

        page = self.page(cast.alder.officer, f"/notices/{notice.label}/").content.decode()

        assert cast.birch.responder.user.name in page
        assert "acknowledge/" not in page

    def test_are_nothing_for_a_stranger(self, cast, notice):
        for path in (f"/n/{notice.label}/", f"/notices/{notice.label}/", f"/notices/{notice.label}/signed"):
            assert self.page(cast.cedar.officer, path).status_code == 404

    def test_say_when_the_sender_is_not_verified(self, cast):
        stores.published(cast)
        notice = notices.make_signer(cast, name="Unverified Alder", verified=False).send().notice

        page = self.page(cast.birch.responder, f"/notices/{notice.label}/").content.decode()

        assert "We cannot tell who sent this. Do not act on it alone: call Alder." in page
        assert "acknowledge/" not in page

    def test_remove_early_by_a_responder(self, cast, notice):
        from trust.stores.models import TrustStore

        cast.birch.responder.client().post(f"/notices/{notice.label}/remove/")

        assert TrustStore.objects.get().current_number == 2

    def test_are_text_for_a_terminal(self, cast, notice):
        page = self.page(cast.birch.responder, f"/notices/{notice.label}/", accept="text/plain")

        text = page.content.decode()
        assert page["Content-Type"].startswith("text/plain")
        assert "What to do:" in text
        assert notice.certificate.sha256[:4].upper() in text
        assert "\x1b" not in text

    @pytest.mark.parametrize(
        "state", ["announced", "executed", "adopted", "closed", "superseded", "withdrawn", "unverified"]
    )
    @pytest.mark.parametrize("said", ["open", "acknowledged", "done", "cannot_act"])
    def test_exist_in_each_state(self, cast, notice, now, state, said):
        from trust.notices.models import Notice

        services.begin(notice)
        NoticeClock.objects.update(
            state=said, acknowledged_at=now, acknowledged_by_label="Priya Nair", done_at=now, cannot_act_at=now
        )
        Notice.objects.update(state=state)

        for company in (cast.alder, cast.birch):
            assert self.page(company.officer, f"/notices/{notice.label}/").status_code == 200

    def test_change_the_policy(self, cast):
        client = cast.birch.admin.client()

        page = client.post(
            "/notices/escalation/", {"after_1": 0, "who_1": ["responders"], "after_2": 10, "who_2": ["admins"]}
        )

        assert page.status_code == 302
        assert len(queries.policy_of(cast.birch.organization)) == 2
        assert "After 10 min" in client.get("/notices/escalation/").content.decode()

    def test_compose_sign_and_send(self, cast, alder):
        from django.core.files.uploadedfile import SimpleUploadedFile

        from tests.makers.stores import hierarchy
        from trust.notices.models import Notice, NoticeDraft

        client = cast.alder.officer.client()
        assert client.get("/notices/new/").status_code == 200
        chosen = client.post("/notices/new/", {"partnership": "alder-birch", "kind": "ca_revocation"})
        assert client.get(chosen.url).status_code == 200
        composed = client.post(
            chosen.url,
            {
                "certificate": hierarchy("Alder").issuing.sha256,
                "revocation_reason": "keyCompromise",
                "tlp": "TLP:AMBER",
            },
        )
        draft = NoticeDraft.objects.get()
        preview = client.get(composed.url).content.decode()
        content = client.get(f"{composed.url}notice.json").content
        signature = SimpleUploadedFile("notice.json.asc", alder.holder.sign_detached(content))
        sent = client.post(composed.url, {"signature": signature})

        notice = Notice.objects.get()
        assert "It leaves your partner" in preview
        assert (bytes(notice.payload), sent.url) == (bytes(draft.content), f"/notices/{notice.label}/")

    @pytest.mark.parametrize("kind", [kind.value for kind in document.Kind])
    def test_compose_each_kind(self, cast, alder, kind):
        assert cast.alder.officer.client().get(f"/notices/new/alder-birch/{kind}/").status_code == 200
