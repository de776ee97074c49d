"""What watching adds to other pages: of a certificate (S12) the live check with its time, of a store its lists."""

import json
from datetime import datetime

from portal import words
from portal.organizations.models import Organization
from trust.certificates.models import Certificate
from trust.certificates.showing import Related
from trust.notices import telling
from trust.revocations import lists, queries, seeing
from trust.revocations.models import RevocationSource, SeenRevocation
from trust.revocations.rules import ListKind
from trust.stores.beside import Beside
from trust.stores.models import TrustStore


def seen_about(organization: Organization, certificate: Certificate, now: datetime) -> list[Related]:
    """Return how the addresses stand at which a revocation of the certificate is seen, and those of the CA that it is."""
    about = queries.about(certificate, organization, now)
    lines = [_revoked(about.seen)] if about.seen else []
    lines += [_line("Where its revocation is seen", each, now) for each in about.named]
    return lines + [_line("Its own CRL and OCSP", each, now) for each in about.own]


def _line(group: str, source: RevocationSource, now: datetime) -> Related:
    checked = f", checked {words.relative(source.checked_at, now)}" if source.checked_at else ""
    return Related(
        group=group,
        label=f"{seeing.name_of(source)}{checked}: {source.sentence}"
        if source.sentence
        else f"{seeing.name_of(source)}{checked}",
        state_kind="revocation_list",
        state=source.state,
    )


def _revoked(seen: SeenRevocation) -> Related:
    reason = f" ({seen.reason})" if seen.reason else ""
    if seen.gone_at:
        label = f"{seeing.name_of(seen.source)} revoked it{reason} and does so no more. What was removed stays removed."
        return Related(group="Where its revocation is seen", label=label, at=seen.gone_at)
    label = f"{seeing.name_of(seen.source)} revokes it{reason}"
    return Related(
        group="Where its revocation is seen", label=label, state_kind="certificate", state="revoked", at=seen.revoked_at
    )


def lists_of(store: TrustStore, now: datetime) -> list[Beside]:
    """Return the CRL set, which says when it is not whole, and the deny list of a store that has a version."""
    made, denied = lists.of(store, ListKind.CRL_STATEMENT, now), lists.of(store, ListKind.DENY_LIST, now)
    if made is None or denied is None:
        return []
    said, count = json.loads(made.content), json.loads(denied.content)["count"]
    lacking = [telling.common_name(each["subject"]) for each in said["cas"] if each["crl"] is None]
    if lacking:
        sentence = f"No current CRL of {words.listed(lacking)}. A server that checks the whole chain rejects every client below."
    else:
        until = f", until {words.exact(made.good_until)}" if made.good_until else ""
        sentence = f"A current CRL of every CA{until}."
    return [
        Beside(ListKind.CRL_SET, "CRL set", sentence, not lacking),
        Beside(
            ListKind.CRL_STATEMENT, "The same as a statement for programs", "Which CA, which CRL, until when.", True
        ),
        Beside(ListKind.DENY_LIST, "Deny list of service certificates", f"{count} denied by signed notices.", True),
    ]
