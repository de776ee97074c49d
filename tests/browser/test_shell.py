"""The shell and every part of the interface, looked at by a browser and by axe."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture
def styleguide(live_server, settings):
    settings.ROOT_URLCONF = "tests.browser.urls"
    return f"{live_server.url}/styleguide/"


def findings(page) -> list[str]:
    """Return what axe has against the page, WCAG A and AA and best practice."""
    found = Axe().run(page).response["violations"]
    return [f"{each['id']}: {node['html'][:160]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_axe_finds_nothing_in_any_part(open_page, styleguide, width, scheme):
    page = open_page(styleguide, width=width, scheme=scheme)

    assert findings(page) == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
@pytest.mark.parametrize("address", ["/account/login/", "/account/password/reset/", "/no-such-page/"])
def test_axe_finds_nothing_in_pages_for_the_signed_out(open_page, live_server, address, width, scheme):
    page = open_page(live_server.url + address, width=width, scheme=scheme)

    assert findings(page) == []
    assert page.evaluate("violations") == []


def test_nothing_is_refused_by_the_content_security_policy(open_page, styleguide):
    page = open_page(styleguide)

    assert page.evaluate("violations") == []
    assert page.complaints == []
    # The check is not blind: the same policy does refuse what is written inline.
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')")
    assert page.evaluate("violations").pop().startswith("style-src")


def test_nothing_scrolls_sideways_at_320_pixels(open_page, styleguide):
    page = open_page(styleguide, width=320)

    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_text_spacing_of_the_reader_breaks_nothing(open_page, styleguide):
    page = open_page(styleguide, width=390)

    page.evaluate(
        """() => { const sheet = new CSSStyleSheet();
        sheet.replaceSync("* { letter-spacing: .12em !important; word-spacing: .16em !important; line-height: 1.5 !important }");
        document.adoptedStyleSheets = [sheet]; }"""
    )

    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_menu_opens_and_closes_with_scripts_off(open_page, styleguide):
    page = open_page(styleguide, width=390, scripts=False)
    rail = page.get_by_role("navigation", name="Main")
    assert not rail.is_visible()

    page.get_by_role("button", name="Menu", exact=True).click()
    assert rail.get_by_role("link", name="Trust stores").is_visible()

    page.get_by_role("button", name="Close menu").click()
    assert not rail.is_visible()


def test_what_needs_a_script_is_not_shown_without_it(open_page, live_server):
    page = open_page(f"{live_server.url}/account/login/", scripts=False)

    assert not page.get_by_role("button", name="Continue with a passkey").is_visible()
    assert page.get_by_role("button", name="Continue", exact=True).is_visible()


def test_the_first_stop_of_the_keyboard_skips_to_main(open_page, live_server):
    page = open_page(f"{live_server.url}/account/login/")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to main content"

    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


class TestKeys:
    def test_a_question_mark_lists_them(self, open_page, styleguide):
        page = open_page(styleguide)
        page.evaluate("document.activeElement.blur()")

        page.keyboard.press("?")

        assert page.get_by_role("dialog", name="Keyboard shortcuts").is_visible()

    def test_a_moves_to_acknowledge_and_does_not_press_it(self, open_page, styleguide):
        page = open_page(styleguide)
        page.evaluate("document.activeElement.blur()")
        page.evaluate(
            "() => { document.querySelector('[data-acknowledge]').onclick = () => { window.pressed = true } }"
        )

        page.keyboard.press("a")

        assert page.evaluate("document.activeElement.textContent.trim()") == "Acknowledge"
        assert page.evaluate("window.pressed") is None

    def test_do_nothing_while_somebody_types(self, open_page, styleguide):
        page = open_page(styleguide)
        page.get_by_label("Company").fill("")

        page.get_by_label("Company").press_sequentially("a?jk.")

        assert page.get_by_label("Company").input_value() == "a?jk."
        assert not page.get_by_role("dialog").is_visible()

    def test_j_and_k_walk_the_rows(self, open_page, styleguide):
        page = open_page(styleguide)
        page.evaluate("document.activeElement.blur()")

        page.keyboard.press("j")
        first = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("j")
        second = page.evaluate("document.activeElement.textContent")
        page.keyboard.press("k")

        assert "Acknowledge the revocation" in first
        assert "Verify 2 fingerprints" in second
        assert page.evaluate("document.activeElement.textContent") == first

    def test_can_be_switched_off(self, open_page, styleguide, monkeypatch):
        monkeypatch.setattr("portal.styleguide._Ana.shortcuts", False)
        page = open_page(styleguide)
        page.evaluate("document.activeElement.blur()")

        page.keyboard.press("?")

        assert not page.get_by_role("dialog").is_visible()


def test_a_copy_button_copies_the_whole_fingerprint(open_page, styleguide):
    page = open_page(styleguide)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    page.locator("[data-main]").click()

    page.get_by_text("Copied").wait_for()
    assert re.fullmatch("[0-9A-F]{64}", page.evaluate("navigator.clipboard.readText()"))


def test_the_readers_theme_wins_over_the_systems(open_page, styleguide, monkeypatch):
    monkeypatch.setattr("portal.styleguide._Ana.theme", "dark")

    page = open_page(styleguide, scheme="light")

    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(12, 15, 20)"


def test_a_page_weighs_little(open_page, live_server):
    """Cold: document, style sheet, two fonts, script, sprite, favicon; passkey scripts only where there is a passkey button."""
    context_page = open_page("about:blank")
    sizes = []
    context_page.on("response", lambda answer: sizes.append((answer.url, len(answer.body()))))

    context_page.goto(f"{live_server.url}/no-such-page/", wait_until="networkidle")

    assert len(sizes) <= 7, sizes
    assert sum(size for _, size in sizes) < 160 * 1024, sizes
