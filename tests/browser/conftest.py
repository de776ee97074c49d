"""Debian's Chromium, driven from tests that are skipped where it is missing."""

import os
import shutil

import pytest

# Playwright runs an event loop in the thread of the test; Django would refuse the database beside it.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

CHROMIUM = shutil.which("chromium")
# Each violation of the content security policy is kept, so that a test can say that there was none.
_KEEP_VIOLATIONS = """
window.violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


def pytest_collection_modifyitems(items):
    """Mark everything in this folder, and skip it loudly without a browser."""
    for item in items:
        if "tests/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="chromium is not installed"))


@pytest.fixture(scope="session")
def browser_type_launch_args():
    """Launch the system's Chromium, and let it call nobody."""
    quiet = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {"executable_path": CHROMIUM, "args": quiet}


@pytest.fixture
def open_page(browser):
    """Return a function that opens a page: ``open_page(url, width=390, scheme="dark", scripts=True)``."""
    contexts = []

    def opened(url, *, width=1280, scheme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
        )
        contexts.append(context)
        context.add_init_script(_KEEP_VIOLATIONS)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda line: line.type == "error" and page.complaints.append(line.text))
        page.goto(url)
        return page

    yield opened
    for context in contexts:
        context.close()
