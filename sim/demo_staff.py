"""Staff for whoever tries the virtual hall: one of each role and a second guard, with PINs made at each start; and
those whom `besuk staff` has added to its state folder."""

import secrets
from pathlib import Path

from firmware.staff import Demo, Member, Role, StaffError, StaffFile, member

TEAM = {"officer-1": Role.OFFICER, "guard-1": Role.GUARD, "guard-2": Role.GUARD, "supervisor-1": Role.SUPERVISOR}


def demo_staff(state: Path) -> tuple[Demo, dict[str, str]]:
    """The staff, and the PIN that belongs to each hash of the demo's own."""
    members: dict[str, Member] = {}
    pins: dict[str, str] = {}
    for id, role in TEAM.items():
        while id not in members:
            pin = f"{secrets.randbelow(1_000_000):06d}"
            try:
                members[id] = member(id, role, pin)
            except StaffError:
                continue  # a PIN such as 123456 is allowed to nobody
            pins[members[id].pin] = pin
    return Demo(members, StaffFile(state)), pins
