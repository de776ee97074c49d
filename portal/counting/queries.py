"""Reading what was counted."""

import json

from portal.counting.models import Tally


def of(name: str) -> list[tuple[dict[str, str], int]]:
    """Return the labels and values of everything counted under ``name``."""
    rows = Tally.objects.filter(name=name).order_by("labels").values_list("labels", "value")
    return [(json.loads(labels), value) for labels, value in rows]
