"""The documentation inside the portal."""

import re

from django.test import Client

from portal.docs import pages


def test_every_document_opens_for_anybody(db):
    assert len(pages.documents()) > 5
    for name, title in pages.documents():
        answer = Client().get(f"/docs/{name}/")

        assert answer.status_code == 200
        assert title.split("`")[0].strip()[:20].encode() in answer.content


def test_the_list_has_every_document_once_and_begins_with_what_partners_need(db):
    page = Client().get("/docs/").content.decode()

    addresses = re.findall(r'class="row" href="/docs/([a-z-]+)/"', page)
    assert sorted(addresses) == sorted(name for name, _ in pages.documents())
    assert page.index("Exchange trust with a partner") < page.index("Operate this portal")


def test_what_is_no_document_is_not_found(db):
    for name in ("nothing", "README", "..", "decisions"):
        assert Client().get(f"/docs/{name}/").status_code == 404


def test_security_txt_names_a_contact_and_an_end(db):
    text = Client().get("/.well-known/security.txt").content.decode()

    assert text.startswith("Contact: mailto:")
    assert "Expires: 20" in text


def test_a_long_document_begins_with_a_list_of_its_parts(db):
    page = Client().get("/docs/findings/").content.decode()
    listed = page.partition('class="toc"')[2].partition("</nav>")[0]
    parts = re.findall(r'<li><a href="#([a-z-]+)">([^<]+)</a></li>', listed)

    assert ("private-keys", "Private keys") in parts
    assert all(f'<h2 id="{anchor}">' in page for anchor, _ in parts)
    assert page.index("<h1") < page.index("On this page") < page.index("<h2 id=")
    assert "On this page" not in Client().get("/docs/how-a-bundle-becomes-a-store/").content.decode()
