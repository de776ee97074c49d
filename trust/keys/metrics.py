"""OpenPGP keys that end, and what signature checks said."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Count, Min, Q
from prometheus_client import Metric

from portal import metrics
from portal.counting import queries as counted
from trust.keys import rules
from trust.keys.models import OpenPgpKey
from trust.verdicts import SIGNATURE_VERDICTS, SUBJECTS


def collect(now: datetime) -> Iterator[Metric]:
    """Yield when the first key in use ends, how many have ended, and verdicts by what was signed."""
    held = OpenPgpKey.objects.filter(state__in=rules.HELD).aggregate(
        first=Min("expires_at", filter=Q(expires_at__gt=now)), ended=Count("pk", filter=Q(expires_at__lte=now))
    )
    yield metrics.moment(
        metrics.gauge("openpgp_key_expiry_timestamp_seconds", "When the first OpenPGP key that is in use ends."),
        held["first"],
    )
    yield metrics.one(
        metrics.gauge("openpgp_keys_expired", "OpenPGP keys that ended and were neither replaced nor revoked."),
        held["ended"],
    )
    verdicts = metrics.counter(
        "signature_verdicts_total", "OpenPGP signatures checked, by what was signed and the verdict.", ["of", "verdict"]
    )
    values = {(each["of"], each["verdict"]): value for each, value in counted.of(SIGNATURE_VERDICTS)}
    for of in SUBJECTS:
        # From the start, so that the first one is seen as a rise.
        for verdict in ("good", "bad", "disagreement"):
            values.setdefault((of, verdict), 0)
    for (of, verdict), value in sorted(values.items()):
        verdicts.add_metric([of, verdict], value)
    yield verdicts
