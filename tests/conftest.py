"""Shared by every test: the stand-ins for the Pi's own modules, which must be there before `mfrc522` is imported; and a
real broker for every test that asks for one: Debian's mosquitto, on a free loopback port, ended with the test."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from sim.pi import install

install()
hypothesis.settings.register_profile("besuk", deadline=None)  # no test measures time
hypothesis.settings.load_profile("besuk")

from tests.needed import missing  # noqa: E402
from tests.services.broker_rig import MakeMosquitto, Mosquitto  # noqa: E402  # the stand-ins come first


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write the golden stories as they are told now")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes first: beside it another process gets through all the rest."""
    items.sort(key=lambda item: item.get_closest_marker("whole_machine") is None)


@pytest.fixture(scope="session")
def mosquitto_program() -> str:
    found = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        missing("`mosquitto` is not installed (apt install mosquitto)")
    return found


@pytest.fixture
def make_mosquitto(mosquitto_program: str, tmp_path: Path) -> Iterator[MakeMosquitto]:
    """Makes and starts brokers: `make_mosquitto("lines of", "mosquitto.conf", anonymous=False)`."""
    made: list[Mosquitto] = []

    def make(*lines: str, anonymous: bool = True) -> Mosquitto:
        folder = tmp_path / f"mosquitto-{len(made)}"
        folder.mkdir()
        made.append(Mosquitto(mosquitto_program, folder, *lines, anonymous=anonymous))
        return made[-1].start()

    yield make
    for broker in made:
        broker.kill()


@pytest.fixture
def mosquitto(make_mosquitto: MakeMosquitto) -> Mosquitto:
    return make_mosquitto()
