"""Whatever fits the API's own description, and much that does not: no answer is a server's failure.

Schemathesis reads `/openapi.json` from a running hall and asks; the seed is fixed, so a failure comes again.
"""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.sim_process import Process, starter
from tests.hall_hands import Hands

EXAMPLES = "12"
NEVER = {
    "/api/v1/stream": "has no end",
    "/api/sim/v1/speed": "a hall a thousand times slower answers everything else as much later",
    "/api/sim/v1/power": "pages of a hall without power say 503, as they should",
}


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    with starter(tmp_path_factory.mktemp("fuzz")) as start:
        yield start("--web", "127.0.0.1:0", "--speed", "50").with_staff()


def fuzz(url: str, folder: Path, headers: Mapping[str, str], *choice: str) -> str:
    """What schemathesis says of the operations that are chosen."""
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", url + "/openapi.json", "--seed", "1", "--max-examples",
        EXAMPLES, "--phases", "coverage,fuzzing", "--checks", "not_a_server_error", "--request-timeout", "30",
        "--warnings", "off", "--workers", "2", *choice,
    ]  # fmt: skip
    for name, value in headers.items():
        command += ["--header", f"{name}: {value}"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def operations(said: str) -> int:
    found = re.search(r"Tested: (\d+)", said)
    assert found, said
    return int(found[1])


def test_no_stranger_makes_the_server_fail(hall: Process, tmp_path: Path) -> None:
    without = [word for path in NEVER for word in ("--exclude-path", path)]
    said = fuzz(hall.said["web"], tmp_path, {}, *without)
    assert operations(said) >= 20
    assert hall.hands.ask("GET", "/healthz")[0] == 200
    assert "Traceback" not in hall.told_wrong()


def test_nobody_who_has_signed_in_makes_the_server_fail(hall: Process, tmp_path: Path) -> None:
    hands = Hands(hall.said["web"]).sign_in("supervisor-1", hall.pins["supervisor-1"])
    said = fuzz(hall.said["web"], tmp_path, hands.headers, "--include-path-regex", "/actions/|/readers/.*/card$")
    assert operations(said) >= 1
    assert hands.ask("GET", "/api/v1/session")[1]["id"] == "supervisor-1"
    assert "Traceback" not in hall.told_wrong()
