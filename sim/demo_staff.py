"""Staff for whoever tries the virtual hall: one of each role and a second guard, with PINs made at each start."""

import secrets

from firmware.staff import Demo, Member, Role, StaffError, member

TEAM = {"officer-1": Role.OFFICER, "guard-1": Role.GUARD, "guard-2": Role.GUARD, "supervisor-1": Role.SUPERVISOR}


def demo_staff() -> tuple[Demo, list[str]]:
    """The staff, and a line for each that says how they sign in: `staff: guard-1 (guard) PIN 482913`."""
    members: dict[str, Member] = {}
    lines = []
    for id, role in TEAM.items():
        while id not in members:
            pin = f"{secrets.randbelow(1_000_000):06d}"
            try:
                members[id] = member(id, role, pin)
            except StaffError:
                continue  # a PIN such as 123456 is allowed to nobody
            lines.append(f"staff: {id} ({role}) PIN {pin}")
    return Demo(members), lines
