// Cards at the desk: whose is this, take it back, clear it, enrol a new one. Each is laid on the reader, or typed.
import { el } from "/dom.js";
import { act, may, why } from "/staff.js";
import { code, t } from "/text.js";
import { button, deed, dialog, hall, handled, justHandled, lying, party, pause, reader, readerWell } from "/desk-hall.js";
import { open as openVisit, visitOf } from "/desk-visits.js";

const PATIENCE_MS = 120000;

// A window that follows the reader, or takes a typed number, and shows each card with `found(card, window)`. A card that
// was handled before it was laid down here may lie there still: it counts again once it was lifted.
function cardWindow(title, label, found) {
  const status = el("p.huge-text", { role: "status" });
  const input = el("input", { id: "card-number", type: "text", maxlength: 12, autocomplete: "off", autocapitalize: "none" });
  const form = el("form.row.low", el("p.field", el("label", label, { for: "card-number" }), input), el("button", t("Look")));
  const body = el("div");
  const box = dialog(title, body, status, form);
  const wait = () => {
    status.textContent = reader() ? t("Lay the card on the reader") : t("There is no card reader here.");
    input.focus();
  };
  const take = (card) => {
    status.textContent = "";
    box.refuse("");
    found(card, { ...box, body, wait });
  };
  let last = justHandled();
  let until = 0;
  let following = false;
  const follow = async () => {
    until = performance.now() + PATIENCE_MS;
    if (following || !reader()) return;
    following = true;
    while (box.open() && performance.now() < until) {
      if (!readerWell() && status.textContent) status.textContent = t("The card reader does not answer: type the number.");
      const card = hall.lost ? await pause(300) : await lying();
      if (card === null) last = "";
      const name = card && (card.number || "?");
      if (card && box.open() && name !== last) {
        last = name;
        until = performance.now() + PATIENCE_MS;
        take(card);
      } else if (card) await pause(300);
    }
    following = false;
    if (box.open() && status.textContent) status.textContent = t("Press Enter to wait for a card again.");
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const number = input.value.trim();
    if (!number) {
      last = "";
      wait();
      follow();
      return;
    }
    const answer = await act("show", { what: "cards", card: number });
    const card = answer.ok && answer.result.cards.find((one) => one.state !== "retired");
    if (!card) {
      box.refuse(answer.ok ? code("refusal", "unknown_card") : why(answer.error));
      return;
    }
    input.value = "";
    take(card);
  });
  wait();
  follow();
}

// -- whose it is, and taking it back

export function takeBack() {
  cardWindow(t("Give back a card"), t("or type the number printed on the card"), foundCard);
}

function foundCard(card, window) {
  const { body, wait } = window;
  const visit = visitOf(card.visit);
  const head = [el("p.big", card.number ? t("Card {number}", card) : t("Unknown card"))];
  if (card.state !== "issued") {
    const clears = ["lost", "quarantined"].includes(card.state) && may("clear");
    body.replaceChildren(...head, el("p", code("card_found", card.number ? card.state : "unknown")),
      clears ? button(t("Put it back into stock"), "", () => clear(card, window)) : "");
    wait();
    return;
  }
  if (visit) head.push(el("p", el("strong", visit.ticket || visit.visit), " · ", party(visit), " · ", code("stage", visit.stage)));
  const kept = visit?.lockers ?? [];
  const early = visit && ["search", "deposit", "locker", "gate"].includes(visit.stage);
  const give = (collected) => () => back(card, visit, collected, window);
  const yes = kept.length ? button(t("All is collected"), "y", give(true), { class: "main huge" }) : button(t("Take the card back"), early ? "y" : "Enter", give(true), { class: "main huge" });
  const no = kept.length ? button(t("Not yet collected"), "b", give(false), { class: "huge" }) : "";
  const asked = kept.length ? t("Locker {n} is still theirs. Is everything collected from it?", { n: kept.join(", ") }) : t("No locker is theirs.");
  const ask = el("div.stack", { tabindex: -1, onkeydown: (event) => {
    if (event.key === "y") yes.click();
    else if (event.key === "b" && no) no.click();
  } }, yes, no, visit ? button(t("More about this visit"), "", () => {
    window.close();
    openVisit(visit.visit);
  }) : "");
  body.replaceChildren(...head, early ? el("p.bad", t("They have not visited yet: taking the card ends the visit.")) : "",
    el("p", asked, { class: kept.length ? "warn" : "" }), ask);
  (early || kept.length ? ask : yes).focus(); // what cannot be taken back wants more than one Enter too many
}

async function back(card, visit, collected, { body, wait, refuse }) {
  const answer = await deed("return", { card: card.number, collected });
  if (!answer) return;
  if (!answer.ok) return void refuse(why(answer.error));
  const { lockers, number } = answer.result;
  body.replaceChildren(el("p.good.big", t("Card {number} is back.", { number })), el("p", visit ? t("The visit of {ticket} has ended.", { ticket: visit.ticket || visit.visit }) : ""),
    lockers.length ? el("p.warn", t("Locker {n} is not free yet: a guard looks into it. The card stays aside until then.", { n: lockers.join(", ") })) : "");
  handled(number);
  wait();
}

async function clear(card, { body, wait, refuse }) {
  const answer = await deed("clear", { card: card.number, reason: "found" });
  if (!answer) return;
  if (!answer.ok) return void refuse(why(answer.error));
  body.replaceChildren(el("p.good.big", t("Card {number} is in stock again.", { number: answer.result.number })));
  wait();
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
      if (card.number) {
        status.textContent = t("Card {number} is enrolled: lift it, and lay down the new one.", card);
        await pause(300);
        continue;
      }
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
