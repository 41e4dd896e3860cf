// The virtual hall in a browser: looks twice a second, and lends its hands to whoever clicks. Text only, never markup.
import { lines } from "/words.js";

const API = "/api/sim/v1";
const MODES = { emergency: "DARURAT", lockdown: "TERKUNCI", degraded: "TERGANGGU", closed: "TUTUP", open: "BUKA" };
const ARMS = { locked: "terkunci|locked", free_in: "→ masuk|free in", free_out: "← keluar|free out", free_both: "⇄ bebas|free" };
const CONTACTS = { fire: "Api", fire_reset: "Api selesai", ticket: "Ambil nomor", exit_button: "Tombol keluar" };
const WHERE = {
  counter: "di loket|at the counter", search: "menunggu pemeriksaan|to be searched", deposit: "ke loker|on the way to the lockers",
  locker: "di loker|at the locker", gate: "ke pintu putar|on the way to the arm", inside: "di dalam|inside",
  collect: "keluar, mengambil barang|left, to collect their things", return: "mengembalikan kartu|to give the card back",
};
const STATES = { waiting: "menunggu|waiting", called: "dipanggil|called", parked: "disisihkan|put aside", missed: "terlewat|missed" };
const PRESS_MS = 400;
const $ = (id) => document.getElementById(id);

const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};
const button = (text, act, english = "") => {
  const made = element("button", text);
  if (english) made.append(element("small", english));
  made.type = "button";
  made.addEventListener("click", act);
  return made;
};
const both = (name, texts) => {
  const [local, english] = texts.split("|");
  const made = element(name, `${local} `);
  made.append(element("small", english));
  return made;
};
const item = (...parts) => {
  const made = element("li");
  made.append(...parts);
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
  const made = button(CONTACTS[name] ?? name, () => {
    if (!momentary) return press(name, !active);
    press(name, true);
    setTimeout(() => press(name, false), PRESS_MS);
  }, name.replaceAll("_", " "));
  made.setAttribute("aria-pressed", active);
  return made;
}

function reader([name, cards]) {
  const line = element("div", "", "line");
  const lying = element("span", "", "row");
  for (const uid of cards) lying.append(button(`${uid} ✕`, () => hand("DELETE", `/readers/${name}/cards/${uid}`)));
  const tap = button("Tempel", () => hand("POST", `/readers/${name}/tap`, { uid: $("card").value }), "tap");
  const lay = button("Taruh", () => hand("PUT", `/readers/${name}/cards/${$("card").value}`), "lay");
  const hands = element("span", "", "row");
  hands.append(tap, lay);
  line.append(element("strong", name), lying, hands);
  return line;
}

function arm([name, { state, ready }]) {
  const line = element("div", "", "line");
  const hands = element("span", "", "row");
  for (const [direction, text] of [["in", "Masuk"], ["out", "Keluar"]]) {
    hands.append(button(text, () => hand("POST", `/arm/${name}/push`, { direction }), direction));
  }
  const told = both("span", ARMS[state]);
  told.className = ready ? (state === "locked" ? "" : "good") : "bad";
  if (!ready) told.append(" · ", both("span", "tidak siap|not ready"));
  line.append(element("strong", name), told, hands);
  return line;
}

function locker([number, { door, latch, content }]) {
  const made = button(number, () => hand("POST", `/lockers/${number}/door`, { to: "closed", content: !content }));
  made.className = door === "open" || latch === "released" ? "open" : content ? "full" : "";
  made.title = `${door}, ${latch}${content ? ", in use" : ""}`;
  made.disabled = door === "closed";
  return made;
}

function counter([name, ticket]) {
  const line = element("div", "", "line");
  line.append(both("span", `Loket ${name}|counter`), element("strong", ticket || "–"));
  return line;
}

function queue(tickets) {
  const told = Object.entries(STATES).filter(([state]) => state !== "called").map(([state, texts]) => {
    const those = tickets.filter((one) => one.state === state).map((one) => one.ticket);
    if (!those.length && state !== "waiting") return null;
    const line = element("div", "", "line");
    line.append(both("span", texts), element("strong", those.slice(0, 12).join(" ") || "–"));
    return line;
  });
  return told.filter(Boolean);
}

function visit({ ticket, visit: number, card, party, where, lockers, minutes, left }) {
  const place = both("span", WHERE[where]);
  if (lockers.length) place.firstChild.textContent += `· loker ${lockers.join(", ")} `;
  const who = element("span");
  who.append(element("strong", ticket || number), element("small", `${party} orang${card ? `, kartu ${card}` : ""}`));
  const late = left !== null && left < 0;
  const since = left === null ? element("span") : both("span", `sisa ${left} mnt|${minutes} min, ${late ? `${-left} over` : `${left} left`}`);
  since.className = late ? "bad" : "";
  return item(who, place, since);
}

function fact({ seq, at, words: [local, english], count }) {
  const when = element("span", `${at} `);
  when.append(element("small", `#${seq}`));
  return item(when, both("span", `${count > 1 ? `${count} × ` : ""}${local}|${english}`));
}

function task({ task: number, reason, do: step = "", ...about }) {
  const words = Object.entries(about).filter(([name]) => name !== "card").map(([name, value]) => `${name} ${value}`).join(", ");
  const what = element("span", `${reason.replaceAll("_", " ")} ${words}`, "warn");
  what.append(element("small", step));
  return item(what, element("small", number));
}

function fault({ device, fault: kind }) {
  const line = element("div", "", "line");
  line.append(element("span", `${device}: ${kind}`, "bad"), button("Perbaiki", () => hand("DELETE", `/faults/${device}`), "mend"));
  return line;
}

async function look() {
  try {
    const [world, occupancy, told, books] = await Promise.all(
      [`${API}/world`, "/api/v1/occupancy", `${API}/events`, `${API}/books`].map(async (path) => (await fetch(path)).json()));
    draw(world, occupancy, told.events, books);
  } catch {
    trouble("Balai tidak menjawab. The hall does not answer.");
  }
}

function draw(world, occupancy, events, books) {
  $("time").textContent = world.time.slice(0, 19).replace("T", " ");
  $("speed").textContent = `×${world.speed}`;
  $("inside").textContent = occupancy.inside + (occupancy.inside === world.inside ? "" : ` (${world.inside})`);
  $("capacity").textContent = occupancy.capacity;
  $("free").textContent = occupancy.lockers.free;
  $("confidence").textContent = occupancy.confidence === "exact" ? "pasti (exact)" : "diragukan, hitung ulang (in doubt: recount)";
  $("confidence").className = occupancy.confidence === "exact" ? "good" : "warn";
  $("mode").textContent = `· ${MODES[occupancy.mode]} (${occupancy.mode})`;
  $("mode").className = occupancy.mode === "open" ? "good" : occupancy.mode === "closed" ? "soft" : "bad";
  show("signs", Object.values(world.sign), (texts) => texts.map((text) => element("div", text, "sign")));
  $("gratis").classList.toggle("unseen", Object.values(world.sign).some((text) => text.includes("GRATIS")));
  show("counters", Object.entries(books.serving), (all) => all.map(counter));
  show("queue", books.tickets.map(({ ticket, state }) => ({ ticket, state })), queue);
  const seen = books.visits.map(({ inside_s, left_s, ...one }) => (
    { ...one, minutes: inside_s === null ? null : Math.floor(inside_s / 60), left: left_s === null ? null : Math.ceil(left_s / 60) }));
  show("visits", seen.slice(-60), (all) => (all.length ? all.map(visit) : [item(both("span", "belum ada|nobody yet"))]));
  $("duties").hidden = !books.tasks.length;
  show("tasks", books.tasks.map(({ since_s, ...one }) => one), (all) => all.map(task));
  show("arms", Object.entries(world.arm), (all) => all.map(arm));
  show("card", world.stock, (all) => all.map(({ number, uid }) => Object.assign(element("option", `${number} · ${uid}`), { value: uid })));
  show("readers", Object.entries(world.readers), (all) => all.map(reader));
  show("contacts", Object.entries(world.contacts), (all) => all.map(contact));
  show("faults", world.faults, (all) => (all.length ? all.map(fault) : [both("span", "tidak ada|none")]));
  show("lockers", Object.entries(world.lockers), (all) => all.map(locker));
  show("events", lines(events).slice(0, 60), (all) => all.map(fact));
}

$("speeds").append(...[1, 10, 60].map((speed) => button(`×${speed}`, () => hand("PUT", "/speed", { speed }))));
look();
setInterval(look, 500);
