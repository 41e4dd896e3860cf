// People on their way: each party where the world says it is, walking there as people walk, and never faster than the eye.
import { spot, WALL } from "/sim-plan.js";
import { svg, text } from "/sim-svg.js";
import { t } from "/text.js";

const WALK = 150;  // cm a second, of the hall's time
const FASTEST = 1500;  // and of the eye's
const CLOTHES = 8;
const OTHERS_MOST = 80;
const AROUND = [[0, 0], [32, 6], [-32, 6], [16, 34], [-16, 34], [48, 36], [-48, 36], [0, 64]];
const still = matchMedia("(prefers-reduced-motion: reduce)");
const waits = { number: "takes a number", call: "waits for the call", card: "gets a card", search: "waits for the search", locker: "at the lockers", arm: "at the arm", time: "is visiting", officer: "gives the card back" };

function figure(clothes, size, { wheelchair = false, infant = false, bag = false } = {}) {
  const r = 17 * size;
  return svg("g", { class: `person clothes-${clothes}` },
    wheelchair ? svg("path", { d: "M-19 -13v26M19 -13v26M-13 16h26", class: "wheels" }) : null,
    svg("ellipse", { rx: r * 1.25, ry: r * 0.72, class: "body" }),
    bag ? svg("rect", { x: r * 1.05, y: -4, width: 13, height: 15, rx: 3, class: "carried-bag" }) : null,
    svg("circle", { r: r * 0.62, class: "head" }),
    infant ? svg("circle", { cx: 0, cy: r * 0.95, r: 7, class: "infant" }) : null);
}

export function people(here) {
  const floor = svg("g", { "aria-hidden": "true", class: "people" });
  const known = new Map();
  const seats = new Map();
  let speed = 1;
  let moving = 0;
  let last = 0;

  const place = (one) => one.node.setAttribute("transform", `translate(${one.x.toFixed(1)} ${one.y.toFixed(1)})`);

  function go(one, to, lane) {
    if (one.to && Math.abs(one.to.x - to.x) + Math.abs(one.to.y - to.y) < 1) return;
    one.to = to;
    const gate = here.lanes[lane] ?? Object.values(here.lanes)[0];
    const across = gate && (one.x < WALL) !== (to.x < WALL) ? [{ x: WALL + (one.x < WALL ? -50 : 50), y: gate.y }, { x: WALL + (one.x < WALL ? 50 : -50), y: gate.y }] : [];
    one.path = [...across, to];
    if (still.matches || document.hidden) {
      [one.x, one.y, one.path] = [to.x, to.y, []];
      place(one);
    } else if (!moving) {
      last = performance.now();
      moving = requestAnimationFrame(step);
    }
  }

  function step(at) {
    const seconds = Math.min(0.1, Math.max(0, (at - last) / 1000));
    last = at;
    let busy = false;
    for (const one of known.values()) {
      let left = Math.min(WALK * speed, FASTEST) * seconds * (one.hurry ?? 1);
      while (left > 0 && one.path?.length) {
        const goal = one.path[0];
        const far = Math.hypot(goal.x - one.x, goal.y - one.y);
        const part = far <= left ? 1 : left / far;
        one.x += (goal.x - one.x) * part;
        one.y += (goal.y - one.y) * part;
        left -= far;
        if (part === 1) one.path.shift();
      }
      if (one.path?.length) busy = true;
      else if (one.leaving) {
        one.node.remove();
        known.delete(one.key);
        continue;
      }
      if (one.path) place(one);
    }
    moving = busy ? requestAnimationFrame(step) : 0;
  }

  function seat(key) {
    if (!seats.has(key)) {
      const taken = new Set(seats.values());
      let free = 0;
      while (taken.has(free)) free++;
      seats.set(key, free);
    }
    return here.seats[seats.get(key) % Math.max(1, here.seats.length)] ?? spot(here, "room", 0, {});
  }

  function stand(key, make, to, lane, from) {
    let one = known.get(key);
    if (!one || one.leaving) {
      one?.node.remove();
      one = { key, ...from, node: make() };
      known.set(key, one);
      floor.append(one.node);
      place(one);
    }
    go(one, to, lane);
    return one;
  }

  function party(one, at, fresh) {
    const clothes = ((one.id % CLOTHES) + CLOTHES) % CLOTHES;
    const size = one.adults + one.children;
    const base = spot(here, one.place, at, one);
    for (let member = 0; member < size; member++) {
      const key = `${one.id}/${member}`;
      const inside = member < one.inside;
      const [dx, dy] = AROUND[member % AROUND.length];
      const stands = !inside && one.place === "exit" ? spot(here, "outside", at, one) : base;
      const to = inside && one.place !== "exit" ? seat(key) : { x: stands.x + dx * 0.8, y: stands.y + dy * 0.8 };
      if (!inside) seats.delete(key);
      const first = member === 0;
      const looks = { wheelchair: first && one.wheelchair, infant: first && one.carried > 0, bag: first && one.bag };
      const shown = stand(key, () => named(figure(clothes, member < one.adults ? 1 : 0.72, looks), one, first), to, undefined, fresh ? to : spot(here, "entrance", 0, {}));
      if (first) rename(shown.node, one);
    }
    return size;
  }

  const named = (node, one, first) => {
    if (first) node.append(text(0, -24, "", { class: "ticket", "text-anchor": "middle" }), svg("title"));
    return node;
  };
  function rename(node, one) {
    const label = node.querySelector(".ticket");
    if (label && label.textContent !== one.ticket) label.textContent = one.ticket;
    const title = node.querySelector("title");
    const words = [one.ticket, one.waits_for && t(waits[one.waits_for]), one.locker && t("locker {number}", { number: one.locker })].filter(Boolean).join(", ");
    if (title && title.textContent !== words) title.textContent = words;
    node.querySelector(".carried-bag")?.classList.toggle("gone", !one.bag);
  }

  // Those whom nobody sent: whoever plays by hand has pushed them through the arm.
  function others(count) {
    const gate = Object.values(here.lanes)[0] ?? { x: WALL, y: 500 };
    for (let at = 0; at < count; at++) {
      const key = `other/${at}`;
      stand(key, () => figure("none", 1), seat(key), undefined, { x: WALL - 60, y: gate.y });
    }
    return (key) => key.startsWith("other/") && Number(key.slice(6)) < count;
  }

  // The player's own party of one, where the tour says.
  function player(where) {
    if (!where) return;
    const at = where.place === "room" ? seat("me") : spot(here, where.place, where.at ?? 0, where);
    if (where.place !== "room") seats.delete("me");
    stand("me", () => svg("g", { class: "me" }, figure("me", 1.1), text(0, -26, t("YOU"), { class: "ticket", "text-anchor": "middle" })), at, undefined, spot(here, "entrance", 0, {}));
  }

  let fresh = true;
  function draw(world, me) {
    speed = world.speed;
    const counts = {};
    const here_now = new Set();
    for (const one of world.people) {
      const at = counts[one.place] ?? 0;
      counts[one.place] = at + 1;
      for (let member = party(one, at, fresh) - 1; member >= 0; member--) here_now.add(`${one.id}/${member}`);
    }
    player(me);
    const theirs = world.people.reduce((sum, one) => sum + one.inside + one.carried_inside, 0);
    const more = others(Math.max(0, Math.min(OTHERS_MOST, world.inside - theirs - (me?.place === "room" ? 1 : 0))));
    for (const [key, one] of known) {
      if (here_now.has(key) || more(key) || (key === "me" && me) || one.leaving) continue;
      one.leaving = true;
      seats.delete(key);
      go(one, key === "me" || !key.startsWith("other/") ? spot(here, "way_out", 0, {}) : { x: WALL - 60, y: one.y });
      if (!one.path?.length) {
        one.node.remove();
        known.delete(key);
      }
    }
    fresh = false;
  }
  return { node: floor, draw };
}
