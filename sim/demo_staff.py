"""Staff for whoever tries the virtual hall: one of each role and a second guard, with PINs made at each start."""

import secrets

from firmware.staff import Demo, Member, Role, StaffError, member

TEAM = {"officer-1": Role.OFFICER, "guard-1": Role.GUARD, "guard-2": Role.GUARD, "supervisor-1": Role.SUPERVISOR}


def demo_staff() -> tuple[Demo, dict[str, str]]:
    """The staff, and the PIN of each."""
    members: dict[str, Member] = {}
    pins: dict[str, str] = {}
    for id, role in TEAM.items():
        while id not in members:
            pins[id] = f"{secrets.randbelow(1_000_000):06d}"
            try:
                members[id] = member(id, role, pins[id])
            except StaffError:
                continue  # a PIN such as 123456 is allowed to nobody
    return Demo(members), pins
