"""Overrides: what only a guard may do, always with a reason, and with a second person where the site says so."""

from firmware.core.decision import Refused
from firmware.core.site import Site


def two_people(site: Site, action: str, actor: str, second: str) -> str | None:
    """The second person of an override; refuses when one is needed and missing, or is the first again."""
    if second and second == actor:
        raise Refused("same_person", "the second person must be another than the first")
    if action in site.reasons_two_people and not second:
        raise Refused("second_needed", f"{action} needs a second person: second=ID")
    return second or None
