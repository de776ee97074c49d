"""Opening Java's PKCS#12 in a process of its own, which computes for a few seconds at most.

A file says itself how many rounds its key is derived with, in one place for all of it and again for every part, also inside of
what is opened with the key. A hostile or damaged one says 2^31, which is hours, and no library lets its caller bound it.
"""

import json
import resource
import subprocess
import sys
from base64 import b64decode, b64encode

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

PASSWORD = b"changeit"  # Java's customary one; there is nothing secret in such a file
# Of computing: some ten million rounds. The portal's and keytool's 10,000 for each part take a hundredth of a second.
CPU_SECONDS = 10
_WALL_SECONDS = 120  # on a machine that has other things to do
_START = "import sys; sys.path[:] = sys.argv[2:]; from trustx.opening import serve; serve(int(sys.argv[1]))"


def pkcs12_certificates(content: bytes) -> list[bytes]:
    """Return the DER of each trusted certificate of a PKCS#12. Raises ValueError, also when it takes too long to open."""
    command = [sys.executable, "-I", "-c", _START, str(CPU_SECONDS), *(each for each in sys.path if each)]
    try:
        done = subprocess.run(command, input=content, capture_output=True, timeout=_WALL_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ValueError("it takes too long to open") from error
    if done.returncode < 0:
        raise ValueError(f"it takes more than {CPU_SECONDS} s of computing to open")
    if done.returncode > 0:
        raise ValueError("it cannot be opened here")
    said = json.loads(done.stdout)
    if isinstance(said, str):
        raise ValueError(said)
    return [b64decode(each) for each in said]


def serve(seconds: int) -> None:
    """Read a PKCS#12 from standard input and write a list of its certificates, or a text that says what is wrong, as JSON.

    Whatever takes more than ``seconds`` of computing ends the process.
    """
    for kind, value in ((resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(kind)
        lower = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(kind, (lower, lower))
    try:
        print(json.dumps([b64encode(der).decode("ascii") for der in _opened(sys.stdin.buffer.read())]))
    except ValueError as error:
        print(json.dumps(str(error)))


def _opened(content: bytes) -> list[bytes]:
    found = pkcs12.load_pkcs12(content, PASSWORD)
    if found.key is not None or found.cert is not None:
        raise ValueError("it holds more than trusted certificates")
    return [each.certificate.public_bytes(Encoding.DER) for each in found.additional_certs]
