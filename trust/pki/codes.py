"""Every finding that reading a bundle can give: code, severity, sentence, fix and source, in one table.

Codes are a public contract: they never change their meaning, and a partner's scripts may match on them. The
words in braces are filled in by whoever finds it, already escaped for display. RFC numbers are those of
2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from trust.pki.findings import Finding, Severity

REFUSE, PROBLEM, WARNING, NOTE = Severity.REFUSE, Severity.PROBLEM, Severity.WARNING, Severity.NOTE

_BUNDLE = "Portal intake rules"
_GUIDE = "Mutual TLS guide"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a code stands for."""

    code: str
    severity: Severity
    sentence: str
    fix: str
    source: str


def _table(*rows: tuple[str, Severity, str, str, str]) -> dict[str, Definition]:
    definitions = {row[0]: Definition(*row) for row in rows}
    assert len(definitions) == len(rows), "a code is defined twice"
    return definitions


_ONLY_CERTIFICATES = "Build the bundle from CA certificates only, sign it and upload again."
_MAKE_AGAIN = "Export the certificate again from your CA and rebuild the bundle."
_REISSUE = "Issue the certificate again without this defect, with a new serial number."
_NEW_KEY = "Make a new key, issue a new certificate for it and stop using this one."
_REPACK = "Pack the files again with a plain tar or zip of regular files, and sign the new archive."

# fmt: off
READING = _table(
    ("empty_upload", REFUSE, "The file is empty.", "Choose the bundle file and upload again.", _BUNDLE),
    ("upload_too_large", REFUSE, "The file is {size} bytes long; at most {limit} are taken.",
     "Leave out what is not a CA certificate or CRL.", _BUNDLE),
    ("unknown_format", REFUSE, "This is not PEM, DER, PKCS#7, JWKS, zip or tar: {reason}.",
     "Upload CA certificates as PEM, or the package as in the guide.", "RFC 7468 5; Mutual TLS guide 3.2"),
    ("no_certificates", REFUSE, "The file holds no certificate.",
     "Build the bundle from CA certificates only, sign it and upload again.", _BUNDLE),
    ("too_many_certificates", REFUSE, "The file holds {count} certificates; at most {limit} are taken.",
     "Offer only the CAs that this partner needs.", _BUNDLE),
    ("pem_foreign_label", REFUSE, "Block {block} (line {line}) is a {label}, not a certificate or CRL.",
     "Build the bundle from CA certificates only, sign it and upload again.", "RFC 7468 5.1, 6, 8"),
    ("pem_legacy_label", NOTE, "Block {block} (line {line}) has the old label {label}.",
     "Write CERTIFICATE instead; some readers skip the old label.", "RFC 7468 5.1, appendix A"),
    ("pem_boundary", REFUSE, "Line {line}: {reason}.",
     "Write each BEGIN and END line alone on its line, in matching pairs.", "RFC 7468 3"),
    ("pem_header", REFUSE, "Block {block} (line {line}) carries a header inside it.",
     "Remove the header; text belongs before or after the block.", "RFC 7468 2"),
    ("pem_base64", REFUSE, "Block {block} (line {line}) is not clean base64: {reason}.",
     "Export the certificate again from your CA and rebuild the bundle.", "RFC 7468 3; RFC 4648 3.5"),
    ("pem_text_around", NOTE,
     "There is text around the blocks. It is not part of any certificate and is not shown.",
     "Nothing to do.", "RFC 7468 2"),
    ("certificate_unreadable", REFUSE, "{where} cannot be read as a certificate: {reason}.",
     "Export the certificate again from your CA and rebuild the bundle.", "RFC 5280 4.1; X.690 10"),
    ("crl_unreadable", REFUSE, "{where} cannot be read as a CRL: {reason}.",
     "Publish the CRL again and rebuild the package.", "RFC 5280 5.1"),
    ("pkcs7_unreadable", REFUSE, "{where} cannot be read as a PKCS#7 certificate set: {reason}.",
     "Export the set again, or send PEM.", "RFC 5652 5.1"),
    ("pkcs7_signed_content", REFUSE,
     "{where} carries signed content or signers. A certificate set carries none.",
     "Send the certificates only; the bundle is signed with OpenPGP.", "RFC 5652 5.1; RFC 5751 3.9"),
    ("jwks_unreadable", REFUSE, "{where} is not a SPIFFE bundle that can be used: {reason}.",
     "Export the bundle again from your SPIFFE server.", "SPIFFE Trust Domain and Bundle 4; X509-SVID 6"),
    ("jwks_entry_ignored", NOTE,
     "Entry {entry} of {where} is not an X.509 authority and is left out ({use}).", "Nothing to do.",
     "SPIFFE Trust Domain and Bundle 4.2.2"),
    ("duplicate_certificate", NOTE, "The same certificate is in the upload {count} times. It counts once.",
     "Nothing to do.", _BUNDLE),
    ("archive_unreadable", REFUSE, "The archive cannot be read: {reason}.",
     "Pack the files again with a plain tar or zip of regular files, and sign the new archive.",
     _BUNDLE),
    ("archive_ambiguous", REFUSE, "Different programs would unpack this archive differently: {reason}.",
     "Pack the files again with a plain tar or zip of regular files, and sign the new archive.",
     _BUNDLE),
    ("archive_unsafe_name", REFUSE, "Member {member} has a name that is not taken: {reason}.",
     "Pack the files again with a plain tar or zip of regular files, and sign the new archive.",
     _BUNDLE),
    ("archive_not_regular", REFUSE, "Member {member} is a {kind}. Only regular files are taken.",
     "Pack the files again with a plain tar or zip of regular files, and sign the new archive.",
     _BUNDLE),
    ("archive_limit", REFUSE, "The archive goes beyond what is unpacked: {reason}.",
     "Leave out what is not a CA certificate, CRL or policy document.", _BUNDLE),
    ("archive_nested", REFUSE, "Member {member} is an archive or key store itself.",
     "Put the files directly into the package.", _BUNDLE),
    ("archive_unknown_member", WARNING, "Member {member} is not part of a trust package and is ignored.",
     "Use the file names of the guide, or leave the file out.", "Mutual TLS guide 3.2"),
    ("endpoints_unreadable", PROBLEM, "{where} cannot be used: {reason}.",
     "Write a JSON object whose values are http or https addresses.", "Mutual TLS guide 3.2"),
    ("endpoints_unsafe_url", PROBLEM, "{where} lists an address that is never contacted: {reason}.",
     "List public host names with http or https.", "Mutual TLS guide 3.2; Portal intake rules"),
)

MANIFEST = _table(
    ("manifest_unreadable", REFUSE, "{where} is not a manifest that can be used: {reason}.",
     "Make the manifest again as the portal's page for submitting shows, and sign the new package.", _BUNDLE),
    ("manifest_file_differs", REFUSE, "{member} is not the file that the manifest lists: its SHA-256 differs.",
     "Make the manifest from the files that are in the package, last of all, and sign the new package.", _BUNDLE),
    ("manifest_file_missing", REFUSE, "The manifest lists {member}, which is not in the package.",
     "Put the file into the package, or make the manifest again without it.", _BUNDLE),
    ("manifest_file_unlisted", REFUSE, "{member} is in the package and not in its manifest.",
     "Make the manifest from all files of the package, or leave the file out.", _BUNDLE),
    ("manifest_partner", REFUSE, "The manifest says that the package comes from {said}; {partner} sends it.",
     "Write the short name of your own organization into the manifest.", _BUNDLE),
    ("manifest_audience", REFUSE, "The manifest says that the package is for {said}, not for {audience}.",
     "Make and sign a package for this partner.", _BUNDLE),
    ("manifest_created", REFUSE, "The manifest was made on {created}, which is not shortly before its signature on {signed}.",
     "Make the manifest again, and sign the package within 24 hours.", _BUNDLE),
    ("no_manifest", NOTE, "Its signature does not say for whom it is, or whether it is the latest: there is no manifest in it.",
     "Send a package with a manifest.json; the portal's page for submitting shows how to make one.", _BUNDLE),
    ("rollback", PROBLEM,
     "The package is number {sequence}, and submission {number} was number {newest}: something newer was sent already.",
     "Find out whether somebody sends an old package again before anything of it is approved.", _BUNDLE),
)

ENVELOPE = _table(
    ("encrypted_off", REFUSE, "The file is encrypted, and this portal takes no encrypted files.",
     "Upload it signed and not encrypted. TLS protects it on the way.", _BUNDLE),
    ("encrypted_with_signature", REFUSE, "The file is encrypted, and a detached signature came with it.",
     "Put the signature inside: gpg --sign --encrypt.", _BUNDLE),
    ("encrypted_not_taken", REFUSE, "The encrypted file cannot be opened: {reason}.",
     "Sign and encrypt it again, to the intake key that the portal's page for submitting shows: gpg --sign --encrypt.", _BUNDLE),
)

STOPPED = _table(
    ("more_findings", NOTE, "There are {count} more findings, none of them heavier than these.",
     "Mend these first and check again.", _BUNDLE),
    ("examination_stopped", REFUSE,
     "Reading the file was stopped, because it took too long, too much memory, or broke the reader.",
     "Send the CA certificates as plain PEM. If this is plain PEM, tell the portal's operator.", _BUNDLE),
)

SECRETS = _table(
    ("private_key", REFUSE, "There is a private key in the upload: {kind} in {where}.",
     "Treat the key as exposed: revoke it, make a new one, and upload certificates only.", _BUNDLE),
    ("not_fully_scanned", REFUSE,
     "Not every part of the upload could be searched for private keys: {reason}.",
     "Send the files unpacked and without a password, or as plain zip or tar.", _BUNDLE),
    ("exposed_key", REFUSE, "This key was uploaded as a private key before and is refused for ever.",
     "Make a new key, issue a new certificate for it and stop using this one.", _BUNDLE),
)

CERTIFICATE = _table(
    ("not_ca", REFUSE, "{subject} is not a CA certificate: {reason}.",
     "Offer the CA that issued it. A service certificate never belongs in a trust store.",
     "RFC 5280 4.2.1.9; Mutual TLS guide 3.2"),
    ("old_version", REFUSE,
     "{subject} is an X.509 version {version} certificate, which cannot say that it is a CA.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.2.1"),
    ("key_usage_without_cert_sign", REFUSE,
     "The key usage of {subject} does not allow it to sign certificates.",
     "Issue it again with keyUsage = critical, keyCertSign, cRLSign.", "RFC 5280 4.2.1.3"),
    ("key_usage_missing", WARNING, "{subject} has no key usage.",
     "Issue it again with keyUsage = critical, keyCertSign, cRLSign.", "RFC 5280 4.2.1.3"),
    ("key_usage_not_critical", WARNING, "The key usage of {subject} is not marked critical.",
     "Mark keyUsage critical at the next renewal.", "RFC 5280 4.2.1.3"),
    ("key_usage_without_crl_sign", NOTE, "{subject} may not sign CRLs.",
     "Add cRLSign, unless its CRLs are signed by another key.", "RFC 5280 4.2.1.3"),
    ("basic_constraints_not_critical", WARNING,
     "The basicConstraints of {subject} is not marked critical.",
     "Issue it again with basicConstraints = critical, CA:TRUE. Python 3.13 and openssl -x509_strict "
     "refuse chains through it. The guide's own intermediate has this gap.",
     "RFC 5280 4.2.1.9; Mutual TLS guide 2.3"),
    ("subject_key_identifier_missing", WARNING, "{subject} has no subject key identifier.",
     "Add subjectKeyIdentifier = hash; chain building relies on it.", "RFC 5280 4.2.1.2"),
    ("authority_key_identifier_missing", WARNING, "{subject} has no authority key identifier.",
     "Add authorityKeyIdentifier = keyid:always; strict verifiers refuse without it.", "RFC 5280 4.2.1.1"),
    ("unknown_critical_extension", REFUSE,
     "{subject} has a critical extension that validators do not know: {oids}.",
     "Issue it again without the extension, or not critical.", "RFC 5280 4.2"),
    ("name_constraints_not_critical", WARNING,
     "The name constraints of {subject} are not marked critical.",
     "Mark them critical, or some validators skip them.", "RFC 5280 4.2.1.10"),
    ("no_name_constraints", NOTE,
     "{subject} has no name constraints: it can issue for every name, also for yours.",
     "Ask for nameConstraints, or serve the partner's allowed names with the store.", "RFC 5280 4.2.1.10"),
    ("netscape_extension", NOTE,
     "{subject} has an obsolete Netscape extension. The guide's root has it too.",
     "Leave it out at the next renewal; keyUsage says the same.", "Mutual TLS guide 2.2"),
    ("extended_key_usage_on_ca", NOTE, "{subject} is limited to {purposes}.",
     "Check that it covers clientAuth and serverAuth as you use them.", "RFC 5280 4.2.1.12"),
    ("serial_not_positive", WARNING, "The serial number of {subject} is zero or negative.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.2.2"),
    ("serial_too_long", WARNING, "The serial number of {subject} is {octets} octets long; 20 are allowed.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.2.2"),
    ("serial_predictable", NOTE, "The serial number of {subject} has fewer than 64 bits.",
     "Use random serial numbers of 64 bits or more.", "RFC 5280 4.1.2.2; CA/Browser Forum BR 7.1"),
    ("wrong_time_form", WARNING, "{subject} writes a year before 2050 as GeneralizedTime.",
     "Use UTCTime until 2049.", "RFC 5280 4.1.2.5"),
    ("empty_subject", REFUSE, "A CA certificate has an empty subject.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.2.6"),
    ("suspicious_name", PROBLEM, "A name in the certificate is not plain: {marks}. It reads {subject}.",
     "Issue it again with a plain name. Compare the fingerprint, not the name.",
     "RFC 5280 4.1.2.4; Unicode UTR 36"),
    ("non_ascii_name", NOTE, "A name holds letters outside ASCII. It reads {subject}.",
     "Nothing to do. They are spelled out so that look-alikes can be told apart.", "Unicode UTR 36"),
    ("active_text_in_name", PROBLEM,
     "A name could act as a formula, markup or template elsewhere: {subject}.",
     "Issue it again with a plain name.", "OWASP ASVS 1.2.10"),
    ("oversized_name", REFUSE, "A name of {attributes} attributes and {octets} octets is not taken.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 appendix A.1"),
    ("openssl_refuses", REFUSE,
     "OpenSSL, which most services read their trust stores with, does not take {subject}: {reason}.",
     "Issue it again with names in UTF8String or PrintableString and with extensions as RFC 5280 has them; "
     "'openssl verify -CAfile FILE FILE' says what it stumbles over.", "RFC 5280 4.1.2.4, 4.2; Portal intake rules"),
    ("public_ca_name", PROBLEM, "{subject} is named like a public web CA.",
     "Offer your own private CA under your own name.", _BUNDLE),
    ("public_web_root", PROBLEM,
     "{subject} is a root of the public web. Trusting it admits half of the internet.",
     "Offer your own private CA.", _BUNDLE),
    ("expired", REFUSE, "{subject} expired on {not_after}.", "Renew it and offer the renewed certificate.",
     "RFC 5280 4.1.2.5"),
    ("not_yet_valid", WARNING, "{subject} is not valid before {not_before}.",
     "Publish it no earlier, or ask for one with an earlier start.", "RFC 5280 4.1.2.5"),
    ("dates_reversed", REFUSE, "{subject} ends ({not_after}) before it begins ({not_before}).",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.2.5"),
    ("expires_soon", WARNING, "{subject} expires on {not_after}, in {days} days.",
     "Plan the renewal now: the guide announces a CA change 30 days ahead.", "Mutual TLS guide 1.3"),
    ("never_expires", WARNING, "{subject} is valid until {not_after}, which means for ever.",
     "Issue it with an end date within the agreed lifetime.", "RFC 5280 4.1.2.5"),
    ("lifetime_too_long", WARNING,
     "{subject} is valid for {years} years; a {tier} CA should have at most {limit}.",
     "Issue it with a shorter lifetime at the next renewal.", "Mutual TLS guide 1.3"),
)

KEYS = _table(
    ("weak_key", REFUSE, "The key of {subject} is not safe: {reason}.",
     "Make a new key, issue a new certificate for it and stop using this one.",
     "Portal intake rules; NIST SP 800-57"),
    ("roca_key", REFUSE, "The RSA key of {subject} was made by a faulty chip and can be factored (ROCA).",
     "Make a new key, issue a new certificate for it and stop using this one.", "CVE-2017-15361"),
    ("close_primes", REFUSE, "The RSA key of {subject} was factored at once: its primes are too close.",
     "Make a new key, issue a new certificate for it and stop using this one.", "CVE-2022-26320"),
    ("known_key", REFUSE, "The private key of {subject} is public knowledge: {origin}.",
     "Make a new key, issue a new certificate for it and stop using this one.", "RFC 9500"),
    ("shared_prime", REFUSE,
     "The RSA keys of {subject} and another certificate share a prime: both can be factored.",
     "Make a new key, issue a new certificate for it and stop using this one.",
     "USENIX Security 2012, Mining your Ps and Qs"),
    ("shared_prime_not_searched", NOTE,
     "The {count} RSA keys were not compared for shared primes; at most {limit} are.",
     "Nothing to do.", _BUNDLE),
    ("explicit_curve", REFUSE, "The key of {subject} spells out its curve instead of naming it.",
     "Issue it again with a named curve (ec_param_enc:named_curve).", "RFC 5480 2.1.1; CVE-2020-0601"),
    ("curve_not_allowed", REFUSE, "The key of {subject} is on the curve {curve}.",
     "Use P-256, P-384 or P-521.", "FIPS 186-5; Mutual TLS guide 1.2"),
    ("key_type_not_allowed", REFUSE,
     "The key of {subject} is of the type {algorithm}, which is not taken.",
     "Use ECDSA P-256 or RSA 3072 and longer.", "FIPS 186-5; Mutual TLS guide 1.2"),
    ("key_type_uncommon", WARNING, "The key of {subject} is {algorithm}. Not every TLS library takes it.",
     "Try it with each consumer first, or use ECDSA P-256.", "RFC 8410"),
    ("rsa_exponent", WARNING, "The RSA exponent of {subject} is {exponent}, not 65537.",
     "Use 65537 for the next key.", "NIST SP 800-56B 6.2"),
    ("rsa_2048", NOTE, "The key of {subject} is RSA 2048, too short for a CA that lives beyond 2030.",
     "Use ECDSA P-256 or RSA 3072 for the next key.", "NIST SP 800-57 part 1, table 4"),
    ("weak_signature", REFUSE, "{subject} is signed with {digest}, which can be forged.",
     "Issue it again with SHA-256 or better.", "RFC 9155; RFC 6194"),
    ("weak_self_signature", WARNING, "The root {subject} signed itself with {digest}.",
     "Harmless for an anchor, but strict tools complain. Use SHA-256 for the next root.", "RFC 6194"),
    ("signature_algorithm_uncommon", WARNING,
     "{subject} is signed with {algorithm}. Not every TLS library takes it.",
     "Try it with each consumer first, or use ECDSA or RSA PKCS#1 with SHA-256.", "RFC 4055; RFC 8410"),
    ("signature_algorithms_differ", REFUSE, "{subject} names two different signature algorithms.",
     "Issue the certificate again without this defect, with a new serial number.", "RFC 5280 4.1.1.2"),
)

CHAINS = _table(
    ("no_root", WARNING, "The bundle holds no root. Then an intermediate has to serve as the anchor.",
     "Add the root: OpenSSL and nginx refuse an intermediate as an anchor by default.", "RFC 5280 6.1.1"),
    ("chain_incomplete", REFUSE,
     "{subject} does not lead to a root in this bundle. Its issuer is {issuer}.",
     "Add the issuer's certificate, or leave this one out.", "RFC 5280 6.1"),
    ("signature_does_not_verify", REFUSE,
     "{subject} names {issuer} as its issuer, but that key did not sign it.",
     "Check which CA of that name issued it and add that one.", "RFC 5280 6.1.3"),
    ("path_length_exceeded", REFUSE,
     "The chain to {subject} is longer than the path length of a CA above it allows.",
     "Raise the path length of the CA above, or issue from a higher CA.", "RFC 5280 4.2.1.9"),
    ("issuer_may_not_sign", REFUSE, "{subject} was issued by a certificate that may not issue: {issuer}.",
     "Issue it from a CA.", "RFC 5280 6.1.4"),
    ("chain_loop", WARNING, "These CAs have certified each other in a circle: {subjects}.",
     "Check that each still has a path to its own root, and drop the cross-certificates that nobody uses.",
     "RFC 4158 2.4"),
    ("chain_budget", REFUSE, "Finding the chains needs more than {limit} signature checks.",
     "Offer fewer CAs of one name.", _BUNDLE),
    ("outlives_issuer", WARNING, "{subject} is valid longer than its issuer {issuer}.",
     "Chains stop when the issuer ends. Renew the issuer first.", "RFC 5280 6.1.3"),
    ("starts_before_issuer", NOTE, "{subject} begins before its issuer {issuer}.", "Nothing to do.",
     "RFC 5280 6.1.3"),
    ("cross_signed", NOTE, "{subject} with the same key was issued by {count} different issuers.",
     "Both are needed while a root is being replaced; check that this is intended.", "RFC 4158 2.4"),
    ("subject_reused", WARNING, "{count} certificates are named {subject} and have different keys.",
     "Compare fingerprints, never names. Remove the one that is out of use.", "RFC 5280 4.1.2.6"),
    ("key_reused", WARNING, "{count} certificates with different names have one key: {subjects}.",
     "Use one key for one CA.", "RFC 5280 4.2.1.2"),
    ("renewed_same_key", NOTE, "{subject} is there {count} times with one key: a renewal.",
     "Leave out the older one when nobody needs it.", "RFC 4158 2.4"),
    ("serial_reused", PROBLEM, "{issuer} gave the serial number {serial} to {count} certificates.",
     "Revoke one of them: a CRL cannot tell them apart.", "RFC 5280 4.1.2.2"),
    ("key_identifier_mismatch", WARNING,
     "The key identifier that {subject} names is not that of its issuer {issuer}.",
     "Issue it again; some chain builders will not find the issuer.", "RFC 5280 4.2.1.1"),
)

SUBMISSION = _table(
    ("anchor_of_another_partner", PROBLEM,
     "{subject} is already a trust anchor that another organization offered on this portal.",
     "Find out who runs this CA before anybody trusts it twice.", _BUNDLE),
    ("key_of_another_partner", PROBLEM,
     "The key of {subject} is that of a trust anchor that another organization offered on this portal.",
     "Find out who holds this key before anybody trusts it twice.", _BUNDLE),
    ("older_than_newest", WARNING,
     "The signature was made on {signed}, before that of submission {number}, which is newer.",
     "Make sure that this is not an old package that somebody sends again.", _BUNDLE),
    ("signature", REFUSE, "The signature does not count.", "Sign the file again and upload it.",
     "RFC 9580 5.2; Portal intake rules"),
)

SAMPLES = _table(
    ("sample_is_ca", PROBLEM, "The sample {subject} is a CA certificate.",
     "Put a service certificate into the samples folder.", "Mutual TLS guide 3.1"),
    ("sample_rejected", PROBLEM, "The sample {subject} does not verify as a {purpose}: {words}.",
     "Mend the chain or the profile of service certificates before services depend on it.", "RFC 5280 6.1"),
    ("sample_revoked", PROBLEM, "The CRL {where} revokes the sample {subject}.",
     "Put a service certificate that is in use into the samples folder.", "RFC 5280 6.3.3"),
    ("validators_disagree", PROBLEM,
     "Two validators do not agree on the sample {subject} as a {purpose}: {words}.",
     "Some services would accept it and others not. Issue service certificates that both accept.",
     "RFC 5280 6.1"),
)

CRLS = _table(
    ("crl_issuer_missing", WARNING,
     "The CRL {where} of {issuer} cannot be checked: its CA is not in the bundle.",
     "Add the CA's certificate. The guide's package has this gap for the issuing CA.",
     "RFC 5280 6.3.3; Mutual TLS guide 3.2"),
    ("crl_signature", REFUSE, "The CRL {where} was not signed by the key of {issuer}.",
     "Publish the CRL again from that CA.", "RFC 5280 6.3.3"),
    ("crl_signer_may_not_sign", PROBLEM,
     "The key usage of {issuer} does not allow it to sign the CRL {where}.",
     "Issue the CA again with cRLSign.", "RFC 5280 4.2.1.3"),
    ("crl_expired", PROBLEM, "The CRL {where} of {issuer} was due for renewal on {next_update}.",
     "Publish a fresh CRL: nginx and Envoy refuse every client while it is stale.", "RFC 5280 5.1.2.5"),
    ("crl_not_yet_valid", PROBLEM, "The CRL {where} of {issuer} is dated {this_update}.",
     "Check the clock of the CA.", "RFC 5280 5.1.2.4"),
    ("crl_no_next_update", WARNING, "The CRL {where} of {issuer} does not say when it will be renewed.",
     "Set nextUpdate.", "RFC 5280 5.1.2.5"),
    ("crl_no_number", WARNING, "The CRL {where} of {issuer} has no number.",
     "Add cRLNumber: without it an older list cannot be told from a newer one.", "RFC 5280 5.2.3"),
    ("crl_number_regressed", PROBLEM,
     "The CRL {where} of {issuer} has the number {number}; {known} was seen before (rollback).",
     "Send the newest CRL: on an older one, what was revoked since is not revoked.", "RFC 5280 5.2.3"),
    ("crl_delta", PROBLEM, "The CRL {where} of {issuer} is a delta and cannot be used alone.",
     "Send the full CRL.", "RFC 5280 5.2.4"),
    ("crl_partitioned", WARNING, "The CRL {where} of {issuer} covers only a part of its certificates.",
     "Send the full CRL, or all of its parts.", "RFC 5280 5.2.5"),
    ("crl_weak_signature", PROBLEM, "The CRL {where} of {issuer} is signed with {digest}.",
     "Sign CRLs with SHA-256 or better.", "RFC 9155"),
    ("crl_unknown_critical_extension", PROBLEM,
     "The CRL {where} of {issuer} has a critical extension that validators do not know.",
     "Publish it without that extension, or not critical: validators reject the whole list.", "RFC 5280 5.2"),
    ("crl_revokes_offered_ca", REFUSE,
     "The CRL {where} revokes {subject}, which is offered in the same bundle.",
     "Leave the revoked CA out.", "RFC 5280 6.3.3"),
    ("crl_coverage", WARNING,
     "No CRL in the package covers {issuer}; its CAs could not be revoked that way.",
     "Add the CRL of each CA in the chain: nginx with ssl_crl needs all of them.",
     "RFC 5280 6.3; Mutual TLS guide 3.2"),
)

LINT = _table(
    ("pkilint", WARNING, "The RFC 5280 linter says about {subject}: {words}.",
     "Correct the certificate profile at the next renewal.", "RFC 5280 (pkilint)"),
    ("pkilint_unavailable", NOTE, "The RFC 5280 linter could not judge {subject}.", "Nothing to do.",
     _BUNDLE),
)
# fmt: on
SECTIONS: dict[str, dict[str, Definition]] = {
    "Reading the upload": READING,
    "The manifest of a package": MANIFEST,
    "Encrypted uploads": ENVELOPE,
    "Limits of the examination": STOPPED,
    "Private keys": SECRETS,
    "The profile of a CA certificate": CERTIFICATE,
    "Keys and signatures of certificates": KEYS,
    "Chains and sets": CHAINS,
    "What the portal remembers": SUBMISSION,
    "Sample certificates": SAMPLES,
    "CRLs": CRLS,
    "The linter": LINT,
}
"""The codes by what they are about, with the heading of each part."""
DEFINITIONS: dict[str, Definition] = {code: one for part in SECTIONS.values() for code, one in part.items()}
"""Every code. Two are families: findings of the linter are `pkilint.` and its own code, those of a signature check
`signature_` and the verdict (`trust.pki.openpgp.verdicts`), with the words of either."""


def finding(
    code: str,
    *,
    certificate_sha256: str | None = None,
    detail: str = "",
    severity: Severity | None = None,
    **words: object,
) -> Finding:
    """Make the finding `code` with its documented sentence, `words` filled in.

    Words must be escaped for display already (`trust.pki.display.escape`). Raises KeyError for a code that is
    not in the table or a word that its sentence needs: both are mistakes of the caller.
    """
    return fill(code, words, certificate_sha256=certificate_sha256, detail=detail, severity=severity)


def fill(
    code: str,
    words: Mapping[str, object],
    *,
    certificate_sha256: str | None = None,
    detail: str = "",
    severity: Severity | None = None,
) -> Finding:
    """As `finding`, with the words in a mapping."""
    definition = DEFINITIONS[code]
    return Finding(
        code=code,
        severity=severity or definition.severity,
        sentence=definition.sentence.format(**words),
        fix=definition.fix,
        source=definition.source,
        certificate_sha256=certificate_sha256,
        detail=detail,
    )


def linted(lint_code: str, *, severity: Severity, certificate_sha256: str, subject: str, words: str) -> Finding:
    """Make the finding for one remark of the linter; its code is `pkilint.` and the linter's own."""
    made = finding("pkilint", certificate_sha256=certificate_sha256, severity=severity, subject=subject, words=words)
    return replace(made, code=f"pkilint.{lint_code}")
