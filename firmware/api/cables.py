"""Where each device is plugged in, in the technician's words: a device node, a chip select, GPIO numbers."""

from collections.abc import Iterable, Mapping

from firmware.wiring import Wiring


def cables(wiring: Wiring) -> Mapping[str, str]:
    """Device -> its cable, such as `/dev/besuk-desk`, `SPI 0 CE1` or `GPIO 5, 6, 13`."""
    told: dict[str, str] = {}
    for name, reader in wiring.readers.items():
        if reader.serial:
            told[name] = reader.serial.line
        elif reader.spi:
            told[name] = f"SPI {reader.spi.bus} CE{reader.spi.device}"
    for name, bank in wiring.banks.items():
        if bank.rs485:
            told[name] = bank.rs485.line
        elif bank.relays:
            told[name] = _pins(pin for one in bank.relays.lockers for pin in (one.lock, one.door))
    for name, lane in wiring.lanes.items():
        stop = () if lane.stop is None else (lane.stop,)
        told[name] = _pins(
            (lane.unlock_in, lane.unlock_out, lane.release, *stop, lane.pass_in, lane.pass_out, lane.ready)
        )
    told |= {name: f"GPIO {contact.pin}" for name, contact in wiring.contacts.items()}
    told |= {name: sign.line for name, sign in wiring.signs.items()}
    return told


def _pins(numbers: Iterable[int]) -> str:
    return "GPIO " + ", ".join(map(str, sorted(numbers)))
