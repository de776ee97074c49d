"""Which certificate keeps a version from being published, because OpenSSL does not take it.

Intake asks OpenSSL too. What it took before it asked, or before the portal's OpenSSL became stricter, is found here, when the
version's artifacts are read back.
"""

from collections.abc import Sequence

from portal import errors
from trust.pki import bounded
from trust.pki.certificates import read_certificate
from trust.pki.findings import Finding
from trust.stores.formats.content import StoreContent
from trust.stores.rules import Composition
from trust.submissions.models import Submission

_SHOWN = 3


def require_read(content: StoreContent, composition: Composition, submission: Submission | None) -> None:
    """Ask OpenSSL about each certificate of a version whose artifacts did not read back. Nothing when it takes them all.

    Raises Conflict that names the certificates, by subject and SHA-256, and says what to do about them.
    """
    found = bounded.check_reader(read_certificate(each.der) for each in content.certificates)
    if found:
        raise errors.Conflict(
            f"{_sentence(found)} Nothing was published.",
            code="openssl_refuses",
            fix=_fix(found, composition, submission, content.owner),
            extra={"certificates": [each.certificate_sha256 for each in found]},
        )


def _sentence(found: Sequence[Finding]) -> str:
    shown = [f"{each.sentence} Its SHA-256 is {each.certificate_sha256}." for each in found[:_SHOWN]]
    more = len(found) - len(shown)
    return " ".join([*shown, f"So it is with {more} more."] if more else shown)


def _fix(found: Sequence[Finding], composition: Composition, submission: Submission | None, owner: str) -> str:
    it = "them" if len(found) > 1 else "it"
    if not composition.added:
        first = f"Remove {it} from the store in the same step"
    elif not {each.certificate_sha256 for each in found} <= {entry.sha256 for entry in composition.added}:
        first = f"Remove {it} from the store first"
    elif submission is not None:
        first = f"Decline submission {submission.number}"
    else:
        first = "Withdraw the proposal"
    return (
        f"{first}, and ask {owner} to issue {it} again with names in UTF8String or PrintableString and with extensions as"
        " RFC 5280 has them, and to upload the new bundle."
    )
