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
    page = Client().get("/docs/settings/").content.decode()
    listed = page.partition('class="toc"')[2].partition("</nav>")[0]
    parts = re.findall(r'<li><a href="#([a-z-]+)">([^<]+)</a></li>', listed)

    assert len(parts) > 3
    assert all(f'<h2 id="{anchor}">' in page for anchor, _ in parts)
    assert page.index("<h1") < page.index("On this page") < page.index("<h2 id=")
    assert "On this page" not in Client().get("/docs/how-a-bundle-becomes-a-store/").content.decode()


# The pages of the portal keep to so many elements, of which a page around a document has some 200.
MOST_ELEMENTS = 1300


def test_no_page_of_the_documentation_is_too_long_to_find_something_in(db):
    for name, _ in pages.documents():
        page = Client().get(f"/docs/{name}/").content.decode()
        addresses = {f"/docs/{name}/", *re.findall(rf'href="(/docs/{name}/[a-z0-9-]+/)"', page)}

        for address in addresses:
            shown = Client().get(address).content.decode()
            assert len(re.findall(r"<[a-z]", shown)) <= MOST_ELEMENTS, address


def test_a_very_long_document_lists_what_stands_in_its_parts_and_each_part_leads_on(db):
    page = Client().get("/docs/findings/").content.decode()

    assert '<h2 id="private-keys"><a href="/docs/findings/private-keys/">Private keys</a>' in page
    assert '<li id="rollback"><a href="/docs/findings/the-manifest-of-a-package/#rollback">rollback</a></li>' in page
    part = Client().get("/docs/findings/private-keys/").content.decode()
    assert "<h1>Private keys</h1>" in part
    assert 'href="/docs/findings/limits-of-the-examination/"' in part
    assert 'href="/docs/findings/the-profile-of-a-ca-certificate/"' in part
    first, last = (Client().get(f"/docs/permissions/{part}/") for part in ("api", "open-to-everybody"))
    assert first.status_code == last.status_code == 200


def test_a_place_in_a_document_has_an_address_that_leads_there(db):
    client = Client()

    assert client.get("/docs/findings/rollback/")["Location"] == "/docs/findings/the-manifest-of-a-package/#rollback"
    assert client.get("/docs/problems/not_found/")["Location"] == "/docs/problems/#not_found"
    for nowhere in ("/docs/findings/nothing/", "/docs/nothing/rollback/", '/docs/findings/x"y/'):
        assert client.get(nowhere).status_code == 404
