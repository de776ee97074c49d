"""Two people in two real browsers, each signed in, and what they do with keyboard and eyes only."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.core.handlers.base import BaseHandler

from tests.cast import Person


@dataclass
class Seat:
    """One person at one browser. Counts the keys and clicks of the person."""

    page: Any
    keys: int = 0
    clicks: int = 0
    requests: int = 0

    def type(self, text: str) -> None:
        """Type characters one by one, as a person does."""
        for character in text:
            self.page.keyboard.press(character if character != " " else "Space")
            self.keys += 1

    def press(self, key: str) -> None:
        # The browser gives the focus to what asked for it when it first paints.
        self.page.wait_for_function("document.readyState == 'complete' && document.activeElement != document.body")
        self.page.keyboard.press(key)
        self.keys += 1

    def click(self, name: str) -> None:
        """Press a button or follow a link by its visible name."""
        self.page.get_by_role("button", name=name).or_(self.page.get_by_role("link", name=name)).first.click()
        self.clicks += 1

    def sees(self, text: str) -> None:
        """Wait until a text is on the page."""
        self.page.get_by_text(text).first.wait_for()


def keep_answers(monkeypatch: Any) -> dict[str, list[str]]:
    """Return a dict that fills with everything the server sends, headers and bodies, by the user's address."""
    kept: dict[str, list[str]] = defaultdict(list)
    original = BaseHandler.get_response

    def get_response(self: Any, request: Any) -> Any:
        response = original(self, request)
        whom = getattr(getattr(request, "user", None), "email", "")
        body = "" if response.streaming else response.content.decode("utf-8", "replace")
        kept[whom].append(f"{response.status_code}\n{response.headers}\n{body}")
        return response

    monkeypatch.setattr(BaseHandler, "get_response", get_response)
    return kept


def sit_down(browser: Any, person: Person, base_url: str, *, scripts: bool = True, width: int = 1280) -> Seat:
    """Return the person's seat: a browser of their own in which they are signed in."""
    context = browser.new_context(
        base_url=base_url, viewport={"width": width, "height": 900}, java_script_enabled=scripts
    )
    context.add_cookies(
        [{"name": name, "value": morsel.value, "url": base_url} for name, morsel in person.client().cookies.items()]
    )
    context.add_init_script(
        "window.violations = []; addEventListener('securitypolicyviolation', "
        "(event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));"
    )
    page = context.new_page()
    page.set_default_timeout(15_000)
    seat = Seat(page)
    page.on("request", lambda _: setattr(seat, "requests", seat.requests + 1))
    return seat
