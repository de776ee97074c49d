"""What is shipped in ``static/`` is what we say it is, and nothing asks for an icon that is not there."""

import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from portal import states

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "static"
VENDORED = json.loads((STATIC / "vendor.json").read_text(encoding="utf-8"))["vendored"]
ICONS = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "icons.svg").read_text(encoding="utf-8")))
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("item", VENDORED, ids=lambda item: item["name"])
def test_vendored_files_have_a_license_and_the_digest_on_record(item):
    assert item["license"] in {"MIT", "OFL-1.1", "Apache-2.0", "BSD-3-Clause", "0BSD"}
    assert (STATIC / item["license_file"]).stat().st_size > 500
    for name, digest in item["files"].items():
        assert hashlib.sha256((STATIC / name).read_bytes()).hexdigest() == digest, name


def test_every_vendored_looking_file_is_on_record():
    recorded = {name for item in VENDORED for name in item["files"]}
    found = {str(path.relative_to(STATIC)) for path in (STATIC / "fonts").iterdir()} | {"icons.svg"}

    assert found == recorded


def test_every_icon_that_is_named_is_in_the_sprite():
    named = {label.icon for labels in states.LABELS.values() for label in labels.values()}
    for template in TEMPLATES:
        named |= set(re.findall(r'{% icon "([^"]+)"', template.read_text(encoding="utf-8")))

    assert named - ICONS == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_have_nothing_inline(path):
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\sstyle=", text)
    # A mail has no address of its own to take a style sheet from, and is shown by no browser of ours.
    assert "<style" not in text or path.relative_to(ROOT / "templates").parts[:2] == ("notifications", "mail")
    assert not re.search(r"\son[a-z]+=\"", text)
    scripts = re.findall(r"<script([^>]*)>", text)
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes in scripts)


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_keep_each_tag_on_one_line(path):
    """Django shows a tag that goes on over a line end as text, and says nothing."""
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        assert line.count("{%") == line.count("%}"), f"line {number}"
        assert not re.search(r"\{\{(?!.*\}\})", line), f"line {number}"


def test_the_stylesheet_is_small_and_fetches_nothing_from_elsewhere():
    css = (STATIC / "css/portal.css").read_bytes()

    assert len(gzip.compress(css, 9)) < 14 * 1024
    assert b"url(data:" not in css.replace(b'"', b"")
    assert b"//" not in re.sub(rb"/\*.*?\*/", b"", css, flags=re.S)


def test_scripts_stay_within_their_budget():
    scripts = b"".join(path.read_bytes() for path in sorted((STATIC / "js").glob("*.js")))

    assert len(gzip.compress(scripts, 9)) < 20 * 1024
