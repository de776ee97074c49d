"""gpg is gone, the disk is full (case 61): nothing is taken, nothing moves, and the last published store is still served."""

import base64
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client

from portal.audit.models import Event
from tests.makers import api_tokens, disks, notices, openpgp
from tests.makers import consumers as make_consumers
from tests.makers import stores as make
from tests.makers.serving import CURRENT, Door
from tests.makers.submissions import hierarchy, signer, submit
from trust.keys.models import OpenPgpKey
from trust.notices.models import Notice
from trust.stores.models import StoreVersion
from trust.submissions.models import Submission


@pytest.fixture
def token(cast) -> str:
    make.published(cast)
    return make_consumers.registered(cast)[1]


def state() -> tuple[int, ...]:
    counted = (Submission, Notice, OpenPgpKey, StoreVersion, Event)
    return tuple(model.objects.count() for model in counted)


class TestWithoutGnuPg:
    """The programs are really not on the path of the process; everything else is."""

    @pytest.fixture
    def gone(self, monkeypatch, tmp_path):
        def take_away() -> None:
            for folder in ("/usr/local/bin", "/usr/bin", "/bin"):
                for program in Path(folder).iterdir():
                    if program.name not in ("gpg", "gpgv", "sqv") and not (tmp_path / program.name).exists():
                        (tmp_path / program.name).symlink_to(program)
            monkeypatch.setenv("PATH", str(tmp_path))

        return take_away

    def test_no_bundle_is_taken(self, cast, gone):
        content = hierarchy().bundle
        body = {
            "partnership": "alder-birch",
            "file_name": "bundle.pem",
            "content": base64.b64encode(content).decode(),
            "signature": base64.b64encode(signer(cast).sign_detached(content)).decode(),
        }
        before = state()
        gone()

        answer = cast.alder.verifier.client().post("/api/v1/submissions", body, content_type="application/json")

        assert (answer.status_code, answer["Content-Type"]) == (503, "application/problem+json")
        assert state() == before

    def test_no_notice_is_taken(self, cast, token, gone):
        alder = notices.make_signer(cast)
        content, signature = alder.signed(alder.members())
        body = {"notice": content.decode(), "signature": signature.decode()}
        robot = api_tokens.headers(cast.alder, "notices")
        before = state()
        gone()

        answer = Client().post("/api/v1/certificate-alerts", body, content_type="application/json", headers=robot)

        assert (answer.status_code, answer.json()["code"]) == (503, "openpgp_tool_missing")
        assert state() == before

    def test_no_key_is_taken(self, cast, gone):
        block = openpgp.make_holder("Alder").public_block().decode()
        before = state()
        gone()

        answer = cast.alder.officer.client().post("/api/v1/keys", {"block": block}, content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (503, "openpgp_tool_missing")
        assert state() == before

    def test_the_last_store_is_still_served(self, token, gone):
        gone()

        assert Door().pull(CURRENT, token)[0] == 200


@pytest.mark.django_db(transaction=True)
class TestAFullDisk:
    @pytest.fixture
    def disk(self, token):
        with disks.small() as disk:
            yield disk

    def test_takes_a_bundle_whole_or_not_at_all_serves_on_and_goes_on_later(self, cast, token, disk):
        holder = signer(cast)
        bundles = [hierarchy(f"Company {number}").bundle for number in range(12)]
        disk.fill()

        taken = 0
        with pytest.raises(OperationalError, match=disk.says):
            for bundle in bundles:
                submit(cast, bundle, holder=holder)
                taken += 1

        assert Door().pull(CURRENT, token)[0] == 200
        assert Event.objects.filter(kind="submission.received").count() == taken
        assert Submission.objects.exclude(file_name="").count() == 1 + taken, (
            "the published one, and what was taken whole"
        )
        disk.make_room()
        submit(cast, bundles[taken], holder=holder)
        assert Event.objects.filter(kind="submission.received").count() == taken + 1
