"""The families of numbers that ``/metrics`` shows. A feature brings its own in ``metrics.py``: ``collect(now)`` yields them.

Every number is read from the database or the broker when it is asked for, never kept in a process: several web processes answer
the same, whichever is asked. A feature's collection asks a fixed number of queries, however much there is.
"""

from collections.abc import Sequence
from datetime import datetime

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

NAMESPACE = "trust_exchange"


def gauge(name: str, help_text: str, labels: Sequence[str] = ()) -> GaugeMetricFamily:
    """Return an empty family of gauges; ``name`` ends in its base unit, by Prometheus' conventions."""
    return GaugeMetricFamily(f"{NAMESPACE}_{name}", help_text, labels=labels)


def counter(name: str, help_text: str, labels: Sequence[str] = ()) -> CounterMetricFamily:
    """Return an empty family of counters; ``name`` ends in ``_total``."""
    return CounterMetricFamily(f"{NAMESPACE}_{name}", help_text, labels=labels)


def histogram(name: str, help_text: str, labels: Sequence[str] = ()) -> HistogramMetricFamily:
    """Return an empty family of histograms; ``name`` ends in its base unit."""
    return HistogramMetricFamily(f"{NAMESPACE}_{name}", help_text, labels=labels)


def one(family: GaugeMetricFamily, value: float) -> GaugeMetricFamily:
    """Return a family without labels with its one value."""
    family.add_metric([], value)
    return family


def moment(family: GaugeMetricFamily, at: datetime | None) -> GaugeMetricFamily:
    """Return a family without labels with a moment in Unix seconds, or without a value when there is none."""
    if at is not None:
        family.add_metric([], at.timestamp())
    return family


def age(at: datetime | None, now: datetime) -> float:
    """Return how many seconds ago ``at`` was; 0 for nothing and for the future."""
    return max(0.0, (now - at).total_seconds()) if at else 0.0
