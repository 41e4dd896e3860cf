"""`besuk check --hardware`: ask every device for some seconds, and say of each how it is and where to look.

Where there are no pins, all that hangs on serial lines and SPI is asked all the same, so that every cable is named.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from firmware.config import Config
from firmware.devices import PinsMissingError, build, without_pins
from firmware.machine import PRESENT, Board, Cables, drivers_found
from firmware.service import MISSING, OK, indispensable
from hal.clock import MonotonicClock
from hal.linux import board_facts
from hal.seen import Driver

LISTEN_MS = 3_000
READERS_NEED = ("RPi.GPIO", "spidev")
"""The modules without which nobody can ask a reader on SPI."""


def probe(config: Config, out: Callable[[str], None]) -> int:
    """Exit code 0 when everything answers, 3 otherwise. Nothing is opened, and the arm stays free."""
    facts = board_facts()
    out(f"board: {facts.model or 'unknown'}")
    if facts.under_voltage:
        out("board: the supply falls below 4.63 V: power supply, or its cable")
    wiring, well = config.wiring, True
    found = drivers_found()
    missing = "; ".join(f"the module {name} is {found[name]}" for name in READERS_NEED if found[name] != PRESENT)
    if missing:
        wiring = replace(wiring, readers={name: one for name, one in wiring.readers.items() if not one.spi})
    for name in (name for name in config.wiring.readers if name not in wiring.readers):
        out(f"{name}: gone: {missing}")
        well = False
    try:
        drivers = build(wiring, config.as_site(), Board()).all
    except PinsMissingError as error:
        out(f"pins: gone: {error}")
        out(f"indispensable: {indispensable(config)}")
        drivers, well = without_pins(wiring, Cables()), False
    nodes = {place[2] if place[0] == "lockers" else place[1]: node for node, place in wiring.lines()}
    try:
        listen([driver for _, driver in drivers])
        for name, driver in drivers:
            node = nodes.get(name, "")
            where = f" ({node})" if driver.detail and node not in driver.detail else ""
            out(f"{name}: {driver.health}{': ' + driver.detail + where if driver.detail else ''}")
        return OK if well and all(driver.health == "ok" for _, driver in drivers) else MISSING
    finally:
        for _, driver in reversed(drivers):
            driver.close()


def listen(drivers: Sequence[Driver]) -> None:
    """Poll everything as the scan does, for as long as the slowest needs to make up its mind."""
    clock = MonotonicClock()
    until = clock.now() + LISTEN_MS
    while (now := clock.now()) < until:
        for driver in drivers:
            driver.poll(now)
        time.sleep(0.02)
