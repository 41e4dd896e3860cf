"""Who may do what at the pages: signing in, being locked out, locked and signed out, and whose name the journal has."""

import http.client
import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from firmware.api.actions import ACTIONS
from firmware.api.identity import COOKIE, TOKEN
from firmware.api.sessions import (
    SESSIONS_MOST,
    SHIFT_MS,
    WRONG_ADDRESS,
    WRONG_HERE,
    WRONG_ID,
    WRONG_MS,
    Patience,
    Sessions,
)
from firmware.api.web import application
from firmware.staff import MAY, Member, Role, StaffFile
from sim.live_hall import LiveHall
from tests.hall_hands import until
from tests.web_rig import PINS, QUICK, live_hall, lobby, served, staff

HERE, THERE = "127.0.0.1", "127.0.0.2"
IDLE_MS = 15 * 60_000


class Watch:
    """A clock that a test moves."""

    ms = 0

    def now(self) -> int:
        return self.ms


@dataclass
class Answered:
    status: int
    headers: http.client.HTTPMessage
    content: Any


class Browser:
    """Keeps its cookie and token as a page does, and asks from an address."""

    def __init__(self, url: str, address: str = HERE) -> None:
        at = urlsplit(url)
        self.at = (at.hostname or "", at.port or 0)
        self.address = address
        self.cookie = ""
        self.token = ""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answered:
        """`headers` replace the usual ones, with _ for -; an empty one is left out."""
        usual = {"content-type": "application/json", "cookie": self.cookie, TOKEN: self.token}
        given = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        line = http.client.HTTPConnection(*self.at, timeout=30, source_address=(self.address, 0))
        try:
            data = body if isinstance(body, str) else None if body is None else json.dumps(body)
            line.request(method, "/api/v1" + path, data, {name: value for name, value in given.items() if value})
            answer = line.getresponse()
            return Answered(answer.status, answer.headers, json.loads(answer.read()))
        finally:
            line.close()

    def sign_in(self, id: str, pin: str = "") -> int:
        """The status; cookie and token are kept when it is 200."""
        answer = self.ask("POST", "/session", {"id": id, "pin": pin or PINS[id]})
        if answer.status == 200:
            self.cookie = str(answer.headers["set-cookie"]).partition(";")[0]
            self.token = answer.content["token"]
        return answer.status

    def act(self, name: str, second: object = None, **args: object) -> Answered:
        return self.ask("POST", f"/actions/{name}", {"args": args} | ({"second": second} if second else {}))

    def code(self, name: str, second: object = None, **args: object) -> str:
        """The code of a refusal; empty when it was done."""
        answer = self.act(name, second, **args)
        assert answer.status == 200, answer
        return str(answer.content.get("error", {}).get("code", ""))

    def who(self) -> Any:
        return self.ask("GET", "/session").content


@dataclass
class Hall:
    live: LiveHall
    url: str
    clock: Watch

    def browser(self, id: str = "", address: str = HERE) -> Browser:
        browser = Browser(self.url, address)
        assert not id or browser.sign_in(id) == 200
        return browser

    def told(self, kind: str) -> list[Any]:
        return [one["data"] for one in self.live.told if one["type"] == kind]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHall]:
    with live_hall(tmp_path_factory.mktemp("state")) as live:
        yield live


@pytest.fixture
def hall(live: LiveHall) -> Iterator[Hall]:
    """A hall with pages whose clock stands still, and where nobody has signed in yet."""
    clock = Watch()
    with served(application(lobby(live.daemon, live.calls, clock=clock))) as url:
        yield Hall(live, url, clock)


# -- signing in


def test_id_and_pin_go_together(hall: Hall) -> None:
    browser = hall.browser()
    assert browser.who() is None
    assert browser.sign_in("guard-1", PINS["guard-2"]) == 401
    assert browser.sign_in("nobody", PINS["guard-1"]) == 401
    assert browser.who() is None
    assert browser.sign_in("guard-1") == 200
    told = browser.who()
    assert (told["id"], told["role"], told["locked"]) == ("guard-1", "guard", False)
    assert "lockdown" in told["may"]


def test_no_script_reads_the_cookie_and_no_foreign_page_sends_it(hall: Hall) -> None:
    answer = hall.browser().ask("POST", "/session", {"id": "guard-1", "pin": PINS["guard-1"]})
    cookie, *flags = [part.strip().lower() for part in str(answer.headers["set-cookie"]).split(";")]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"httponly", "samesite=strict", "path=/"} <= set(flags)
    assert not any(flag.startswith(("max-age", "expires", "domain")) for flag in flags), "it ends with the browser"
    assert answer.content["token"] not in cookie, "the token for the header is another secret"
    assert answer.headers["cache-control"] == "no-store"


def test_signing_in_again_ends_the_session_before(hall: Hall) -> None:
    browser = hall.browser("officer-1")
    before = (browser.cookie, browser.token)
    assert browser.sign_in("guard-1") == 200
    assert browser.who()["id"] == "guard-1"
    browser.cookie, browser.token = before
    assert browser.who() is None


def test_who_signs_out_is_out(hall: Hall) -> None:
    browser = hall.browser("guard-1")
    assert browser.ask("DELETE", "/session").status == 200
    assert browser.who() is None
    assert browser.act("confirm_count").status == 401
    assert browser.ask("DELETE", "/session").status == 200, "nobody is out already"


# -- patience with wrong PINs


def test_five_wrong_pins_lock_an_id_out_where_they_were_typed(hall: Hall) -> None:
    browser = hall.browser()
    for _ in range(WRONG_HERE):
        assert browser.sign_in("guard-1", "000000") == 401
    refused = browser.ask("POST", "/session", {"id": "guard-1", "pin": PINS["guard-1"]})
    assert refused.status == 429, "the right one is not looked at either"
    assert int(refused.headers["retry-after"]) == WRONG_MS // 1000 + 1
    assert browser.sign_in("guard-2") == 200, "a colleague at the same place"
    assert hall.browser(address=THERE).sign_in("guard-1") == 200, "the same guard at another place"
    hall.clock.ms += WRONG_MS - 1
    assert browser.sign_in("guard-1") == 429
    hall.clock.ms += 1
    assert browser.sign_in("guard-1") == 200


def test_many_wrong_pins_at_once_are_counted_one_by_one(hall: Hall) -> None:
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(hall.browser().sign_in, "guard-1", f"{n:06d}") for n in range(12)]
        assert sorted(one.result() for one in asked) == [401] * WRONG_HERE + [429] * (12 - WRONG_HERE)


def test_a_right_pin_wipes_the_slate(hall: Hall) -> None:
    browser = hall.browser()
    for _ in range(3):
        for _ in range(WRONG_HERE - 1):
            assert browser.sign_in("guard-1", "000000") == 401
        assert browser.sign_in("guard-1") == 200


def test_an_address_that_tries_everybody_is_locked_out(hall: Hall) -> None:
    browser = hall.browser(address=THERE)
    for n in range(WRONG_ADDRESS):
        assert browser.sign_in(f"somebody-{n}", "000000") == 401
    assert browser.sign_in("guard-1") == 429
    assert hall.browser().sign_in("guard-1") == 200, "elsewhere nobody is kept out"


def test_many_addresses_do_not_share_the_guessing() -> None:
    patience = Patience()
    for n in range(WRONG_ID):
        assert patience.waits_ms("guard-1", f"10.0.0.{n}", n) == 0
        patience.wrong("guard-1", f"10.0.0.{n}", n, known=True)
    assert patience.waits_ms("guard-1", "10.0.1.1", WRONG_ID) == WRONG_MS - WRONG_ID
    assert patience.waits_ms("guard-2", "10.0.1.1", WRONG_ID) == 0


def test_patience_keeps_no_more_than_it_has_room_for() -> None:
    patience = Patience()
    for n in range(WRONG_HERE):
        patience.wrong("guard-1", HERE, n, known=True)
    for n in range(WRONG_ID - WRONG_HERE):
        patience.wrong("guard-1", f"10.0.0.{n}", n, known=True)
    for n in range(5_000):
        patience.wrong(f"id-{n}", f"address-{n}", n, known=False)
    assert len(patience._wrong) <= 2_000 + 2
    assert patience.waits_ms("id-4999", "address-4999", 5_000) == 0
    assert patience.waits_ms("guard-1", "elsewhere", 5_000) > 0, "inventing ids makes nobody forget"


# -- how long a session lasts


def test_a_session_that_nobody_used_shows_and_does_not_act(hall: Hall) -> None:
    browser = hall.browser("guard-1")
    hall.clock.ms += IDLE_MS - 1
    assert browser.code("confirm_count") == "", "acting is using"
    hall.clock.ms += IDLE_MS - 1
    assert browser.who()["locked"] is False
    hall.clock.ms += 1
    assert browser.who()["locked"] is True, "looking is not using"
    assert browser.act("confirm_count").status == 401
    assert browser.sign_in("guard-1") == 200
    assert browser.code("confirm_count") == ""


def test_after_a_shift_it_is_over_however_much_it_was_used(hall: Hall) -> None:
    browser = hall.browser("guard-1")
    while hall.clock.ms < SHIFT_MS - IDLE_MS:
        hall.clock.ms += IDLE_MS - 1
        assert browser.act("confirm_count").status == 200
    hall.clock.ms = SHIFT_MS - 1
    assert browser.act("confirm_count").status == 200
    hall.clock.ms += 1
    assert browser.who() is None
    assert browser.act("confirm_count").status == 401


def test_where_too_many_have_signed_in_the_longest_unused_goes() -> None:
    sessions, member = Sessions(IDLE_MS), staff().members()["guard-1"]
    begun = [sessions.begin(member, n) for n in range(SESSIONS_MOST)]
    sessions.use(begun[0], SESSIONS_MOST)
    last = sessions.begin(member, SESSIONS_MOST)
    assert [sessions.find(one.token, SESSIONS_MOST) for one in (begun[0], begun[1], last)] == [begun[0], None, last]


# -- foreign pages


@pytest.mark.parametrize("token", ["", "guessed", "\u00e9"])
def test_nothing_acts_without_the_token_of_its_session(hall: Hall, token: str) -> None:
    browser, other = hall.browser("guard-1"), hall.browser("guard-2")
    before = len(hall.told("hall.mode_changed"))
    body = {"args": {"on": True, "reason": "prank"}}
    assert browser.ask("POST", "/actions/lockdown", body, **{TOKEN: token}).status == 403
    assert browser.ask("POST", "/actions/lockdown", body, **{TOKEN: other.token}).status == 403, "nor with another's"
    assert len(hall.told("hall.mode_changed")) == before


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_form_on_a_foreign_page_can_neither_act_nor_sign_in(hall: Hall, kind: str) -> None:
    browser = hall.browser("guard-1")
    body = json.dumps({"args": {"on": True, "reason": "prank"}})
    assert browser.ask("POST", "/actions/lockdown", body, content_type=kind, **{TOKEN: ""}).status in (403, 422)
    signing = json.dumps({"id": "guard-2", "pin": PINS["guard-2"]})
    answer = browser.ask("POST", "/session", signing, content_type=kind)
    assert (answer.status, answer.headers["set-cookie"]) == (422, None)
    assert browser.who()["id"] == "guard-1"


# -- roles


def test_every_action_is_somebodys() -> None:
    assert set(ACTIONS) | {"show"} == MAY[Role.SUPERVISOR]
    assert set(MAY[Role.OFFICER]) | set(MAY[Role.GUARD]) < set(MAY[Role.SUPERVISOR])


@pytest.mark.parametrize(
    ("role", "may_not"),
    [
        ("officer", "recount confirm_count inspect release service lockdown reset resolve capacity retire clear"),
        ("guard", "ticket call recall serve park miss transfer book cancel_booking bind issue return enrol open close "
                  "capacity retire clear"),
        ("supervisor", ""),
    ],
)  # fmt: skip
def test_each_role_may_do_its_own_and_nothing_else(hall: Hall, role: str, may_not: str) -> None:
    browser = hall.browser(f"{role}-1")
    refused = {name for name in ACTIONS if browser.code(name, nonsense=1) == "not_allowed"}
    assert refused == set(may_not.split())
    assert set(browser.who()["may"]) == (set(ACTIONS) | {"show"}) - refused


def test_only_a_supervisor_closes_with_an_exception(hall: Hall) -> None:
    assert hall.browser("officer-1").code("close", exception="everybody_left") == "not_allowed"
    assert hall.told("hall.closed") == []


def test_what_is_no_action_is_refused_and_said(hall: Hall) -> None:
    assert hall.browser("supervisor-1").code("dance") == "not_allowed"


# -- the second person


def test_a_second_person_shows_who_they_are_with_their_own_pin(hall: Hall) -> None:
    officer, guard = hall.browser("officer-1"), hall.browser("guard-1")
    ticket = officer.act("ticket", **{"class": "A"}).content["result"]["ticket"]
    assert officer.code("call", counter="1") == ""
    visit = officer.act("bind", ticket=ticket, adults=1).content["result"]["visit"]
    card, uid = hall.live.hall.stock[0]
    assert officer.code("issue", visit=visit, card=card) == ""
    assert officer.code("search", visit=visit, result="passed") == ""
    hall.live.calls.ask(lambda: hall.live.hall.tap("lockers", uid, 600)).result(10)
    until(lambda: hall.told("locker.opened"), "the locker springs open")
    locker = hall.told("locker.opened")[-1]["locker"]
    hall.live.calls.ask(lambda: hall.live.hall.door(locker, "closed", True)).result(10)
    until(lambda: hall.told("locker.closed"), "it is shut again")

    def inspect(second: object = None) -> str:
        return guard.code("inspect", second, locker=locker, reason="smoke")

    assert inspect() == "second_needed"
    assert inspect({"id": "guard-1", "pin": PINS["guard-1"]}) == "same_person"
    assert inspect({"id": "officer-1", "pin": PINS["officer-1"]}) == "second_role"
    named = guard.ask("POST", "/actions/inspect", {"args": {"locker": locker, "reason": "smoke", "second": "guard-2"}})
    assert named.content["error"]["code"] == "bad_arguments", "a name alone is no person"
    assert inspect({"id": "guard-2", "pin": "000000"}) == "second_pin"
    assert guard.who()["id"] == "guard-1", "a colleague's wrong PIN signs nobody out"
    assert hall.told("locker.inspected") == []
    assert inspect({"id": "guard-2", "pin": PINS["guard-2"]}) == ""
    done = hall.told("locker.inspected")[-1]
    assert (done["locker"], done["actor"], done["second"]) == (locker, "guard-1", "guard-2")


# -- what stays on record


def test_the_journal_names_whoever_signed_in_and_nobody_can_name_another(hall: Hall) -> None:
    officer = hall.browser("officer-1")
    assert officer.code("ticket", **{"class": "A"}) == ""
    assert hall.told("ticket.issued")[-1]["actor"] == "officer-1"
    assert officer.code("ticket", actor="guard-2", **{"class": "A"}) == "bad_arguments"
    forged = officer.ask("POST", "/actions/ticket", {"args": {"class": "A"}, "actor": "guard-2"})
    assert forged.status == 422


def test_no_pin_is_ever_written_down(hall: Hall, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    browser = hall.browser("guard-1")
    browser.sign_in("guard-2", "975310")
    browser.sign_in("975310", "864202")
    browser.act("inspect", {"id": "guard-2", "pin": "753197"}, locker=1, reason="smoke")
    browser.act("inspect", {"id": "guard-2", "pin": PINS["guard-2"]}, locker=1, reason="smoke", pin="753197")
    assert "guard-1 signed in as guard" in caplog.text
    assert "wrong PIN for guard-2 from 127.0.0.1" in caplog.text
    assert "wrong PIN for an unknown id" in caplog.text
    folder = hall.live.keeper.path.parent
    kept = b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    for pin in (*PINS.values(), "975310", "864202", "753197"):
        assert pin not in caplog.text
        assert pin.encode() not in kept
    assert QUICK.hash("1")[:9] not in repr(staff().members()["guard-1"])


# -- the staff file behind it


def test_who_is_removed_or_changed_is_signed_out_at_once(live: LiveHall, tmp_path: Path) -> None:
    file = StaffFile(tmp_path)
    for id, pin in PINS.items():
        file.put(Member(id, Role(id.partition("-")[0]), QUICK.hash(pin)))
    with served(application(lobby(live.daemon, live.calls, file, Watch()))) as url:
        hall = Hall(live, url, Watch())
        guards = [hall.browser("guard-1"), hall.browser("guard-1", THERE)]
        other = hall.browser("guard-2")
        file.remove("guard-1")
        for guard in guards:
            assert guard.act("confirm_count").status == 401
            assert guard.who() is None
        assert hall.browser().sign_in("guard-1") == 401
        assert other.code("confirm_count") == ""

        file.put(Member("guard-2", Role.GUARD, QUICK.hash("424243")))
        assert other.who() is None, "another PIN: whoever knew the old one is out"
        assert other.sign_in("guard-2") == 401
        assert other.sign_in("guard-2", "424243") == 200
        file.put(Member("guard-2", Role.OFFICER, QUICK.hash("424243")))
        assert other.act("lockdown", on=True, reason="prank").status == 401


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format":2,"staff":{}}', '{"format":1,"staff":{"guard-1":{"pin":"x"}}}']
)
def test_a_broken_staff_file_lets_nobody_in_and_signs_nobody_out(
    live: LiveHall, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    file = StaffFile(tmp_path)
    file.put(Member("guard-1", Role.GUARD, QUICK.hash(PINS["guard-1"])))
    with served(application(lobby(live.daemon, live.calls, file, Watch()))) as url:
        browser = Browser(url)
        assert browser.sign_in("guard-1") == 200
        file.path.write_text(content)
        assert browser.who()["id"] == "guard-1", "a disk in trouble is when guards need their page"
        answer = browser.ask("POST", "/session", {"id": "guard-1", "pin": PINS["guard-1"]})
        assert (answer.status, "technician" in answer.content["detail"]) == (503, True)
        assert str(file.path) in caplog.text, "the technician is told which file"
        assert browser.ask("GET", "/occupancy").status == 200
