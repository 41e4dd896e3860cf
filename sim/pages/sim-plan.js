// Where everything stands, in centimetres: a hall of eighteen metres by nine, seen from above. What hangs on the upper
// wall (signs, locker doors) is folded up and seen from the front, to the same scale.
export const WIDE = 1800;
export const HIGH = 900;
export const WALL = 1250;  // between the hall and the visiting room
const LOCKER = 36;
const FLOOR = 240;  // the first row of people before the upper wall

const spread = (from, to, count) => Array.from({ length: count }, (_, at) => from + ((at + 0.5) * (to - from)) / count);

// Places of the site's things: `{counters: {name: {x, y}}, lockers: {number: {x, y, size}}, readers, lanes, ...}`.
export function layout(plan) {
  const here = { counters: {}, lockers: {}, readers: {}, lanes: {}, contacts: {}, signs: {}, seats: [] };
  spread(26, 366, plan.counters.length).forEach((x, at) => (here.counters[plan.counters[at]] = { x, y: 172 }));
  here.back = { x: 440, y: 172 };
  spread(522, 572, plan.desk.length).forEach((x, at) => (here.readers[plan.desk[at]] = { x, y: 172 }));
  plan.signs.forEach((name, at) => (here.signs[name] = { x: 40 + (at * 480) / plan.signs.length, y: 20, width: 480 / plan.signs.length - 8 }));
  here.search = { x: 658, y: 120 };
  banks(plan, here);
  const lanes = Object.keys(plan.lanes);
  spread(330, 780, lanes.length).forEach((y, at) => lane(plan, here, lanes[at], y));
  contacts(plan, here);
  const rows = Math.max(1, Math.ceil(plan.capacity / 6));
  for (let at = 0; at < plan.capacity; at++) here.seats.push({ x: 1400 + (at % 6) * 68, y: 118 + (Math.floor(at / 6) * 740) / rows });
  here.seat = Math.min(46, 600 / rows);
  here.box = { x: 850, y: 800 };
  here.post = { x: 1100, y: 726 };
  return here;
}

function banks(plan, here) {
  const all = Object.values(plan.banks).flatMap((bank) => bank.lockers);
  const rows = all.length <= 48 ? 4 : all.length <= 120 ? 6 : 8;
  const columns = Math.ceil(all.length / rows);
  const size = Math.min(LOCKER, 432 / columns, 165 / rows);
  here.bank = { x: 750, y: 28, width: columns * size, height: rows * size };
  all.forEach((number, at) => (here.lockers[number] = { x: 750 + Math.floor(at / rows) * size, y: 28 + (at % rows) * size, size }));
  const readers = Object.values(plan.banks).flatMap((bank) => bank.readers);
  spread(30, 190, readers.length).forEach((y, at) => (here.readers[readers[at]] = { x: 750 + columns * size + 35, y }));
}

function lane(plan, here, name, y) {
  here.lanes[name] = { x: WALL, y };
  plan.lanes[name].entry.forEach((reader, at) => (here.readers[reader] = { x: WALL - 42 - at * 56, y: y - 84 }));
  plan.lanes[name].exit.forEach((reader, at) => (here.readers[reader] = { x: WALL + 52 + at * 56, y: y + 96 }));
}

function contacts(plan, here) {
  let tickets = 0;
  let fires = 0;
  let others = 0;
  for (const [name, { use, lane: at }] of Object.entries(plan.contacts)) {
    const gate = here.lanes[at];
    if (use === "ticket") here.contacts[name] = { x: 90 + 110 * tickets++, y: 660 };
    else if (use === "fire" || use === "fire_reset") here.contacts[name] = { x: WALL - 58 - 140 * fires++, y: 282 };
    else if (use === "exit_button" && gate) here.contacts[name] = { x: gate.x + 64, y: gate.y - 112 };
    else here.contacts[name] = { x: WALL + 46, y: 860 - 60 * others++ };
  }
}

// One behind the other; or side by side in rows of so many.
const line = (x, y, dx, dy, at) => ({ x: x + dx * (at % 6), y: y + dy * (at % 6) });
const rows = (x, y, dx, dy, wide, at) => ({ x: x + (at % wide) * dx, y: y + (Math.floor(at / wide) % 4) * dy });

// Where the `at`-th party at a place stands.
export function spot(here, place, at, { counter, locker, lane: name }) {
  const gate = here.lanes[name] ?? Object.values(here.lanes)[0];
  switch (place) {
    case "ticket": return line(150, 705, 66, 0, at);
    case "waiting": return rows(110, 340, 120, 86, 4, at);
    case "counter": return { x: here.counters[counter]?.x ?? 100, y: FLOOR };
    case "search": return line(here.search.x, FLOOR - 30, 0, 70, at);
    case "lockers": return here.lockers[locker] ? { x: here.lockers[locker].x + 18, y: FLOOR + 8 + (at % 3) * 48 } : rows(790, FLOOR + 8, 96, 48, 4, at);
    case "entry": return line(gate.x - 90, gate.y, -84, 0, at);
    case "exit": return line(gate.x + 90, gate.y + 30, 0, 66, at);
    case "outside": return rows(620, 590, 110, 70, 4, at);
    case "return": return line(here.back.x, FLOOR, 0, 76, at);
    case "room": return { x: 1330, y: 120 };
    case "way_out": return { x: 720, y: 960 };
    default: return { x: -70, y: 790 };
  }
}
