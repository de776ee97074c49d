"""A member of the demonstration in front of a real Chromium, with what the story asks of a person."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from urllib.parse import urljoin

from bs4 import BeautifulSoup
from playwright.sync_api import Browser, Locator, Page, expect

from portal.operations.demo.browser import Person, Unexpected


class _Window:
    """What the story asks of a browser: where it is, and the text behind a link."""

    def __init__(self, page: Page) -> None:
        self._page = page

    @property
    def url(self) -> str:
        return self._page.url

    def absolute_url(self, href: str) -> str:
        return urljoin(self._page.url, href)

    def get(self, url: str, timeout: float = 30) -> SimpleNamespace:
        answer = self._page.context.request.get(url, timeout=timeout * 1000)
        return SimpleNamespace(text=answer.text(), content=answer.body())


class ChromiumPerson(Person):
    """Clicks and types where the other person sends forms."""

    chromium: Browser
    scripts = False

    def __init__(self, base_url: str, *, name: str, email: str, password: str) -> None:
        super().__init__(base_url, name=name, email=email, password=password)
        self._page = self.chromium.new_context(java_script_enabled=self.scripts).new_page()
        self.browser = _Window(self._page)

    @property
    def page(self) -> BeautifulSoup:
        return BeautifulSoup(self._page.content(), "lxml")

    def open(self, path: str) -> None:
        answer = self._page.goto(path if path.startswith("http") else self.base_url + path)
        self._seen(answer.status if answer else 0)

    def fill(
        self,
        selector: str,
        fields: Mapping[str, object] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> None:
        form = self._page.locator(selector).first
        if form.count() == 0:
            raise Unexpected(f"{self.name}: no form {selector} on {self._page.url}: {self.text()[:600]}")
        if self.scripts and fields and form.get_attribute("data-groups"):
            self._type_groups(fields)
            return
        if self.scripts and fields and form.get_attribute("data-autosend"):
            # The page sends it with the last character; a button may be gone before it is clicked.
            self._send(lambda: [self._type(form.locator(f'[name="{name}"]'), value) for name, value in fields.items()])
            return
        for name, value in (fields or {}).items():
            self._type(form.locator(f'[name="{name}"]'), value)
        for name, (file_name, content) in (files or {}).items():
            file = {"name": file_name, "mimeType": "application/octet-stream", "buffer": content}
            form.locator(f'[name="{name}"]').set_input_files([file])
        self._press(form)
        if "/account/2fa/reauthenticate/" in self._page.url:
            self._step_up()

    def _type_groups(self, fields: Mapping[str, object]) -> None:
        """Type groups of a fingerprint: each is sent with its fourth character, and a group that matches is no field any more."""
        for name, value in fields.items():
            field = self._page.locator(f'[name="{name}"]')
            field.fill(str(value))
            expect(field).to_have_count(0, timeout=30_000)
        self._page.wait_for_load_state()
        self._seen(200)

    def submit_code(self, selector: str) -> None:
        form = self._page.locator(selector).first
        form.locator('[name="code"]').fill(self.next_code())
        self._press(form)

    def _type(self, fields: Locator, value: object) -> None:
        first = fields.first
        kind = (first.get_attribute("type") or "").lower()
        if kind in ("radio", "checkbox"):
            wanted = value if isinstance(value, list) else [value]
            for index in range(fields.count()):
                box = fields.nth(index)
                if value is True or box.get_attribute("value") in wanted:
                    box.check()
        elif first.evaluate("element => element.tagName") == "SELECT":
            first.select_option(str(value))
        else:
            first.fill(str(value))

    def _press(self, form: Locator) -> None:
        button = form.locator('button[type="submit"], button:not([type]), input[type="submit"]').first
        self._send(button.click)

    def _send(self, act: Callable[[], object]) -> None:
        with self._page.expect_navigation() as answer:
            act()
        self._seen(answer.value.status if answer.value else 0)

    def _seen(self, status: int) -> None:
        if status >= 400:
            raise Unexpected(f"{self.name}: {status} at {self._page.url}: {self.text()[:1500]}")
