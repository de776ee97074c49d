"""The door of granian's WSGI workers: a repeated pull is answered without WSGI's environment and call.

Granian makes a function of a WSGI application, which for each request merges two dictionaries, makes an object and takes a text
apart: a tenth of what a pull costs. Here that function is asked second. Where granian is another one, it is asked first, as always.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any, Protocol

from trust.stores.serve.fastpath import FastPath

logger = logging.getLogger(__name__)
_SERVER, _WRAPPER = "granian.server.mp", "_wsgi_call_wrap"


class Asker(Protocol):
    """What granian sends an answer by."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes, /) -> None: ...


# What granian calls for each request: with its asker and what it read of the request, in the words of a WSGI environment.
Answer = Callable[[Asker, dict[str, Any]], int]


def install() -> bool:
    """Have the workers of this process answer by ``door``; says whether they will, which no other server's do."""
    server = sys.modules.get(_SERVER)
    if server is None:
        return False
    usual = getattr(server, _WRAPPER, None)
    if usual is None:
        logger.warning(
            "This granian is not the one that pulls are quickest with; they are answered as by any other server"
        )
        return False

    def wrap(application: Any, options: dict[str, Any], access_log: str | None = None) -> Answer:
        wsgi: Answer = usual(application, options, access_log)
        plain = isinstance(application, FastPath) and not access_log and not options.get("url_path_prefix")
        return door(application, wsgi) if plain else wsgi

    setattr(server, _WRAPPER, wrap)
    return True


def door(fast: FastPath, wsgi: Answer) -> Answer:
    """Return what answers by ``fast`` what was answered before, word for word, and everything else by ``wsgi``."""
    again = fast.again

    def answer(asker: Asker, scope: dict[str, Any]) -> int:
        found = again(scope)
        if found is None:
            return wsgi(asker, scope)
        given, headers = found
        asker.response_bytes(given.code, headers, given.content)
        return given.code

    return answer


__all__ = ["Answer", "Asker", "door", "install"]
