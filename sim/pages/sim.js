// The virtual hall in a browser: looks a few times a second, draws what it sees, and lends its hands to whoever clicks.
import { $, el, say } from "/dom.js";
import { fault, get, hand, number, whenDone } from "/sim-hands.js";
import { ground } from "/sim-hall.js";
import { people } from "/sim-people.js";
import { layout } from "/sim-plan.js";
import { books, centre, faults, recount, staff, trouble } from "/sim-side.js";
import { things } from "/sim-things.js";
import { follow, tour } from "/sim-tour.js";
import { time } from "/sim-words.js";
import { language, t } from "/text.js";

const LOOK_MS = 300;
const REST_MS = 1000;
const SPEEDS = [1, 3, 10, 60];

const [plan, devices] = await Promise.all([get("/plan"), get("/devices")]);
const here = layout(plan);
const crowd = people(here);
const live = things(plan, here, devices);
$("hall").append(ground(plan, here), live.node, crowd.node);
document.title = `besuk: ${t("the virtual hall")}`;

$("speeds").append(...SPEEDS.map((speed) => el("button", `×${speed}`, { type: "button", "aria-label": t("{n} times as fast", { n: speed }), "data-speed": speed, onclick: () => hand("PUT", "/speed", { speed }) })));
$("line-cut").addEventListener("click", () => fault("broker", $("line-cut").getAttribute("aria-pressed") === "true" ? null : "unplugged"));
$("line-cut").hidden = !devices.broker;
$("power").addEventListener("click", () => hand("PUT", "/power", { on: !world.power }));
$("recount").addEventListener("click", () => known && recount(world, known));
trouble(devices);
staff(plan.staff, language);
tour(plan);

let world = null;
let known = null;
let round = 0;
let waiting = 0;

// A look at the world, and at every third one at what is told of it.
async function look() {
  clearTimeout(waiting);
  const mine = ++round;
  try {
    const seen = await get("/world");
    if (mine !== round) return;
    world = seen;
    const told = world.power ? await get("/books").catch(() => null) : null;
    known = told;
    draw(told);
    if (mine % 3 === 1) await centre();
    if (away) staff((await get("/plan")).staff, language);  // a hall that starts again has other PINs
    lost(false);
  } catch {
    lost(true);
  }
  if (mine === round) waiting = setTimeout(look, document.hidden ? REST_MS : LOOK_MS);
}

function draw(told) {
  const me = follow(told, world);
  live.draw(world);
  crowd.draw(world, me);
  books(told);
  faults(world.faults);
  document.body.classList.toggle("off", !world.power);
  document.body.classList.toggle("fire", Object.entries(world.contacts).some(([name, active]) => active && plan.contacts[name].use === "fire"));
  $("dark").hidden = world.power;
  say("time", time(world.time.slice(11, 19)));
  say("power", world.power ? t("Cut the power") : t("Give the power back"));
  say("truth", told && told.occupancy.inside !== world.inside ? t("In truth {n} are inside.", { n: world.inside }) : "");
  for (const one of $("speeds").children) one.setAttribute("aria-pressed", Number(one.dataset.speed) === world.speed);
  cards();
}

// The stock, as a choice of what one holds in the hand.
let stock = "";
function cards() {
  const now = JSON.stringify(world.stock);
  if (now === stock) return;
  stock = now;
  const before = $("card").value || sessionStorage.getItem("besuk.card") || world.stock.at(-1)?.uid;
  $("card").replaceChildren(...world.stock.map(({ number, uid }) => el("option", `${number} · ${uid}`, { value: uid, "data-number": number })));
  if (before) $("card").value = before;
  hold();
}
const hold = () => {
  sessionStorage.setItem("besuk.card", $("card").value);
  say("held", number());
};
$("card").addEventListener("change", hold);

let away = false;
function lost(now) {
  if (now === away) return;
  away = now;
  $("lost").hidden = !now;
  document.body.classList.toggle("lost", now);
}

whenDone(look);
look();
