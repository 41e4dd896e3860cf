// Numbers and bookings by hand, finding a visit, the session, and the keys.
import { $, el, rows, say } from "/dom.js";
import { act, may, question, why } from "/staff.js";
import { code, t } from "/text.js";
import { ask, button, deed, dialog, hall, keepLettersOff, lettersOff, pick, tell, watch } from "/desk-hall.js";
import { open as openTicket } from "/desk-queue.js";
import { open as openVisit } from "/desk-visits.js";

const EXCEPTIONS = ["card_not_found", "locker_later", "count_checked", "emergency", "other"];

// Ask until it is done or given up; what was typed stays.
async function insist(title, fields, yes, name, args) {
  let note = "";
  let typed = {};
  for (;;) {
    const told = await question(title, fields(typed), yes, note);
    if (!told) return null;
    const answer = await deed(name, args(told));
    if (answer?.ok) return answer.result;
    note = answer ? why(answer.error) : "";
    typed = told;
  }
}

const classes = () => hall.seen.classes.map(({ letter, priority }) => [letter, `${letter}: ${priority ? t("priority") : t("regular")}`]);

export function giveNumber() {
  const told = el("p.big.good", { role: "status" });
  const give = async (args) => {
    const answer = await deed("ticket", args);
    if (!answer) return;
    box.refuse(answer.ok ? "" : why(answer.error));
    told.textContent = answer.ok ? t("Number {ticket}", answer.result) : "";
    if (answer.ok) input.value = "";
  };
  const buttons = classes().map(([letter, text]) => button(text, letter.toLowerCase(), () => give({ class: letter }), { class: "huge" }));
  const input = el("input", { id: "booked", type: "text", maxlength: 64, autocomplete: "off" });
  const form = el("form.row.low", el("p.field", el("label", t("Booking code"), { for: "booked" }), input), el("button", t("Number for this booking")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (input.value.trim()) give({ booking: input.value.trim() });
  });
  const box = dialog(t("Give a number by hand"), told, el("div.stack", buttons), form);
  box.box.addEventListener("keydown", (event) => {
    if (event.target !== input) buttons[classes().findIndex(([letter]) => letter.toLowerCase() === event.key.toLowerCase())]?.click();
  });
  buttons[0]?.focus();
}

export async function book() {
  const today = hall.seen.time.slice(0, 10);
  const result = await insist(t("Enter a booking"), (typed) => [
    ["code", t("Booking code"), "text", typed.code ?? ""], ["date", t("Date"), "date", typed.date ?? today],
    ["class", t("Class"), "select", classes(), typed.class], ["adults", t("Adults"), "number", typed.adults ?? "1"],
    ["children", t("Children who walk"), "number", typed.children ?? "0"],
  ], t("Enter the booking"), "book", (told) => ({ ...told, adults: Number(told.adults), children: Number(told.children) }));
  if (result) tell(t("Booking {code} is entered. Give it a number when they come.", result));
}

// -- finding

// What was typed, as it may have been meant: a ticket, a visit, a card's number, a locker's.
export function meant(text) {
  const word = text.trim().replace(/^\/\s*/, "").toUpperCase();
  const ticket = word.match(/^([A-Z]+)[ -]?0*(\d{1,4})$/);
  const locker = word.match(/^(?:LOKER|LOCKER|L)?[ -]?0*(\d{1,3})$/);
  const visit = word.match(/^V[ -]?0*(\d{1,6})$/);
  return {
    ticket: ticket && `${ticket[1]}-${ticket[2].padStart(3, "0")}`, locker: locker && Number(locker[1]),
    visit: visit && `V-${visit[1].padStart(6, "0")}`, card: word,
    numbered: (name) => /^\d{1,4}$/.test(word) && /^\D*\d+$/.test(name) && Number(name.match(/\d+/)[0]) === Number(word), // 3 is A-003, and card 003
  };
}

export async function find(text) {
  const sought = meant(text);
  const { ticket, locker, visit, card, numbered } = sought;
  const seen = hall.seen;
  const found = seen.visits.filter((one) => one.ticket === ticket || one.visit === visit || (one.card && one.card.toUpperCase() === card)
    || numbered(one.ticket) || numbered(one.card) || one.lockers.includes(locker)).map((one) => ({ label: one.ticket || one.visit, about: [code("stage", one.stage), one.card && t("card {n}", { n: one.card }),
    one.lockers.length && t("locker {n}", { n: one.lockers.join(", ") })].filter(Boolean).join(" · "), go: () => openVisit(one.visit) }));
  for (const [name, one] of Object.entries(seen.tickets)) {
    if (name === ticket || numbered(name)) found.push({ label: name, about: code("ticket", one.state), go: () => openTicket(name) });
  }
  const others = found.length ? [] : await elsewhere(sought);
  if (found.length === 1) return found[0].go();
  const box = dialog(t("Find"), el("ul.rows", found.map(({ label, about, go }) => el("li", el("button.plain", el("strong", label), el("span.soft", about), { type: "button", onclick: () => {
    box.close();
    go();
  } })))), others.map((line) => el("p", line)), !found.length && !others.length && el("p", t("Nothing is known of “{text}”. It may have ended, or be of another day.", { text })));
  box.box.querySelector(".rows button")?.focus();
  return undefined;
}

// What is no visit: a card in stock, a locker that is nobody's, a number far back in the queue.
async function elsewhere({ ticket, card, locker, numbered }) {
  const asked = [["tickets", (one) => one.ticket === ticket || numbered(one.ticket)], ["cards", (one) => one.number.toUpperCase() === card || numbered(one.number)],
    ["lockers", (one) => one.locker === locker]];
  const lines = [];
  for (const [what, meant] of asked) {
    const answer = await act("show", { what });
    for (const one of answer.ok ? answer.result[what].filter(meant) : []) {
      if (what === "tickets") lines.push(`${one.ticket}: ${code("ticket", one.state)}`);
      if (what === "cards") lines.push(`${t("Card {number}", one)}: ${code("card_found", one.state)}`);
      if (what === "lockers") lines.push(`${t("Locker {n}", { n: one.locker })}: ${one.visit ? t("belongs to {visit}", one) : t("nobody's")}`);
    }
  }
  return lines;
}

// -- the session

// What a mode asks of an officer.
const MODES = {
  emergency: () => t("All visitors go out now. Call nobody, register nobody, hand out no card, until the emergency is over."),
  lockdown: () => t("No numbers, no deposits, no entries. Exits and collecting work."),
  degraded: () => t("Nothing can be recorded now. Write on paper, and call the technician."),
};

export function drawSession() {
  const seen = hall.seen;
  const button_ = $("session");
  button_.hidden = false;
  button_.disabled = !may(seen.session === "open" ? "close" : seen.session === "closed" ? "open" : "close");
  say("session", code("session", seen.session));
  const todo = MODES[seen.mode];
  button_.className = seen.session !== "open" ? "shut" : todo ? "" : "open"; // nothing is green beside an alarm
  const bar = $("mode");
  bar.hidden = !todo;
  bar.className = seen.mode;
  say("mode", todo ? `${code("mode", seen.mode)}: ${todo()}` : "");
}

export async function session() {
  const state = hall.seen.session;
  if (state === "closed") {
    if (await question(t("Open the session?"), [], t("Open the session"))) await ask("open", {}, () => t("The session is open."));
    return;
  }
  if (state === "open") {
    const sure = await question(t("Close the session?"), [], t("Close the session"), t("From then on nobody takes a number or enters. Who is inside leaves as usual."));
    if (!sure) return;
    const result = await ask("close", {}, ({ unresolved }) => (unresolved.length ? "" : t("The session is closed.")));
    if (!result?.unresolved.length) return;
  }
  closing();
}

// What stands in the way of closing, until it is resolved; a supervisor may sign it off.
function closing() {
  const list = el("ul");
  const box = dialog(t("The session is closing"), el("p", t("Still to be resolved:")), list, el("p.stack",
    button(t("Open the session"), "", async () => {
      box.close();
      await ask("open", {}, () => t("The session is open."));
    }), may("lockdown") && may("open") && button(t("Close with an exception"), "", async () => {
      box.close();
      const exception = await pick(t("Close with an exception?"), EXCEPTIONS.map((one) => [one, code("exception", one)]), t("What is unresolved is recorded with your id. Why?"));
      if (exception) await ask("close", { exception }, () => t("The session is closed."));
    })));
  box.onclose(watch(() => {
    rows(list, hall.seen.unresolved.map(inWords), (one) => one, (one) => el("li", one));
    if (hall.seen.session !== "closing") box.close();
  }));
}

const inWords = (text) => {
  const [first, second] = text.split(" ");
  const whose = (mine) => {
    const visit = hall.seen.visits.find(mine);
    return visit ? ` (${visit.ticket || visit.visit})` : "";
  };
  if (first === "card") return t("Card {number} is not back", { number: second }) + whose((one) => one.card === second);
  if (first === "locker") return t("Locker {n} is not free", { n: second }) + whose((one) => one.lockers.includes(Number(second)));
  return t("{n} inside", { n: first });
};

// -- the keys

export const KEYS = [
  ["n", () => t("Call the next")], ["r", () => t("Call again")], ["p", () => t("Put aside")], ["m", () => t("Did not come")], ["t", () => t("Other counter")],
  ["s", () => t("Finish without a visit")], ["0–9, Tab", () => t("The party: adults, children, infants")], ["Enter", () => t("Register the visit, and all that is large and green")],
  ["k", () => t("Give back a card, or see whose it is")], ["c", () => t("To the search; arrows choose, Enter passes, x refuses")], ["/", () => t("Find a ticket, card or locker")],
  ["q", () => t("To the queue; arrows choose")], ["g", () => t("Give a number by hand")], ["b", () => t("Enter a booking")], ["?", () => t("Keys")], ["Esc", () => t("Close, cancel")],
];

export function keys() {
  const off = el("input", { id: "letters-off", type: "checkbox", checked: lettersOff(), onchange: () => keepLettersOff(off.checked) });
  dialog(t("Keys"), el("dl.keys", KEYS.map(([key, text]) => [el("dt", el("kbd", key)), el("dd", text())])),
    el("p.field", el("label", off, " ", t("Letters do nothing: I dictate, or strike keys by accident"))));
}
