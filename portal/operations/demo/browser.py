"""A person with a browser: signs in with password and code, fills in forms, follows links. No scripts."""

import base64
import io
import time
from collections.abc import Mapping

import mechanicalsoup
import requests
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

TIMEOUT = 30  # seconds


def code(secret: str, at: float | None = None) -> str:
    """Return the six digits that an authenticator app shows for ``secret`` (RFC 6238, 30 seconds, SHA-1)."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    # Authenticator apps use SHA-1 and short keys; the library asks to say so.
    generator = TOTP(key, 6, SHA1(), 30, enforce_key_length=False)  # noqa: S303
    return generator.generate(int(at if at is not None else time.time())).decode()


class Unexpected(Exception):
    """The portal answered something that the story does not go on from."""


class Person:
    """A person in front of a browser of their own."""

    def __init__(self, base_url: str, *, name: str, email: str, password: str) -> None:
        self.base_url, self.name, self.email, self.password = base_url, name, email, password
        self.totp_secret = ""
        self.browser = mechanicalsoup.StatefulBrowser(user_agent="demonstration", raise_on_404=False)
        self._last_code = ""

    @property
    def page(self):
        """Return the parsed page that the browser shows."""
        return self.browser.page

    def text(self) -> str:
        """Return the words on the page, white space folded."""
        return " ".join(self.page.get_text(" ").split())

    def open(self, path: str) -> requests.Response:
        """Open a page. Raises Unexpected unless the portal shows it."""
        answer = self.browser.open(path if path.startswith("http") else self.base_url + path, timeout=TIMEOUT)
        return self._check(answer)

    def link(self, selector: str) -> str:
        """Return the address of the first link that ``selector`` finds. Raises Unexpected when there is none."""
        found = self.page.select_one(selector) if self.page is not None else None
        if found is None:
            raise Unexpected(f"{self.name}: no link {selector} on {self.browser.url}: {self.text()[:600]}")
        return self.browser.absolute_url(found["href"])

    def fill(
        self,
        selector: str,
        fields: Mapping[str, object] | None = None,
        files: Mapping[str, tuple[str, bytes]] | None = None,
    ) -> requests.Response:
        """Fill in the form that ``selector`` finds and submit it; go through the step-up if the portal asks for one.

        Raises Unexpected when there is no such form, or the portal refuses what was typed.
        """
        if self.page is None or not self.page.select(selector):
            raise Unexpected(f"{self.name}: no form {selector} on {self.browser.url}: {self.text()[:400]}")
        form = self.browser.select_form(selector)
        for name, value in (fields or {}).items():
            form[name] = value
        for name, (file_name, content) in (files or {}).items():
            form.set(name, _NamedFile(file_name, content))
        answer = self.browser.submit_selected(timeout=TIMEOUT)
        if "/account/2fa/reauthenticate/" in answer.url:
            return self._step_up()
        return self._check(answer)

    def _step_up(self) -> requests.Response:
        return self.enter_code('form[method="post"]:has(input[name="code"])')

    def enter_code(self, selector: str) -> requests.Response:
        """Type a code into the form that ``selector`` finds, and the next one if the half minute ended on the way."""
        asked = self.browser.url
        answer = self.submit_code(selector)
        if self.browser.url == asked and self.page.select_one(selector) is not None:
            answer = self.submit_code(selector)
        return answer

    def submit_code(self, selector: str) -> requests.Response:
        """Type the code that is fresh now, once."""
        self.browser.select_form(selector)
        self.browser["code"] = self.next_code()
        return self._check(self.browser.submit_selected(timeout=TIMEOUT))

    def next_code(self) -> str:
        """Return a code that was not used yet, waiting for the next half minute when it must."""
        while (fresh := code(self.totp_secret)) == self._last_code:
            time.sleep(0.5)
        self._last_code = fresh
        return fresh

    def _check(self, answer: requests.Response) -> requests.Response:
        if answer.status_code >= 400:
            words = self.text() if self.page is not None else answer.text
            raise Unexpected(f"{self.name}: {answer.status_code} at {answer.url}: {words[:1500]}")
        return answer

    def join(self, link: str) -> None:
        """Join by invitation: choose a password, then set up an authenticator app."""
        self.open(link)
        self.fill('form:has(input[name="password"])', {"name": self.name, "password": self.password})
        self._activate_totp()

    def _activate_totp(self) -> None:
        if "totp/activate" not in self.browser.url:
            self.open("/account/2fa/totp/activate/")
        self.totp_secret = self.page.select_one("#secret").get_text(strip=True)
        self.enter_code('form:has(input[name="code"])')

    def sign_in(self) -> None:
        """Sign in with password and code."""
        self.open("/account/login/")
        self.fill('form:has(input[name="login"])', {"login": self.email, "password": self.password})
        if "2fa/authenticate" in self.browser.url:
            self.enter_code('form:has(input[name="code"])')


class _NamedFile(io.BytesIO):
    """A file to upload, from memory."""

    def __init__(self, name: str, content: bytes) -> None:
        super().__init__(content)
        self.name = name
