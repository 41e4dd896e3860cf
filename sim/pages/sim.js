// The virtual hall in a browser: looks twice a second, and lends its hands to whoever clicks. Text only, never markup.
const API = "/api/sim/v1";
const MODES = { emergency: "DARURAT", lockdown: "TERKUNCI", degraded: "TERGANGGU", closed: "TUTUP", open: "BUKA" };
const ARMS = { locked: "terkunci", free_in: "→ masuk", free_out: "← keluar", free_both: "⇄ bebas" };
const PRESS_MS = 400;
const $ = (id) => document.getElementById(id);

const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};
const button = (text, act, className = "") => {
  const made = element("button", text, className);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};
const trouble = (text) => {
  $("trouble").textContent = text;
  $("trouble").hidden = !text;
};

async function hand(method, path, body) {
  const answer = await fetch(API + path, {
    method, headers: { "content-type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (!answer.ok) trouble((await answer.json()).detail);
  else trouble("");
  look();
}

// Parts are made anew only when what they show has changed, so that a click is never lost to a redraw.
const shown = new Map();
function show(id, value, make) {
  const key = JSON.stringify(value);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  $(id).replaceChildren(...make(value));
}

function press(name, active) {
  hand("PUT", `/contacts/${name}`, { active });
}

function contact([name, active]) {
  const momentary = !name.startsWith("fire") || name.includes("reset");
  const made = button(name, () => {
    if (!momentary) return press(name, !active);
    press(name, true);
    setTimeout(() => press(name, false), PRESS_MS);
  });
  made.setAttribute("aria-pressed", active);
  return made;
}

function reader([name, cards]) {
  const line = element("div", "", "line");
  const lying = element("span", "", "row");
  for (const uid of cards) lying.append(button(`${uid} ✕`, () => hand("DELETE", `/readers/${name}/cards/${uid}`)));
  const tap = button("Tempel", () => hand("POST", `/readers/${name}/tap`, { uid: $("card").value }));
  const lay = button("Taruh", () => hand("PUT", `/readers/${name}/cards/${$("card").value}`));
  const hands = element("span", "", "row");
  hands.append(tap, lay);
  line.append(element("strong", name), lying, hands);
  return line;
}

function arm([name, { state, ready }]) {
  const line = element("div", "", "line");
  const hands = element("span", "", "row");
  for (const [direction, text] of [["in", "Masuk"], ["out", "Keluar"]]) {
    hands.append(button(text, () => hand("POST", `/arm/${name}/push`, { direction })));
  }
  const tone = state === "locked" ? "" : "good";
  line.append(element("strong", name), element("span", ARMS[state] + (ready ? "" : " · tidak siap"), tone), hands);
  return line;
}

function locker([number, { door, latch, content }]) {
  const state = door === "open" ? "open" : latch === "released" ? "released" : content ? "full" : "";
  const made = button(number, () => hand("POST", `/lockers/${number}/door`, { to: "closed", content: !content }), state);
  made.title = `${door}, ${latch}${content ? ", content" : ""}`;
  made.disabled = door === "closed";
  return made;
}

function fact({ time, type, data }) {
  const line = element("li");
  const words = Object.entries(data).map(([name, value]) => `${name}=${typeof value === "object" ? JSON.stringify(value) : value}`);
  line.append(`${time.slice(11, 19)} `, element("strong", type), ` ${words.join(" ")}`);
  return line;
}

function fault({ device, fault: kind }) {
  const line = element("div", "", "line");
  line.append(element("span", `${device}: ${kind}`, "bad"), button("Perbaiki", () => hand("DELETE", `/faults/${device}`)));
  return line;
}

async function look() {
  try {
    const [world, occupancy, told] = await Promise.all(
      [`${API}/world`, "/api/v1/occupancy", `${API}/events`].map(async (path) => (await fetch(path)).json()));
    draw(world, occupancy, told.events);
  } catch {
    trouble("Balai tidak menjawab. The hall does not answer.");
  }
}

function draw(world, occupancy, events) {
  $("time").textContent = world.time.slice(0, 19).replace("T", " ");
  $("speed").textContent = `×${world.speed}`;
  $("inside").textContent = occupancy.inside + (occupancy.inside === world.inside ? "" : ` (${world.inside})`);
  $("capacity").textContent = occupancy.capacity;
  $("waiting").textContent = occupancy.waiting;
  $("free").textContent = occupancy.lockers.free;
  $("confidence").textContent = occupancy.confidence === "exact" ? "pasti" : "diragukan, hitung ulang";
  $("confidence").className = occupancy.confidence === "exact" ? "good" : "warn";
  $("mode").textContent = `· ${MODES[occupancy.mode]}`;
  $("mode").className = occupancy.mode === "open" ? "good" : occupancy.mode === "closed" ? "soft" : "bad";
  show("signs", Object.values(world.sign), (texts) => texts.map((text) => element("div", text, "sign")));
  show("arms", Object.entries(world.arm), (all) => all.map(arm));
  show("card", world.stock, (all) => all.map(({ number, uid }) => Object.assign(element("option", `${number} · ${uid}`), { value: uid })));
  show("readers", Object.entries(world.readers), (all) => all.map(reader));
  show("contacts", Object.entries(world.contacts), (all) => all.map(contact));
  show("faults", world.faults, (all) => (all.length ? all.map(fault) : [element("span", "tidak ada", "soft")]));
  show("lockers", Object.entries(world.lockers), (all) => all.map(locker));
  show("events", events.slice(-40).reverse(), (all) => all.map(fact));
}

$("speeds").append(...[1, 10, 60].map((speed) => button(`×${speed}`, () => hand("PUT", "/speed", { speed }))));
look();
setInterval(look, 500);
