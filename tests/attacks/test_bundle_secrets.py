"""Attack: a private key comes with the bundle, by mistake or to make the portal a keeper of stolen keys."""

import gzip
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from portal.audit.models import Event
from tests.makers.packages import guide_members, tarred, zipped
from tests.makers.submissions import hierarchy, signer, submit
from trust.certificates.models import Certificate
from trust.submissions.models import Submission

pytestmark = pytest.mark.django_db
KEY = hierarchy().policy.key_pem()
HIDDEN = {
    "in the bundle": hierarchy().bundle + KEY,
    "in a text file of the package": zipped(guide_members(hierarchy()) | {"README.txt": b"remember:\n" + KEY}),
    "as DER under an innocent name": tarred(guide_members(hierarchy()) | {"logo.png": hierarchy().policy.key_der()}),
    "in an archive of the package": tarred({"package.tar.gz": gzip.compress(tarred({"key.txt": KEY}))}),
}


def _everything_stored() -> str:
    """All text of all tables, in one piece."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found.extend(str(row) for row in cursor.fetchall())
    return "\n".join(found)


@pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN.keys())
def test_is_refused_and_stored_nowhere(cast, content, caplog):
    caplog.set_level(logging.DEBUG)
    holder = signer(cast)

    made = submit(cast, content, holder=holder)

    stored = _everything_stored()
    for line in KEY.decode().splitlines()[1:-1]:
        assert line not in stored
        assert line not in caplog.text
    assert hierarchy().policy.key_der().hex() not in stored
    assert (made.state, made.refusal_code) == ("refused", "private_key")
    assert not Certificate.objects.exists()
    assert not Event.objects.filter(kind="submission.received").exists()


def test_is_not_echoed_by_page_or_api(cast):
    holder = signer(cast)
    content = hierarchy().bundle + KEY
    files = {"partnership": "alder-birch", "file": SimpleUploadedFile("b.pem", content)}
    files["signature"] = SimpleUploadedFile("b.pem.asc", holder.sign_detached(content))
    client = cast.alder.verifier.client()

    answers = [client.post("/api/v1/submissions", files), client.get("/p/alder-birch/submissions/1/")]

    assert not any(KEY.splitlines()[1] in answer.content for answer in answers)


def test_is_refused_even_when_the_signature_is_worthless(cast):
    made = submit(cast, hierarchy().bundle + KEY, signature=b"nonsense")

    assert made.refusal_code == "private_key"
    assert Submission.objects.get().content in (b"", memoryview(b""))
