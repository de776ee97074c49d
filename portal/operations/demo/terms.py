"""The acts about the agreement and about going live."""

from typing import TYPE_CHECKING

from portal.operations.demo.teams import Team

if TYPE_CHECKING:
    from portal.operations.demo.story import Story


def sign_agreement(story: "Story") -> None:
    """Meridian writes terms and signs them, Halden signs the same bytes, and they are in force."""
    writing, answering = story.meridian, story.halden
    officer = writing.approver
    officer.open(f"/p/{story.slug}/agreement/change/")
    officer.fill(
        'form:has(textarea[name="identity__parties__0__trust_domains"])',
        {
            "identity__parties__0__trust_domains": writing.company.domain,
            "identity__parties__0__dns_suffixes": writing.company.domain,
            "identity__parties__1__trust_domains": answering.company.domain,
            "identity__parties__1__dns_suffixes": answering.company.domain,
            "operations__maintenance_windows": "Sunday 02:00-04:00 Europe/Berlin",
            "message": "The guide's lifetimes and notice periods, and who our services are.",
        },
    )
    _sign(story, writing)
    _sign(story, answering)
    story.say(
        f"{officer.name} and {answering.approver.name} sign agreement v1, each with their company's OpenPGP key",
        "both signatures are over the same bytes, and checks cite its clauses from now on",
    )


def _sign(story: "Story", team: Team) -> None:
    officer = team.approver
    path = f"/p/{story.slug}/agreement/v1/"
    document = officer.browser.get(f"{officer.base_url}{path}document.json", timeout=30).content
    signature = team.holder.sign(document)
    (team.folder / "agreement-v1.json").write_bytes(document)
    (team.folder / "agreement-v1.json.asc").write_bytes(signature)
    officer.open(path)
    officer.fill('form:has(textarea[name="signature"])', {"signature": signature.decode()})


def go_live(story: "Story") -> None:
    """Both sides say that they are ready; the checklist has nothing left that is needed."""
    for team, _ in story.both:
        team.approver.open(f"/p/{story.slug}/onboarding/")
        team.approver.fill('form[action$="/go-live/"]')
    story.say(
        f"{story.meridian.company.name} and {story.halden.company.name} go live",
        "the gate opens when every item that is needed is done on both sides, and both say so",
    )
