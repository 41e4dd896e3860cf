// The way of a visitor in seven steps, for whoever plays one: it goes on with what has happened, as the books tell it.
import { $, el, say, show } from "/dom.js";
import { held, lay, number, order, power, press, take } from "/sim-hands.js";
import { t } from "/text.js";

const STEPS = ["Take a number", "To the counter", "The search", "Bag into a locker", "Through the arm", "Out again", "Bag and card back"];
const OF_STAGE = { counter: 2, search: 3, deposit: 4, locker: 4, gate: 5, inside: 6, collect: 7, return: 7 };
const HIDDEN = "besuk.tour";
const MINE = "besuk.mine";

let plan = null;
let known = null;  // the tickets there were when the button was pressed
let mine = JSON.parse(sessionStorage.getItem(MINE) ?? "null");  // {ticket, visit, step, done}
let books = null;

const keep = (changed) => {
  mine = changed && { ...mine, ...changed };
  sessionStorage.setItem(MINE, JSON.stringify(mine));
};

export function tour(site) {
  plan = site;
  const dismissed = localStorage.getItem(HIDDEN);
  $("tour").hidden = Boolean(dismissed);
  $("steps").replaceChildren(...STEPS.map((words) => el("li", t(words))));
  const toggle = (hide) => {
    $("tour").hidden = hide;
    if (hide) localStorage.setItem(HIDDEN, "1");
    else localStorage.removeItem(HIDDEN);
  };
  $("tour-off").addEventListener("click", () => toggle(true));
  $("tour-on").addEventListener("click", () => toggle(!$("tour").hidden));
}

// A ticket button was pressed: the next ticket is the player's, unless they have one.
export const pressed = () => {
  if (!mine || mine.done) {
    known = new Set((books?.tickets ?? []).map((one) => one.ticket));
    keep(null);
    keep({ ticket: "", step: 1 });
  }
};

// What the books say now. Returns where the player's figure stands, null while there is none.
export function follow(told, world) {
  books = told;
  if (!told) {
    if (!world.power) paint();
    return mine?.ticket && !mine.done ? (mine.where ?? null) : null;
  }
  if (mine && !mine.ticket && known) {
    const fresh = told.tickets.find((one) => !known.has(one.ticket));
    if (fresh) {
      keep({ ticket: fresh.ticket });
      spare();
    }
  }
  const ticket = told.tickets.find((one) => one.ticket === mine?.ticket);
  const visit = told.visits.find((one) => mine?.ticket && (one.visit === mine.visit || one.ticket === mine.ticket));
  if (mine?.ticket && !mine.done) {
    if (visit) {
      const been = mine.been || ["inside", "collect", "return"].includes(visit.where);
      const step = been && visit.where !== "inside" ? 7 : OF_STAGE[visit.where];
      keep({ visit: visit.visit, card: visit.card || mine.card, been, step, where: place(visit) });
    }
    else if (mine.visit) keep({ done: true, where: null });
    else if (ticket) keep({ step: 2, where: ticket.state === "called" ? { place: "counter", counter: ticket.counter } : { place: "waiting", at: 17 } });
    else if (mine.step >= 2) keep(null);  // another hall, or the ticket is gone
  }
  const emptied = visit?.where === "collect" && visit.lockers.every((number) => !world.lockers[number].content);
  paint(ticket, visit && emptied ? { ...visit, where: "return" } : visit);
  return mine?.ticket && !mine.done ? (mine.where ?? null) : null;
}

function place(visit) {
  const locker = visit.lockers[0];
  switch (visit.where) {
    case "counter": return { place: "counter", counter: plan.counters[0] };
    case "search": return { place: "search", at: 4 };
    case "deposit": return { place: "lockers", at: 5 };
    case "locker": case "collect": return { place: "lockers", locker };
    case "gate": return { place: "entry", at: 0 };
    case "inside": return { place: "room" };
    default: return { place: "return", at: 1 };
  }
}

function paint(ticket, visit) {
  if ($("tour").hidden) return;
  const step = mine?.done ? 8 : (mine?.ticket ? mine.step : 1);
  [...$("steps").children].forEach((one, at) => {
    one.className = at + 1 < step ? "done" : at + 1 === step ? "current" : "";
    if (at + 1 === step) one.setAttribute("aria-current", "step");
    else one.removeAttribute("aria-current");
  });
  const [words, label, act, where] = matter(step) ?? advice(step, ticket, visit);
  say("hint", words);
  show("hint-act", [label, step, visit?.visit, ticket?.ticket, ticket?.state], () => (label ? el("button.main", label, { type: "button", onclick: act }) : ""));
  for (const old of document.querySelectorAll("[data-hinted]")) if (!where || !old.matches(where)) delete old.dataset.hinted;
  if (where) for (const one of document.querySelectorAll(where)) one.dataset.hinted = "";
}

// What has to be over before the next step can be made; null while nothing is in its way.
function matter(step) {
  if (!books) return [t("The power is off: nobody is called or let in, and the arm stands free. Give it back first."), t("Give the power back"), () => power(true), ".thing.switch"];
  const { mode } = books.occupancy;
  if (mode === "emergency" && step < 8) return [t("EMERGENCY: everybody may leave, nobody goes in. Let the fire contact go, then turn the key: fire over."), null, null, ".thing.fire, .thing.fire_reset"];
  if (mode === "lockdown" && step <= 5) return [t("LOCKDOWN: no numbers, no lockers, nobody goes in. Whoever is inside may leave."), t("Guard: end the lockdown"), () => order("lockdown", { on: false, reason: "all_clear" }, "guard-1"), null];
  if (mode === "closed" && step <= 2) return [t("The session is closed: no number is given out or called."), t("Officer: open the session"), () => order("open", {}), null];
  return null;
}

// What to do next: words, what an officer does at a touch, and which things of the hall are meant.
function advice(step, ticket, visit) {
  const name = mine?.ticket ?? "";
  switch (step) {
    case 1: return [t("Press the ticket button by the entrance. It costs nothing: every visit is free."), null, null, ".thing.ticket"];
    case 2: {
      if (visit) return [t("{ticket} is registered. The officer gives out a card: it opens the locker and the arm.", { ticket: name }), t("Officer: give card {number}", { number: number() }), () => give(visit.visit)];
      if (ticket?.state === "called") return [t("{ticket} is called: go to counter {counter} and show the identity card.", { ticket: name, counter: ticket.counter }), t("Officer: register, and give card {number}", { number: number() }), register];
      if (ticket?.state === "missed") return [t("{ticket} was missed. Nobody is sent away: ask to be called again.", { ticket: name }), t("Officer: call {ticket} again", { ticket: name }), () => call({ ticket: name })];
      if (plan.visitors) return [t("Wait until the sign calls {ticket}.", { ticket: name }), null, null, ".thing.board"];
      return [t("Your number is {ticket}. An officer calls the next number, and the sign shows it.", { ticket: name }), t("Officer: call the next number"), () => call({}), ".thing.board"];
    }
    case 3: return [t("Body and bag are searched before anybody goes in."), t("Officer: the search is passed"), () => order("search", { visit: visit?.visit, result: "passed" })];
    case 4: return visit?.where === "locker"
      ? [t("Locker {number} has opened. Click it: put the bag in, and shut it.", { number: visit.lockers[0] }), null, null, ".thing.locker.open"]
      : [t("Choose card {number} and tap it at the lockers: a free one opens.", { number: mine.card }), null, null, reader((bank) => bank.readers, plan.banks)];
    case 5: return [t("Tap the card before the arm. When it is free, push it with the arrow: the passage counts, not the tap."), null, null, `${reader((lane) => lane.entry, plan.lanes)}, .thing.push.in`];
    case 6: return [t("You are inside, and the clock runs. To leave, tap inside and push the arm out. Nobody is ever kept in."), null, null, `${reader((lane) => lane.exit, plan.lanes)}, .thing.push.out`];
    case 7: {
      if (visit?.where === "return") return [t("Give the card back: the visit ends, and the locker is free again."), t("Officer: take card {number} back", { number: visit.card }), () => order("return", { card: visit.card, collected: true })];
      if (visit?.where === "locker") return [t("The same locker is open: take the bag out, and shut it."), null, null, ".thing.locker.open"];
      return [t("Tap the card at the lockers once more: your own opens."), null, null, reader((bank) => bank.readers, plan.banks)];
    }
    default: return [t("That was a whole visit. Now pull a cable, start a fire, or cut the power, and see who is told what."), t("Once more"), () => keep(null), null];
  }
}

const reader = (pick, those) => Object.values(those).flatMap(pick).map((name) => `.thing.reader[data-name="${CSS.escape(name)}"]`).join(", ") || ".nothing";

function call(more) {
  const free = plan.counters.find((name) => !books.serving[name]) ?? plan.counters[0];
  return order("call", { counter: free, ...more });
}

async function register() {
  const bound = await order("bind", { ticket: mine.ticket, adults: 1 });
  if (bound) await give(bound.visit);
}

// A card that somebody else holds is put aside for one that nobody does.
function spare() {
  const taken = new Set(books.visits.map((one) => one.card));
  if (!taken.has(number())) return;
  const free = [...$("card").options].findLast((one) => !taken.has(one.dataset.number));
  if (!free) return;
  $("card").value = free.value;
  $("card").dispatchEvent(new Event("change"));
}

// As at a counter: the card lies on the desk reader; where there is none its printed number is typed.
async function give(visit) {
  const [desk] = plan.desk;
  const [uid, printed] = [held(), number()];
  keep({ card: printed });
  if (!desk) return order("issue", { visit, card: printed });
  await lay(desk);
  await order("issue", { visit, reader: desk });
  return take(desk, uid);
}

export const ticketButton = (name) => {
  pressed();
  return press(name);
};
