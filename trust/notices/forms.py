"""Forms that compose a notice."""

from datetime import UTC
from typing import Any

from django import forms

from trust.certificates.models import Certificate
from trust.notices import document as documents
from trust.notices.rules import ABOUT_A_CA, MEANINGS, REASON_WORDS, REASONS, REVOCATIONS, TLP, TLP_WORDS, Kind
from trust.notices.telling import common_name

KIND_CHOICES = [(kind.value, MEANINGS[kind].label) for kind in Kind]


class ChooseForm(forms.Form):
    """To whom, and about what."""

    partnership = forms.ChoiceField(label="Partner")
    kind = forms.ChoiceField(label="What is it about?", choices=KIND_CHOICES, widget=forms.RadioSelect)

    def __init__(self, *args: Any, partnerships: list[tuple[str, str]], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["partnership"].choices = partnerships  # type: ignore[attr-defined]


class ComposeForm(forms.Form):
    """The facts of a notice. Which fields there are depends on its kind; the document's schema has the last word."""

    summary = forms.CharField(max_length=300, required=False, label="In one sentence")
    details = forms.CharField(
        max_length=10000, required=False, label="Details", widget=forms.Textarea(attrs={"rows": 4})
    )
    action_required = forms.CharField(
        max_length=2000, required=False, label="What your partner has to do", widget=forms.Textarea(attrs={"rows": 2})
    )
    effective_date = forms.DateTimeField(
        required=False,
        label="Takes effect (UTC)",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )
    exception_reason = forms.CharField(
        max_length=1000,
        required=False,
        label="Why it cannot wait",
        help_text="Only if it comes later than the agreement asks, or on days without changes.",
    )
    tlp = forms.ChoiceField(
        choices=[(each, f"{each}, {TLP_WORDS[each]}") for each in TLP],
        initial="TLP:AMBER",
        label="Who may pass it on (TLP)",
    )
    rehearsal = forms.BooleanField(
        required=False, label="This is a rehearsal", help_text="Same clocks, marked everywhere, changes nothing."
    )

    def __init__(self, *args: Any, kind: Kind, certificates: list[Certificate], lead: str, **options: Any) -> None:
        super().__init__(*args, **options)
        self.kind = kind
        self.certificates = {each.sha256: each for each in certificates}
        self.fields["effective_date"].help_text = f"Empty: {lead} after the notice, as the agreement asks."
        first = _fields_of(kind, certificates)
        self.fields = {**first, **self.fields}
        self.order_fields([*(name for name in first if name not in LAST), *FIRST, *LAST])

    def members(self) -> dict[str, Any]:
        """Return the members of the document. Call after ``is_valid``."""
        given = self.cleaned_data
        found = {name: given.get(name) for name in PLAIN if given.get(name)}
        if given.get("effective_date"):
            found["effective_date"] = documents.stamp(given["effective_date"].replace(tzinfo=UTC))
        for name in ("starts_at", "ends_at"):
            if given.get(name):
                found[name] = documents.stamp(given[name].replace(tzinfo=UTC))
        chosen = self.certificates.get(given.get("certificate", ""))
        if chosen is not None:
            found |= _naming(self.kind, chosen)
        if given.get("revocation_reason"):
            found["revocation_reason_code"] = REASONS[given["revocation_reason"]]
        if given.get("new_url"):
            found["endpoints"] = [{name: value for name, value in _endpoint(given).items() if value}]
        if given.get("distress"):
            found["distress"] = True
            found["valid_until"] = documents.stamp(given["valid_until"].replace(tzinfo=UTC))
            found.pop("effective_date", None)
        return found

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("distress") and not given.get("valid_until"):
            self.add_error("valid_until", "Say until when the distress notice is good; at most 400 days.")
        return given


# What a partner must know at once is asked first, what few add is asked last.
FIRST = ("effective_date", "exception_reason", "summary", "action_required", "details")
LAST = ("crl_url", "ocsp_url", "evidence_hash", "tlp", "rehearsal", "distress", "valid_until")
PLAIN = (
    "summary", "details", "action_required", "exception_reason", "tlp", "rehearsal", "certificate_serial",
    "revocation_reason", "crl_url", "ocsp_url", "evidence_hash", "new_certificate_sha256", "new_root_sha256",
    "old_key_fingerprint", "new_key_fingerprint", "policy_url", "withdraws", "supersedes",
)  # fmt: skip


def _naming(kind: Kind, chosen: Certificate) -> dict[str, str]:
    if kind is Kind.CERTIFICATE_REVOCATION:
        return {"certificate_issuer": chosen.subject[:1000], "certificate_issuer_sha256": chosen.sha256}
    return {
        "certificate_sha256": chosen.sha256,
        "certificate_serial": chosen.serial,
        "certificate_issuer": chosen.issuer[:1000],
        "certificate_name": common_name(chosen.subject),
    }


def _endpoint(given: dict[str, Any]) -> dict[str, str]:
    return {"kind": given["endpoint_kind"], "old": given.get("old_url", ""), "new": given["new_url"]}


def _fields_of(kind: Kind, certificates: list[Certificate]) -> dict[str, forms.Field]:
    found: dict[str, forms.Field] = {}
    if kind in ABOUT_A_CA or kind is Kind.CERTIFICATE_REVOCATION:
        label = "The CA that issued it" if kind is Kind.CERTIFICATE_REVOCATION else "Certificate"
        found["certificate"] = forms.ChoiceField(
            label=label,
            choices=[
                (
                    each.sha256,
                    f"{common_name(each.subject)} ({each.sha256[:8].upper()} …, until {each.not_after:%d %b %Y})",
                )
                for each in certificates
            ],
        )
    if kind is Kind.CERTIFICATE_REVOCATION:
        found["certificate_serial"] = forms.CharField(max_length=80, label="Serial number (hex)")
    if kind in REVOCATIONS:
        found["revocation_reason"] = forms.ChoiceField(
            label="Reason (RFC 5280)", choices=[(name, REASON_WORDS[name].capitalize()) for name in REASONS]
        )
        found["crl_url"] = forms.URLField(required=False, label="URL of the CRL that names it", assume_scheme="https")
        found["ocsp_url"] = forms.URLField(required=False, label="URL of its OCSP responder", assume_scheme="https")
        found["evidence_hash"] = forms.CharField(
            required=False,
            max_length=95,
            label="SHA-256 of the evidence",
            help_text="The evidence itself stays with you.",
        )
        found["distress"] = forms.BooleanField(
            required=False,
            label="Sign in advance, for a bad day (distress notice)",
            help_text="You keep it offline. Anybody who holds it can hand it in, without signing in; it takes effect once.",
        )
        found["valid_until"] = _moment("Good until (UTC)", required=False)
    if kind is Kind.CA_RENEWAL:
        found["new_certificate_sha256"] = forms.CharField(
            required=False, max_length=95, label="SHA-256 of the new certificate"
        )
    if kind is Kind.CA_ROLLOVER:
        found["new_root_sha256"] = forms.CharField(max_length=95, label="SHA-256 of the new root")
    if kind is Kind.KEY_REPLACEMENT:
        found["old_key_fingerprint"] = forms.CharField(required=False, max_length=100, label="Old key's fingerprint")
        found["new_key_fingerprint"] = forms.CharField(max_length=100, label="New key's full fingerprint")
    if kind is Kind.ENDPOINT_CHANGE:
        kinds = [("crl", "CRL"), ("ocsp", "OCSP"), ("aia", "Issuer certificates (AIA)"), ("spiffe", "SPIFFE bundle")]
        found["endpoint_kind"] = forms.ChoiceField(label="Endpoint", choices=kinds)
        found["old_url"] = forms.URLField(required=False, label="Old URL", assume_scheme="https")
        found["new_url"] = forms.URLField(label="New URL", assume_scheme="https")
    if kind is Kind.POLICY_CHANGE:
        found["policy_url"] = forms.URLField(required=False, label="Where the policy stands", assume_scheme="https")
    if kind is Kind.MAINTENANCE:
        found["starts_at"], found["ends_at"] = _moment("From (UTC)"), _moment("To (UTC)")
    if kind is Kind.WITHDRAWAL:
        found["withdraws"] = forms.CharField(max_length=64, label="Message id of the earlier notice")
    return found


def _moment(label: str, *, required: bool = True) -> forms.DateTimeField:
    return forms.DateTimeField(
        label=label,
        required=required,
        error_messages={"required": "Enter a day and a time, in UTC."},
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )


class SignedForm(forms.Form):
    """The signed file, and its signature when that is a file of its own."""

    notice = forms.FileField(
        label="Signed notice",
        help_text="What gpg --clearsign wrote, or the notice itself with its signature below.",
        required=False,
    )
    signature = forms.FileField(label="Signature", required=False, help_text="What gpg --detach-sign wrote.")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not given.get("notice") and not given.get("signature"):
            raise forms.ValidationError("Choose the signed file, or the signature of the file that you downloaded.")
        return given


class DraftForm(forms.Form):
    """The signature over a draft that was downloaded, or a signed copy of it in one file."""

    signature = forms.FileField(
        label="Signature",
        help_text="notice.json.asc, which gpg wrote.",
        error_messages={"required": "Attach notice.json.asc, the signature that gpg wrote."},
    )
    notice = forms.FileField(
        label="Signed copy",
        required=False,
        help_text="What gpg --clearsign wrote. It takes the place of the signature.",
    )

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["signature"].required = not self.files.get("notice")
