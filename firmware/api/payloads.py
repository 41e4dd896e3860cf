"""What MQTT carries besides the events: `status`, `occupancy` and `health`, as pure functions of what is known."""

from collections.abc import Iterable, Mapping
from typing import Any

from firmware.core.state import Hall, Locker


def status(
    *, online: bool, reason: str, version: str, journal: str, boot: int, simulated: bool, time: str
) -> dict[str, Any]:
    """Whether the controller is there; `reason` is `started`, `reconnected`, `stopped` or, in the will, `lost`."""
    return {
        "state": "online" if online else "offline",
        "reason": reason,
        "version": version,
        "journal": journal,
        "boot": boot,
        "simulated": simulated,
        "time": time,
    }


def occupancy(hall: Hall) -> dict[str, Any]:
    """How many are inside, how far to trust that, and what else a public display shows; its label comes last."""
    told: dict[str, Any] = {
        "inside": hall.inside,
        "capacity": hall.capacity,
        "waiting": hall.waiting,
        "confidence": "suspect" if hall.suspect else "exact",
        "mode": hall.mode,
        "lockers": lockers(hall.lockers.values()),
    }
    if hall.suspect:
        told["suspicion"] = {"reason": hall.suspect.reason}
        if hall.suspect.gap_s is not None:
            told["suspicion"]["gap_s"] = hall.suspect.gap_s
    return told


def lockers(all_lockers: Iterable[Locker]) -> dict[str, int]:
    """Lockers to be had, owned, and out of service: jammed, forced, unreadable, in repair, open or not empty."""
    counts = {"free": 0, "owned": 0, "out_of_service": 0}
    for locker in all_lockers:
        if locker.visit:
            counts["owned"] += 1
        else:
            counts["free" if locker.free else "out_of_service"] += 1
    return counts


def locker_health(locker: Locker) -> str:
    """A single locker among the devices: jammed says no, unreadable says nothing."""
    if locker.fault in ("jammed", "forced", "out_of_service"):
        return "refused"
    return "silent" if locker.door == "unknown" else "ok"


def health(
    hall: Hall,
    *,
    devices: Mapping[str, str],
    backlog: Mapping[str, int],
    disk: Mapping[str, Any],
    broker: str,
    clock: str,
    delivery: str,
    scan_p99_us: int,
    commit_p99_us: int,
    extra: Mapping[str, Any],
    simulated: bool,
    time: str,
) -> dict[str, Any]:
    """How every device is, and how far behind the outside world is."""
    named = dict(devices)
    named |= {f"locker-{locker.locker}": locker_health(locker) for locker in hall.lockers.values()}
    named |= {"disk": str(disk["health"]), "broker": broker, "clock": "ok" if clock == "synced" else "refused"}
    return {
        "devices": named,
        "backlog": dict(backlog),
        "disk": dict(disk),
        "scan_p99_us": scan_p99_us,
        "commit_p99_us": commit_p99_us,
        "clock": clock,
        "delivery": delivery,
        **extra,
        "simulated": simulated,
        "time": time,
    }
