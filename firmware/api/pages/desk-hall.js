// What every part of the desk knows: the hall as last seen, this counter and its reader, and how to ask for something.
import { $, el, say } from "/dom.js";
import { act, why } from "/staff.js";
import { minutes, t } from "/text.js";

export const hall = { seen: null, now: () => 0, lost: false };
const watchers = new Set();
let count = 0; // positions seen
let waiting = [];

// `look(position)` with each position; returns what ends that.
export function watch(look) {
  watchers.add(look);
  if (hall.seen) look(hall.seen);
  return () => watchers.delete(look);
}

export function see(position) {
  hall.seen = position;
  count += 1;
  for (const look of [...watchers]) look(position);
  for (const wake of waiting.splice(0)) wake();
  tick();
}

// A position after the one that was the `before`th; what was done may show there before it is answered. Or so long.
const news = (before, ms) => count > before || new Promise((resolve) => {
  waiting.push(resolve);
  setTimeout(resolve, ms);
});
export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// -- what this browser remembers

export const NO_COUNTER = "-";
const chosen = (key, known) => known.find((one) => one === localStorage.getItem(key));
export const counter = () => chosen("besuk.counter", [...(hall.seen?.counters.map((one) => one.counter) ?? []), NO_COUNTER]);
export const atCounter = () => counter() !== undefined && counter() !== NO_COUNTER;
export const readers = () => hall.seen?.readers.map((one) => one.reader) ?? [];
export const reader = () => chosen("besuk.reader", readers()) ?? readers()[0];
export const readerWell = () => Boolean(hall.seen?.readers.find((one) => one.reader === reader())?.ok);
export function choose(name, readerName) {
  localStorage.setItem("besuk.counter", name);
  if (readerName) localStorage.setItem("besuk.reader", readerName);
  if (hall.seen) see(hall.seen);
}

// -- an emergency: everybody goes out, and nobody is called in

export const NOT_NOW = "Emergency: nobody is called or registered, and no card is handed out.";
export const emergency = () => hall.seen?.mode === "emergency";

// -- asking

let busy = false;
// One thing at a time: a second press while the first is under way does nothing. Resolves to the answer, or null.
export async function deed(name, args = {}) {
  if (busy) return null;
  busy = true;
  const before = count;
  refuse("");
  try {
    const answer = await act(name, args);
    if (answer.ok) await news(before, 1000);
    return answer;
  } finally {
    busy = false;
  }
}

// The same, where it is told at the counter how it went. Resolves to the result, or null.
export async function ask(name, args, told = () => "") {
  const answer = await deed(name, args);
  if (!answer) return null;
  if (!answer.ok) {
    refuse(why(answer.error));
    return null;
  }
  tell(told(answer.result));
  return answer.result;
}

const TOLD_MS = 10000; // what went well is soon of no interest, and would stand under the next number
let fading = 0;
export function tell(text) {
  say("refused", "");
  say("told", text);
  clearTimeout(fading);
  fading = setTimeout(() => say("told", ""), TOLD_MS);
}

export function refuse(text) {
  say("refused", text);
  if (text) say("told", "");
}

const LIFTED_MS = 2000; // in the hall: a reader tells of a card for a second after it was lifted
let last = "";
let lastAt = 0;
// The number of the card that this page handed out or took back last: it may lie on the reader still, for a moment at least.
export const lastHandled = () => last;
export const justHandled = () => (hall.now() - lastAt < LIFTED_MS ? last : "");
export const handled = (number) => ([last, lastAt] = [number, hall.now()]);

// The card on this counter's reader: {number, state, visit}, null when none was laid there within a second, or
// undefined when the reader cannot be asked.
export async function lying() {
  try {
    const answer = await fetch(`/api/v1/readers/${encodeURIComponent(reader())}/card`);
    if (answer.status === 204) return null;
    if (answer.ok) return await answer.json();
  } catch {
    // told by the bar over the page
  }
  await pause(1000);
  return undefined;
}

// -- words

export const party = ({ adults, children, carried }) => [
  adults === 1 ? t("1 adult") : t("{n} adults", { n: adults }),
  children && (children === 1 ? t("1 child") : t("{n} children", { n: children })),
  carried && (carried === 1 ? t("1 infant") : t("{n} infants", { n: carried })),
].filter(Boolean).join(", ");
export const place = (name) => t("Counter {counter}", { counter: name });

// A length of time that goes on by itself, in words such as "waits {time}".
export const since = (ms, words = "{time}") => el("span.since", { "data-since": ms, "data-words": words });
export const left = (ms) => el("span.since", { "data-until": ms });
export function tick() {
  const now = hall.now();
  for (const one of document.querySelectorAll("[data-since]")) {
    const ms = now - one.dataset.since;
    const text = one.dataset.words.replace("{time}", ms < 60000 ? t("less than a minute") : minutes(ms));
    if (one.textContent !== text) one.textContent = text;
  }
  for (const one of document.querySelectorAll("[data-until]")) {
    const ms = one.dataset.until - now;
    const text = ms < 0 ? t("{time} over", { time: minutes(ms) }) : t("{time} left", { time: minutes(ms) });
    one.classList.toggle("bad", ms < 0);
    if (one.textContent !== text) one.textContent = text;
  }
}

// -- a window over the page, that changes while it is open

export function dialog(title, ...parts) {
  let closed = () => {};
  const note = el("p.bad", { role: "alert" });
  const shut = el("button", t("Back"), { type: "button", onclick: () => box.close() });
  const box = el("dialog", { "aria-label": title }, el("h2", title), note, parts, el("p.row.end", shut));
  box.addEventListener("close", () => {
    box.remove();
    closed();
  });
  document.body.append(box);
  box.showModal();
  shut.focus();
  tick();
  return {
    box, close: () => box.close(), onclose: (then) => (closed = then), refuse: (text) => (note.textContent = text),
    open: () => box.isConnected,
  };
}

// One of several, by a touch or its number: [key, text] each. Resolves to the key, or null when it is closed.
export function pick(title, choices, note = "") {
  return new Promise((resolve) => {
    let told = null;
    const buttons = choices.map(([key, text], i) => button(text, String(i + 1), () => {
      told = key;
      window.close();
    }, { class: "huge" }));
    const window = dialog(title, note && el("p.warn", note), el("div.stack", buttons));
    window.onclose(() => resolve(told));
    window.box.addEventListener("keydown", (event) => byDigit(event, buttons));
    buttons[0]?.focus();
  });
}

// A digit presses the button of that number, and is written nowhere: the window it was meant for may be gone by then.
export function byDigit(event, buttons) {
  if (!/^[1-9]$/.test(event.key)) return;
  event.preventDefault();
  buttons[event.key - 1]?.click();
}

export const button = (text, key, act, ...parts) =>
  el("button", text, key && el("kbd", key, { "aria-hidden": "true" }), { type: "button", onclick: act }, ...parts);
// Whoever dictates, or strikes keys by accident, can switch commands of a single letter off (WCAG 2.1.4).
export const lettersOff = () => localStorage.getItem("besuk.letters") === "off";
export const keepLettersOff = (off) => localStorage.setItem("besuk.letters", off ? "off" : "on");
export const dialogOpen = () => document.querySelector("dialog[open]") !== null;
export const focus = (id) => $(id)?.focus();
