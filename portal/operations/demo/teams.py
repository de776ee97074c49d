"""The two demonstration companies and their people."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from portal.operations.demo.browser import Person
from portal.operations.demo.hierarchy import Hierarchy
from portal.operations.demo.openpgp import Holder


@dataclass(frozen=True)
class Member:
    """Who somebody is: name, role, whether they respond at night, and their number if they are in the directory."""

    name: str
    role: str
    responder: bool = False
    phone: str = ""
    title: str = ""


@dataclass(frozen=True)
class Company:
    """What is fixed about a demonstration company. Numbers and domains are fictional."""

    name: str
    slug: str
    domain: str
    admin: str
    members: tuple[Member, ...]
    uploader: str  # uploads keys and bundles
    reader: str  # reads fingerprints to the partner, from the company's own record
    verifier: str  # calls the partner and types
    approver: str  # reads the record and approves


MERIDIAN = Company(
    name="Meridian Pay",
    slug="meridian-pay",
    domain="meridian.example",
    admin="Sam Okafor",
    members=(
        Member("Ana Ribeiro", "officer", responder=True),
        Member("Inês Duarte", "officer", phone="+351 21 555 0144", title="Head of PKI"),
        Member("Tomas Lindqvist", "verifier", phone="+46 8 555 014 32", title="Trust engineer"),
        Member("Rui Costa", "verifier"),
        Member("Priya Nair", "member", responder=True),
    ),
    uploader="Rui Costa",
    reader="Tomas Lindqvist",
    verifier="Tomas Lindqvist",
    approver="Ana Ribeiro",
)
HALDEN = Company(
    name="Halden Freight",
    slug="halden-freight",
    domain="halden.example",
    admin="Lena Vogt",
    members=(
        Member("Jonas Weber", "officer", responder=True, phone="+49 30 5550 1477", title="Security operations"),
        Member("Clara Hoffmann", "officer"),
        Member("Mei Tanaka", "verifier", phone="+49 30 5550 1432", title="Lead, Trust Services"),
        Member("Karl Brandt", "verifier"),
    ),
    uploader="Karl Brandt",
    reader="Mei Tanaka",
    verifier="Mei Tanaka",
    approver="Clara Hoffmann",
)


@dataclass
class Team:
    """A company at work: its people in front of their browsers, its keys and its CAs on its own disk."""

    company: Company
    base_url: str
    folder: Path
    people: dict[str, Person] = field(default_factory=dict)
    make_person: Callable[..., Person] = Person
    hierarchy: Hierarchy | None = None
    fingerprint: str = ""
    store_token: str = ""
    api_token: str = ""
    store: str = ""

    def __post_init__(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.holder = Holder(self.folder / "gnupg")

    def person(self, name: str) -> Person:
        """Return a member's browser, making it on first use, with a password of their own."""
        if name not in self.people:
            local = name.split()[0].lower().replace("ê", "e")
            self.people[name] = self.make_person(
                self.base_url,
                name=name,
                email=f"{local}@{self.company.domain}",
                password="-".join(secrets.token_hex(3) for _ in range(4)),
            )
        return self.people[name]

    @property
    def admin(self) -> Person:
        return self.person(self.company.admin)

    @property
    def uploader(self) -> Person:
        return self.person(self.company.uploader)

    @property
    def reader(self) -> Person:
        return self.person(self.company.reader)

    @property
    def verifier(self) -> Person:
        return self.person(self.company.verifier)

    @property
    def approver(self) -> Person:
        return self.person(self.company.approver)
