"""What monitoring reads: a JSON file and a textfile for Prometheus' node exporter, both replaced whole."""

import json
from datetime import datetime
from typing import Any

from trustx import placing
from trustx.pulling import Outcome
from trustx.settings import Settings
from trustx.stops import Exit, Stop


def document(settings: Settings, result: Outcome | Stop, at: datetime, before: dict[str, Any]) -> dict[str, Any]:
    """Return what is known after a run; what only a good run knows is carried over from ``before``."""
    shown: dict[str, Any] = {"store": settings.store, "at": _text(at)}
    if isinstance(result, Stop):
        kept = ("version", "certificates", "end_to_end", "withdrawn", "expires_at", "outputs", "last_success_at")
        shown |= {name: before[name] for name in kept if name in before}
        return shown | {
            "exit": int(result.code),
            "outcome": result.code.name.lower(),
            "said": result.sentence,
            "fix": result.fix,
        }
    return shown | {
        "exit": int(Exit.OK),
        "outcome": result.stage,
        "said": result.said,
        "version": result.version,
        "certificates": result.certificates,
        "end_to_end": result.end_to_end,
        "withdrawn": result.withdrawn,
        "expires_at": _text(result.expires_at),
        "outputs": result.outputs,
        "last_success_at": _text(at),
    }


def write(settings: Settings, result: Outcome | Stop, at: datetime) -> dict[str, Any]:
    """Write the status file and the metrics, where wanted, and return the document. Raises Stop when they cannot be written."""
    path = settings.status_file or settings.state_dir / "status.json"
    try:
        before = json.loads(placing.read(path) or b"{}")
    except (ValueError, Stop):
        before = {}
    shown = document(settings, result, at, before if isinstance(before, dict) else {})
    placing.write(path, (json.dumps(shown, indent=1) + "\n").encode())
    if settings.metrics_file:
        placing.write(settings.metrics_file, metrics(shown).encode())
    return shown


def metrics(shown: dict[str, Any]) -> str:
    """Return the status in Prometheus' text format."""
    values = {
        "trustx_last_exit_code": ("Exit code of the last run; 0 is good.", shown["exit"]),
        "trustx_last_run_timestamp_seconds": ("When trustx ran last.", _seconds(shown["at"])),
        "trustx_last_success_timestamp_seconds": (
            "When it last was good.",
            _seconds(shown.get("last_success_at")),
        ),
        "trustx_metadata_expiry_timestamp_seconds": (
            "When the signed metadata expires.",
            _seconds(shown.get("expires_at")),
        ),
        "trustx_store_version": ("The version in place.", shown.get("version")),
        "trustx_store_certificates": ("How many certificates it holds.", shown.get("certificates")),
    }
    lines = []
    for name, (says, value) in values.items():
        if value is not None:
            lines += [f"# HELP {name} {says}", f"# TYPE {name} gauge", f'{name}{{store="{shown["store"]}"}} {value}']
    return "\n".join(lines) + "\n"


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(text: str | None) -> int | None:
    return int(datetime.fromisoformat(text).timestamp()) if text else None
