"""Sites that differ: each is one that `besuk check` would take, and on each a family comes through its day."""

from collections import Counter

import pytest

from firmware.clashes import clashes
from firmware.config import _contradictions
from sim.scenarios import DIMENSIONS, VARIANTS, WRONG, scenario, varied
from tests.rig import CONFIG, Rig

WALK_MS = 3_000


@pytest.mark.parametrize("name", [*VARIANTS, *WRONG])
def test_each_variant_changes_something_and_is_what_check_would_take(name: str) -> None:
    config = varied(CONFIG, name)
    assert config != CONFIG
    assert [*clashes(config.wiring), *_contradictions(config)] == []


@pytest.mark.parametrize("name", VARIANTS)
def test_on_each_variant_all_devices_are_well_and_a_family_comes_and_goes(name: str) -> None:
    rig = Rig(varied(CONFIG, name))
    rig.open_day()
    visit, uid = rig.admit()
    locker = rig.deposit(uid)
    if name == "search_after_locker":
        rig.done("search", visit=visit, result="passed")
    rig.run(WALK_MS)
    rig.enter(uid)
    assert rig.core.inside == rig.hall.inside == 1
    rig.leave(uid)
    rig.run(WALK_MS)
    rig.tap("lockers", uid)
    rig.until(lambda: rig.hall.lockers[locker].door == "open")
    rig.hall.door(locker, "closed", content=False)
    rig.run(1_000)
    assert set(rig.daemon.controller.panel.health.values()) == {"ok"}, rig.daemon.controller.panel.health
    assert rig.core.inside == rig.hall.inside == 0
    assert not rig.told("device.fell")


@pytest.mark.parametrize(
    ("name", "shows"), [("wrong_polarity", "open"), ("wrong_speed", "unknown"), ("wrong_sign_speed", "closed")]
)
def test_what_a_technician_gets_wrong_shows_and_stops_nobody(name: str, shows: str) -> None:
    rig = Rig(varied(CONFIG, name))
    rig.until(lambda: {locker.door for locker in rig.core.lockers.values()} == {shows}, 60_000)
    rig.run(1_500)  # what lies on a reader at the start is no tap
    rig.tap("exit", "05010203")
    rig.until(lambda: rig.arm == "free_out")


def test_a_seed_has_one_site_and_all_seeds_together_have_every_variant() -> None:
    names = [scenario(seed) for seed in range(400)]
    assert names == [scenario(seed) for seed in range(400)]
    met = Counter(name for line in names for name in line.split(",") if name)
    assert set(met) == set(VARIANTS)
    assert names.count("") > 100, "the sample itself is one of them"
    for line in set(names):
        config = varied(CONFIG, line)
        assert [*clashes(config.wiring), *_contradictions(config)] == [], line
        dimensions = [sum(one.__name__ in line.split(",") for one in dimension) for dimension in DIMENSIONS]
        assert max(dimensions) <= 1


def test_an_unknown_variant_is_named_with_those_that_there_are() -> None:
    with pytest.raises(LookupError, match="no scenario 'palace'; there are few_lockers, "):
        varied(CONFIG, "palace")
