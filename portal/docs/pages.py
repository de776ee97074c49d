"""The documentation inside the portal: the Markdown files of the repository's docs folder, one source for both."""

import itertools
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, cached_property
from pathlib import Path

import nh3
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from portal import errors

# From so many on, a document begins with a list of its parts.
MANY_PARTS = 3
# A document of more elements than this is shown part by part, below a list of what stands in each.
LONG = 1000
NAME = re.compile(r"^[a-z0-9]+(-[a-z0-9]+)*$")
CODE = re.compile(r"`([A-Za-z0-9_]+)`")
ELEMENT, HEADING, MARKED = re.compile(r"<[a-z]"), re.compile(r"(?=<h2 )"), re.compile(r'<td id="([^"]+)"')
# Who reads what: the list of documents begins with what people of a partnership need. What nobody named is at the end.
READERS = {
    "Exchange trust with a partner": (
        *("how-a-bundle-becomes-a-store", "sending-a-package", "verify-a-fingerprint"),
        *("how-a-revocation-reaches-everyone", "findings", "mail", "permissions"),
    ),
    "Services and programs": ("pulling-a-store", "problems"),
    "Operate this portal": ("deploy", "settings", "alerts", "threat-model", "interface"),
}


def _folder() -> Path:
    return Path(settings.BASE_DIR) / "docs"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", text.lower()).strip("-")


def _with_anchors(tokens: list[Token]) -> list[Token]:
    """Give headings an id, and the first cell of a row when it is nothing but a code: other pages link to both."""
    for before, opening, content in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if opening.type == "heading_open":
            opening.attrSet("id", _slug(content.content))
        elif before.type == "tr_open" and (code := CODE.fullmatch(content.content)):
            opening.attrSet("id", code[1])
    return tokens


def _with_labels(tokens: list[Token]) -> list[Token]:
    """Let wide tables fold on a small screen: each cell says its column (see docs/interface.md)."""
    labels: list[str] = []
    column = 0
    for opening, content in itertools.pairwise(tokens):
        if opening.type == "table_open":
            labels = []
            opening.attrSet("class", "t fold")
        elif opening.type == "tr_open":
            column = 0
        elif opening.type == "th_open":
            labels.append(content.content)
        elif opening.type == "td_open":
            opening.attrSet("data-label", labels[column])
            column += 1
    return tokens


@dataclass(frozen=True)
class Document:
    """One document: its title, the HTML of the title and of what follows, and its parts as (anchor, words)."""

    title: str
    heading: str
    body: str
    parts: tuple[tuple[str, str], ...]

    @property
    def is_long(self) -> bool:
        """Say whether its parts are pages of their own."""
        return len(self.parts) >= MANY_PARTS and len(ELEMENT.findall(self.body)) > LONG

    @cached_property
    def sections(self) -> tuple["Section", ...]:
        """Return its parts with what stands in them, without their headings."""
        written = HEADING.split(self.body)[1:]
        return tuple(
            Section(anchor, words, text.partition("</h2>")[2], tuple(MARKED.findall(text)))
            for (anchor, words), text in zip(self.parts, written, strict=True)
        )

    @property
    def lead(self) -> str:
        """Return what stands before the first part."""
        return HEADING.split(self.body)[0]


@dataclass(frozen=True)
class Section:
    """One part of a document. ``codes`` are what the first cells of its rows name."""

    anchor: str
    words: str
    body: str
    codes: tuple[str, ...]

    @property
    def count(self) -> int:
        """Return how many lines its tables and lists have."""
        return self.body.count("<tr") - self.body.count("<thead") + self.body.count("<li")


@cache
def rendered(name: str, changed_at: float) -> Document:
    """Return one document; ``changed_at`` is the file's time, so that the cache is honest.

    HTML inside the Markdown stays text, and what is left is cleaned again.
    """
    text = (_folder() / f"{name}.md").read_text(encoding="utf-8")
    # Links between the files work in the repository with their endings and in the portal without.
    text = re.sub(r"\]\((?!https?://)([a-z0-9-]+)\.md(#[\w-]+)?\)", r"](/docs/\1/\2)", text)
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = _with_labels(_with_anchors(markdown.parse(text)))
    html = markdown.renderer.render(tokens, markdown.options, {})
    attributes = {**nh3.ALLOWED_ATTRIBUTES, **{f"h{level}": {"id"} for level in range(1, 7)}}
    attributes |= {"table": {"class"}, "td": {"id", "data-label"}}
    clean = nh3.clean(html, attributes=attributes, link_rel=None)
    title = next((token.content for token in tokens if token.type == "inline"), name)
    heading, end, body = clean.partition("</h1>")
    parts = tuple(
        (str(opening.attrs["id"]), content.content.replace("`", ""))
        for opening, content in itertools.pairwise(tokens)
        if opening.type == "heading_open" and opening.tag == "h2"
    )
    return Document(title, heading + end, body, parts)


def documents() -> list[tuple[str, str]]:
    """Return (name, title) of all documents that the portal shows."""
    found = []
    for path in sorted(_folder().glob("*.md")):
        if NAME.match(path.stem):
            found.append((path.stem, rendered(path.stem, path.stat().st_mtime).title))
    return found


def by_reader() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the documents under a heading for each kind of reader, as ``READERS`` says."""
    titles = dict(documents())
    groups = [(reader, [(name, titles.pop(name)) for name in names]) for reader, names in READERS.items()]
    groups[-1][1].extend(titles.items())
    return groups


@login_not_required
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """List the documents."""
    return render(request, "portal/docs/index.html", {"groups": by_reader()})


@login_not_required
@require_safe
def security_txt(request: HttpRequest) -> HttpResponse:
    """Say whom to tell of a vulnerability (RFC 9116)."""
    expires = (request.now + timedelta(days=180)).replace(microsecond=0)  # type: ignore[attr-defined]
    lines = (
        f"Contact: mailto:{settings.OPERATOR_EMAIL}",
        f"Expires: {expires.isoformat()}",
        "Preferred-Languages: en",
        f"Canonical: {settings.BASE_URL}/.well-known/security.txt",
        f"Policy: {settings.BASE_URL}/docs/threat-model/",
    )
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")


@login_not_required
@require_safe
def document(request: HttpRequest, name: str) -> HttpResponse:
    """Show one document."""
    found = _find(name)
    # Cleaned by nh3 just above, from files that ship with the portal.
    context = {
        "name": name,
        "title": found.title,
        "heading": mark_safe(found.heading),  # noqa: S308
        "body": mark_safe(found.lead if found.is_long else found.body),  # noqa: S308 - the project's own text
        "parts": found.parts if len(found.parts) >= MANY_PARTS and not found.is_long else (),
        "sections": found.sections if found.is_long else (),
    }
    return render(request, "portal/docs/document.html", context)


@login_not_required
@require_safe
def document_part(request: HttpRequest, name: str, part: str) -> HttpResponse:
    """Show one part of a long document. What is only a place in a document leads to that place."""
    found = _find(name)
    number = next((each for each, (anchor, _) in enumerate(found.parts) if anchor == part), None)
    if number is None or not found.is_long:
        return redirect(_place(name, found, part))
    section = found.sections[number]
    context = {
        "name": name,
        "title": found.title,
        "section": section,
        "body": mark_safe(section.body),  # noqa: S308 - the project's own text
        "before": found.sections[number - 1] if number else None,
        "after": found.sections[number + 1] if number + 1 < len(found.sections) else None,
    }
    return render(request, "portal/docs/part.html", context)


def _place(name: str, found: Document, anchor: str) -> str:
    """Return the address of a place in a document. Raises NotFound where it has none of that name."""
    if f' id="{anchor}"' not in found.body:
        raise errors.NotFound()
    inside = next((each for each in found.sections if anchor in each.codes), None)
    page = reverse("document_part", args=[name, inside.anchor]) if inside and found.is_long else None
    return f"{page or reverse('document', args=[name])}#{anchor}"


def _find(name: str) -> Document:
    path = _folder() / f"{name}.md"
    if not NAME.match(name) or not path.is_file():
        raise errors.NotFound()
    return rendered(name, path.stat().st_mtime)
