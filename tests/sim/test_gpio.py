"""The virtual pins are what gpiozero devices take them for, and the world finds its wires as it left them."""

import gc

import pytest
from gpiozero import GPIOPinInUse, InputDevice, OutputDevice, PinFixedPull

from sim.clock import VirtualClock
from sim.gpio import VirtualPins


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def pins(clock: VirtualClock) -> VirtualPins:
    return VirtualPins(clock)


@pytest.mark.parametrize(
    ("pull_up", "driven", "read"),
    [
        (True, None, True),
        (True, False, False),
        (True, True, True),
        (False, None, False),
        (False, True, True),
        (False, False, False),
    ],
)
def test_an_input_reads_its_wire_and_its_pull_where_the_wire_is_open(
    pins: VirtualPins, pull_up: bool, driven: bool | None, read: bool
) -> None:
    pins.drive(17, driven)
    device = InputDevice(17, pull_up=pull_up, pin_factory=pins)
    assert bool(device.pin.state) is read


def test_an_unplugged_input_reads_its_pull_and_recovers(pins: VirtualPins) -> None:
    pins.drive(17, False)
    device = InputDevice(17, pull_up=True, pin_factory=pins)
    pins.unplug(17)
    assert device.pin.state == 1
    pins.drive(17, True)
    pins.drive(17, False)
    assert device.pin.state == 1
    pins.plug(17)
    assert device.pin.state == 0


def test_edges_are_reported_at_once_and_carry_virtual_seconds(pins: VirtualPins, clock: VirtualClock) -> None:
    device = InputDevice(17, pull_up=True, pin_factory=pins)
    edges: list[tuple[float, bool]] = []

    def changed(ticks: float, state: bool) -> None:
        edges.append((ticks, state))

    device.pin.when_changed = changed
    clock.advance_to(1_500_000)
    pins.drive(17, False)
    pins.drive(17, False)
    clock.advance_to(2_000_000)
    pins.pin(17).drive_high()
    assert edges == [(1.5, False), (2.0, True)]


@pytest.mark.parametrize("active_high", [True, False])
def test_an_output_is_claimed_at_rest_without_a_twitch(pins: VirtualPins, active_high: bool) -> None:
    heard: list[bool] = []
    pins.watch(5, heard.append, rest=not active_high)
    device = OutputDevice(5, active_high=active_high, initial_value=False, pin_factory=pins)
    assert heard == []
    device.on()
    device.on()
    device.off()
    assert heard == [active_high, not active_high]


def test_an_active_low_relay_twitches_when_its_level_is_not_given_with_the_claim(pins: VirtualPins) -> None:
    heard: list[bool] = []
    pins.watch(5, heard.append, rest=True)
    device = OutputDevice(5, active_high=False, initial_value=None, pin_factory=pins)
    assert (heard, device.value) == ([False], 1)


def test_closing_lets_the_output_float_to_its_rest(pins: VirtualPins) -> None:
    heard: list[bool] = []
    pins.watch(5, heard.append)
    device = OutputDevice(5, pin_factory=pins)
    device.on()
    device.close()
    assert heard == [True, False]


def test_an_unplugged_output_reaches_nobody(pins: VirtualPins) -> None:
    heard: list[bool] = []
    pins.watch(5, heard.append)
    device = OutputDevice(5, pin_factory=pins)
    pins.unplug(5)
    device.on()
    assert (heard, pins.level(5)) == ([], False)
    pins.plug(5)
    assert heard == [True]


def test_a_dead_daemon_lets_go_and_its_successor_finds_the_wires_as_they_were(pins: VirtualPins) -> None:
    heard: list[bool] = []
    pins.watch(5, heard.append)
    pins.drive(17, False)
    dead_output = OutputDevice(5, pin_factory=pins)
    dead_input = InputDevice(17, pull_up=True, pin_factory=pins)
    dead_output.on()
    pins.reset()
    assert heard == [True, False]

    output = OutputDevice(5, pin_factory=pins)
    contact = InputDevice(17, pull_up=True, pin_factory=pins)
    assert contact.pin.state == 0
    output.on()
    dead_output.off()
    dead_output.close()
    dead_input.close()
    assert pins.level(5)
    assert contact.pin.state == 0


def test_a_pin_used_twice_and_a_fixed_pull_are_refused_as_on_the_board(pins: VirtualPins) -> None:
    first = OutputDevice(5, pin_factory=pins)
    with pytest.raises(GPIOPinInUse):
        OutputDevice(5, pin_factory=pins)
    with pytest.raises(PinFixedPull):
        InputDevice(2, pull_up=False, pin_factory=pins)
    assert first.value == 0


def test_factories_are_boards_of_their_own(clock: VirtualClock) -> None:
    one, other = VirtualPins(clock), VirtualPins(clock)
    first, second = OutputDevice(5, pin_factory=one), OutputDevice(5, pin_factory=other)
    first.on()
    assert (one.level(5), other.level(5)) == (True, False)
    one.close()
    second.on()
    assert (one.level(5), other.level(5)) == (False, True)


def test_a_hundred_thousand_changes_leave_nothing_behind(pins: VirtualPins) -> None:
    device = OutputDevice(5, pin_factory=pins)
    pin = device.pin
    before = {name: repr(value) for name, value in vars(pin).items()}
    for _ in range(1_000):
        device.on()
        device.off()
    assert {name: repr(value) for name, value in vars(pin).items()} == before
    assert not hasattr(pin, "states")


def test_devices_of_a_dead_daemon_are_swept_up_while_the_next_one_claims_its_pins(pins: VirtualPins) -> None:
    """A kill leaves devices that nobody closes; they give back what they had at whatever moment their memory goes."""
    dead = [OutputDevice(17, pin_factory=pins)]
    pins.reset()
    neighbour = OutputDevice(18, pin_factory=pins)

    class Claims(OutputDevice):  # type: ignore[misc]
        def _conflicts_with(self, other: object) -> bool:  # asked in the midst of the claim
            dead.clear()
            gc.collect()
            return False

    assert Claims(18, pin_factory=pins).value == neighbour.value == 0
    assert not dead
