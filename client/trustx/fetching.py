"""The one way to the network: the portal's address, the token, limits of size and time, and no redirects."""

from collections.abc import Iterator
from typing import Any

import urllib3
from tuf.api.exceptions import DownloadError, DownloadHTTPError, SlowRetrievalError
from tuf.ngclient.fetcher import FetcherInterface

from trustx import __version__
from trustx.patience import TooSlow, body, pool
from trustx.settings import Settings
from trustx.stops import Exit, Stop


def reason(error: BaseException) -> str:
    """Return why the portal was not reached, without what a library says of its own connections."""
    inner = getattr(error, "reason", None) or error
    if isinstance(inner, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return str(inner).split(": ", 1)[-1]
    if isinstance(inner, urllib3.exceptions.ProxyError):
        return f"the proxy that the environment names does not lead there: {reason(inner.original_error)}"
    if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        # Ours says for what there was no more patience; that of a socket says nothing.
        ours = str(inner.__cause__ or "")
        return ours if "took more than" in ours else "it did not answer in time"
    if isinstance(inner, urllib3.exceptions.ProtocolError):
        return str(inner.args[-1])
    return str(inner)


def unreachable(error: BaseException, kept: str = "The last good store stays in place.") -> Stop:
    """Return the end of a run because the portal was not reached, with what to look at; ``kept`` is what the caller adds."""
    why = reason(error).rstrip(".")
    fix = "Give the CA of the portal's own certificate with --ca-file." if "CERTIFICATE_VERIFY_FAILED" in why else ""
    return Stop(Exit.UNREACHABLE, f"The portal cannot be reached: {why}.", f"{fix} {kept}".strip())


class Portal(FetcherInterface):
    """python-tuf's fetcher, with a token. Redirects are refused: the token would go along with them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool = pool(
            settings.portal,
            settings.ca_file,
            # What an answer says of when to come again must not hold this up: its caller comes again anyway.
            urllib3.Retry(
                total=2, connect=2, read=1, redirect=0, status=0, backoff_factor=0.2, respect_retry_after_header=False
            ),
            silence=30,
            patience=settings.download_timeout + settings.wait,
        )
        self._headers = {
            "Authorization": f"Bearer {settings.token()}",
            "User-Agent": f"trustx/{__version__}",
            # Nothing here is compressed, so that no small answer can become a large one.
            "Accept-Encoding": "identity",
        }

    def _fetch(self, url: str) -> Iterator[bytes]:
        answer = self._pool.request(
            "GET", url, headers=self._headers, preload_content=False, redirect=False, decode_content=False
        )
        if answer.status != 200:
            answer.close()  # what is left of the body must not be taken for the next answer
            raise DownloadHTTPError(f"{url} answered {answer.status}", answer.status)
        return self._taken(answer)

    def _taken(self, answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
        """Yield the body; how much of it is taken, python-tuf decides, which knows its own errors only while it begins."""
        try:
            yield from body(answer, self._settings.download_timeout)
        except TooSlow as error:
            raise SlowRetrievalError(str(error)) from error
        except urllib3.exceptions.HTTPError as error:
            raise DownloadError(reason(error)) from error

    def is_unchanged(self, extension: str, sha256: str, wait: int) -> bool:
        """Say whether the portal still serves these bytes, for the price of one 304. ``wait`` asks it to answer later.

        Anything unexpected is a no: then the real update finds out what it is.
        """
        headers = {**self._headers, "If-None-Match": f'"{sha256}"'}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        try:
            answer = self._pool.request(
                "GET",
                f"{self._settings.api}/current.{extension}",
                headers=headers,
                redirect=False,
                preload_content=False,
                timeout=urllib3.Timeout(connect=10, read=30 + wait),
            )
        except urllib3.exceptions.HTTPError:
            return False
        answer.close()
        return answer.status == 304

    def list_of(self, name: str, sha256: str, most: int) -> bytes | None:
        """Return a list beside the store, or None when the portal still serves the one with this digest.

        With ``most`` 0 only the change is of interest, and nothing is read. Raises Stop.
        """
        headers = self._headers | ({"If-None-Match": f'"{sha256}"'} if sha256 else {})
        url = f"{self._settings.api}/{name}"
        try:
            answer = self._pool.request(
                "GET", url, headers=headers, redirect=False, preload_content=False, decode_content=False
            )
            if answer.status == 304:
                answer.close()
                return None
            if answer.status != 200:
                answer.close()
                code = Exit.NO_ACCESS if answer.status in (401, 403, 404) else Exit.UNREACHABLE
                raise Stop(code, f"{url} answered {answer.status}.", "The last good list stays in place.")
            content = b"" if not most else self._whole(answer, most)
            answer.close()
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(error, "The last good list stays in place.") from error
        return content

    def _whole(self, answer: urllib3.BaseHTTPResponse, most: int) -> bytes:
        found = bytearray()
        for chunk in body(answer, self._settings.download_timeout):
            found += chunk
            if len(found) > most:
                raise Stop(
                    Exit.REFUSED,
                    f"A list has more than {most} bytes, which max_bytes allows.",
                    "Set max_bytes higher if that may be so.",
                )
        return bytes(found)

    def report(self, version: int, stage: str, proof: str) -> bool:
        """Tell the portal what runs here, and say whether that is settled: taken, or refused for good.

        Adoption is worth knowing and not worth failing for.
        """
        said: dict[str, Any] = {"version": version, "stage": stage, "proof": proof[:200]}
        try:
            url = f"{self._settings.api}/adoption/report"
            answer = self._pool.request(
                "POST", url, headers=self._headers, json=said, redirect=False, preload_content=False
            )
            answer.close()  # nothing in it is of interest, and it may have any length
        except urllib3.exceptions.HTTPError:
            return False
        return answer.status < 500 and answer.status != 429
