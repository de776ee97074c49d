"""The embedded broker: a message is seen whole or not at all."""

import threading
from pathlib import Path

from kombu import Connection

from portal import embedded, folders


def connection(path: Path) -> Connection:
    """Return a connection to a broker below ``path``."""
    folders.register()
    return Connection("folders://", transport_options=embedded.broker_folders(path) | {"polling_interval": 0.01})


def test_every_message_of_several_writers_arrives_whole(tmp_path):
    writers, each = 4, 60

    def write(number: int) -> None:
        with connection(tmp_path) as there:
            queue = there.SimpleQueue("work")
            for index in range(each):
                queue.put({"writer": number, "index": index, "filler": "x" * 20_000})

    # kombu remembers for the whole process which queues it has bound, so the first writer must not be one of the threads.
    with connection(tmp_path) as here:
        here.SimpleQueue("work").close()
    threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    seen = set()
    with connection(tmp_path) as here:
        queue = here.SimpleQueue("work")
        while len(seen) < writers * each:
            message = queue.get(timeout=20)
            seen.add((message.payload["writer"], message.payload["index"]))
            message.ack()
    for thread in threads:
        thread.join()

    assert len(seen) == writers * each


def test_a_message_that_is_being_written_is_not_there_yet(tmp_path):
    # Another name than above: kombu remembers for the whole process which queues it has bound.
    with connection(tmp_path) as here:
        queue = here.SimpleQueue("other")
        (tmp_path / "broker" / "queue" / "1_a.other.msg.part").write_bytes(b"")

        queue.put({"whole": True})

        assert queue.get(timeout=5).payload == {"whole": True}
