"""What /metrics says, read as Prometheus reads it."""

from datetime import datetime

from prometheus_client.parser import text_string_to_metric_families

from portal.operations import exposition

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]


def text(now: datetime) -> str:
    """Return the page in Prometheus' classic text format."""
    return exposition.written(now, "")[0].decode()


def samples(now: datetime) -> Samples:
    """Return each sample's values by its labels, sorted by name."""
    found: Samples = {}
    for family in text_string_to_metric_families(text(now)):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def value(now: datetime, name: str, **labels: str) -> float | None:
    """Return one sample's value, or None when there is none; ``name`` without the prefix."""
    return samples(now).get(f"trust_exchange_{name}", {}).get(tuple(sorted(labels.items())))
