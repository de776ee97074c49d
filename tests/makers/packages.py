"""Archives as partners and attackers make them."""

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Any

from tests.makers import certificates as make
from tests.moments import EVERYTHING_VALID

Members = Mapping[str, bytes] | Iterable[tuple[str, bytes]]


def _pairs(members: Members) -> list[tuple[str, bytes]]:
    return list(members.items() if isinstance(members, Mapping) else members)


def zipped(members: Members, *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file. Pairs may repeat a name."""
    import warnings

    out = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, content in _pairs(members):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, method)
    return out.getvalue()


def tarred(
    members: Members, *, form: int = tarfile.USTAR_FORMAT, mode: str = "w", kind: bytes = tarfile.REGTYPE
) -> bytes:
    """A tar file (`mode="w:gz"` for tar.gz); `kind` makes links and devices."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, content in _pairs(members):
            entry = tarfile.TarInfo(name)
            entry.size = len(content) if kind == tarfile.REGTYPE else 0
            entry.type = kind
            entry.linkname = "/etc/passwd" if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE) else ""
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def guide_members(hierarchy: make.Hierarchy | None = None) -> dict[str, bytes]:
    """The members of the guide's trust package (3.2), without its outer folder."""
    made = hierarchy or make.hierarchy()
    return {
        "root-ca-cert.pem": made.root.pem,
        "intermediate-ca-cert.pem": made.policy.pem,
        "crl/intermediate-ca.crl": make.crl(made.policy),
        "crl/issuing-ca.crl": make.crl(made.issuing),
        "ocsp/endpoints.json": b'{"issuing-ca": "http://ocsp.alder.example/issuing"}',
        "policy-document.md": b"# Certificate policy\n\nOnly services.\n",
    }


def manifest(members: Mapping[str, bytes], **deviation: Any) -> bytes:
    """The manifest of a package of Alder's for Birch, made just now. `drop=` leaves out a member of it."""
    valid = {
        "format": "partner-trust-exchange/package",
        "format_version": 1,
        "partner": "alder",
        "audience": "birch",
        "sequence": 7,
        "created": EVERYTHING_VALID.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in members.items()},
    }
    dropped = deviation.pop("drop", None)
    return json.dumps({name: value for name, value in (valid | deviation).items() if name != dropped}).encode()


def with_manifest(members: Mapping[str, bytes] | None = None, **deviation: Any) -> bytes:
    """The guide's package as a zip with its manifest."""
    listed = dict(guide_members() if members is None else members)
    return zipped(listed | {"manifest.json": manifest(listed, **deviation)})
