"""The control socket and the request queue, as the command line and the scan use them."""

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from services.control import CLIENTS_MOST, LINE_MOST, ControlError, ControlServer, ask
from services.requests import Answer, Request, RequestQueue


class Scan:
    """Takes requests and answers them, until it is told to stop; stands for the daemon's loop."""

    def __init__(self, requests: RequestQueue, reply: Callable[[Request], Answer]) -> None:
        self._stopping = threading.Event()
        self._requests = requests
        self._reply = reply
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(0.001):
            for request in self._requests.take():
                request.answer(self._reply(request))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


@pytest.fixture
def server(path: Path) -> Iterator[ControlServer]:
    requests = RequestQueue()
    serving = ControlServer(path, requests, answer_s=5)
    serving.start()
    scan = Scan(
        requests, lambda asked: {"ok": True, "result": [asked.action, dict(asked.args), asked.actor, asked.uid]}
    )
    yield serving
    serving.stop()
    scan.stop()


def say(path: Path, data: bytes) -> Answer:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(10)
        line.connect(str(path))
        line.sendall(data)
        with line.makefile("rb") as answers:
            answer: Answer = json.loads(answers.readline())
            return answer


def test_a_request_is_answered_and_its_user_is_known(server: ControlServer, path: Path) -> None:
    answer = ask(path, "call", {"counter": "1", "reason": "antri_é"}, "petugas-1")
    assert answer == {"ok": True, "result": ["call", {"counter": "1", "reason": "antri_é"}, "petugas-1", os.getuid()]}


def test_only_the_daemons_user_may_open_the_socket(server: ControlServer, path: Path) -> None:
    assert path.stat().st_mode & 0o777 == 0o600


def test_many_clients_each_get_their_own_answer(server: ControlServer, path: Path) -> None:
    answers: dict[int, Answer] = {}
    threads = [
        threading.Thread(target=lambda n=n: answers.update({n: ask(path, "call", {"n": n}, "a")}))
        for n in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answers[n]["result"][1] for n in range(20)] == [{"n": n} for n in range(20)]


def test_one_client_may_ask_again_and_again(server: ControlServer, path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.connect(str(path))
        with line.makefile("rb") as answers:
            for action in ("call", "recall"):
                line.sendall(b'{"action":"%s"}\n' % action.encode())
                assert json.loads(answers.readline())["result"][0] == action


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\n", "malformed"),
        (b"call\n", "malformed"),
        (b"[]\n", "malformed"),
        (b'{"action":1}\n', "malformed"),
        (b'{"action":"call","args":[]}\n', "malformed"),
        (b'{"action":"call","actor":7}\n', "malformed"),
        (b"\xff\xfe{\n", "malformed"),
        (b"[" * 60_000 + b"\n", "malformed"),
        (b'{"action":"' + b"x" * LINE_MOST + b'"}\n', "too_large"),
    ],
)
def test_what_is_no_request_gets_one_line_that_says_so(
    server: ControlServer, path: Path, sent: bytes, code: str
) -> None:
    assert say(path, sent)["error"]["code"] == code
    assert ask(path, "call", {}, "a")["ok"]


def test_a_second_daemon_is_refused_and_a_dead_ones_socket_replaced(path: Path) -> None:
    first = ControlServer(path, RequestQueue())
    first.start()
    with pytest.raises(ControlError, match="already running"):
        ControlServer(path, RequestQueue()).start()
    first.stop()

    dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    dead.bind(str(path))
    dead.close()
    second = ControlServer(path, RequestQueue())
    second.start()
    assert say(path, b"?\n")["error"]["code"] == "malformed"
    second.stop()
    assert not path.exists()


def test_a_file_in_its_place_is_left_alone(path: Path) -> None:
    path.write_text("precious")
    with pytest.raises(ControlError, match="something else is there"):
        ControlServer(path, RequestQueue()).start()
    assert path.read_text() == "precious"


def test_a_path_too_long_for_a_socket_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="too long"):
        ControlServer(tmp_path / ("x" * 120), RequestQueue()).start()


@pytest.mark.parametrize("stale", [True, False])
def test_without_a_daemon_the_command_line_says_so(path: Path, stale: bool) -> None:
    if stale:
        dead = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        dead.bind(str(path))
        dead.close()
    with pytest.raises(ControlError, match="is besuk running"):
        ask(path, "call", {}, "a")


def test_a_daemon_that_dies_while_asked_is_said_so(path: Path) -> None:
    requests = RequestQueue()
    serving = ControlServer(path, requests)
    serving.start()
    errors: list[str] = []

    def ask_in_vain() -> None:
        with pytest.raises(ControlError) as caught:
            ask(path, "call", {}, "a")
        errors.append(str(caught.value))

    asking = threading.Thread(target=ask_in_vain)
    asking.start()
    taken: list[Request] = []
    while not taken:
        taken = requests.take()
    serving.stop()
    asking.join()
    taken[0].answer({"ok": True})
    assert "hung up without an answer" in errors[0]


def test_what_nobody_took_in_time_does_not_happen_later() -> None:
    requests = RequestQueue()
    answer = requests.ask(Request("open", {}, "a"), timeout_s=0.01)
    assert (answer["error"]["code"], "nothing was done" in answer["error"]["message"]) == ("no_answer", True)
    assert requests.take() == []


def test_what_was_taken_but_not_answered_is_owned_up_to() -> None:
    requests = RequestQueue()
    taken: list[Request] = []
    asking: list[Answer] = []
    request = Request("open", {}, "a")
    thread = threading.Thread(target=lambda: asking.append(requests.ask(request, timeout_s=0.2)))
    thread.start()
    while not taken:
        taken = requests.take()
    thread.join()
    assert "may still be done" in asking[0]["error"]["message"]


def test_a_flood_of_requests_is_bounded() -> None:
    requests = RequestQueue(most=3)
    assert [requests.put(Request("call", {"n": n}, "a")) for n in range(5)] == [True, True, True, False, False]
    assert requests.ask(Request("call", {}, "a"))["error"]["code"] == "busy"
    assert [request.args["n"] for request in requests.take()] == [0, 1, 2]


def test_too_many_clients_are_told_so_and_those_inside_go_on(server: ControlServer, path: Path) -> None:
    inside: list[socket.socket] = []
    for _ in range(CLIENTS_MOST):
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        client.connect(str(path))
        inside.append(client)
    assert say(path, b"")["error"]["code"] == "busy"
    inside[0].sendall(b'{"action":"call"}\n')
    with inside[0].makefile("rb") as answers:
        assert json.loads(answers.readline())["ok"]
    for client in inside:
        client.close()


@pytest.mark.parametrize(("answer", "word"), [(b"[]\n", "not besuk's socket"), (b"", "hung up"), (None, "no answer")])
def test_a_stranger_on_the_socket_is_told_apart(path: Path, answer: bytes | None, word: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stranger:
        stranger.bind(str(path))
        stranger.listen()

        def serve() -> None:
            line, _ = stranger.accept()
            with line:
                line.recv(1000)
                if answer is None:
                    line.recv(1)  # until the client gives up
                else:
                    line.sendall(answer)

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(ControlError, match=word):
            ask(path, "call", {}, "a", timeout_s=0.1 if answer is None else 10)
        serving.join()


def test_a_path_that_cannot_be_a_socket_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ControlError, match="Not a directory"):
        ask(tmp_path / "file" / "control.sock", "call", {}, "a")
