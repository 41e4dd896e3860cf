// What happened, in words, for each type of fact that people see often. Others are told as they are.
import { code, language, t } from "/text.js";

const SENTENCES = {
  "hall.booted": "The controller has started", "hall.opened": "The session is open", "hall.closing": "The session closes: nobody new",
  "hall.closed": "The session is closed", "hall.mode_changed": "Mode: {mode}", "hall.occupancy_suspect": "The count is in doubt",
  "hall.count_confirmed": "The count is confirmed: {inside}", "hall.recount_recorded": "Recounted: {after}",
  "hall.locked_down": "LOCKDOWN: {reason}", "hall.lockdown_lifted": "The lockdown is over: {reason}", "override.used": "Exception by {actor}: {reason}",
  "ticket.issued": "Ticket {ticket} taken", "ticket.called": "{ticket} called to counter {counter}",
  "ticket.recalled": "{ticket} called again to counter {counter}", "ticket.served": "{ticket} served", "ticket.missed": "{ticket} did not come",
  "ticket.parked": "{ticket} put aside", "ticket.transferred": "{ticket} moved to counter {counter}",
  "visit.bound": "{ticket} registered", "visit.started": "{visit}: the visit begins", "visit.warned": "{visit}: the time is nearly over",
  "visit.overstayed": "{visit} is over time", "visit.ended": "{visit} has ended",
  "card.enrolled": "Card {number} enrolled", "card.issued": "Card {number} given to {visit}", "card.returned": "Card {number} given back",
  "card.refused": "Card refused at {reader}: {reason}",
  "search.passed": "{visit} searched: passed", "search.refused": "{visit} searched: not passed",
  "locker.assigned": "Locker {locker} is for {visit}", "locker.pulsed": "Lock of locker {locker} let go", "locker.opened": "Locker {locker} opened",
  "locker.closed": "Locker {locker} closed", "locker.readable": "The door of locker {locker} can be read",
  "locker.unreadable": "The door of locker {locker} cannot be read", "locker.released": "Locker {locker} is free again",
  "locker.refused": "{visit}: no locker opened, {reason}", "locker.jammed": "Locker {locker} is jammed", "locker.forced": "Locker {locker} was forced",
  "locker.left_open": "Locker {locker} was left open",
  "gate.granted": "{visit}: the arm is free {direction}, for {persons}", "gate.passed": "{visit}: one person passed {direction}",
  "gate.refused": "{visit}: the arm stays locked, {reason}", "gate.expired": "Time over: {persons} did not pass", "gate.forced": "The arm was forced",
  "emergency.raised": "EMERGENCY: the arm is free", "emergency.cleared": "The fire contact is at rest again", "emergency.reset": "The emergency is over",
  "device.fell": "{device}: {health}", "device.rose": "{device} is well again", "task.raised": "For the guards: {reason}", "task.resolved": "Done by the guards: {reason}",
};
const FOLDED = new Set(["locker.readable", "locker.unreadable", "card.enrolled", "device.rose"]);
const HASH = /^[0-9a-f]{16,}$/;
const tickets = new Map();  // of each visit: people know each other by their numbers

const said = {
  visit: (value) => tickets.get(value) ?? value, health: (value) => code("device", value), mode: (value) => code("mode", value),
  direction: (value) => ({ in: t("to the inside"), out: t("to the outside") })[value] ?? value,
};

export function sentence({ type, data }) {
  if (type === "visit.bound" && data.ticket) tickets.set(data.visit, data.ticket);
  const template = SENTENCES[type];
  if (!template) {
    const told = Object.entries(data).filter(([, value]) => !HASH.test(value) && typeof value !== "object");
    return `${type} ${told.map(([name, value]) => `${name} ${value}`).join(", ")}`;
  }
  const reasons = type.startsWith("task.") ? "task" : /^(hall|override)\./.test(type) ? "why" : "refusal";
  const values = new Proxy({}, { get: (_, name) => (name === "reason" ? code(reasons, data.reason ?? "") : said[name]?.(data[name]) ?? data[name] ?? "–"), has: () => true });
  return t(template, values).replace(/^–: /, "");  // nobody knows whose it was
}

export const time = (text) => (language === "id" ? text.replaceAll(":", ".") : text);

// Newest first; a row of the same news, such as eighty cards enrolled, is one line.
export function lines(events) {
  const told = [];
  for (const event of events) {
    const last = told.at(-1);
    const words = sentence(event);
    if (last && last.type === event.type && FOLDED.has(event.type)) Object.assign(last, { count: last.count + 1, seq: event.seq, words });
    else told.push({ seq: event.seq, at: event.time.slice(11, 19), type: event.type, count: 1, words });
  }
  return told.reverse();
}
