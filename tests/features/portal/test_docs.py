"""The documentation inside the portal."""

from django.test import Client

from portal.docs import pages


def test_every_document_opens_for_anybody(db):
    assert len(pages.documents()) > 5
    for name, title in pages.documents():
        answer = Client().get(f"/docs/{name}/")

        assert answer.status_code == 200
        assert title.split("`")[0].strip()[:20].encode() in answer.content


def test_what_is_no_document_is_not_found(db):
    for name in ("nothing", "README", "..", "decisions"):
        assert Client().get(f"/docs/{name}/").status_code == 404


def test_security_txt_names_a_contact_and_an_end(db):
    text = Client().get("/.well-known/security.txt").content.decode()

    assert text.startswith("Contact: mailto:")
    assert "Expires: 20" in text
