"""Devices and storage: one fact when a device falls, one when it rises, and what that means for people."""

from firmware.core import facts as f
from firmware.core.count import may_change_unseen, suspect
from firmware.core.decision import Steps, raise_task, resolve_tasks
from firmware.core.inputs import HealthSeen, Started, StorageBack, StorageFailed
from firmware.core.site import ReaderPlace, Site
from firmware.core.state import Hall


def seen(hall: Hall, site: Site, health: HealthSeen) -> Steps:
    was = hall.devices.get(health.device, "ok")
    if health.health == was:
        return
    if health.health == "ok":
        yield f.DeviceRose(device=health.device, was=was)
        yield from resolve_tasks(hall, {"exit_reader_down"}, "system", device=health.device)
        return
    yield f.DeviceFell(device=health.device, health=health.health, detail=health.detail)
    hall.unwritten.moving.discard(health.device)  # an arm in trouble holds off the end of no window
    reader = site.readers.get(health.device)
    if reader and reader.place is ReaderPlace.EXIT:
        yield from raise_task(hall, "exit_reader_down", device=health.device, lane=reader.lane)
    if health.device in hall.lanes and was == "ok" and may_change_unseen(hall):
        yield from suspect(hall, "lane_unwatched", lane=health.device)


def started(hall: Hall, start: Started) -> Steps:
    """A new start: what was momentary is over, and after a gap in watching the count is suspect."""
    yield f.HallBooted(
        format=1 if start.first else None, version=start.version, epoch_ms=start.epoch_ms, off_ms=start.off_ms,
        gap_s=start.gap_s, trusted=start.trusted,
    )  # fmt: skip
    if may_change_unseen(hall):
        yield from suspect(hall, "restart", gap_s=start.gap_s)
    if start.damage:
        yield f.StorageDegraded(reason="journal_damaged", detail=start.damage)
        yield from raise_task(hall, "journal_damaged", device="disk")
        if hall.suspect is None:
            yield from suspect(hall, "journal_damaged", gap_s=start.gap_s)


def storage_failed(hall: Hall, failed: StorageFailed) -> Steps:
    if not hall.degraded:
        yield f.StorageDegraded(reason=failed.reason)


def storage_back(hall: Hall, back: StorageBack) -> Steps:
    if hall.degraded:
        yield f.StorageRestored(lost=back.lost)
        if back.lost:
            yield from suspect(hall, "facts_lost")
            yield from raise_task(hall, "facts_lost", device="disk")
