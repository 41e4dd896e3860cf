// Cards at the desk: whose is this, take it back, clear it, enrol a new one. Each is laid on the reader, or typed.
import { el } from "/dom.js";
import { act, may, why } from "/staff.js";
import { code, t } from "/text.js";
import { button, deed, dialog, hall, lying, party, pause, reader, readerWell } from "/desk-hall.js";
import { open as openVisit, visitOf } from "/desk-visits.js";

const PATIENCE_MS = 120000;

// Waits for a card on the reader until the window is closed or `wanted()` no longer holds. The one that was `handled`
// may lie there still: it counts again once it was lifted.
async function laid(box, status, handled, wanted) {
  const until = performance.now() + PATIENCE_MS;
  let last = handled;
  if (!reader()) return undefined;
  while (box.open() && wanted() && performance.now() < until) {
    if (hall.lost) await pause(300);
    else {
      if (!readerWell()) status(t("The card reader does not answer: type the number."));
      const card = await lying();
      if (card === null) last = "";
      if (card && box.open() && wanted() && (card.number || "?") !== last) return card;
      if (card) await pause(300);
    }
  }
  if (box.open() && wanted()) status(t("Press Enter to wait for a card again."));
  return undefined;
}

// A window that waits for a card or a typed number, and does `found(card)` with it; that resolves to what was done.
function cardWindow(title, label, found) {
  const status = el("p.huge-text", { role: "status" });
  const input = el("input", { id: "card-number", type: "text", maxlength: 12, autocomplete: "off", autocapitalize: "none" });
  const form = el("form.row.low", el("p.field", el("label", label, { for: "card-number" }), input), el("button", t("Look")));
  const body = el("div");
  const box = dialog(title, body, status, form);
  let round = 0;
  const say = (text) => (status.textContent = text);
  const wait = async (handled = "") => {
    const mine = ++round;
    say(reader() ? t("Lay the card on the reader") : t("There is no card reader here."));
    input.focus();
    const card = await laid(box, say, handled, () => mine === round);
    if (card && mine === round) take(card);
  };
  const take = async (card) => {
    round += 1;
    say("");
    box.refuse("");
    await found({ card, box, body, again: () => wait(card.number || "?") });
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = input.value.trim();
    if (!number) return void wait();
    const answer = await act("show", { what: "cards", card: number });
    const card = answer.ok && answer.result.cards.find((one) => one.state !== "retired");
    if (!answer.ok) return void box.refuse(why(answer.error));
    if (!card) return void box.refuse(code("refusal", "unknown_card"));
    input.value = "";
    return void take(card);
  });
  wait();
  return box;
}

// -- whose it is, and taking it back

export function takeBack() {
  cardWindow(t("Give back a card"), t("or type the number printed on the card"), foundCard);
}

// `again()` waits for the next card.
function foundCard({ card, box, body, again }) {
  const visit = visitOf(card.visit);
  const head = [el("p.big", card.number ? t("Card {number}", card) : t("Unknown card"))];
  if (card.state !== "issued") {
    const clears = ["lost", "quarantined"].includes(card.state) && may("clear");
    body.replaceChildren(...head, el("p", code("card_found", card.number ? card.state : "unknown")),
      clears ? button(t("Put it back into stock"), "", () => clear(card, box, body, again)) : "");
    again();
    return;
  }
  if (visit) head.push(el("p", el("strong", visit.ticket || visit.visit), " · ", party(visit), " · ", code("stage", visit.stage)));
  const kept = visit?.lockers ?? [];
  const give = (collected) => () => back(card, visit, collected, box, body, again);
  const yes = kept.length ? button(t("All is collected"), "y", give(true), { class: "main huge" }) : button(t("Take the card back"), "Enter", give(true), { class: "main huge" });
  const no = kept.length ? button(t("Not yet collected"), "b", give(false), { class: "huge" }) : "";
  const asked = kept.length ? t("Locker {n} is still theirs. Is everything collected from it?", { n: kept.join(", ") }) : t("No locker is theirs.");
  const ask = el("div.stack", { onkeydown: (event) => {
    if (event.key === "y") yes.click();
    else if (event.key === "b" && no) no.click();
  } }, yes, no, visit ? button(t("More about this visit"), "", () => {
    box.close();
    openVisit(visit.visit);
  }) : "");
  body.replaceChildren(...head, el("p", asked, { class: kept.length ? "warn" : "" }), ask);
  yes.focus();
}

async function back(card, visit, collected, box, body, again) {
  const answer = await deed("return", { card: card.number, collected });
  if (!answer) return;
  if (!answer.ok) return void box.refuse(why(answer.error));
  const { lockers, number } = answer.result;
  body.replaceChildren(el("p.good.big", t("Card {number} is back.", { number })), el("p", visit ? t("The visit of {ticket} has ended.", { ticket: visit.ticket || visit.visit }) : ""),
    lockers.length ? el("p.warn", t("Locker {n} is not free yet: a guard looks into it. The card stays aside until then.", { n: lockers.join(", ") })) : "");
  again();
}

async function clear(card, box, body, again) {
  const answer = await deed("clear", { card: card.number, reason: "found" });
  if (!answer) return;
  if (!answer.ok) return void box.refuse(why(answer.error));
  body.replaceChildren(el("p.good.big", t("Card {number} is in stock again.", { number: answer.result.number })));
  again();
}

// -- a new card

export function enrol() {
  const status = el("p.huge-text", { role: "status" });
  const input = el("input", { id: "new-number", type: "text", maxlength: 12, pattern: "[A-Za-z0-9\\-]{1,12}", required: true, autocomplete: "off", autocapitalize: "none" });
  const form = el("form.row.low", el("p.field", el("label", t("Number printed on the new card"), { for: "new-number" }), input), el("button.main", t("Wait for the card")));
  const box = dialog(t("New cards"), form, status);
  let round = 0;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const mine = ++round;
    const number = input.value.trim();
    status.textContent = t("Lay card {number} on the reader", { number });
    const until = performance.now() + PATIENCE_MS;
    while (box.open() && mine === round && performance.now() < until) {
      const card = await lying();
      if (mine !== round || !box.open()) return;
      if (!card) continue;
      const answer = await deed("enrol", { number, reader: reader() });
      if (!answer) continue;
      box.refuse(answer.ok ? "" : why(answer.error));
      status.textContent = answer.ok ? t("Card {number} is in stock.", { number }) : t("Press Enter to try again.");
      if (answer.ok) input.value = number.replace(/\d+$/, (digits) => String(Number(digits) + 1).padStart(digits.length, "0"));
      input.select();
      return;
    }
    status.textContent = t("Press Enter to wait for a card again.");
  });
  input.focus();
}
