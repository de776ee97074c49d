"""Writes the tables of verdicts anew: ``python -m tests.vectors.generate``. Read the difference before committing it."""

from collections.abc import Iterable
from pathlib import Path

from tests.vectors import pkits, x509

FOLDER = Path(__file__).parent


def tables() -> dict[str, str]:
    """Return each table's text by its file name."""
    suite = pkits.Suite()
    return {
        "x509.tsv": _table("file\tintake\tcodes", (x509.verdict(path).line() for path in x509.files())),
        "pkits.tsv": _table(
            "test\tsuite\tintake\topenssl\tcodes\twhy they differ",
            (suite.verdict(name).line() for name in suite.names()),
        ),
    }


def _table(head: str, lines: Iterable[str]) -> str:
    return "\n".join([head, *sorted(lines), ""])


if __name__ == "__main__":
    for name, text in tables().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
