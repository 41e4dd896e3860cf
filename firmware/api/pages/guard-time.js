// The present moment, and moments of hall time as the site's own clock shows them.
import { clock, minutes, t } from "/text.js";

let base = null;
let now = () => 0;
export const keepTime = (position, present) => {
  base = { now: position.now, wall: Date.parse(`${position.time.slice(0, 23)}Z`) };
  if (present) now = present;
};
export const present = () => now();

// As a label of the site's wall time, whatever zone the browser has.
export const label = (ms) => (base ? new Date(base.wall + ms - base.now).toISOString() : "");
export const wall = (ms) => {
  const told = label(ms);
  const today = label(now());
  return told.slice(0, 10) === today.slice(0, 10) ? clock(told) : `${told.slice(8, 10)}/${told.slice(5, 7)} ${clock(told)}`;
};

// Elements whose text goes on with the clock: `<time data-from=.. data-way="ago|brief|left">`.
export function ticking(ms, way, name = "time") {
  const made = document.createElement(name);
  made.dataset.at = ms;
  made.dataset.way = way;
  made.textContent = WAYS[way](ms);
  return made;
}
const brief = (ms) => t("{n} min", { n: Math.floor(Math.abs(ms) / 60000) });
const WAYS = {
  ago: (ms) => minutes(now() - ms),
  brief: (ms) => brief(now() - ms),
  left: (ms) => (ms >= now() ? t("{time} left", { time: brief(ms - now()) }) : t("{time} over", { time: brief(now() - ms) })),
};
export function tick() {
  for (const one of document.querySelectorAll("[data-way]")) {
    const text = WAYS[one.dataset.way](Number(one.dataset.at));
    if (one.textContent !== text) one.textContent = text;
  }
}
