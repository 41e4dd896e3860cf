"""Hands and eyes at a live hall: the HTTP client that its tests share. Waits for what can be seen, never for luck."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_S = 10.0
LOOK_S = 0.01


def until(seen: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
    """What is seen at last; whatever is falsy is nothing yet."""
    end = time.monotonic() + patience_s
    while not (found := seen()):
        assert time.monotonic() < end, f"not within {patience_s:g} s: {what}"
        time.sleep(LOOK_S)
    return found


class Hands:
    """Whoever uses the hall at `url`, as `http://127.0.0.1:8080/`."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.headers: dict[str, str] = {}
        """What goes with every request, once somebody has signed in."""

    def ask(self, method: str, path: str, body: object = None, raw: bytes | None = None) -> tuple[int, Any]:
        """Status and content of an answer, parsed where it is JSON."""
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        headers = {"content-type": "application/json", **self.headers}
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, self._content(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, self._content(error)

    @staticmethod
    def _content(answer: Any) -> Any:
        content = answer.read()
        return json.loads(content) if answer.headers.get_content_type() == "application/json" else content.decode()

    def do(self, method: str, path: str, body: object = None) -> Any:
        """The answer of a request that has to succeed, below `/api/sim/v1`."""
        status, answer = self.ask(method, "/api/sim/v1" + path, body)
        assert status == 200, (method, path, status, answer)
        return answer

    # -- staff

    def sign_in(self, id: str, pin: str) -> "Hands":
        """Be one of the staff from now on."""
        body = json.dumps({"id": id, "pin": pin}).encode()
        request = urllib.request.Request(self.url + "/api/v1/session", body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            cookie = answer.headers["set-cookie"].partition(";")[0]
            self.headers = {"cookie": cookie, "x-besuk-token": json.load(answer)["token"]}
        return self

    def act(self, name: str, second: Mapping[str, str] | None = None, **args: object) -> Any:
        """The answer to an action of whoever has signed in."""
        body = {"args": args} | ({"second": second} if second else {})
        return self.ask("POST", f"/api/v1/actions/{name}", body)

    # -- eyes

    def world(self) -> Any:
        return self.do("GET", "/world")

    def occupancy(self) -> Any:
        return self.ask("GET", "/api/v1/occupancy")[1]

    def health(self) -> Any:
        return self.ask("GET", "/api/v1/health")[1]

    def facts(self, kind: str) -> list[Any]:
        """The data of the last facts of a type."""
        return [event["data"] for event in self.do("GET", "/events")["events"] if event["type"] == kind]

    def arm(self) -> str:
        state: str = self.world()["arm"]["main"]["state"]
        return state

    # -- hands

    def desk(self, action: str, **args: object) -> Any:
        """The result of an officer's action, which has to be done."""
        answer = self.do("POST", "/desk", {"action": action, "args": args, "actor": "officer-1"})
        assert answer["ok"], (action, args, answer)
        return answer["result"]

    def press(self, contact: str) -> None:
        self.do("PUT", f"/contacts/{contact}", {"active": True})
        self.do("PUT", f"/contacts/{contact}", {"active": False})

    def tap(self, reader: str, uid: str) -> None:
        self.do("POST", f"/readers/{reader}/tap", {"uid": uid})

    def open_door(self) -> str:
        """The number of the locker that stands open."""
        number: str = until(
            lambda: next((n for n, one in self.world()["lockers"].items() if one["door"] == "open"), None),
            "a locker springs open",
        )
        return number

    def push(self, direction: str, carrying: int = 0) -> bool:
        """Wait until the arm yields, and go through."""
        free = ("free_in" if direction == "in" else "free_out", "free_both")
        until(lambda: self.arm() in free, f"the arm frees a passage {direction}")
        passed: bool = self.do("POST", "/arm/main/push", {"direction": direction, "carrying": carrying})["passed"]
        return passed

    def family_at_the_gate(self, uid: str, number: str) -> str:
        """Two adults with an infant: ticket, counter, search, card, locker; the visit."""
        before = self.facts("ticket.issued")[-1:]
        self.press("ticket")
        until(lambda: self.facts("ticket.issued")[-1:] != before, "the button gives a ticket")
        ticket = self.facts("ticket.issued")[-1]["ticket"]
        assert self.desk("call", counter="1") == {"ticket": ticket}
        visit: str = self.desk("bind", ticket=ticket, adults=2, carried=1)["visit"]
        self.do("PUT", f"/readers/desk/cards/{uid}")
        assert self.desk("issue", visit=visit, reader="desk")["number"] == number
        self.do("DELETE", f"/readers/desk/cards/{uid}")
        self.desk("search", visit=visit, result="passed")
        self.tap("lockers", uid)
        self.do("POST", f"/lockers/{self.open_door()}/door", {"to": "closed", "content": True})
        return visit

    def family_enters(self, uid: str) -> None:
        self.tap("entry", uid)
        assert self.push("in", carrying=1)
        assert self.push("in")
