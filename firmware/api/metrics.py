"""`/metrics`: occupancy and health as Prometheus reads them. Pure functions of the two payloads."""

from collections.abc import Iterable, Mapping
from typing import Any

from prometheus_client.core import CollectorRegistry, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

MODES = ("emergency", "lockdown", "degraded", "closed", "open")


class _Once:
    """A collector of figures that are known already."""

    def __init__(self, figures: Iterable[Metric]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        return self._figures


def text(occupancy: Mapping[str, Any], health: Mapping[str, Any]) -> bytes:
    """The figures in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(list(_figures(occupancy, health))))
    return generate_latest(registry)


def _figures(occupancy: Mapping[str, Any], health: Mapping[str, Any]) -> Iterable[Metric]:
    yield GaugeMetricFamily("besuk_inside_persons", "Persons inside.", occupancy["inside"])
    yield GaugeMetricFamily("besuk_capacity_persons", "Most persons inside.", occupancy["capacity"])
    yield GaugeMetricFamily("besuk_waiting_tickets", "Tickets not served yet.", occupancy["waiting"])
    suspect = occupancy["confidence"] == "suspect"
    yield GaugeMetricFamily("besuk_count_suspect", "1 while the count may be wrong.", int(suspect))
    yield _labelled(
        "besuk_mode", "1 for the mode that holds.", "mode", {mode: int(mode == occupancy["mode"]) for mode in MODES}
    )
    yield _labelled("besuk_lockers", "Lockers by state.", "state", occupancy["lockers"])
    yield _labelled(
        "besuk_device_ok", "1 while a device is well.", "device",
        {device: int(state == "ok") for device, state in health["devices"].items()},
    )  # fmt: skip
    backlog = health["backlog"]
    yield GaugeMetricFamily("besuk_events_unsent", "Events the broker has not taken yet.", backlog["unsent"])
    yield GaugeMetricFamily("besuk_events_unacked", "Events nobody else is known to hold.", backlog["unacked"])
    yield GaugeMetricFamily("besuk_events_oldest_seconds", "Age of the oldest of these.", backlog["oldest_s"])
    yield GaugeMetricFamily("besuk_scan_p99_seconds", "99 of 100 scans are quicker.", health["scan_p99_us"] / 1e6)
    yield GaugeMetricFamily("besuk_commit_p99_seconds", "99 of 100 commits are quicker.", health["commit_p99_us"] / 1e6)
    yield CounterMetricFamily("besuk_facts", "Facts in the journal.", occupancy["seq"])


def _labelled(name: str, about: str, label: str, values: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(name, about, labels=[label])
    for value, figure in values.items():
        family.add_metric([value], figure)
    return family
