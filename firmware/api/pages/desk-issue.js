// The card for a visit that was just registered: laid on the reader, or its printed number typed.
import { $, el, say } from "/dom.js";
import { act, why } from "/staff.js";
import { code, t } from "/text.js";
import { button, counter, deed, dialogOpen, hall, handled, lastHandled, lying, pause, place, reader, readers, readerWell, refuse, tell } from "/desk-hall.js";
import { skip } from "/desk-counter.js";

const PATIENCE_MS = 120000; // a page that nobody looks at any more hands out nothing
const TURN_MS = 60000; // so long another counter may have the reader to itself
let turn = 0;

export const stopAwaiting = () => (turn += 1);

export function cardStep({ visit, ticket }) {
  const form = el("form.row.low", el("p.field", el("label", t("or type the number printed on the card"), { for: "number" }),
    el("input", { id: "number", type: "text", maxlength: 12, autocomplete: "off", autocapitalize: "none" })), el("button", t("Hand out")));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const number = $("number").value.trim();
    if (number) typed(visit, ticket, number);
    else awaitCard(visit, ticket);
  });
  return [
    el("div", { id: "first", tabindex: -1, onkeydown: (event) => event.key === "Enter" && awaitCard(visit, ticket) },
      el("p.huge-text", { id: "card-told", role: "status" })),
    form,
    el("p.row", button(t("Hand it out later"), "Esc", () => skip(visit), { "data-later": visit })),
  ];
}

async function typed(visit, ticket, number) {
  const answer = await deed("issue", { visit, card: number });
  if (answer?.ok) done(ticket, answer.result.number);
  else if (answer) refuse(why(answer.error));
}

function done(ticket, number) {
  handled(number);
  stopAwaiting();
  tell(t("Card {number} is {ticket}'s. Next comes the search.", { number, ticket }));
}

// Another counter that waits for a card at the same reader, and did so before us.
function before(visit) {
  if (readers().length !== 1) return undefined;
  const mine = hall.seen.visits.find((one) => one.visit === visit);
  return hall.seen.visits.find((one) => one.stage === "counter" && one.counter !== counter() && mine && one.since < mine.since
    && hall.now() - one.since < TURN_MS);
}

// It was handed out a moment ago, at another counter of the same reader, and lies there still: nothing is wrong with it.
const justOut = (card) => card.state === "issued" && hall.seen.visits.some((one) => one.visit === card.visit && one.stage === "search" && one.counter !== counter());

export async function awaitCard(visit, ticket) {
  const mine = ++turn;
  const until = performance.now() + PATIENCE_MS;
  const here = () => mine === turn && $("card-told");
  const status = (text) => here() && say("card-told", text);
  const ask = () => status(t("Lay the card on the reader"));
  if (!reader()) return status(t("There is no card reader here."));
  ask();
  while (here() && performance.now() < until) {
    const other = before(visit);
    if (dialogOpen() || hall.lost || other) {
      if (other) status(t("{counter} is using the reader: one moment, or type the number.", { counter: place(other.counter) }));
      await pause(300);
      continue;
    }
    if (!readerWell()) status(t("The card reader does not answer: type the number."));
    const card = await lying();
    if (!here()) return;
    if (!card) {
      if (card === null && readerWell()) ask();
      continue;
    }
    if (dialogOpen() || before(visit)) continue;
    if (card.state === "stock") {
      const answer = await act("issue", { visit, card: card.number });
      if (answer.ok) return done(ticket, answer.result.number); // though the page may know already, and have gone on
      if (!here()) return;
      refuse(why(answer.error));
      if (answer.error.code !== "no_answer" && answer.error.code !== "busy") return status(t("No card was handed out. Press Enter to try again."));
    } else if (card.number === lastHandled() || justOut(card)) status(t("Card {number} was handed out: lift it, and lay down another.", card));
    else refuse(code("refusal", card.number ? `card_${card.state}` : "unknown_card"));
    await pause(700);
  }
  status(t("Press Enter to wait for a card again."));
}
