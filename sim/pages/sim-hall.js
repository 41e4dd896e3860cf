// The hall as it stands: walls, doors, desks, benches, seats, and the words that name them.
import { svg, text } from "/sim-svg.js";
import { HIGH, WALL, WIDE } from "/sim-plan.js";
import { t } from "/text.js";

const rect = (x, y, width, height, name, rx = 0) => svg("rect", { x, y, width, height, rx, class: name });
const label = (x, y, words, anchor = "middle") => text(x, y, words, { class: "label", "text-anchor": anchor });

export function ground(plan, here) {
  return svg("g", { "aria-hidden": "true" },
    rect(0, 0, WALL, HIGH, "floor"), rect(WALL, 0, WIDE - WALL, HIGH, "floor room"), rect(0, 0, WALL, 206, "upright"),
    walls(here), counters(plan, here), search(here), benches(), seats(here),
    rect(here.bank.x - 7, here.bank.y - 7, here.bank.width + 14, here.bank.height + 14, "steel", 4),
    post(here), poster(), label(here.bank.x + here.bank.width / 2, here.bank.y + here.bank.height + 34, t("Lockers")),
    label(1570, 56, t("Visiting room")), scale());
}

function walls(here) {
  const gaps = Object.values(here.lanes).map(({ y }) => y).sort((a, b) => a - b);
  const parts = [];
  let from = 0;
  for (const y of gaps) {
    parts.push(rect(WALL - 7, from, 14, y - 46 - from, "wall"));
    from = y + 46;
  }
  parts.push(rect(WALL - 7, from, 14, HIGH - from, "wall"));
  return svg("g", {}, parts,
    rect(0, 0, WIDE, 9, "wall"), rect(0, 0, 9, 735, "wall"), rect(0, 845, 9, HIGH - 845, "wall"),
    rect(WIDE - 9, 0, 9, HIGH, "wall"), rect(0, HIGH - 9, 660, 9, "wall"), rect(780, HIGH - 9, WIDE - 780, 9, "wall"),
    label(22, 796, t("Entrance"), "start"), label(720, 884, t("Way out")));
}

function counters(plan, here) {
  const width = Math.min(170, 340 / plan.counters.length);
  return svg("g", {}, plan.counters.map((name) => {
    const { x, y } = here.counters[name];
    return svg("g", {}, officer(x, y - 30), rect(x - width / 2 + 6, y - 14, width - 12, 34, "desk", 5), label(x, y + 11, t("Counter {name}", { name })));
  }), officer(here.back.x, here.back.y - 30), rect(here.back.x - 70, here.back.y - 14, 140, 34, "desk", 5), label(here.back.x, here.back.y + 11, t("Cards back")));
}

function search(here) {
  const { x, y } = here.search;
  return svg("g", {}, rect(x - 72, 36, 144, 158, "booth", 8), officer(x - 32, y - 6), officer(x + 32, y - 6), label(x, 64, t("Search")));
}

const post = ({ post: { x, y } }) => svg("g", {}, svg("g", { class: "guard" }, officer(x, y - 26)), rect(x - 70, y - 8, 140, 34, "desk", 5), label(x, y + 17, t("Guard")));
const poster = () => svg("g", {}, rect(620, 430, 330, 96, "poster", 8), text(785, 490, t("VISITS ARE FREE"), { class: "poster-text", "text-anchor": "middle" }));
const officer = (x, y) => svg("g", { class: "officer" }, svg("ellipse", { cx: x, cy: y, rx: 22, ry: 12 }), svg("circle", { cx: x, cy: y, r: 11 }));
const benches = () => svg("g", {}, [380, 466, 552].map((y) => rect(60, y, 480, 18, "bench", 6)), label(350, 296, t("Waiting")));
const seats = (here) => svg("g", {}, here.seats.map(({ x, y }) => rect(x - here.seat / 2, y - here.seat / 2, here.seat, here.seat, "seat", 9)));
const scale = () => svg("g", { class: "scale" }, svg("path", { d: "M40 866h100M40 858v16M140 858v16" }), text(150, 872, "1 m", { class: "label", "text-anchor": "start" }));
