// Beside the picture: what the controller's books say, what reaches the centre, trouble and how to make it, who works here.
import { $, el, rows, say, show } from "/dom.js";
import { fault, get, order } from "/sim-hands.js";
import { kind } from "/sim-things.js";
import { lines, time } from "/sim-words.js";
import { code, number, t } from "/text.js";

const STAGES = {
  counter: "at the counter", search: "to be searched", deposit: "on the way to the lockers", locker: "at their locker", gate: "on the way to the arm",
  inside: "inside", collect: "left, to collect their things", return: "to give the card back",
};
const KEPT = 80;
let events = [];
let last = 0;

// -- the controller's books

export function books(told) {
  $("books").classList.toggle("dark", !told);
  if (!told) return;
  const { occupancy } = told;
  say("inside", number(occupancy.inside));
  say("capacity", number(occupancy.capacity));
  say("free", number(occupancy.lockers.free));
  const exact = occupancy.confidence === "exact";
  say("confidence", exact ? t("certain") : t("in doubt: recount"));
  $("confidence").className = exact ? "good" : "warn";
  say("mode", code("mode", occupancy.mode));
  $("mode").className = occupancy.mode === "open" ? "good" : occupancy.mode === "closed" ? "soft" : "bad";
  show("counters", told.serving, (serving) => Object.entries(serving).map(([name, ticket]) => el("span.pair", t("Counter {name}", { name }), " ", el("strong", ticket || "–"))));
  const waiting = told.tickets.filter((one) => one.state !== "called").map((one) => one.ticket);
  show("queue", waiting, (those) => el("span", el("strong", those.slice(0, 10).join("  ") || "–"), those.length > 10 && el("span", " ", t("and {n} more", { n: those.length - 10 }))));
  rows($("visits"), told.visits.slice(-40).map(({ inside_s, left_s, ...one }) => ({ ...one, left: left_s === null ? null : Math.ceil(left_s / 60) })), (one) => one.visit, visit);
  $("nobody").hidden = told.visits.length > 0;
  rows($("tasks"), told.tasks.map(({ since_s, ...one }) => one), (one) => one.task, task);
  $("no-tasks").hidden = told.tasks.length > 0;
  show("seen", told.devices, (seen) => Object.entries(seen).map(([device, health]) => el("li.bad", t("The controller sees: {device}, {health}", { device, health: code("device", health) }))));
  $("recount").hidden = exact;
  line(told.line);
}

// As a guard would who looks at every face: whoever is inside is ticked with their visit, the rest belong to none.
export async function recount(world, { visits }) {
  const present = {};
  let others = world.inside;
  const live = new Map(visits.map((one) => [one.visit, one]));
  const tick = (name, persons) => {
    const count = Math.min(persons, others, live.get(name)?.party ?? 0);
    if (count > 0) [present[name], others] = [count, others - count];
  };
  for (const one of world.people) tick(one.visit, one.inside + one.carried_inside);
  const theirs = new Set(world.people.map((one) => one.visit));
  for (const one of visits) if (!theirs.has(one.visit)) tick(one.visit, one.inside);
  await order("recount", { present, unattributed: others, reason: "counted" }, "guard-1");
}

function visit({ ticket, visit: name, party, where, lockers, left }) {
  const late = left !== null && left < 0;
  const since = left === null ? "" : late ? t("{n} min over", { n: -left }) : t("{n} min left", { n: left });
  return el("li", el("strong", ticket || name), el("span", t("party of {n}", { n: party })),
    el("span", t(STAGES[where]) + (lockers.length ? ` (${lockers.join(", ")})` : "")), el(late ? "span.bad" : "span.soft", since));
}

function task({ task: name, reason, locker, lane, device, visit: about }) {
  const what = [locker && t("locker {number}", { number: locker }), lane, device, about].filter(Boolean).join(", ");
  return el("li", el("strong.warn", code("task", reason)), el("span", what), el("span.soft", name));
}

function line(told) {
  say("line", !told ? t("There is no line to a centre.") : told.connected ? t("To be acknowledged: {n}", { n: number(told.unacked) }) : t("The line is down. To be sent: {n}", { n: number(told.unacked) }));
  $("line").className = told && !told.connected ? "bad" : "soft";
}

// -- the centre

export async function centre() {
  let told = await get(`/central?after=${last}`);
  if (told.stored < last) {
    [events, last] = [[], 0];
    told = await get("/central?after=0");
  }
  events = [...events, ...told.events].slice(-KEPT * 3);
  last = events.at(-1)?.seq ?? last;
  const { state, reason } = told.status;
  say("stored", told.source === "daemon" ? t("No centre of our own: events as they are written down here.") : t("Stored at the centre: {n}", { n: number(told.stored) }));
  say("status", state ? t("The controller is {state} ({reason})", { state: code("status", state), reason: code("status", reason) }) : "");
  $("status").className = state === "offline" ? "bad" : "soft";
  rows($("events"), lines(events).slice(0, KEPT), (one) => one.seq, ({ at, words, count, seq }) =>
    el("li", el("span.soft", time(at)), el("span", count > 1 ? `${count} × ${words}` : words), el("span.soft", `#${seq}`)));
}

// -- trouble

export function trouble(devices) {
  const pick = $("device");
  pick.replaceChildren(...Object.keys(devices).map((name) => el("option", code("device", name, name), { value: name })));
  const kinds = () => $("kind").replaceChildren(...(devices[pick.value] ?? []).map((one) => el("option", kind(one), { value: one })));
  pick.addEventListener("change", kinds);
  kinds();
  $("break").addEventListener("click", () => fault(pick.value, $("kind").value));
}

export const faults = (standing) => {
  rows($("faults"), standing, (one) => one.device, ({ device, fault: name }) =>
    el("li", el("span.bad", `${code("device", device, device)}: ${kind(name)}`), el("button", t("Mend"), { type: "button", "aria-label": t("Mend {device}", { device }), onclick: () => fault(device, null) })));
  const line = standing.some((one) => one.device === "broker");
  $("line-cut").setAttribute("aria-pressed", line);
  say("line-cut", line ? t("Plug the line to the broker in") : t("Pull the line to the broker"));
};

// -- who works here

const PAGE = { officer: "/desk", guard: "/guard", supervisor: "/guard" };
export const staff = (people, language) => $("staff").replaceChildren(...people.map(({ id, role, pin }) =>
  el("tr", el("td", el("a", id, { href: `${PAGE[role]}?lang=${language}` })), el("td", code("role", role)), el("td", el("code", pin || "–")))));
