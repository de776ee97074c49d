"""Two people in two real browsers, each signed in, and what they do with keyboard and eyes only."""

from dataclasses import dataclass, field
from typing import Any

from tests.cast import Person


@dataclass
class Seat:
    """One person at one browser. Counts the keys and clicks of the person, and keeps every answer the browser got."""

    page: Any
    keys: int = 0
    clicks: int = 0
    requests: int = 0
    answers: list[Any] = field(default_factory=list)

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

    def bodies(self) -> str:
        """Return everything the server sent to this browser, headers included, as one text."""
        kept = []
        for answer in self.answers:
            kept.append(str(answer.headers))
            try:
                kept.append(answer.text())
            except Exception:  # a redirect or a font has no text
                continue
        return "\n".join(kept)


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
    page.on("response", lambda answer: seat.answers.append(answer))
    page.on("request", lambda _: setattr(seat, "requests", seat.requests + 1))
    return seat
