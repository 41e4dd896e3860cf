"""Signing in, and acting: `/api/v1/session` and `/api/v1/actions/..`. Public pages need neither.

Whoever signs in with a PIN gets a cookie that no script can read and no foreign page can send, and a token that goes
back in a header with everything that acts. Each action goes the way of `besuk desk`, with the signed-in id as its
actor, so that the journal names whoever did it. A second person gives id and PIN with the action itself.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from firmware.api.manners import Json
from firmware.api.sessions import Patience, Session, Sessions
from firmware.staff import MAY, Member, Role, StaffError, nobody
from hal.clock import Clock
from services.requests import ANSWER_S, Answer, RequestQueue, refusal
from services.requests import Request as Asked

log = logging.getLogger("besuk.staff")

ActionName = Annotated[str, InPath(max_length=64, json_schema_extra={"enum": sorted(MAY[Role.SUPERVISOR])})]

COOKIE = "besuk"
TOKEN = "x-besuk-token"


class Staff(Protocol):
    """Whoever knows who works here. `members` raises StaffError."""

    def members(self) -> Mapping[str, Member]: ...


class Form(BaseModel):
    """Nothing but what is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Pin(Form):
    """Who somebody is, and how they show it."""

    id: Annotated[str, Field(max_length=32)]
    pin: Annotated[str, Field(max_length=12)]


class Act(Form):
    """Arguments of an action, and the second person where one is needed."""

    args: dict[str, Any] = Field(default_factory=dict)
    second: Pin | None = None


class Identity:
    """Knows who is at each browser, and puts what they ask before the hall."""

    def __init__(self, staff: Staff, clock: Clock, idle_ms: int, requests: RequestQueue) -> None:
        self._staff = staff
        self._clock = clock
        self._requests = requests
        self._sessions = Sessions(idle_ms)
        self._patience = Patience()
        self._checking = asyncio.Semaphore(1)
        """One PIN at a time: a flood of them costs one core's time, and the scan none of its own."""

    async def prove(self, pin: Pin, address: str) -> Member:
        """Whose PIN that is. HTTPException 401 for a wrong one, 429 after too many; StaffError."""
        async with self._checking:  # what many ask at once is counted one by one, too
            wait_ms = self._patience.waits_ms(pin.id, address, self._clock.now())
            if wait_ms:
                raise HTTPException(429, "too many wrong PINs", {"retry-after": str(wait_ms // 1000 + 1)})
            known = self._staff.members().get(pin.id)
            right = await asyncio.to_thread(lambda: (known or nobody()).knows(pin.pin))
            if known is None or not right:
                self._patience.wrong(pin.id, address, self._clock.now(), known=known is not None)
                # An id that nobody has may be somebody's PIN, typed into the wrong field.
                log.warning("wrong PIN for %s from %s", known.id if known else "an unknown id", address)
                raise HTTPException(401, "this id and PIN do not go together")
            self._patience.right(pin.id, address)
        return known

    def begin(self, member: Member) -> Session:
        """Sign in."""
        log.info("%s signed in as %s", member.id, member.role)
        return self._sessions.begin(member, self._clock.now())

    def session(self, request: Request) -> Session:
        """Whose browser that is. HTTPException 401. Somebody who was removed, or has another
        role or PIN since, is signed out."""
        session = self._sessions.find(request.cookies.get(COOKIE, ""), self._clock.now())
        if session is None:
            raise HTTPException(401, "sign in first")
        try:
            still = self._staff.members().get(session.id)
        except StaffError:  # a disk that fails signs nobody out: now the pages are needed
            still = session.member
        if still != session.member:
            self._sessions.end_all_of(session.id)
            raise HTTPException(401, "sign in first")
        return session

    def acting(self, request: Request) -> Session:
        """The same for something that acts: with its token, and somebody there. HTTPException 401, 403."""
        session = self.session(request)
        if request.headers.get(TOKEN, "") != session.csrf:
            raise HTTPException(403, f"the header {TOKEN} is missing, or not this session's")
        if self._sessions.locked(session, self._clock.now()):
            raise HTTPException(401, "nobody was here for a while: give the PIN again")
        self._sessions.use(session, self._clock.now())
        return session

    def end_all(self) -> None:
        """The computer lost its power, and with it what it knew of sessions."""
        self._sessions = Sessions(self._sessions.idle_ms)

    def end(self, request: Request) -> None:
        """Sign out."""
        self._sessions.end(request.cookies.get(COOKIE, ""))

    def told(self, session: Session) -> dict[str, Any]:
        """What a page knows of its session."""
        return {
            "id": session.id, "role": session.role, "token": session.csrf,
            "locked": self._sessions.locked(session, self._clock.now()), "idle_s": self._sessions.idle_ms // 1000,
            "may": sorted(MAY[session.role]),
        }  # fmt: skip

    async def act(self, session: Session, name: str, form: Act, address: str) -> Answer:
        """Have it done. HTTPException for a second person who is none."""
        if name not in MAY[session.role]:
            return refusal("not_allowed", f"{session.role} may not {name}")
        if name == "close" and form.args.get("exception") and session.role is not Role.SUPERVISOR:
            return refusal("not_allowed", "only a supervisor closes with an exception")
        if "second" in form.args:
            return refusal("bad_arguments", "the second person gives id and PIN in second, beside args")
        args = dict(form.args)
        if form.second is not None:
            try:
                second = await self.prove(form.second, address)
            except HTTPException as error:
                if error.status_code != 401:
                    raise
                return refusal("second_pin", "the second person's id and PIN do not go together")
            if second.role is Role.OFFICER:
                return refusal("second_role", "the second person has to be a guard or supervisor")
            args["second"] = second.id
        return await ask(self._requests, Asked(name, args, session.id))


async def ask(requests: RequestQueue, asked: Asked) -> Answer:
    """`RequestQueue.ask` for a coroutine, which must not block its thread."""
    if not requests.put(asked):
        return refusal("busy", "too much is being asked at once; try again")
    answer = asyncio.wrap_future(asked.future)
    done, _ = await asyncio.wait([answer], timeout=ANSWER_S)
    if done:
        return answer.result()
    if asked.future.cancel():
        return refusal("no_answer", f"the hall did not get to it within {ANSWER_S:g} s; nothing was done")
    return refusal("no_answer", f"no answer within {ANSWER_S:g} s; it may still be done")


def router(identity: Identity) -> APIRouter:
    """The routes of staff."""
    api = APIRouter(tags=["staff"], default_response_class=Json)

    def address(request: Request) -> str:
        return request.client.host if request.client else ""

    @api.post("/session", responses={401: {}, 429: {}})
    async def sign_in(request: Request, form: Pin, response: Response) -> Mapping[str, Any]:
        """Sign in, or show again who is there."""
        session = identity.begin(await identity.prove(form, address(request)))
        identity.end(request)
        response.set_cookie(COOKIE, session.token, httponly=True, samesite="strict", path="/")
        return identity.told(session)

    @api.get("/session")
    async def who(request: Request) -> Mapping[str, Any] | None:
        """Who has signed in here; `null` for nobody."""
        try:
            return identity.told(identity.session(request))
        except HTTPException:
            return None

    @api.delete("/session")
    async def sign_out(request: Request, response: Response) -> Mapping[str, Any]:
        """Sign out."""
        identity.end(request)
        response.delete_cookie(COOKIE, path="/")
        return {"ok": True}

    @api.post("/actions/{name}", responses={401: {}, 403: {}, 429: {}})
    async def act(request: Request, name: ActionName, form: Act) -> Response:
        """What an officer or guard does, as `besuk desk`; answered when its facts are durable, and with
        `{"ok":false,"error":{"code":..,"message":..}}` when the hall says no: that is an answer, no failure."""
        session = identity.acting(request)
        answer = await identity.act(session, name, form, address(request))
        return Json(dict(answer))

    return api
