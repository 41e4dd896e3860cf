// The things of the hall that move, shine and can be touched: readers, lockers, arms, buttons, signs, the controller.
import { choose, contact, door, fault, held, lay, power, press, push, take, tap, tell } from "/sim-hands.js";
import { sign } from "/sim-sign.js";
import { mark, name, svg, text, thing } from "/sim-svg.js";
import { ticketButton } from "/sim-tour.js";
import { code, t } from "/text.js";

let devices = {};
let now = { faults: [], readers: {} };
const standing = (device) => now.faults.find((one) => one.device === device)?.fault;
export const kind = (name) => code("fault", name);

// What can go wrong with a device, as choices.
export function troubles(device, event, first = [], title = code("device", device, device)) {
  const has = standing(device);
  const mend = has ? [[t("Mend: {fault}", { fault: kind(has) }), () => fault(device, null), "main"]] : [];
  const more = (devices[device] ?? []).map((one) => [t("Trouble: {fault}", { fault: kind(one) }), () => fault(device, one), "trouble"]);
  choose(t("{thing}: choose what to do", { thing: title }), [...first, ...mend, ...more], event);
}

// Where a reader stands, in a word.
function placed(plan, device) {
  if (plan.desk.includes(device)) return t("Desk");
  if (Object.values(plan.banks).some((bank) => bank.readers.includes(device))) return t("Lockers");
  return Object.values(plan.lanes).some((lane) => lane.entry.includes(device)) ? t("In") : t("Out");
}

function reader(device, words, { x, y }) {
  const lying = () => now.readers[device] ?? [];
  const act = () => (lying().includes(held()) ? take(device, held()) : tap(device));
  const more = (event) => troubles(device, event, [
    [t("Tap the card"), () => tap(device)], [t("Lay the card down"), () => lay(device)],
    ...lying().map((uid) => [t("Take card {uid} away", { uid }), () => take(device, uid)]),
  ]);
  const cards = svg("g", { class: "cards" });
  const node = thing({ class: "thing reader", "data-name": device, transform: `translate(${x} ${y})` }, device, act, more,
    svg("rect", { x: -22, y: -26, width: 44, height: 52, rx: 7, class: "body" }),
    svg("path", { d: "M-8 6a12 12 0 0 1 16 0M-13 0a19 19 0 0 1 26 0", class: "waves" }),
    svg("circle", { cx: 0, cy: -16, r: 4.5, class: "lamp" }), cards,
    text(0, 44, words, { class: "label small", "text-anchor": "middle" }));
  let shown = "";
  return { node, draw: (world) => {
    const uids = world.readers[device];
    mark(node, ["thing", "reader", standing(device) && "broken", uids.length && "busy"]);
    name(node, t(uids.length ? "Reader {name}: {count} cards on it. Take it away" : "Reader {name}: tap the card", { name: `${words}, ${device}`, count: uids.length }));
    if (shown === uids.join()) return;
    shown = uids.join();
    cards.replaceChildren(...uids.slice(0, 3).map((_, at) => svg("rect", { x: -15 + 5 * at, y: -6 + 6 * at, width: 30, height: 19, rx: 3, class: "card-lying" })));
  } };
}

function locker(number, { x, y, size }, focus) {
  const state = () => now.lockers[number];
  const more = (event) => {
    const { door: stands, content } = state();
    const choices = stands === "open"
      ? [[t("Put a bag in and shut it"), () => door(number, "closed", true), content ? "" : "main"],
         [t("Take the bag out and shut it"), () => door(number, "closed", false), content ? "main" : ""], [t("Shut it as it is"), () => door(number, "closed")]]
      : [[t("Break it open"), () => door(number, "forced")]];
    troubles(`locker-${number}`, event, choices.filter(([, , name], at) => at !== 1 || name || content), t("Locker {number}", { number }));
  };
  const within = text(size * 0.62, size * 0.36, "", { "text-anchor": "middle", "font-size": size * 0.36, class: "within" });
  const outside = text(size / 2, size * 0.6, number, { "text-anchor": "middle", "font-size": size * 0.42 });
  const node = thing({ class: "thing locker", "data-name": `locker-${number}`, transform: `translate(${x} ${y})`, tabindex: -1 }, number, more, more,
    svg("rect", { width: size, height: size, class: "inside" }), within,
    svg("path", { d: `M${size * 0.25} ${size * 0.82}v${-size * 0.28}h${size * 0.55}v${size * 0.28}zM${size * 0.42} ${size * 0.54}v${-size * 0.1}h${size * 0.22}v${size * 0.1}`, class: "bag" }),
    svg("g", { class: "door" }, svg("rect", { x: 1, y: 1, width: size - 2, height: size - 2, rx: 2 }),
      outside,
      svg("path", { d: `M${size * 0.3} ${size * 0.84}v${-size * 0.16}h${size * 0.4}v${size * 0.16}z`, class: "mark" })));
  node.addEventListener("keydown", (event) => focus(event, Number(number)));
  return { node, draw: (world) => {
    const { door: stands, latch, content } = world.lockers[number];
    const broken = standing(`locker-${number}`);
    const [there, not] = stands === "open" ? [within, outside] : [outside, within];
    if (!there.textContent) [there.textContent, not.textContent] = [number, ""];
    mark(node, ["thing", "locker", stands, content && "full", latch === "released" && "released", broken && "broken"]);
    const words = stands === "open" ? (content ? "Locker {number}: open, a bag in it" : "Locker {number}: open and empty") : content ? "Locker {number}: shut, a bag in it" : "Locker {number}: shut";
    name(node, t(words, { number }) + (broken ? `, ${kind(broken)}` : ""));
  } };
}

// One stop for the tab key, arrows within.
function lockers(here) {
  const numbers = Object.keys(here.lockers).map(Number);
  const rows = numbers.filter((number) => here.lockers[number].x === here.lockers[numbers[0]].x).length;
  const steps = { ArrowUp: -1, ArrowDown: 1, ArrowLeft: -rows, ArrowRight: rows };
  const made = {};
  const focus = (event, number) => {
    const next = numbers[numbers.indexOf(number) + (steps[event.key] ?? NaN)];
    if (next === undefined) return;
    event.preventDefault();
    made[number].node.setAttribute("tabindex", -1);
    made[next].node.setAttribute("tabindex", 0);
    made[next].node.focus();
  };
  for (const number of numbers) made[number] = locker(number, here.lockers[number], focus);
  if (numbers.length) made[numbers[0]].node.setAttribute("tabindex", 0);
  return Object.values(made);
}

function arm(lane, { x, y }) {
  const pushes = [["in", -1, t("Push the arm: in")], ["out", 1, t("Push the arm: out")]].map(([direction, side, label]) =>
    thing({ class: `thing push ${direction}`, "data-name": `${lane}-${direction}`, transform: `translate(${x + side * 44} ${y - side * 26})` }, label, () => (direction === "out" && now.inside <= 0 ? tell(t("Nobody is inside who could push.")) : push(lane, direction)), null,
      svg("circle", { r: 19 }), svg("path", { d: side < 0 ? "M-9 0h16m-6-6l6 6l-6 6" : "M9 0h-16m6-6l-6 6l6 6" })));
  const arms = svg("g", { class: "arms" }, [90, 210, 330].map((angle) => svg("path", { d: "M0 0h46", transform: `rotate(${angle})` })), svg("circle", { r: 10 }));
  const body = thing({ class: "thing arm", "data-name": lane, transform: `translate(${x} ${y})` }, lane, (event) => troubles(lane, event), (event) => troubles(lane, event),
    svg("rect", { x: -13, y: -58, width: 26, height: 26, rx: 5, class: "body" }), svg("circle", { cx: 0, cy: -45, r: 6, class: "lamp" }), arms);
  const words = text(x - 24, y + 92, "", { class: "label", "text-anchor": "end" });
  const states = { locked: t("locked"), free_in: t("free: in"), free_out: t("free: out"), free_both: t("free both ways") };
  let turned = 0;
  let before = null;
  return { node: svg("g", {}, body, pushes, words), draw: (world) => {
    const { state, ready } = world.arm[lane];
    const { in: came, out: went } = world.passed[lane];
    if (before) turned += 120 * (came - before[0]) - 120 * (went - before[1]);
    before = [came, went];
    arms.style.transform = `rotate(${turned}deg)`;
    mark(body, ["thing", "arm", state, !ready && "unready", standing(lane) && "broken"]);
    name(body, t("Arm {name}: {state}", { name: lane, state: states[state] }));
    words.textContent = states[state];
  } };
}

const GLYPHS = {
  ticket: "M-11 -7h22v14h-22zM-4 -7v14", fire: "M0 -11c8 7 9 11 5 17h-10c-5 -6 0 -9 5 -17z",
  fire_reset: "M-9 0a9 9 0 1 1 4 7M-9 0l-4 -5M-9 0l5 -4", exit_button: "M-10 0h16m-6 -6l6 6l-6 6", side_gate: "M-8 10v-20h16v20",
};
function button(device, { use }, { x, y }) {
  const fire = use === "fire";
  const words = { ticket: t("Take a number"), fire: t("Fire"), fire_reset: t("Fire over"), exit_button: t("Exit button"), side_gate: t("Side gate") }[use];
  const act = () => (fire || use === "side_gate" ? contact(device, !now.contacts[device]) : use === "ticket" ? ticketButton(device) : press(device));
  const node = thing({ class: `thing button ${use}`, "data-name": device, transform: `translate(${x} ${y})` }, words, act, null,
    svg("rect", { x: -26, y: -26, width: 52, height: 52, rx: use === "ticket" ? 10 : 6, class: "body" }), svg("path", { d: GLYPHS[use], class: "glyph" }),
    text(0, 44, words, { class: "label small", "text-anchor": "middle" }));
  return { node, draw: (world) => {
    mark(node, ["thing", "button", use, world.contacts[device] && "active"]);
    node.setAttribute("aria-pressed", Boolean(world.contacts[device]));
  } };
}

function board(device, place) {
  const made = sign(place.x, place.y, place.width);
  const node = thing({ class: "thing board", "data-name": device }, device, (event) => troubles(device, event), (event) => troubles(device, event), made.node);
  return { node, draw: (world) => {
    made.show(world.leds[device]);
    mark(node, ["thing", "board", standing(device) && "broken"]);
    const reads = world.leds[device].lines.join(" ");
    name(node, reads ? t("The sign says: {words}", { words: reads }) : t("The sign is dark"));
  } };
}

// The controller in its cupboard, with its switch and what no wall shows: disk, clock, broker, and the boards of the banks.
function cupboard(here, plan) {
  const chips = ["disk", "clock", "broker", ...Object.keys(plan.banks)].filter((one) => devices[one]);
  const { x, y } = here.box;
  const lever = svg("path", { class: "lever" });
  const words = text(-46, 66, "", { class: "label small", "text-anchor": "middle" });
  const toggle = thing({ class: "thing switch", transform: `translate(${x} ${y})` }, "", () => power(!now.power), null,
    svg("rect", { x: -76, y: -34, width: 60, height: 84, rx: 8, class: "body" }), svg("circle", { cx: -46, cy: -20, r: 6, class: "lamp" }), lever, words);
  const made = chips.map((one, at) => thing({ class: "thing chip", "data-name": one, transform: `translate(${x + 4 + (at % 2) * 196} ${y - 20 + Math.floor(at / 2) * 42})` }, code("device", one, one),
    (event) => troubles(one, event), (event) => troubles(one, event),
    svg("rect", { x: -8, y: -14, width: 186, height: 34, rx: 6, class: "body" }), svg("circle", { cx: 6, cy: 2, r: 5, class: "lamp" }),
    text(18, 7, code("device", one, one), { class: "label small", "text-anchor": "start" })));
  return { node: svg("g", {}, toggle, made), draw: (world) => {
    name(toggle, world.power ? `${t("Power on")}: ${t("Cut the power")}` : `${t("Power off")}: ${t("Give the power back")}`);
    mark(toggle, ["thing", "switch", world.power ? "on" : "off"]);
    lever.setAttribute("d", world.power ? "M-46 24v-26" : "M-46 12v26");
    words.textContent = world.power ? t("Power on") : t("Power off");
    chips.forEach((one, at) => mark(made[at], ["thing", "chip", standing(one) && "broken"]));
  } };
}

// Everything, drawn once; `draw(world)` brings it up to date.
export function things(plan, here, known) {
  devices = known;
  const bank = lockers(here);
  const all = [
    ...Object.entries(here.signs).map(([one, place]) => board(one, place)),
    ...Object.entries(here.readers).map(([one, place]) => reader(one, placed(plan, one), place)),
    ...Object.entries(here.lanes).map(([one, place]) => arm(one, place)),
    ...Object.entries(here.contacts).map(([one, place]) => button(one, plan.contacts[one], place)),
    cupboard(here, plan),
  ];
  const group = svg("g", { role: "group", "aria-label": t("Lockers") }, bank.map((one) => one.node));
  return { node: svg("g", {}, group, all.map((one) => one.node)), draw: (world) => {
    now = world;
    for (const one of [...bank, ...all]) one.draw(world);
  } };
}
