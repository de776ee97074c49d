"""A bounded, coverage-guided run: ``python -m tests.fuzz.run --seconds 60``. Needs atheris (``make fuzz`` installs it).

The first two bytes of each input choose the door. A crash is written to a file, and its path printed; put the bytes into a test
before mending it.
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["trust.pki", "trust.notices.reading"]):
    from tests.fuzz.doors import DOORS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60, help="how long to try (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="where to start, so that a run can be repeated")
    parser.add_argument("--keep", type=Path, help="a folder for the corpus, so that the next run goes on from here")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        corpus = asked.keep or Path(folder, "corpus")
        _plant(corpus)
        options = [
            f"-max_total_time={asked.seconds}",
            f"-seed={asked.seed}",
            "-max_len=20000",
            "-timeout=20",
            "-rss_limit_mb=1024",
            f"-artifact_prefix={Path.cwd() / 'fuzz-'}",
            "-verbosity=1",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], *options, str(corpus)], _knock)
        atheris.Fuzz()


def _plant(corpus: Path) -> None:
    corpus.mkdir(parents=True, exist_ok=True)
    for number, door in enumerate(DOORS):
        for index, seed in enumerate(door.seeds()):
            (corpus / f"{door.name}-{index}").write_bytes(bytes([number, 0]) + seed)


def _knock(content: bytes) -> None:
    if len(content) > 2:
        DOORS[content[0] % len(DOORS)].knock(content[2:])


if __name__ == "__main__":
    main()
