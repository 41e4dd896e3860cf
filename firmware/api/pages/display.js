// The hall display: what everybody may know, on a television over the sign. It runs for days: nothing here adds up.
import { $, el, say, show } from "/dom.js";
import { listen } from "/stream.js";
import { clock, day, later, number, t } from "/text.js";

const TILES_MOST = 6;
const HOUR_MIN = 60;
let hall = null;

const now = listen("display", (position) => {
  hall = position;
  draw();
}, (lost) => {
  $("lost").hidden = !lost;
  document.body.classList.toggle("old", lost);
});
setInterval(() => hall && draw(), 1000);

function draw() {
  const at = now();
  const urgent = hall.message.urgent;
  const held = at < hall.message.until && hall.message.code === "call";
  if ($("emergency").hidden === urgent) $("emergency").hidden = !urgent;
  $("hall").hidden = urgent;
  $("simulated").hidden = !hall.simulated;
  document.body.dataset.mode = hall.mode;
  drawClock(at);
  show("calling", [hall.mode === "lockdown" ? heldCall(held) : calls(), newest(held), held, state(at)], tiles);
  show("next", [hall.next, hall.priority], ([waiting]) => waiting.length ? waiting.map(chip) : el("li.none", t("nobody is waiting")));
  show("priority", hall.next.length ? hall.priority : [], priorityNote);
  show("last", hall.last, (last) => last.length ? last.map(lastCall) : el("li.none", t("none yet")));
  const waits = hall.waits.filter((wait) => at < wait.until);
  $("waits-part").hidden = waits.length === 0;
  show("waits", waits, (known) => known.map(wait));
  show("facts", facts(at), (parts) => parts.map(fact));
  show("strip", strip(at), ([kind, text]) => ($("strip").className = kind, steps(text)));
}

const isPriority = (ticket) => hall.priority.includes(ticket.split("-")[0]);
const label = (at) => later(hall.time, at - hall.now);

function drawClock(at) {
  const trusted = hall.clock === "synced";
  say("time", trusted ? clock(label(at)) : "");
  say("date", trusted ? day(label(at)) : "");
}

// -- who is called

// The call that the sign shows; else the last one that is not over.
const newest = (held) => held && hall.message.ticket || hall.last.find((call) => hall.calling.some((one) => one.ticket === call.ticket))?.ticket;

// In a lockdown nobody is sent to a counter but whom the sign calls at this moment.
const heldCall = (held) => hall.calling.filter((one) => held && one.ticket === hall.message.ticket);

// By counter; with more counters than there is room for, those of the last calls.
function calls() {
  if (hall.calling.length <= TILES_MOST) return hall.calling;
  const age = ({ ticket }) => hall.last.findIndex((call) => call.ticket === ticket) >>> 0;
  const latest = [...hall.calling].sort((a, b) => age(a) - age(b)).slice(0, TILES_MOST);
  return hall.calling.filter((one) => latest.includes(one));
}

function tiles([calling, latest, held, words]) {
  $("calling").dataset.tiles = Math.max(1, calling.length);
  if (!calling.length) return el("div.state", el(words[0].length > 9 ? "p.big.words" : "p.big", words[0]), el("p", words[1]));
  return calling.map(({ ticket, counter }) => {
    const marks = [ticket === latest && ".newest", ticket === latest && held && ".held", (counter.length > 2 || ticket.length > 5) && ".long"];
    return el(`div.tile${marks.filter(Boolean).join("")}`, el("b.ticket", ticket),
      el(counter.length > 2 ? "span.counter" : "span.counter.short", el("small", t("counter")), el("b", counter)));
  });
}

// What to read in the place of calls.
function state(at) {
  if (hall.mode === "lockdown") return [t("Please wait"), t("The hall is stopped for a moment. Stay calm; officers will tell you more.")];
  if (hall.mode === "degraded") return [t("To the counter"), t("Something is out of order. Officers at the counters help you.")];
  if (hall.mode !== "open") return [t("Closed"), opening(at) || hours() || t("Ask an officer when it opens.")];
  return [t("Welcome"), t("Take a number and wait here until it is called.")];
}

const pad = (minute) => `T${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;
const moment = (minute) => clock(`0000-00-00${pad(minute)}`);
const hours = () => hall.hours.length ? t("Visiting hours {hours}", { hours: span() }) : "";
const span = () => hall.hours.map(([opens, closes]) => `${moment(opens)}\u2060–\u2060${moment(closes)}`).join(", ");

function opening(at) {
  if (hall.clock !== "synced") return "";
  const [hour, minute] = label(at).slice(11, 16).split(":").map(Number);
  const next = hall.hours.find(([opens]) => opens > hour * 60 + minute);
  return next ? t("Opens at {time}", { time: moment(next[0]) }) : "";
}

// -- who waits

const chip = ({ ticket, counter }) => el(isPriority(ticket) ? "li.first" : "li", el("b", ticket),
  counter && el("small", t("counter {n}", { n: counter })));
const lastCall = ({ ticket, counter }) => el("li", el("b", ticket), " ", el("span", t("counter {n}", { n: counter })));
const priorityNote = (letters) => letters.length
  ? t("{letters} goes first: elderly, pregnant, disabled, infants", { letters: letters.join(", ") }) : "";

function wait({ letter, shortest, longest }) {
  const length = shortest >= HOUR_MIN ? t("more than {n} minutes", { n: HOUR_MIN })
    : shortest ? t("about {from}–{to} minutes", { from: shortest, to: longest })
    : t("less than {n} minutes", { n: longest });
  return el("div", el("dt", t("Number {letter}", { letter })), el("dd", length));
}

// -- figures, and the line at the foot

function facts(at) {
  const suspect = hall.confidence === "suspect";
  const inside = suspect && hall.inside < 0 ? "?" : number(hall.inside);
  const note = [hall.full && t("full"), suspect && t("count in doubt")].filter(Boolean).join(", ");
  return [
    [t("Inside"), `${inside} / ${number(hall.capacity)}`, note, hall.full || suspect, Math.min(1, Math.max(0, hall.inside / (hall.capacity || 1)))],
    [t("Lockers free"), number(hall.lockers_free), hall.lockers_free ? "" : t("full"), !hall.lockers_free],
    [t("Waiting"), number(hall.waiting), "", false],
    [t("Out of turn today"), number(hall.jumps), "", false],
    [t("The hall is"), ...stands(at)],
  ];
}

// How the hall is, in a word, with its hours, and whether that is worth a look.
function stands(at) {
  if (hall.mode === "open") return [t("open"), span(), false];
  if (hall.mode === "lockdown") return [t("stopped"), "", true];
  if (hall.mode === "degraded") return [t("disturbed"), "", true];
  return [hall.session === "closing" ? t("closing") : t("closed"), opening(at) || span(), true];
}

const fact = ([name, value, note, bad, share]) => {
  const bar = share === undefined ? null : el("span.bar", { "aria-hidden": "true" }, el("i"));
  if (bar) bar.firstChild.style.width = `${Math.round(share * 100)}%`;
  return el(bad ? "div.bad" : "div", el("dt", name), el("dd", el("b", value), note && el("small", note), bar));
};

// A notice of the sign, a state that concerns everybody, or what happens to whom comes: [kind, text or steps].
function strip(at) {
  if (at < hall.message.until && hall.message.code !== "call") return notice();
  if (hall.mode === "lockdown") return ["warning", [t("Stopped for a moment: wait for the officers. Leaving is always possible.")]];
  if (hall.mode === "degraded") return ["warning", [t("No entry and no lockers for now. Leaving and collecting go on.")]];
  if (hall.mode === "closed") return ["warning", [t("No new numbers. Whoever is inside can leave and collect their things.")]];
  if (hall.full) return ["warning", [t("Full: please wait until somebody has left.")]];
  return ["steps", [t("Take a number"), t("ID card to counter"), t("Search"), t("Things in a locker"), t("Tap, enter")]];
}

// "Full" while there are still places tells a party that there are not enough of them.
function notice() {
  if (hall.message.code !== "full" || hall.full || !hall.lockers_free) return ["notice", [hall.sign]];
  return ["notice long", [t("{full}: not enough room yet for the whole party, please wait", { full: hall.sign })]];
}

const steps = (texts) => texts.length === 1 ? texts[0]
  : texts.map((text, nth) => el("span", el("b", nth + 1, { "aria-hidden": "true" }), text));
