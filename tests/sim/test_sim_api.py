"""The hands of the virtual hall over HTTP: what they do, what they refuse, and that nothing sent breaks anything."""

import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firmware.api.web import application
from firmware.config import load
from services.calls import Calls
from services.web import WebServer
from sim.api import sim_application
from sim.demo_staff import TEAM, demo_staff
from sim.live_hall import LiveHall
from tests.hall_hands import Hands, until
from tests.web_rig import PINS, lobby, staff

CONFIG = Path(__file__).parents[2] / "config.yaml"
SPEED = 20.0
SIM = sorted((Path(__file__).parents[2] / "sim" / "pages").iterdir())


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHall]:
    """A hall without a broker that runs twenty times as fast."""
    hall = LiveHall(load(CONFIG), tmp_path_factory.mktemp("state"), mqtt=None, speed=SPEED)
    hall.prepare()
    ended = threading.Event()
    thread = threading.Thread(target=hall.run, args=(ended.is_set,))
    thread.start()
    yield hall
    ended.set()
    thread.join()
    hall.stop()


@pytest.fixture(scope="module")
def hands(live: LiveHall) -> Iterator[Hands]:
    known = staff()
    pins = {one.pin: PINS[id] for id, one in known.members().items()}
    web = WebServer(sim_application(live, known, pins), "127.0.0.1", 0)
    host, port = web.start()
    yield Hands(f"http://{host}:{port}/")
    web.stop()


def test_the_world_shows_what_a_person_sees(hands: Hands) -> None:
    world = hands.world()
    told = {"now_ms", "inside", "people", "lockers", "arm", "sign", "readers", "contacts", "faults", "stock", "time"}
    assert told <= set(world)
    assert world["lockers"]["48"] == {"door": "closed", "latch": "locked", "content": False}
    assert world["arm"] == {"main": {"state": "locked", "ready": True}}
    assert world["sign"] == {"hall": "BESUK GRATIS"}
    assert set(world["readers"]) == {"desk", "lockers", "entry", "exit"}
    assert len(world["stock"]) == 80
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00", world["time"])
    assert world["leds"] == {"hall": {"lines": ["BESUK GRATIS"], "mode": "hold", "colour": "red"}}
    assert world["passed"] == {"main": {"in": 0, "out": 0}}
    assert world["power"] is True


def test_the_plan_says_what_stands_where_and_who_works_there(hands: Hands) -> None:
    plan = hands.do("GET", "/plan")
    assert plan["counters"] == ["1", "2"]
    assert plan["banks"] == {"A": {"lockers": list(range(1, 49)), "readers": ["lockers"]}}
    assert plan["lanes"] == {"main": {"entry": ["entry"], "exit": ["exit"]}}
    assert plan["contacts"]["ticket"] == {"use": "ticket", "lane": "", "tickets": "A"}
    assert plan["visitors"] is False
    assert {one["id"]: (one["role"], one["pin"]) for one in plan["staff"]}["guard-1"] == ("guard", "314159")


def test_a_sign_whose_plug_is_out_is_dark(hands: Hands) -> None:
    hands.do("PUT", "/faults/hall", {"fault": "unplugged"})
    assert hands.world()["leds"]["hall"]["lines"] == []
    hands.do("DELETE", "/faults/hall")
    until(lambda: hands.world()["leds"]["hall"]["lines"], "and says again what it should")


def test_without_a_centre_of_our_own_what_is_durable_is_told(hands: Hands) -> None:
    told = hands.do("GET", "/central")
    assert (told["source"], told["status"]) == ("daemon", {})
    assert told["stored"] == told["events"][-1]["seq"]
    hands.desk("ticket", **{"class": "A"})
    after = told["stored"]
    for path in ("/central", "/events"):
        fresh = hands.do("GET", f"{path}?after={after}")["events"]
        assert fresh[0]["seq"] == after + 1
        assert "ticket.issued" in [one["type"] for one in fresh]
    hands.desk("call", counter="1")
    hands.desk("serve", counter="1")


def test_a_family_comes_visits_and_goes(hands: Hands) -> None:
    card = hands.world()["stock"][0]

    def where() -> str:
        return next((str(one["where"]) for one in hands.do("GET", "/books")["visits"] if one["visit"] == visit), "")

    visit = hands.family_at_the_gate(card["uid"], card["number"])
    until(lambda: where() == "gate", "the books know that they may go in")
    hands.family_enters(card["uid"])
    assert hands.world()["inside"] == 3
    until(lambda: hands.occupancy()["inside"] == 3, "the daemon has counted three")
    seated = next(one for one in hands.do("GET", "/books")["visits"] if one["visit"] == visit)
    assert (seated["where"], seated["party"], seated["inside"], seated["card"]) == ("inside", 3, 3, card["number"])
    assert 1_700 < seated["left_s"] <= 1_800
    assert seated["inside_s"] + seated["left_s"] in (1_799, 1_800)
    hands.tap("exit", card["uid"])
    assert hands.push("out")
    assert hands.push("out", carrying=1)
    until(lambda: hands.occupancy()["inside"] == 0, "the daemon has counted them out")
    assert where() == "collect"
    hands.tap("lockers", card["uid"])
    hands.do("POST", f"/lockers/{hands.open_door()}/door", {"to": "closed", "content": False})
    hands.desk("return", card=card["number"], collected=True)
    assert hands.occupancy()["confidence"] == "exact"
    assert hands.facts("visit.ended")[-1]["stages"]["inside"] > 0
    assert where() == ""
    numbers = [event["seq"] for event in hands.do("GET", "/events")["events"]]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def test_a_party_carries_its_infant_and_nobody_pushes_out_of_an_empty_room(hands: Hands) -> None:
    def push(direction: str) -> None:
        until(lambda: hands.arm() == f"free_{direction}", f"the arm yields {direction}")
        assert hands.do("POST", "/arm/main/push", {"direction": direction, "carrying": None}) == {"passed": True}

    card = hands.world()["stock"][1]
    hands.family_at_the_gate(card["uid"], card["number"])
    hands.tap("entry", card["uid"])
    for seen in (2, 3):
        push("in")
        until(lambda seen=seen: hands.occupancy()["inside"] == seen, "it is counted")  # type: ignore[misc]
        assert hands.world()["inside"] == seen
    hands.tap("exit", card["uid"])
    for seen in (2, 0):
        push("out")
        until(lambda seen=seen: hands.occupancy()["inside"] == seen, "it is counted")  # type: ignore[misc]
        assert hands.world()["inside"] == seen
    refused = hands.ask("POST", "/api/sim/v1/arm/main/push", {"direction": "out"})
    assert refused == (409, {"detail": "so many are not inside"})
    assert hands.world()["inside"] == 0
    hands.tap("lockers", card["uid"])
    hands.do("POST", f"/lockers/{hands.open_door()}/door", {"to": "closed", "content": False})
    hands.desk("return", card=card["number"], collected=True)


def test_even_the_quickest_finger_presses_a_button_long_enough(hands: Hands) -> None:
    before = len(hands.facts("ticket.issued"))
    for _ in range(3):
        hands.press("ticket")
    until(lambda: len(hands.facts("ticket.issued")) == before + 3, "three tickets for three presses")


def test_a_card_lies_until_it_is_taken_away(hands: Hands) -> None:
    hands.do("PUT", "/readers/exit/cards/04a1b2c3d4e5f6")
    assert hands.world()["readers"]["exit"] == ["04A1B2C3D4E5F6"]
    hands.do("DELETE", "/readers/exit/cards/04A1B2C3D4E5F6")
    assert hands.world()["readers"]["exit"] == []
    hands.do("DELETE", "/readers/exit/cards/04A1B2C3D4E5F6")


def test_a_locked_arm_does_not_yield_and_a_latched_door_refuses(hands: Hands) -> None:
    assert hands.do("POST", "/arm/main/push", {"direction": "in"}) == {"passed": False}
    assert hands.ask("POST", "/api/sim/v1/lockers/9/door", {"to": "open"}) == (409, {"detail": "the door is latched"})
    hands.do("POST", "/lockers/9/door", {"to": "forced"})
    until(lambda: [one for one in hands.facts("locker.forced") if one["locker"] == 9], "the force is noticed")
    hands.do("POST", "/lockers/9/door", {"to": "closed"})
    hands.desk("service", locker=9, reason="repaired", **{"in": True})


def test_a_fault_shows_in_health_and_its_end_too(hands: Hands) -> None:
    hands.do("PUT", "/faults/entry", {"fault": "unplugged"})
    assert {"device": "entry", "fault": "unplugged"} in hands.world()["faults"]
    until(lambda: hands.health()["devices"]["entry"] != "ok", "the reader is missed")
    until(lambda: "entry" in hands.ask("GET", "/healthz")[1]["trouble"], "the fault is told")
    status, answer = hands.ask("PUT", "/api/sim/v1/faults/entry", {"fault": "sulking"})
    assert (status, "unplugged" in answer["detail"]) == (404, True)
    assert {"device": "entry", "fault": "unplugged"} in hands.world()["faults"]
    hands.do("DELETE", "/faults/entry")
    until(lambda: hands.health()["devices"]["entry"] == "ok", "the reader is back")


def test_a_desk_action_is_answered_whether_done_or_refused(hands: Hands) -> None:
    refused = hands.do("POST", "/desk", {"action": "recall", "args": {"counter": "7"}, "actor": "officer-1"})
    assert refused["ok"] is False
    assert set(refused["error"]) == {"code", "message"}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "detail"),
    [
        ("POST", "/readers/nowhere/tap", {"uid": "04A1B2C3"}, 404, "no reader 'nowhere'"),
        ("POST", "/readers/entry/tap", {"uid": "nonsense"}, 422, "uid: "),
        ("POST", "/readers/entry/tap", {"uid": "04A1B2C3", "ms": 0}, 422, "ms: "),
        ("POST", "/readers/entry/tap", {}, 422, "uid: field required"),
        ("PUT", "/readers/entry/cards/88", None, 422, "uid: "),
        ("POST", "/arm/side/push", {"direction": "in"}, 404, "no lane 'side'"),
        ("POST", "/arm/main/push", {"direction": "up"}, 422, "direction: "),
        ("POST", "/arm/main/push", {"direction": "in", "carrying": -1}, 422, "carrying: "),
        ("POST", "/lockers/49/door", {"to": "open"}, 404, "no locker 49"),
        ("POST", "/lockers/x/door", {"to": "open"}, 422, "number: "),
        ("POST", "/lockers/1/door", {"to": "closed", "content": "yes"}, 422, "content: "),
        ("PUT", "/contacts/ticket", {"active": 1}, 422, "active: "),
        ("POST", "/lockers/1/door", {"to": "closed", "content": True}, 409, "the door is closed"),
        ("PUT", "/contacts/bell", {"active": True}, 404, "no contact 'bell'"),
        ("PUT", "/contacts/ticket", {"active": "perhaps"}, 422, "active: "),
        ("PUT", "/faults/kettle", {"fault": "stuck"}, 404, "no device 'kettle'"),
        ("PUT", "/faults/disk", {"fault": "sulking"}, 404, "it has full, "),
        ("PUT", "/faults/broker", {"fault": "unplugged"}, 404, "no device 'broker'"),
        ("DELETE", "/faults/kettle", None, 404, "no device 'kettle'"),
        ("PUT", "/speed", {"speed": 0}, 422, "speed: "),
        ("PUT", "/speed", {"speed": "1", "more": 1}, 422, "more: "),
        ("POST", "/desk", {"action": "open"}, 422, "actor: field required"),
        ("POST", "/desk", [1], 422, "input should be"),
        ("GET", "/nowhere", None, 404, "Not Found"),
        ("PATCH", "/world", None, 405, "Method Not Allowed"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_in_one_line(
    hands: Hands, method: str, path: str, body: object, status: int, detail: str
) -> None:
    found, answer = hands.ask(method, "/api/sim/v1" + path, body)
    assert (found, set(answer)) == (status, {"detail"})
    assert detail in answer["detail"]
    assert "\n" not in answer["detail"]


NAMES = st.sampled_from(["main", "entry", "1", "9999999", "fire", "disk", "broker", "%00", "a" * 70, "04A1B2C3"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just("\ud800") | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("uid", "ms", "speed", "direction", "carrying", "to", "content", "active", "fault", "action", "args", "actor")
BODIES = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=3) | JSON
ROUTES = (
    ("POST", "/readers/{}/tap"), ("PUT", "/readers/{}/cards/04A1B2C3"), ("DELETE", "/readers/entry/cards/{}"),
    ("PUT", "/speed"), ("POST", "/arm/{}/push"), ("POST", "/lockers/{}/door"), ("PUT", "/contacts/{}"),
    ("PUT", "/faults/{}"), ("DELETE", "/faults/{}"), ("POST", "/desk"),
)  # fmt: skip


@settings(max_examples=150)
@given(route=st.sampled_from(ROUTES), name=NAMES, body=BODIES)
def test_no_request_is_too_strange(hands: Hands, route: tuple[str, str], name: str, body: object) -> None:
    method, path = route
    status, answer = hands.ask(method, "/api/sim/v1" + path.format(name), raw=json.dumps(body).encode())
    assert status < 500, answer


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff\xfe", b"[" * 10_000, b'{"speed":NaN}', b"1" * 5_000])
def test_what_is_no_json_is_refused(hands: Hands, raw: bytes) -> None:
    status, answer = hands.ask("PUT", "/api/sim/v1/speed", raw=raw)
    assert (status // 100, set(answer)) == (4, {"detail"})


def test_broken_json_is_told_where_it_breaks(hands: Hands) -> None:
    status, answer = hands.ask("PUT", "/api/sim/v1/speed", raw=b'{"speed":}')
    assert (status, answer["detail"]) == (422, "this is no JSON: Expecting value (character 9)")


def test_a_request_of_any_length_is_refused_before_it_is_read(hands: Hands) -> None:
    status, answer = hands.ask("PUT", "/api/sim/v1/speed", raw=b" " * 70_000)
    assert (status, answer) == (413, {"detail": "a request has at most 65536 bytes"})


@pytest.mark.parametrize(
    "path", ["/", "/sim", "/docs", "/docs.js", "/besuk.css", *(f"/{one.name}" for one in SIM if one.suffix != ".html")]
)
def test_pages_load_nothing_from_elsewhere(hands: Hands, path: str) -> None:
    status, text = hands.ask("GET", path)
    assert status == 200
    assert not re.search(r"https?:|//[a-z]+\.|@import|<style|style=| on[a-z]+=", text)


def test_a_browser_is_told_what_a_page_may_do(hands: Hands) -> None:
    for path in ("/", "/api/sim/v1/world", "/metrics"):
        with urllib.request.urlopen(hands.url + path) as answer:
            assert "default-src 'none'" in answer.headers["content-security-policy"]
            assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_scan_that_does_not_answer_is_not_well(live: LiveHall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firmware.api.web.ALIVE_S", 0.05)
    web = WebServer(application(lobby(live.daemon, Calls(most=1))), "127.0.0.1", 0)
    host, port = web.start()
    hands = Hands(f"http://{host}:{port}/")
    assert hands.ask("GET", "/healthz") == (503, {"ok": False, "detail": "the scan does not answer"})
    assert hands.ask("GET", "/api/v1/occupancy")[0] == 429, "the first question waits still, and there is room for one"
    web.stop()


def test_a_staff_file_that_breaks_lets_nobody_in_and_the_hall_is_shown_all_the_same(
    live: LiveHall, tmp_path: Path
) -> None:
    known, pins = demo_staff(tmp_path)
    web = WebServer(sim_application(live, known, pins), "127.0.0.1", 0)
    host, port = web.start()
    hands = Hands(f"http://{host}:{port}/")
    try:
        assert [one["id"] for one in hands.do("GET", "/plan")["staff"]] == list(TEAM)
        (tmp_path / "staff.json").write_text("{")
        told = hands.ask("POST", "/api/v1/session", {"id": "guard-1", "pin": next(iter(pins.values()))})
        assert told == (503, {"detail": "the staff file cannot be read; call the technician"})
        assert hands.do("GET", "/plan")["staff"] == []
    finally:
        web.stop()


def test_whoever_has_signed_out_is_shown_nothing_more(live: LiveHall) -> None:
    web = WebServer(sim_application(live, staff()), "127.0.0.1", 0)
    host, port = web.start()
    hands = Hands(f"http://{host}:{port}/").sign_in("officer-1", PINS["officer-1"])
    asked = urllib.request.Request(f"{hands.url}/api/v1/stream?topic=desk", headers=hands.headers)
    try:
        with urllib.request.urlopen(asked, timeout=30) as stream:
            assert stream.readline().startswith(b"data: ")
            assert hands.ask("DELETE", "/api/v1/session")[0] == 200
            ticket = hands.desk("ticket", **{"class": "A"})["ticket"]
            shown = [stream.readline() for _ in range(40)]
    finally:
        web.stop()
    assert shown[-1] == b"", "it has ended"
    assert ticket.encode() not in b"".join(shown)


def test_metrics_tell_what_mqtt_tells(hands: Hands) -> None:
    text = hands.ask("GET", "/metrics")[1]
    assert 'besuk_device_ok{device="main"} 1.0' in text
    assert re.search(r"^besuk_facts_total \d+", text, re.M)
    assert 'besuk_lockers{state="free"}' in text


def test_the_api_describes_itself(hands: Hands) -> None:
    paths = hands.ask("GET", "/openapi.json")[1]["paths"]
    assert "/api/sim/v1/lockers/{number}/door" in paths
    assert {"/healthz", "/metrics", "/api/v1/occupancy"} <= set(paths)


def test_every_device_can_be_put_into_each_trouble_that_is_told(hands: Hands) -> None:
    devices = hands.do("GET", "/devices")
    assert {"entry", "main", "A", "hall", "locker-14", "disk", "clock"} <= set(devices)
    assert "broker" not in devices, "there is no line in this hall"
    for device in ("entry", "desk", "main", "A", "hall", "locker-14", "disk", "clock"):
        for fault in devices[device]:
            hands.do("PUT", f"/faults/{device}", {"fault": fault})
        hands.do("DELETE", f"/faults/{device}")
    assert hands.world()["faults"] == []
