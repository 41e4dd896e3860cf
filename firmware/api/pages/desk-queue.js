// Who waits, in the order in which they will be called here; who was put aside, and who did not come.
import { $, el, rows, say } from "/dom.js";
import { may, why } from "/staff.js";
import { code, number, t } from "/text.js";
import { atCounter, button, counter, deed, dialog, emergency, hall, NOT_NOW, pick, refuse, since, tell } from "/desk-hall.js";
import { here, park, transfer } from "/desk-counter.js";

const REASONS = ["elderly", "ill", "disabled", "with_infant", "bound_wrongly", "called_wrongly", "other"];

export function drawQueue() {
  const seen = hall.seen;
  if (!seen) return;
  const order = seen.next[atCounter() ? counter() : seen.counters[0]?.counter] ?? [];
  const told = (ticket) => ({ ticket, ...seen.tickets[ticket], priority: seen.classes.some((one) => one.priority && ticket.startsWith(`${one.letter}-`)) });
  say("waiting", number(seen.waiting));
  $("nobody").hidden = order.length > 0;
  rows($("next"), order.map(told), (one) => one.ticket, row);
  for (const [id, tickets] of [["parked", seen.parked], ["missed", seen.missed]]) {
    $(`${id}-part`).hidden = tickets.length === 0;
    rows($(id), tickets.map(told), (one) => one.ticket, row);
  }
}

function row({ ticket, since: from, priority, booked, counter: only }) {
  return el("li", el("button.plain", { type: "button", onclick: () => open(ticket) }, el("strong", ticket),
    el("span.marks", priority && el("span.mark", t("priority")), booked && el("span.mark", t("booked")), only && el("span.mark", t("to counter {counter}", { counter: only }))),
    since(from)));
}

// What can be done with one ticket.
export function open(ticket) {
  const known = hall.seen.tickets[ticket];
  if (!known) return;
  const box = dialog(ticket, el("p", known.state !== "waiting" && `${code("ticket", known.state)} · `, since(known.since, t("waits {time}"))));
  const does = (text, key, act) => button(text, "", () => {
    box.close();
    act(ticket);
  });
  const free = may("call") && atCounter();
  const calm = !emergency();
  box.box.querySelector("h2").after(el("p.stack",
    free && calm && does(t("Call to this counter"), "", call),
    may("park") && known.state === "waiting" && does(t("Put aside"), "", park),
    may("transfer") && known.state !== "missed" && does(t("Other counter"), "", transfer)));
  if (!calm) box.refuse(t(NOT_NOW));
  else if (!free && may("call")) box.refuse(t("Choose a counter first: then it can be called."));
  box.box.querySelector(".stack button")?.focus();
}

export async function call(ticket) {
  if (here()?.ticket) return refuse(code("refusal", "counter_busy"));
  const known = hall.seen.tickets[ticket];
  let reason = "";
  if (known?.state === "waiting" && hall.seen.next[counter()][0] !== ticket) {
    reason = await outOfOrder(ticket);
    if (!reason) return undefined;
  }
  let answer = await deed("call", { counter: counter(), ticket, ...(reason ? { reason } : {}) });
  if (answer && !answer.ok && answer.error.code === "reason_needed") { // it was the next a moment ago
    reason = await outOfOrder(ticket);
    if (!reason) return undefined;
    answer = await deed("call", { counter: counter(), ticket, reason });
  }
  if (answer?.ok) tell(t("{ticket} is called.", { ticket }));
  else if (answer) refuse(why(answer.error));
  return undefined;
}

function outOfOrder(ticket) {
  return pick(t("Call {ticket} out of order?", { ticket }), REASONS.map((name) => [name, code("jump", name)]),
    t("It is not the next. It counts as a queue jump, with your id and the reason, and everybody can see how many there were today. Why?"));
}
