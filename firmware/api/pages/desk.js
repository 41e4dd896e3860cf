// The officers' page: puts the parts together, and hands keys to them.
import { $, say, show, el } from "/dom.js";
import { listen } from "/stream.js";
import { begin, may, me, signIn, signOut } from "/staff.js";
import { clock, day, t } from "/text.js";
import { button, dialogOpen, hall, lettersOff, see, tick } from "/desk-hall.js";
import { callNext, chooseCounter, drawCounter, miss, park, recall, serve, skip, transfer } from "/desk-counter.js";
import { drawQueue } from "/desk-queue.js";
import { drawVisits, toSearches, walk } from "/desk-visits.js";
import { enrol, takeBack } from "/desk-cards.js";
import { book, drawSession, find, giveNumber, keys, session } from "/desk-day.js";
import { watch } from "/desk-hall.js";

const DEEDS = [
  ["k", "return", () => t("Give back a card"), takeBack],
  ["g", "ticket", () => t("Give a number"), giveNumber],
  ["b", "book", () => t("Booking"), book],
  ["", "enrol", () => t("New cards"), enrol],
];

const KEYS = {
  n: callNext, r: recall, p: () => park(), m: miss, t: () => transfer(), s: serve, c: toSearches, "?": keys,
  q: () => $("next").querySelector("button")?.focus(),
  "/": () => $("sought").select(),
  ...Object.fromEntries(DEEDS.filter(([key]) => key).map(([key, action, , act]) => [key, () => may(action) && act()])),
};

// Letters are commands and digits are for the step at hand, wherever nobody writes; the fields of a party take digits alone.
function pressed(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || dialogOpen() || !hall.seen || event.defaultPrevented) return;
  const at = event.target;
  const party = at.matches?.("#work .stepper input");
  if (event.key === "Escape") {
    if (at === $("sought")) at.blur();
    const later = $("step").querySelector("[data-later]");
    if (later) skip(later.dataset.later);
    return;
  }
  if (at.matches?.("input, select, textarea") && !party) return;
  walk(event);
  if (/^[0-9]$/.test(event.key) && !party) return void $("step").querySelector("input")?.focus(); // and the digit goes there
  const act = KEYS[event.key];
  if (!act || (lettersOff() && /^[a-z]$/i.test(event.key))) return;
  event.preventDefault();
  act();
}

function lost(gone) {
  hall.lost = gone;
  if (!gone) signing = false;
  document.body.classList.toggle("old", gone);
  $("lost").hidden = !gone;
  say("lost", gone ? t("Connection lost: what you see here is old. Write down what you do, and call by voice.") : "");
}

let signing = false; // asked already, and not again and again where the question was closed
async function refused() {
  if (signing) return;
  signing = true;
  try {
    if ((await (await fetch("/api/v1/session")).json()) === null) {
      $("lost").replaceChildren(t("You are signed out: the program began anew, or your shift is over. What you see here is old."), el("button", t("Sign in"), { type: "button", onclick: () => signIn() }));
      if (!(await signIn())) return;
    }
    signing = false;
  } catch {
    signing = false; // nobody answers: the bar over the page says so
  }
}

function drawStaff() {
  say("who", me() ? me().id : "");
  show("deeds", DEEDS.filter(([, action]) => may(action)).map(([key]) => key), () =>
    DEEDS.filter(([, action]) => may(action)).map(([key, , text, act]) => button(text(), key, act)));
}

function drawTime() {
  const label = hall.seen?.time;
  if (!label) return;
  const at = new Date(Date.parse(`${label.slice(0, 19)}Z`) + hall.now() - hall.seen.now).toISOString();
  say("time", `${clock(at)} · ${day(at)}`);
}

for (const draw of [drawSession, drawCounter, drawQueue, drawVisits, drawTime]) watch(draw);
addEventListener("staff", () => {
  drawStaff();
  if (hall.seen) see(hall.seen);
});
addEventListener("keydown", pressed);
$("mine").addEventListener("click", () => hall.seen && chooseCounter());
$("session").addEventListener("click", session);
$("help").addEventListener("click", keys);
$("leave").addEventListener("click", async () => {
  await signOut();
  location.reload();
});
$("find").addEventListener("submit", (event) => {
  event.preventDefault();
  $("sought").blur(); // letters are commands again
  if ($("sought").value.trim() && hall.seen) find($("sought").value);
});
setInterval(() => {
  tick();
  drawTime();
}, 1000);

if (await begin()) hall.now = listen("desk", see, lost, refused);
else {
  $("step").replaceChildren(el("button.main.huge", t("Sign in"), { type: "button", onclick: () => location.reload() }));
}
