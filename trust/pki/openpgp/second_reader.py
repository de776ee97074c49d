"""A second, independent reading of a signature that gpgv called good, by Sequoia.

Two implementations seldom have the same hole. They must agree on the key, on the component that signed,
and on every byte of the content; if not, the upload is refused and kept for inspection.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import ParamSpec, TypeVar

import pysequoia

from trust.pki.text import escaped

P = ParamSpec("P")
T = TypeVar("T")


class Disagreement(Exception):
    """The second reader does not confirm the first. The text says on what."""


@cache
def version() -> str:
    """The version of the second reader."""
    return metadata.version("pysequoia")


def confirm_detached(*, blocks: Sequence[bytes], content: bytes, signature: bytes, primary: str, signer: str) -> None:
    """Confirms a detached signature (binary packet) over `content` by `signer` under `primary`.

    Raises:
        Disagreement: if the second reader sees it differently.
    """
    seen = _verified(blocks, content, pysequoia_signature=signature)
    _same_signer(seen, primary, signer)


def confirm_message(
    *, blocks: Sequence[bytes], message: bytes, content: bytes, primary: str, signer: str, text: bool
) -> None:
    """Confirms an inline or clearsigned `message` whose content must be `content`.

    With `text`, line ends are compared as line feeds.

    Raises:
        Disagreement: if the second reader sees it differently.
    """
    seen = _verified(blocks, message)
    _same_signer(seen, primary, signer)
    read = seen.bytes
    if read is not None and text:
        read = read.replace(b"\r\n", b"\n")
    if read != content:
        raise Disagreement("The second verifier reads other content from the signed file.")


def has_expired(blocks: Sequence[bytes], *, primary: str, now: datetime) -> bool:
    """Whether the key `primary` of `blocks` has expired at `now`. gpgv looks at its own clock only.

    Raises:
        Disagreement: if the second reader does not find the key.
    """
    for block in blocks:
        cert = _read(pysequoia.Cert.from_bytes, block)
        if cert.fingerprint.lower() == primary:
            ends = cert.expiration
            return ends is not None and ends.astimezone(UTC) <= now
    raise Disagreement("The second verifier does not find the key that the first one names.")


def _verified(blocks: Sequence[bytes], data: bytes, *, pysequoia_signature: bytes | None = None) -> pysequoia.Decrypted:
    ring = [_read(pysequoia.Cert.from_bytes, block) for block in blocks]
    if pysequoia_signature is None:
        return _read(lambda: pysequoia.verify(bytes=data, store=lambda _ids: ring))
    signature = _read(pysequoia.Sig.from_bytes, pysequoia_signature)
    return _read(lambda: pysequoia.verify(bytes=data, store=lambda _ids: ring, signature=signature))


def _read(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function` of the library, with everything that can go wrong as a disagreement."""
    try:
        return function(*args, **kwargs)
    except Exception as problem:
        # The message's first line only: below it stands a stack trace of the library.
        first = (str(problem).splitlines() or ["no reason given"])[0][:200]
        raise Disagreement(f"The second verifier refuses: {escaped(first)}") from problem
    except BaseException as problem:
        # A panic inside the library arrives as a BaseException of its own, which is a refusal as well.
        if type(problem).__name__ != "PanicException":
            raise
        raise Disagreement("The second verifier broke down on the signature.") from problem


def _same_signer(seen: pysequoia.Decrypted, primary: str, signer: str) -> None:
    signers = [(str(item.certificate).lower(), str(item.signing_key).lower()) for item in seen.valid_sigs]
    if signers != [(primary, signer)]:
        raise Disagreement("The second verifier names another key as the signer.")
