"""`besuk check --hardware`: ask every device for some seconds, and say of each how it is and where to look."""

import time
from collections.abc import Callable

from firmware.config import Config
from firmware.devices import PinsMissingError, build
from firmware.machine import Board
from firmware.service import MISSING, OK, indispensable
from hal.linux import board_facts

LISTEN_S = 3.0


def probe(config: Config, out: Callable[[str], None]) -> int:
    """Exit code 0 when everything answers, 3 otherwise. Nothing is opened, and the arm stays free."""
    facts = board_facts()
    out(f"board: {facts.model or 'unknown'}")
    if facts.under_voltage:
        out("board: the supply falls below 4.63 V: power supply, or its cable")
    try:
        board = Board()
        devices = build(config.wiring, config.as_site(), board)
    except PinsMissingError as error:
        out(f"pins: gone: {error}")
        out(f"indispensable: {indispensable(config)}")
        return MISSING
    try:
        until = board.clock.now() + int(LISTEN_S * 1000)
        while (now := board.clock.now()) < until:
            for _, driver in devices.all:
                driver.poll(now)
            time.sleep(0.02)
        for name, driver in devices.all:
            out(f"{name}: {driver.health}{': ' + driver.detail if driver.detail else ''}")
        return OK if all(driver.health == "ok" for _, driver in devices.all) else MISSING
    finally:
        devices.close()
