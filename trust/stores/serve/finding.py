"""Finding answers for an event loop: at once from memory, or in another thread where the database has to be asked."""

import asyncio
from functools import partial

from trust.stores.serve.asking import WHOLE, Asker
from trust.stores.serve.fastpath import FastPath
from trust.stores.serve.repeats import Given
from trust.stores.serve.waiting import LOOK_EVERY

SAME = "304 Not Modified"
PATIENCE = 10  # seconds that somebody is kept before Django answers instead
_LOCKS = 64  # more than threads that look up


class Finder:
    """The answers of one process, for those who ask on its loop. ``takes`` is as in ``FastPath.find``."""

    def __init__(self, fast_path: FastPath) -> None:
        self.fast_path = fast_path
        self._looking_up: dict[int, asyncio.Lock] = {}
        # The process trusts its memory only after it read the count of changes once.
        fast_path.watcher.is_fresh()

    def peek(self, asker: Asker, *, takes: bool = True) -> Given | None:
        """Return the answer if memory has it; None otherwise."""
        return self.fast_path.peek(asker.environ, asker.path, takes=takes)

    async def find(self, asker: Asker, *, takes: bool = True) -> Given | None:
        """Return the answer, looked up once for all who ask for it; None when Django must answer."""
        await self._until_fresh()
        found = self.peek(asker, takes=takes)
        if found is not None:
            return found
        # All who were woken come here at once: the first looks the version up, the others find it. Tokens are looked up side by
        # side.
        key = asker.path if self.fast_path.memory.knows(asker.authorization[7:]) else asker.authorization
        lock = self._looking_up.setdefault(hash(key) % _LOCKS, asyncio.Lock())
        async with lock:
            found = self.peek(asker, takes=takes)
            if found is not None:
                return found
            # Not by sync_to_async: the asker's context would keep what Django remembers of a thread, and thousands wait here.
            look_up = partial(self.fast_path.find, WHOLE | asker.environ, asker.path, takes=takes)
            return await asyncio.get_running_loop().run_in_executor(None, look_up)

    async def look_up(self, asker: Asker) -> None:
        """Have memory know what there is for an asker. Nobody is given anything, and no pull is counted."""
        await self._until_fresh()
        look_up = partial(self.fast_path.look_up, asker.environ, asker.path)
        await asyncio.get_running_loop().run_in_executor(None, look_up)

    def slot(self, asker: Asker) -> int:
        """Return the place in shared memory that changes with what is asked for, for whoever just found it."""
        return self.fast_path.slot(asker.environ, asker.path)

    async def _until_fresh(self) -> None:
        """Wait until memory can be trusted. Thousands who come at once can keep the reading of the count of changes waiting."""
        for _ in range(int(PATIENCE / LOOK_EVERY)):
            if self.fast_path.watcher.is_fresh():
                return
            await asyncio.sleep(LOOK_EVERY)
