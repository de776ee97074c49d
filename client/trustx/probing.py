"""Looking at a TLS endpoint from outside, to see whether the service really loaded the new store.

``names``: the endpoint lists, in its request for a client certificate, the names of the CAs that it accepts (RFC 8446 section
4.2.4); every anchor of the new store must be among them, and none that only the old one had. Two keys under one name cannot be
told apart. ``client``: a certificate below the new store is presented, and an HTTP answer of 2xx or 3xx must come back. ``answer``:
the endpoint completes a handshake, which says that it is up and nothing of what it trusts.
"""

import shutil
import ssl
import subprocess
import time
import warnings
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import urllib3

from trustx.patience import impatient
from trustx.settings import Settings

NAMES, CLIENT, ANSWER = "names", "client", "answer"
WAYS = (NAMES, CLIENT, ANSWER)
_HEADING = "Acceptable client certificate CA names"
_ONE_TRY = 10.0  # seconds


@dataclass(frozen=True)
class Expected:
    """What the service must show: the DER of the new store's anchors, and of those that only the old one had."""

    version: int
    present: frozenset[bytes] = frozenset()
    absent: frozenset[bytes] = frozenset()


@dataclass(frozen=True)
class Seen:
    """What was seen: ``problem`` is empty when it is what must be, and then ``proof`` says what showed it."""

    proof: str = ""
    problem: str = ""


def probe(settings: Settings, expected: Expected) -> Seen:
    """Look until the endpoint shows the new store, for at most ``probe_timeout`` seconds: services reload in their own time."""
    deadline = time.monotonic() + settings.probe_timeout
    look = {NAMES: _names, CLIENT: _client, ANSWER: _answer}[settings.probe_shows]
    while True:
        seen = look(settings, urlsplit(settings.probe), expected)
        if not seen.problem or time.monotonic() > deadline:
            return seen
        time.sleep(0.2)


def _names(settings: Settings, address: SplitResult, expected: Expected) -> Seen:
    program = shutil.which("openssl")
    if program is None:
        return Seen(problem="openssl is not installed, which reads the names")
    command = [program, "s_client", "-connect", _endpoint(address), "-nameopt", "RFC2253"]
    if address.hostname and not address.hostname.replace(".", "").isdigit() and ":" not in address.hostname:
        command += ["-servername", address.hostname]
    try:
        done = subprocess.run(command, input=b"", capture_output=True, timeout=_ONE_TRY, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Seen(problem=f"{settings.probe} does not answer: {error}")
    text = done.stdout.decode("utf-8", "replace")
    if "-----BEGIN CERTIFICATE-----" not in text:
        return Seen(problem=f"{settings.probe} does not answer with TLS")
    named = _listed(text)
    try:
        wanted, unwanted = (_subjects(program, each) for each in (expected.present, expected.absent))
    except (OSError, subprocess.SubprocessError) as error:
        return Seen(problem=f"openssl does not say the names of the store's CAs: {error}")
    if missing := sorted(wanted - named):
        return Seen(problem=f"{settings.probe} does not name {missing[0]} among the CAs that it accepts")
    if left := sorted((unwanted - wanted) & named):
        return Seen(problem=f"{settings.probe} still names {left[0]} among the CAs that it accepts")
    return Seen(proof=f"{_short(address)} names the {len(wanted)} anchors of v{expected.version} and none that left")


def _listed(text: str) -> set[str]:
    """Return the names in what ``openssl s_client`` prints: the lines between the heading and the next line that is no name."""
    _, _, rest = text.partition(f"{_HEADING}\n")
    names = set()
    for line in rest.splitlines():
        if line.startswith("---") or line.split(":")[0] in (
            "Client Certificate Types",
            "Requested Signature Algorithms",
        ):
            break
        names.add(line)
    return names


def _subjects(program: str, ders: frozenset[bytes]) -> set[str]:
    command = [program, "x509", "-inform", "DER", "-noout", "-subject", "-nameopt", "RFC2253"]
    names = set()
    for der in ders:
        done = subprocess.run(command, input=der, capture_output=True, timeout=_ONE_TRY, check=True)
        names.add(done.stdout.decode("utf-8", "replace").strip().removeprefix("subject="))
    return names


def _client(settings: Settings, address: SplitResult, expected: Expected) -> Seen:
    status, problem = _get(settings)
    if problem:
        return Seen(problem=f"{settings.probe} did not take the client certificate: {problem}")
    if not 200 <= status < 400:
        return Seen(problem=f"{settings.probe} answered the client certificate with {status}")
    return Seen(proof=f"{_short(address)} took a client certificate under v{expected.version} and answered {status}")


def _answer(settings: Settings, address: SplitResult, expected: Expected) -> Seen:
    status, problem = _get(settings)
    if problem:
        return Seen(problem=f"{settings.probe} does not answer: {problem}")
    return Seen(proof=f"{_short(address)} answered {status} after the reload; what it trusts was not seen")


def _get(settings: Settings) -> tuple[int, str]:
    """Return the status of a GET, or what went wrong."""
    context = ssl.create_default_context(cafile=str(settings.probe_ca_file) if settings.probe_ca_file else None)
    if settings.probe_ca_file is None:
        # The endpoint is told nothing secret, and what it proves is what it accepts, so its own certificate may be any.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        if settings.probe_certificate:
            context.load_cert_chain(settings.probe_certificate, settings.probe_key)
        with (
            warnings.catch_warnings(),
            impatient(urllib3.PoolManager(ssl_context=context, timeout=_ONE_TRY, retries=False), _ONE_TRY) as pool,
        ):
            warnings.simplefilter("ignore", urllib3.exceptions.InsecureRequestWarning)
            answer = pool.request("GET", settings.probe, redirect=False, preload_content=False)
            answer.close()
            return answer.status, ""
    except (urllib3.exceptions.HTTPError, OSError) as error:
        return 0, str(error)


def _endpoint(address: SplitResult) -> str:
    host = f"[{address.hostname}]" if ":" in (address.hostname or "") else address.hostname
    return f"{host}:{address.port or 443}"


def _short(address: SplitResult) -> str:
    return _endpoint(address)[:80]
