// Visits: who waits for the search, how far each has come, and what can be done with one.
import { $, el, rows, say } from "/dom.js";
import { may } from "/staff.js";
import { code, number, t } from "/text.js";
import { ask, button, byDigit, dialog, emergency, hall, left, party, pick, since, tick, watch } from "/desk-hall.js";
import { wantCard } from "/desk-counter.js";

const STAGES = ["counter", "search", "deposit", "locker", "gate", "inside", "collect", "return"];
const REFUSED = ["phone_found", "forbidden_item", "refuses_search", "papers_missing", "other"];
const LOST = ["lost", "stolen", "broken", "wrong_card"];

export const visitOf = (name) => hall.seen.visits.find((one) => one.visit === name);

export function drawVisits() {
  const seen = hall.seen;
  if (!seen) return;
  const searching = seen.visits.filter((one) => one.stage === "search");
  say("searches-count", number(searching.length));
  $("no-searches").hidden = searching.length > 0;
  rows($("searches"), searching, (one) => one.visit, searchRow);
  const ordered = [...seen.visits].sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage) || a.since - b.since);
  say("visits-count", t("{n}, {inside} of {capacity} persons inside", { n: seen.visits.length, inside: seen.inside < 0 ? "?" : seen.inside, capacity: seen.capacity }));
  $("no-visits").hidden = seen.visits.length > 0;
  rows($("visits"), ordered, (one) => one.visit, visitRow);
}

const name = ({ ticket, visit }) => ticket || visit;
const lockers = (visit) => visit.lockers.length > 0 && t("locker {n}", { n: visit.lockers.join(", ") });
const card = (visit) => visit.card && (visit.card_state === "issued" ? t("card {n}", { n: visit.card }) : `${t("card {n}", { n: visit.card })}: ${code("cardstate", visit.card_state || "stock")}`);

function searchRow(visit) {
  const about = [card(visit), party(visit), visit.search === "refused" && t("refused before")].filter(Boolean).join(" · ");
  return el("li.search", el("button.plain", { type: "button", onclick: () => open(visit.visit) }, el("strong", name(visit)), el("span.soft", about)),
    may("search") && el("span.row",
      el("button.pass", t("Passed"), { type: "button", "aria-label": `${name(visit)}: ${t("Passed")}`, onclick: () => passed(visit) }),
      el("button", t("Refused"), { type: "button", "aria-label": `${name(visit)}: ${t("Refused")}`, "data-key": "x", onclick: () => refused(visit) })));
}

function visitRow(visit) {
  const about = [lockers(visit), card(visit), party(visit)].filter(Boolean).join(" · ");
  return el("li", el("button.plain", { type: "button", onclick: () => open(visit.visit) }, el("strong", name(visit)),
    el("span.marks", el("span.mark", { class: `mark ${visit.stage}` }, code("stage", visit.stage))),
    el("span.soft", about), visit.until !== null && left(visit.until)));
}

// Arrows go from row to row, in every list.
export function walk(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const at = document.activeElement;
  const list = at?.closest?.(".rows");
  if (!list) return;
  if (event.key === "x" && at.closest("li.search")) {
    at.closest("li").querySelector("[data-key=x]")?.click();
    return;
  }
  if (!step) return;
  event.preventDefault();
  const all = [...list.children];
  const same = at.matches(".pass") ? ".pass" : "button";
  all[all.indexOf(at.closest("li")) + step]?.querySelector(same)?.focus();
}

export function toSearches() {
  const first = $("searches").querySelector(".pass");
  if (first) first.focus();
  else $("searching").scrollIntoView({ block: "nearest" });
}

export async function passed(visit) {
  const from = [...$("searches").children].findIndex((row) => row.contains(document.activeElement));
  await ask("search", { visit: visit.visit, result: "passed" }, () => t("{ticket} passed the search. Next comes the locker.", { ticket: name(visit) }));
  if (from >= 0 && document.activeElement === document.body) $("searches").querySelectorAll(".pass")[Math.min(from, $("searches").children.length - 1)]?.focus();
}

export async function refused(visit) {
  const reason = await pick(t("Why does {ticket} not pass the search?", { ticket: name(visit) }), REFUSED.map((one) => [one, code("search_refused", one)]));
  if (reason) await ask("search", { visit: visit.visit, result: "refused", reason }, () => t("{ticket} did not pass the search. It can be searched again.", { ticket: name(visit) }));
}

// One visit, as it is while the window is open.
export function open(which) {
  const about = el("div");
  const deeds = el("div.stack");
  const box = dialog(name(visitOf(which) ?? { visit: which }), about, deeds);
  let last = "";
  const draw = () => {
    const visit = visitOf(which);
    const text = JSON.stringify(visit);
    if (text === last) return;
    last = text;
    const had = deeds.contains(document.activeElement);
    about.replaceChildren(...(visit ? facts(visit) : [el("p", t("This visit has ended."))]));
    deeds.replaceChildren(...(visit ? does(visit, box) : []));
    if (had && !deeds.contains(document.activeElement)) deeds.querySelector("button")?.focus();
    tick();
  };
  const end = watch(draw);
  box.onclose(end);
  box.box.addEventListener("keydown", (event) => byDigit(event, deeds.children));
}

function facts(visit) {
  const fact = (label, ...value) => [el("dt", label), el("dd", ...value)];
  return [el("dl", fact(t("Stage"), code("stage", visit.stage)), fact(t("Party"), party(visit)), fact(t("Card"), card(visit) || t("none")),
    fact(t("Search"), code("search", visit.search)), fact(t("Locker"), visit.lockers.join(", ") || t("none")),
    fact(t("Inside"), number(visit.inside), visit.until !== null && [" · ", left(visit.until)]), fact(t("Registered for"), since(visit.since)),
    fact(t("Visit"), visit.visit))];
}

function does(visit, box) {
  const after = (act) => async () => {
    box.close();
    await act(visit);
  };
  const holds = visit.card && visit.card_state === "issued";
  const can = [
    may("issue") && !holds && !emergency() && [visit.card ? t("Hand out another card") : t("Hand out a card"), ({ visit: which }) => wantCard(which)],
    may("search") && visit.search !== "passed" && [t("Passed"), passed],
    may("search") && !visit.inside && visit.search !== "refused" && [t("Search refused"), refused],
    may("lost") && holds && [t("The card is lost"), lost],
  ];
  return can.filter(Boolean).map(([text, act], i) => button(text, String(i + 1), after(act), { class: "huge" }));
}

async function lost(visit) {
  const reason = await pick(t("Card {n} of {ticket} is lost?", { n: visit.card, ticket: name(visit) }), LOST.map((one) => [one, code("lost", one)]),
    t("Nothing opens with it any more. The visit can have another card."));
  if (reason) await ask("lost", { visit: visit.visit, reason }, () => t("Card {n} is blocked.", { n: visit.card }));
}
