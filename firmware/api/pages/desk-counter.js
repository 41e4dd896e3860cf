// The counter itself: choose it, call, register the party, hand out a card; and the next one, please. What is to be done
// follows from the hall, so a page that is loaded anew goes on where it was.
import { $, el, say, show } from "/dom.js";
import { may, question, why } from "/staff.js";
import { t } from "/text.js";
import { ask, atCounter, button, choose, counter, deed, dialog, dialogOpen, emergency, focus, hall, NO_COUNTER, NOT_NOW, party, pick, place, reader, readers, refuse, since, tell } from "/desk-hall.js";
import { session } from "/desk-day.js";
import { awaitCard, cardStep, stopAwaiting } from "/desk-issue.js";

const PARTY = ["adults", "children", "carried"];
const parties = new Map(); // ticket -> what was entered, kept while it is put aside
const later = new Set(); // visits that are to get their card later
let chosen = ""; // the visit that is to get a card now, whoever is called

export const here = () => hall.seen?.counters.find((one) => one.counter === counter());
export function skip(visit) {
  later.add(visit);
  chosen = "";
  drawCounter();
}

export function wantCard(visit) {
  later.delete(visit);
  chosen = visit;
  drawCounter();
}

// The visit that wants a card: the one that was chosen, or the last that was registered here and has none.
function cardless(idle) {
  const visits = hall.seen.visits.filter((one) => one.card_state !== "issued");
  const asked = visits.find((one) => one.visit === chosen);
  if (!asked) chosen = "";
  return asked ?? (idle ? visits.findLast((one) => one.stage === "counter" && one.counter === counter() && !later.has(one.visit)) : undefined);
}

export function drawCounter() {
  const seen = hall.seen;
  if (!seen) return;
  say("mine", atCounter() ? place(counter()) : counter() === NO_COUNTER ? t("No counter") : t("Choose a counter"));
  const serving = here();
  const ticket = serving?.ticket ?? "";
  const wanted = may("issue") && !emergency() ? cardless(!ticket && atCounter()) : undefined;
  const step = wanted ? { kind: "card", visit: wanted.visit, ticket: wanted.ticket, party: party(wanted), reader: reader() }
    : emergency() ? { kind: "emergency" }
    : !may("call") || counter() === NO_COUNTER ? { kind: "none" }
      : !atCounter() ? { kind: "choose" }
        : ticket ? { kind: "party", ticket, booking: serving.booking, adults: serving.adults, children: serving.children, most: seen.party_most }
          : seen.session === "open" || seen.waiting ? { kind: "call" } : { kind: "closed", session: seen.session };
  show("called", wanted ? { ticket: step.ticket, party: step.party } : { idle: step.kind === "call", ticket, since: serving?.since, recalls: serving?.recalls, most: seen.recalls_most }, called);
  if (step.kind !== "card") stopAwaiting();
  show("step", step, (one) => STEPS[one.kind](one));
  if (step.kind === "call") drawNext(seen);
  if (drawn !== JSON.stringify(step)) {
    drawn = JSON.stringify(step);
    const active = document.activeElement;
    if (!dialogOpen() && (active === document.body || $("work").contains(active))) focus("first");
    if (step.kind === "card") awaitCard(step.visit, step.ticket);
  }
}
let drawn = "";

function called({ idle, ticket, party: who, since: from, recalls, most }) {
  if (!ticket) return idle ? el("p.big.soft", t("Nobody is called")) : [];
  if (who) return [el("p.big", ticket), el("p", who)];
  return [
    el("p.big", ticket),
    el("p", since(from, t("called {time} ago")), recalls ? ` · ${t("called again {n} of {most} times", { n: recalls, most })}` : ""),
  ];
}

function drawNext(seen) {
  const next = seen.next[counter()][0];
  say("next-ticket", next ?? `(${t("nobody is waiting")})`);
  $("first").classList.toggle("main", Boolean(next));
}

const STEPS = {
  choose: () => el("p", el("button.main.huge", t("Choose a counter"), { id: "first", type: "button", onclick: chooseCounter })),
  emergency: () => [], // the bar over the page says it
  none: () => el("p.soft", t("Search and cards only: this page calls nobody.")),
  closed: () => [
    el("p.soft", t("The session is not open: nobody can take a number. Visitors who are inside can still leave and give back their cards.")),
    may("open") && hall.seen.session === "closed" ? el("button.huge", t("Open the session"), { id: "first", type: "button", onclick: session }) : "",
  ],
  call: () => el("button.main.huge", el("span", t("Call the next"), " ", el("strong", { id: "next-ticket" })), el("kbd", "n", { "aria-hidden": "true" }),
    { id: "first", type: "button", onclick: callNext }),
  party: partyStep,
  card: cardStep,
};

// -- choosing

export function chooseCounter() {
  const names = [...hall.seen.counters.map((one) => one.counter), NO_COUNTER];
  let chosenReader = reader();
  const pick = (name) => {
    choose(name, chosenReader);
    window.close();
    focus("first");
  };
  const buttons = names.map((name, i) => button(name === NO_COUNTER ? t("No counter: search and cards only") : place(name), name === NO_COUNTER ? "0" : String(i + 1), () => pick(name), { class: "huge" }));
  const many = readers().length > 1 && el("p.field", el("label", t("Card reader at this counter"), { for: "reader" }),
    el("select", readers().map((name) => el("option", name, { selected: name === reader() })), { id: "reader", onchange: (event) => (chosenReader = event.target.value) }));
  const window = dialog(t("Which counter is this?"), many, el("p.stack", buttons));
  window.box.addEventListener("keydown", (event) => {
    const name = event.key === "0" ? NO_COUNTER : names[Number(event.key) - 1];
    if (!/^[0-9]$/.test(event.key)) return;
    event.preventDefault(); // it is no digit of the party that stands below
    if (name) pick(name);
  });
  buttons[0].focus();
}

// -- the queue's deeds at this counter

export async function callNext() {
  if (!may("call") || !atCounter()) return;
  if (emergency()) return refuse(t(NOT_NOW));
  await ask("call", { counter: counter() }, (result) => t("{ticket} is called.", result));
}

export async function recall() {
  if (emergency()) return refuse(t(NOT_NOW));
  if (here()?.ticket) await ask("recall", { counter: counter() }, (result) => t("{ticket} is called again.", result));
}

export async function park(ticket = here()?.ticket) {
  if (ticket) await ask("park", { ticket }, (result) => t("{ticket} is put aside. It keeps its place.", result));
}

export async function miss() {
  if (here()?.ticket) await ask("miss", { counter: counter() }, (result) => t("{ticket} did not come. It may still be called.", result));
}

export async function transfer(ticket = here()?.ticket) {
  if (!ticket) return;
  const others = hall.seen.counters.map((one) => one.counter).filter((name) => name !== counter());
  if (!others.length) return refuse(t("There is no other counter."));
  const to = await pick(t("Send {ticket} to which counter?", { ticket }), others.map((name) => [name, place(name)]));
  if (to) await ask("transfer", { ticket, counter: to }, (result) => t("{ticket} now waits for counter {counter}.", result));
}

export async function serve() {
  const ticket = here()?.ticket;
  if (!ticket) return;
  const sure = await question(t("Finish {ticket} without a visit?", { ticket }), [], t("Finish"), t("The number is used up then: who wants a visit after all takes a new one."));
  if (sure) await ask("serve", { counter: counter() }, (result) => t("{ticket} is finished.", result));
}

// -- the party

const persons = (n) => (n === 1 ? t("1 person") : t("{n} persons", { n }));

function partyStep({ ticket, booking, adults, children, most }) {
  const entered = parties.get(ticket) ?? { adults: adults ?? 1, children: children ?? 0, carried: 0, booking: "" };
  parties.set(ticket, entered);
  const labels = { adults: t("Adults"), children: t("Children who walk"), carried: t("Infants carried") };
  const total = () => PARTY.reduce((sum, name) => sum + entered[name], 0);
  const note = el("p.soft", t("At most {n} persons.", { n: most }), { id: "party-note" });
  const keep = (name, value) => { // as it was typed, though it be too many: that is said, and refused at Enter
    entered[name] = Math.max(name === "adults" ? 1 : 0, value);
    sum.textContent = persons(total());
    note.className = total() > most ? "bad" : "soft";
  };
  const set = (name, value) => {
    keep(name, value);
    inputs[name].value = entered[name];
  };
  const inputs = Object.fromEntries(PARTY.map((name) => [name, el("input", {
    id: name === "adults" ? "first" : name, name, type: "text", inputmode: "numeric", maxlength: 2, value: entered[name], autocomplete: "off", "aria-describedby": "party-note",
    onfocus: (event) => event.target.select(), oninput: (event) => {
      const digits = event.target.value.replace(/\D/g, "");
      event.target.value = digits;
      keep(name, Number(digits));
    }, onblur: () => set(name, entered[name]), onkeydown: (event) => {
      const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
      if (step) {
        event.preventDefault();
        set(name, entered[name] + step);
      }
    } })]));
  const sum = el("strong", { "aria-live": "polite" });
  keep("adults", entered.adults);
  const stepper = (name) => el("div.stepper", el("label", labels[name], { for: inputs[name].id }),
    el("button", "−", { type: "button", tabindex: -1, "aria-label": t("{what}: one fewer", { what: labels[name] }), onclick: () => set(name, entered[name] - 1) }),
    inputs[name],
    el("button", "+", { type: "button", tabindex: -1, "aria-label": t("{what}: one more", { what: labels[name] }), onclick: () => set(name, entered[name] + 1) }));
  const code = booking ? el("p", t("Booking"), " ", el("strong", booking)) : el("p.field.beside", el("label", t("Booking code, if there is one"), { for: "booking" }),
    el("input", { id: "booking", type: "text", size: 14, value: entered.booking, maxlength: 64, autocomplete: "off", oninput: (event) => (entered.booking = event.target.value.trim()) }));
  const form = el("form", el("div.steppers", PARTY.map(stepper)), el("p.row", sum, note),
    el("p", el("button.main.huge", t("Register the visit"), el("kbd", "Enter", { "aria-hidden": "true" }))),
    el("p.row", button(t("Call again"), "r", recall), button(t("Put aside"), "p", () => park()), button(t("Did not come"), "m", miss),
      button(t("Other counter"), "t", () => transfer()), button(t("Finish without a visit"), "s", serve)), code);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (total() <= most) return register(ticket, entered);
    refuse(t("A party has at most {n} persons: the others take a number of their own.", { n: most }));
    inputs[document.activeElement.name]?.select();
    return undefined;
  });
  return form;
}

async function register(ticket, { adults, children, carried, booking }) {
  const args = { ticket, adults, children, carried, ...(booking ? { booking } : {}) };
  const answer = await deed("bind", args);
  if (answer && !answer.ok) refuse(why(answer.error));
  if (answer?.ok) parties.delete(ticket);
  if (answer?.ok) tell(t("{ticket} is registered. Now the card.", { ticket }));
}
