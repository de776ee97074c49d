"""Terms as a form and back: one field or a few for each clause."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.http import QueryDict

from portal import errors
from trust.agreements import identity, rules, signing
from trust.agreements.clauses import BY_NUMBER, CLAUSES, SECTIONS

_CURVES = [("P-256", "P-256"), ("P-384", "P-384"), ("P-521", "P-521")]
_EDWARDS = [("Ed25519", "Ed25519"), ("Ed448", "Ed448")]
_RSA = [
    ("", "No RSA"),
    ("2048", "RSA, 2048 bits or more"),
    ("3072", "RSA, 3072 bits or more"),
    ("4096", "RSA, 4096 bits"),
]
_DUTY = [
    ("crl_or_ocsp", "A CRL or an OCSP responder"),
    ("both", "A CRL and an OCSP responder"),
    ("crl", "A CRL"),
    ("ocsp", "An OCSP responder"),
    ("none", "Neither is needed"),
]
_SCOPE = [("each_root", "Each new root CA"), ("package", "Each whole package, and each new root CA")]
_RENEWED = [("no_call", "No call when name and key stay the same"), ("call", "A call each time")]
_DIGESTS = [(each, each) for each in ("SHA-256", "SHA-384", "SHA-512")]
_VERSIONS = [("1.2", "TLS 1.2"), ("1.3", "TLS 1.3")]
_PARTY_FIELDS = {
    "trust_domains": ("6.1", "SPIFFE trust domains", "One a line, like alder.example"),
    "dns_suffixes": ("6.2", "DNS names", "One a line; names end in it. Empty: not limited"),
    "subject_organizations": ("6.3", "O of subjects", "One a line, exactly as in the certificate. Empty: not limited"),
    "rules": (
        "6.4",
        "Permissions",
        "One rule a line, like: spiffe://alder.example/prod/* and OU=prod -> orders.read, orders.write",
    ),
}
_NUMBERS = {
    "tls.clock_skew_seconds": "seconds",
    "verification.max_age_days": "days",
    "revocation.offline_crl_hours": "hours",
    "revocation.issuing_crl_hours": "hours",
    "revocation.ocsp_hours": "hours",
    "notices.ca_renewal_hours": "hours",
    "notices.ca_revocation_hours": "hours",
    "notices.other_hours": "hours",
    "acknowledgement.ca_renewal_hours": "hours",
    "acknowledgement.ca_revocation_hours": "hours",
    "acknowledgement.other_hours": "hours",
    "operations.review_every_days": "days",
}
_REMOVAL_WAITS = {
    "percent": (
        "Planned removals wait for services (percent)",
        0,
        100,
        "Of the remover's services, how many must run the newer CA first. 0: a removal waits for nobody.",
    ),
    "at_most_days": (
        "Planned removals wait at most (days)",
        1,
        90,
        "Then a service that never answers holds nothing. Revocations and emergencies never wait.",
    ),
}
_WINDOW = re.compile(r"(?P<day>[A-Z][a-z]+) (?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d) (?P<zone>\S+)")
_BLACKOUT = re.compile(r"(?P<first>\d{4}-\d\d-\d\d) (?P<last>\d{4}-\d\d-\d\d) (?P<reason>.+)")
_LONGEST_TEXT = 20_000


def _name(path: str) -> str:
    return path.replace(".", "__")


class Lines(forms.CharField):
    """A list, one item a line; blank lines are left out."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            required=False,
            max_length=_LONGEST_TEXT,
            widget=forms.Textarea(attrs={"rows": 3, "class": "mono"}),
            **options,
        )

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


def _several(label: str, choices: list[tuple[str, str]]) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=label, choices=choices, required=False, widget=forms.CheckboxSelectMultiple)


class TermsForm(forms.Form):
    """The terms of a draft. ``terms`` gives what the document gets; it does not judge them, the service does."""

    message = forms.CharField(
        label="Message to your partner",
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Shown with the proposal. Not part of what is signed.",
    )

    def __init__(
        self, data: Any = None, *, terms: Mapping[str, Any], names: Mapping[str, str], message: str = ""
    ) -> None:
        super().__init__(data, initial={"message": message})
        self._base = terms
        self._names = names
        self._clause_of: dict[str, str] = {}
        for clause in CLAUSES:
            self._add(clause.number, clause.path, clause.title)
        self.order_fields([*self._clause_of, "message"])

    def _put(self, number: str, name: str, field: forms.Field, initial: Any) -> None:
        self.fields[name] = field
        self.initial[name] = initial
        self._clause_of[name] = number

    def _add(self, number: str, path: str, title: str) -> None:
        if path == "identity.parties":
            self._add_party_fields(number)
            return
        value, name = BY_NUMBER[number].value(self._base), _name(path)
        if path in _NUMBERS:
            # Empty stands for "no limit" where the schema knows it.
            needed = path != "verification.max_age_days"
            field = forms.IntegerField(label=f"{title} ({_NUMBERS[path]})", min_value=1, required=needed)
            self._put(number, name, field, value)
        elif path.startswith("keys."):
            self._add_keys(number, name, title, value)
        elif path.startswith("lifetimes."):
            for end, word in (("min_days", "planned for at least"), ("max_days", "valid for at most")):
                field = forms.IntegerField(label=f"{title}: {word} (days)", min_value=0)
                self._put(number, f"{name}__{end}", field, value[end])
        elif path == "operations.removal_waits":
            for key, (label, least, most, help_text) in _REMOVAL_WAITS.items():
                field = forms.IntegerField(label=label, min_value=least, max_value=most, help_text=help_text)
                self._put(number, f"{name}__{key}", field, value[key])
        else:
            self._add_other(number, path, title, value)

    def _add_keys(self, number: str, name: str, title: str, value: Mapping[str, Any]) -> None:
        curves, edwards = _several(f"{title}: curves", _CURVES), _several(f"{title}: Edwards curves", _EDWARDS)
        rsa = forms.ChoiceField(label=f"{title}: RSA", choices=_RSA, required=False)
        self._put(number, f"{name}__curves", curves, value["curves"])
        self._put(number, f"{name}__edwards", edwards, value["edwards"])
        self._put(number, f"{name}__rsa_min_bits", rsa, str(value["rsa_min_bits"] or ""))

    def _add_other(self, number: str, path: str, title: str, value: Any) -> None:
        choices = {
            "verification.scope": _SCOPE,
            "verification.renewed_roots": _RENEWED,
            "revocation.duty": _DUTY,
        }
        many = {"tls.versions": _VERSIONS, "signatures.digests": _DIGESTS}
        if path in choices:
            field: forms.Field = forms.ChoiceField(label=title, choices=choices[path], widget=forms.RadioSelect)
        elif path in many:
            field = forms.MultipleChoiceField(label=title, choices=many[path], widget=forms.CheckboxSelectMultiple)
        elif path == "operations.maintenance_windows":
            field = Lines(label=title, help_text="One a line, like: Sunday 02:00-04:00 Europe/Berlin")
            value = "\n".join(f"{each['day']} {each['start']}-{each['end']} {each['zone']}" for each in value)
        elif path == "operations.blackouts":
            field = Lines(label=title, help_text="One a line, like: 2026-12-19 2027-01-03 Year end freeze")
            value = "\n".join(f"{each['first']} {each['last']} {each['reason']}" for each in value)
        else:
            field = forms.BooleanField(label=title, required=False, help_text=_BOOLEANS[path])
        self._put(number, _name(path), field, value)

    def _add_party_fields(self, number: str) -> None:
        for position, party in enumerate(self._base["identity"]["parties"]):
            for key, (clause, title, help_text) in _PARTY_FIELDS.items():
                if clause != number:
                    continue
                values = [identity.write_rule(each) for each in party[key]] if key == "rules" else party[key]
                label = f"{title} of {self._names.get(party['organization'], party['organization'])}"
                field = Lines(label=label, help_text=help_text)
                self._put(number, f"identity__parties__{position}__{key}", field, "\n".join(values))

    def sections(self) -> list[tuple[str, str, list[tuple[str, forms.BoundField]]]]:
        """Return number and title of each section, with its fields and the clause of each."""
        found: dict[str, list[tuple[str, forms.BoundField]]] = {number: [] for number in SECTIONS}
        for name, number in self._clause_of.items():
            found[number.split(".")[0]].append((number, self[name]))
        return [(number, SECTIONS[number], fields) for number, fields in found.items()]

    def terms(self) -> dict[str, Any]:
        """Return the terms as the document holds them. Call after ``is_valid``."""
        terms, data = copy.deepcopy(dict(self._base)), self.cleaned_data
        for clause in CLAUSES:
            name = _name(clause.path)
            if clause.path == "identity.parties":
                continue
            if clause.path.startswith("keys."):
                rsa = data[f"{name}__rsa_min_bits"]
                value: Any = {
                    "curves": data[f"{name}__curves"],
                    "edwards": data[f"{name}__edwards"],
                    "rsa_min_bits": int(rsa) if rsa else None,
                }
            elif clause.path.startswith("lifetimes."):
                value = {end: data[f"{name}__{end}"] for end in ("min_days", "max_days")}
            elif clause.path == "operations.removal_waits":
                value = {key: data[f"{name}__{key}"] for key in _REMOVAL_WAITS}
            else:
                value = data[name]
            rules.put(terms, clause.path, value)
        for position, party in enumerate(terms["identity"]["parties"]):
            for key in _PARTY_FIELDS:
                party[key] = data[f"identity__parties__{position}__{key}"]
        return terms

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._read_each("operations__maintenance_windows", lambda line: _match(_WINDOW, line))
        self._read_each("operations__blackouts", lambda line: _match(_BLACKOUT, line))
        for position, _ in enumerate(self._base["identity"]["parties"]):
            self._read_each(f"identity__parties__{position}__rules", identity.read_rule)
        refuse_private_keys(self, "message")
        return data

    def _read_each(self, name: str, read: Any) -> None:
        try:
            self.cleaned_data[name] = [read(line) for line in self.cleaned_data.get(name, [])]
        except ValueError as error:
            self.add_error(name, str(error))

    def field_at(self, path: str) -> str | None:
        """Return the field for a place in the document ("terms.lifetimes.root.max_days"), or None."""
        name = _name(path.removeprefix("terms."))
        while name:
            found = next((each for each in self.fields if each == name or each.startswith(f"{name}__")), None)
            if found:
                return found
            name = name.rpartition("__")[0]
        return None


_BOOLEANS = {
    "sharing.consumer_counts": "Each side sees how many of the other's consumers run which version, and never "
    "their names. The numbers are exact: where there are few consumers, one of them may be told by its number.",
    "identity.separate_purposes": "A service certificate is for clients or for servers, never for both.",
}


def _match(pattern: re.Pattern[str], line: str) -> dict[str, str]:
    found = pattern.fullmatch(line)
    if not found:
        raise ValueError(f"“{line}” is not written like the example.")
    return found.groupdict()


def forget(form: forms.Form, *names: str) -> None:
    """Blank fields of a form that goes back to the browser, whatever was typed there."""
    data = cast(QueryDict, form.data).copy()
    for name in names:
        data[name] = ""
    form.data = data


def refuse_private_keys(form: forms.Form, *names: str) -> None:
    """Put an error on each of these fields that holds a private key, and blank it, whatever else is wrong with the form."""
    for name in names:
        try:
            signing.refuse_private_keys(str(form.data.get(name, "")), field=name)
        except errors.Invalid as refusal:
            form.add_error(name, refusal.sentence)
            forget(form, name)


class Unechoed(forms.Textarea):
    """A box whose text never goes back to the browser: somebody may have pasted a private key into it."""

    def format_value(self, value: Any) -> None:
        return None


class SignatureForm(forms.Form):
    """A signature as a file or as pasted text."""

    signature_file = forms.FileField(
        label="Signature file", required=False, help_text="What gpg wrote: a .asc or .sig file."
    )
    signature = forms.CharField(
        label="Or paste the signature",
        required=False,
        max_length=200_000,
        widget=Unechoed(attrs={"rows": 6, "class": "mono", "spellcheck": "false"}),
        strip=False,
    )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("signature_file") and not (data.get("signature") or "").strip() and not self.errors:
            self.add_error("signature", "Choose the signature file, or paste the signature.")
        return data

    def upload(self) -> bytes:
        """Return the bytes of the signature. Call after ``is_valid``."""
        file = self.cleaned_data.get("signature_file")
        if file:
            return bytes(file.read())
        # A browser sends text with CRLF; armor does not mind, clearsigned text is line ends anyway.
        return str(self.cleaned_data["signature"]).replace("\r\n", "\n").encode()


class ReasonForm(forms.Form):
    """Why a waiting version is withdrawn or declined."""

    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class WaiverForm(forms.Form):
    """A clause to waive for a while."""

    clause = forms.ChoiceField(
        label="Clause", choices=[(each.number, f"{each.number} {each.title}") for each in CLAUSES]
    )
    concerns = forms.ChoiceField(
        label="For certificates of",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whose certificates it is for."},
    )
    certificate_sha256 = forms.CharField(
        label="Only this certificate",
        required=False,
        max_length=200,
        help_text="SHA-256 of the certificate, in any spacing. Empty: all of theirs.",
    )
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))
    owner = forms.CharField(
        label="Who ends it", max_length=120, help_text="The person who sees to it that it is no longer needed."
    )
    expires_on = forms.DateField(
        label="Until",
        error_messages={"required": "Enter the day on which it ends."},
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="At most a year. It ends at 00:00 UTC of that day.",
    )

    def __init__(self, data: Any = None, *, organizations: list[tuple[str, str]]) -> None:
        super().__init__(data)
        self.fields["concerns"].choices = organizations  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        refuse_private_keys(self, "reason", "owner")
        return data

    def clean_certificate_sha256(self) -> str:
        """Take a fingerprint in any spacing and case."""
        return re.sub(r"[\s:]", "", self.cleaned_data["certificate_sha256"]).lower()


class CertificateForm(forms.Form):
    """A certificate to hold against the identity rules."""

    owner = forms.ChoiceField(
        label="Whose certificate",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose whose certificate it is."},
    )
    certificate_file = forms.FileField(
        label="Certificate file", required=False, help_text="PEM or DER, one certificate."
    )
    certificate = forms.CharField(
        label="Or paste the certificate",
        required=False,
        max_length=100_000,
        widget=Unechoed(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None, files: Any = None, *, organizations: list[tuple[str, str]]) -> None:
        super().__init__(data, files)
        self.fields["owner"].choices = organizations  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("certificate_file") and not (data.get("certificate") or "").strip() and not self.errors:
            self.add_error("certificate", "Choose a certificate file, or paste a certificate.")
        return data

    def upload(self) -> bytes:
        """Return the bytes of the certificate. Call after ``is_valid``."""
        file = self.cleaned_data.get("certificate_file")
        return bytes(file.read()) if file else str(self.cleaned_data["certificate"]).encode()
