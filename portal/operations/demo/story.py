"""The exchange, act by act, as the members of both companies do it in the portal's pages.

1. Meridian's admin joins by the operator's link; Halden accepts Meridian's invitation as a new organization.
2. Both admins invite their colleagues, who join with a password and a second factor.
3. Both name their contacts; colleagues and the partner confirm the numbers.
4. Both add an OpenPGP key and prove that they hold it.
5. Both sign the same agreement with their keys.
6. Each calls the other about the key, types what is read, and a second person approves.
7. Each uploads its signed CA bundle.
8. Each calls the other about the root, and a second person approves, which publishes version 1 of the trust store.
9. Nothing that is needed is missing on the checklist, so both say that they go live.
10. A service of each pulls its store, and the partner's service certificate verifies under it.
"""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from portal.operations.demo import hierarchy, lists, terms
from portal.operations.demo.browser import Person, Unexpected
from portal.operations.demo.teams import HALDEN, MERIDIAN, Member, Team
from trust.pki import fingerprints

Say = Callable[[str, str], None]
CODE_BLOCK = "pre.code"


class Story:
    """The exchange between the two companies. ``say(what, proves)`` is told of each step as it happens."""

    def __init__(
        self, *, base_url: str, folder: Path, first_link: str, say: Say, make_person: Callable[..., Person] = Person
    ) -> None:
        self.base_url, self.first_link, self.say = base_url, first_link, say
        self.meridian = Team(MERIDIAN, base_url, folder / MERIDIAN.slug, make_person=make_person)
        self.halden = Team(HALDEN, base_url, folder / HALDEN.slug, make_person=make_person)
        self.slug = f"{MERIDIAN.slug}-{HALDEN.slug}"

    @property
    def both(self) -> tuple[tuple[Team, Team], tuple[Team, Team]]:
        """Return (team, its partner), both ways round."""
        return (self.meridian, self.halden), (self.halden, self.meridian)

    def play(self) -> None:
        """Play the whole exchange. Raises Unexpected where the portal answers what the story does not go on from."""
        self.companies_join()
        for team, _ in self.both:
            self.members_join(team)
        for team, partner in self.both:
            self.contacts_are_confirmed(team, partner)
        for team, _ in self.both:
            self.key_is_proven(team)
        terms.sign_agreement(self)
        for team, partner in self.both:
            self.verify_by_phone(
                team, partner, partner.fingerprint, f"{partner.company.name}’s OpenPGP key", approve=True
            )
        for team, _ in self.both:
            self.bundle_is_submitted(team)
        for team, partner in self.both:
            self.root_is_verified_and_published(team, partner)
        terms.go_live(self)
        for team, partner in self.both:
            self.service_pulls(team, partner)

    # --- People -------------------------------------------------------------------------------------------------------

    def companies_join(self) -> None:
        """Meridian's admin joins; Halden accepts Meridian's invitation as a new organization."""
        self.meridian.admin.join(self.first_link)
        self.say(
            f"{MERIDIAN.admin} joins {MERIDIAN.name} as its first admin",
            "nobody acts with a password alone: an authenticator app is set up before anything else",
        )
        inviting = self.meridian.admin
        inviting.open("/partnerships/new/")
        inviting.fill(
            'form:has(input[name="company"])',
            {"company": HALDEN.name, "contact_name": HALDEN.admin, "email": self.halden.admin.email},
        )
        link = inviting.page.select_one(CODE_BLOCK).get_text(strip=True)
        newcomer = self.halden.admin
        newcomer.open(link)
        newcomer.open(link)
        newcomer.fill('form:has(input[name="company"])')
        newcomer.join(newcomer.browser.url)
        self.say(
            f"{HALDEN.admin} accepts {MERIDIAN.name}’s invitation for {HALDEN.name}",
            "the link was opened twice, as a mail scanner would, and only the button used it up",
        )

    def members_join(self, team: Team) -> None:
        """The admin invites the colleagues, who join."""
        for member in team.company.members:
            self._invite(team, member)
        self.say(
            f"{team.company.name}: {_names([member.name for member in team.company.members])} join",
            "two security officers, so that the company can publish new trust at all",
        )

    def _invite(self, team: Team, member: Member) -> None:
        person = team.person(member.name)
        team.admin.open("/members/invite/")
        fields: dict[str, object] = {"name": member.name, "email": person.email, "role": member.role}
        if member.responder:
            fields["responder"] = True
        team.admin.fill('form:has(input[name="role"])', fields)
        person.join(team.admin.page.select_one(CODE_BLOCK).get_text(strip=True))

    def contacts_are_confirmed(self, team: Team, partner: Team) -> None:
        """The admin enters the numbers; another contact vouches for each, and the partner's verifier calls each."""
        listed = [member for member in team.company.members if member.phone]
        entries = {member.name: self._add_contact(team, member) for member in listed}
        for member in listed:
            voucher = next(other for other in listed if other is not member)
            team.person(voucher.name).open(entries[member.name])
            team.person(voucher.name).fill('form[action$="/vouch/"], form[action$="/vouch"]')
        for path in entries.values():
            partner.verifier.open(path)
            partner.verifier.fill('form[action$="/called/"], form[action$="/called"]')
        self.say(
            f"{team.company.name} names {_names(list(entries))} as contacts, and the numbers are confirmed",
            "a colleague vouches and the partner calls; a number from a mail or an upload has no way in",
        )

    def _add_contact(self, team: Team, member: Member) -> str:
        admin = team.admin
        admin.open("/contacts/new/")
        option = admin.page.find("option", string=member.name)
        fields: dict[str, object] = {
            "name": member.name,
            "phone": member.phone,
            "membership": option["value"],
            "role_title": member.title,
            "languages": "English",
        }
        fields["is_primary" if member.name == team.company.reader else "is_backup"] = True
        admin.fill('form:has(input[name="phone"])', fields)
        return admin.browser.url

    # --- Keys ---------------------------------------------------------------------------------------------------------

    def key_is_proven(self, team: Team) -> None:
        """The company makes an OpenPGP key, uploads its public half and signs the challenge."""
        user_id = f"{team.company.name} trust exchange <pki@{team.company.domain}>"
        team.fingerprint = team.holder.generate(user_id)
        (team.folder / "signing-key.asc").write_text(team.holder.public_block(), encoding="ascii")
        person = team.uploader
        person.open("/keys/new/")
        person.fill('form:has(textarea[name="block"])', {"block": team.holder.public_block()})
        key = person.browser.url
        text = person.browser.get(person.link('a[href*="challenge"]'), timeout=30).text
        person.open(key)
        person.fill('form[action*="/prove"]', {"answer": team.holder.clearsign(text)})
        short = fingerprints.short(team.fingerprint)
        self.say(
            f"{team.company.uploader} adds {team.company.name}’s OpenPGP key {short} and signs a text with it",
            "the company holds this key; its partner does not know that yet",
        )

    # --- Calls --------------------------------------------------------------------------------------------------------

    def verify_by_phone(self, team: Team, partner: Team, fingerprint: str, what: str, *, approve: bool) -> None:
        """A person of ``team`` calls a contact of ``partner`` and types what is read; a second person may approve."""
        caller, reader = team.verifier, partner.reader
        caller.open(f"/p/{self.slug}/verifications/")
        caller.open(caller.link('a[href*="/verifications/start/"]'))
        caller.fill('form:has(input[name="contact"])')
        call = caller.browser.url
        reader.open(call)
        reader.fill('form[action*="/act/join"]')
        caller.open(call)
        caller.fill('form[action*="/act/code"]', {"code": reader.page.select_one(".codebig").get_text(strip=True)})
        first = caller.page.select_one('form[action*="/act/source"] input[type="radio"]')
        caller.fill('form[action*="/act/source"]', {"source": first["value"]})
        self._type_groups(caller, fingerprint)
        caller.fill('form[action*="/act/read-back"]')
        reader.open(call)
        reader.fill('form[action*="/act/read-back"]')
        groups = len(fingerprint) // 4
        self.say(
            f"{caller.name} calls {reader.name} and types {what}: {groups} of {groups} groups match",
            "read from the owner’s own record, typed blind, compared by the server",
        )
        if approve:
            self._approve_call(team, f"{call}record/", what)

    def _type_groups(self, caller: Person, fingerprint: str) -> None:
        value = fingerprint.upper()
        groups = {index + 1: value[index * 4 : index * 4 + 4] for index in range(len(value) // 4)}
        for _ in range(len(groups)):
            form = caller.page.select_one('form[action*="/act/row"]')
            if form is None:
                return
            names = [box["name"] for box in form.select('input[name^="g"]') if not box.has_attr("readonly")]
            if not names:
                return
            caller.fill('form[action*="/act/row"]', {name: groups[int(name[1:])] for name in names[:4]})
        if caller.page.select_one('form[action*="/act/row"]') is not None:
            raise Unexpected(f"{caller.name}: the groups do not match: {caller.text()[:600]}")

    def _approve_call(self, team: Team, record: str, what: str) -> None:
        approver = team.approver
        approver.open(record)
        approver.fill(
            'form[action*="/record/decision"]',
            {"reason": "Read the record: called the directory number, all groups matched."},
        )
        self.say(
            f"{approver.name} reads the record and approves {what}",
            "a second person; the portal would not let the caller do it",
        )

    # --- Bundles ------------------------------------------------------------------------------------------------------

    def bundle_is_submitted(self, team: Team) -> None:
        """The company makes its CAs, signs the bundle offline and uploads file and signature."""
        lists_at = lists.address_of(team.folder.parent, team.folder.name, team.company.domain)
        team.hierarchy = hierarchy.make(
            company=team.company.name, domain=team.company.domain, lists_at=lists_at, now=datetime.now(UTC)
        )
        team.hierarchy.write(team.folder)
        bundle = team.hierarchy.bundle
        signature = team.holder.sign(bundle)
        (team.folder / "bundle.pem.asc").write_bytes(signature)
        person = team.uploader
        person.open(f"/p/{self.slug}/submissions/new/")
        person.fill(
            'form:has(input[name="signature"])',
            files={"file": ("bundle.pem", bundle), "signature": ("bundle.pem.asc", signature)},
        )
        self.say(
            f"{person.name} uploads {team.company.name}’s signed bundle of 3 CA certificates",
            "signature good, certificates within the terms, no private key; nothing is trusted by that",
        )

    def root_is_verified_and_published(self, team: Team, partner: Team) -> None:
        """``team`` verifies the partner's root by phone; a second person approves and so publishes version 1."""
        assert partner.hierarchy is not None
        root = partner.hierarchy.root.certificate.fingerprint(hierarchy.hashes.SHA256()).hex()
        self.verify_by_phone(team, partner, root, f"{partner.company.name}’s root", approve=False)
        approver = team.approver
        approver.open(f"/p/{self.slug}/submissions/")
        mine = [
            row for row in approver.page.select('a[href*="/submissions/"]') if row["href"].rstrip("/")[-1].isdigit()
        ]
        for link in mine:
            approver.open(link["href"])
            approve = approver.page.select_one('a[href$="/approve/"]')
            if approve is not None:
                approver.open(approve["href"])
                break
        else:
            raise Unexpected(f"{approver.name}: no submission waits for approval: {approver.text()[:600]}")
        approver.fill(
            'form:has([name="reason"])',
            {"reason": f"First trust store for {partner.company.name}, root verified by phone."},
        )
        team.store = f"{partner.company.slug}-prod"
        self.say(
            f"{approver.name} approves the bundle, which publishes {team.store} v1",
            "uploader, verifier and approver are three people; the version never changes",
        )

    # --- Services -----------------------------------------------------------------------------------------------------

    def service_pulls(self, team: Team, partner: Team) -> None:
        """A service of ``team`` pulls the store with its own token, and the partner's service certificate verifies."""
        assert partner.hierarchy is not None
        officer = team.approver
        officer.open("/consumers/new/")
        box = officer.page.select_one('input[name="stores"]')
        fields: dict[str, object] = {"name": "payments-gw", "stores": box["value"] if box else ""}
        officer.fill('form:has(input[name="name"])', fields)
        team.store_token = officer.page.find(string=lambda text: bool(text) and text.strip().startswith("txc_")).strip()
        url = f"{self.base_url}/api/v1/trust-stores/{team.store}/current.pem"
        headers = {"Authorization": f"Bearer {team.store_token}"}
        answer = requests.get(url, headers=headers, timeout=30)
        answer.raise_for_status()
        path = team.folder / f"{team.store}.pem"
        path.write_bytes(answer.content)
        again = requests.get(url, headers={**headers, "If-None-Match": answer.headers["ETag"]}, timeout=30)
        verified = subprocess.run(
            ["openssl", "verify", "-CAfile", str(path), str(partner.folder / "service-cert.pem")],
            capture_output=True,
            text=True,
            check=False,
        )
        if again.status_code != 304 or verified.returncode:
            raise Unexpected(f"The pulled store does not do its work: {again.status_code}, {verified.stderr}")
        self.say(
            f"{team.company.name}’s service payments-gw pulls {team.store} v1; {partner.company.name}’s service verifies under it",
            "openssl says OK with nothing but the pulled file, and a second pull answers 304",
        )

    def api_token(self, team: Team) -> str:
        """An officer makes an API token that reads, submits, sends notices and acknowledges."""
        officer = team.approver
        officer.open("/settings/tokens/new/")
        officer.fill(
            'form:has(input[name="scopes"])',
            {
                "name": "demonstration",
                "scopes": ["read", "submit", "notices", "acknowledge", "administer"],
                "lifetime": "90",
            },
        )
        return officer.page.find(string=lambda text: bool(text) and text.strip().startswith("txa_")).strip()


def _names(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def account(story: Story) -> dict[str, Any]:
    """Return everything that a script needs to go on from the demonstration; JSON values only."""
    return {
        "base_url": story.base_url,
        "partnership": story.slug,
        "organizations": {
            team.company.slug: {
                "name": team.company.name,
                "members": {
                    person.name: {
                        "email": person.email,
                        "password": person.password,
                        "totp_secret": person.totp_secret,
                        "role": "admin" if person.name == team.company.admin else _role(team, person.name),
                    }
                    for person in team.people.values()
                },
                "openpgp_fingerprint": team.fingerprint,
                "folder": str(team.folder),
                "gnupg_home": str(team.holder.home),
                "store": team.store,
                "consumer_token": team.store_token,
                "api_token": {
                    "token": team.api_token,
                    "scopes": ["read", "submit", "notices", "acknowledge", "administer"],
                },
            }
            for team, _ in story.both
        },
    }


def _role(team: Team, name: str) -> str:
    return next(member.role for member in team.company.members if member.name == name)
