"""How the log leaves the portal. Plain Python."""

import json
from collections.abc import Mapping
from typing import Any

from portal.spreadsheets import harmless

COLUMNS = (
    "sequence",
    "at",
    "kind",
    "sentence",
    "actor",
    "actor_kind",
    "partnership",
    "subject_kind",
    "subject_id",
    "data",
    "hash",
)


def csv_row(line: Mapping[str, Any], *, sentence: str, partnership: str) -> list[str]:
    """Return the cells of one exported line, in the order of ``COLUMNS``, none of which a spreadsheet computes."""
    cells = (
        line["sequence"],
        line["at"],
        line["kind"],
        sentence,
        line["actor"]["label"],
        line["actor"]["kind"],
        partnership,
        line["subject"]["kind"],
        line["subject"]["id"],
        json.dumps(line["data"], ensure_ascii=False, sort_keys=True),
        line["hash"],
    )
    return [harmless(str(cell)) for cell in cells]
