// Who is inside: the longest over time first, then those with the least left. And who is on the way in or out.
import { $, el, rows, say, show } from "/dom.js";
import { code, number, t } from "/text.js";
import { ask, facts } from "/guard-ask.js";
import { askLocker } from "/guard-lockers.js";
import { quarantineGroup } from "/guard-tasks.js";
import { present, ticking, wall } from "/guard-time.js";
import { cardOf, children, lockerName, name, party, people, size } from "/guard-words.js";

export const urgency = (one, { visit_ms, warn_ms }) => {
  if (!one.since) return "";
  const left = one.since + visit_ms - present();
  return left < 0 ? "over" : left <= warn_ms ? "soon" : "";
};

export function drawInside(position, find) {
  const inside = position.visits.filter((one) => one.inside).sort((a, b) => (a.since ?? 0) - (b.since ?? 0));
  const elsewhere = position.visits.filter((one) => !one.inside);
  const over = inside.filter((one) => urgency(one, position) === "over").length;
  show("inside", [inside.length, position.inside, position.unattributed], () => [
    inside.length === 0 && position.inside === 0 && el("p.calm", t("Nobody is inside.")),
    position.unattributed > 0 && el("p.warn", t("Besides these, without a card: {n}", { n: number(position.unattributed) })),
    position.unattributed < 0 && el("p.warn", t("{n} went out without a valid card: so many too many stand in this list. Recount.", { n: number(-position.unattributed) })),
  ].filter(Boolean));
  list("visits-inside", inside, position, find);
  show("elsewhere", elsewhere.length, () => (elsewhere.length ? [el("h3", t("Not inside"), " ", el("small", number(elsewhere.length)))] : []));
  list("visits-elsewhere", elsewhere, position, find);
  show("inside-sum", [inside.length, over], () => [t("{n} visits", { n: number(inside.length) }), over > 0 && el("b.bad", ` · ! ${t("{n} over time", { n: number(over) })}`)].filter(Boolean));
  say("n-inside", over ? `${number(inside.length)} (${over}!)` : number(inside.length));
  return over;
}

// How many places are left, for a party on its way in that needs more of them.
function room(one, { capacity, inside }) {
  const places = Math.max(0, capacity - Math.max(0, inside));
  return ["deposit", "gate"].includes(one.stage) && size(one) > places ? places : undefined;
}

const list = (id, visits, position, find) => rows($(id), visits.map((one) => ({ one, late: urgency(one, position), places: room(one, position) })), ({ one }) => one.visit,
  ({ one, late, places }) => el("li", row(one, late, places, position, find)));

function row(one, late, places, position, find) {
  const partly = one.inside && one.inside !== size(one);
  const told = [...(one.lockers ?? []).map((each) => lockerName(each)), cardOf(one), one.card_state ? code("cardstate", one.card_state) : "", children(one),
    one.since && one.inside ? t("since {time}", { time: wall(one.since) }) : one.left_at ? t("out since {time}", { time: wall(one.left_at) }) : ""];
  const end = one.inside
    ? el("span.left", late === "over" && "! ", one.since ? ticking(one.since + position.visit_ms, "left", "b") : t("time unknown"))
    : el("span.left", code("stage", one.stage));
  return el(`button.visit${late && `.${late}`}`, { type: "button", onclick: () => askVisit(one.visit, find) },
    el("b.name", name(one)), " ", el("span.people", partly ? t("{n} of {all} inside", { n: one.inside, all: size(one) }) : people(size(one))), " ", end, " ",
    places !== undefined && [el("span.short", "! ", t("{people}, room for {n}", { people: people(size(one)), n: number(places) })), " "],
    el("span.more", told.filter(Boolean).join(" · ")));
}

function askVisit(visit, find) {
  const of = () => find().visits.find((one) => one.visit === visit);
  if (!of()) return;
  ask(name(of()), () => about(of(), find()), () => (of() ? visitGroups(of()) : []));
  const lockers = of().lockers ?? [];
  if (lockers.length) document.querySelector("dialog.ask .groups")?.after(el("p.row", lockers.map((each) => el("button", lockerName(each), { type: "button", onclick: () => askLocker(each, find) }))));
}

function about(one, position) {
  if (!one) return el("p", t("This visit has ended."));
  return facts(
    [t("Where"), code("stage", one.stage)],
    [t("Party"), party(one)],
    [t("Inside"), one.inside ? number(one.inside) : ""],
    [t("Since"), one.inside && one.since ? wall(one.since) : ""],
    [t("Time"), one.inside && one.since ? ticking(one.since + position.visit_ms, "left") : ""],
    [t("Warned"), one.overstays ? t("over time, told {n} times", { n: one.overstays }) : ""],
    [t("Card"), one.card ? [one.card, one.card_state ? ` (${code("cardstate", one.card_state)})` : ""] : t("none")],
    [t("Locker"), (one.lockers ?? []).join(", ")],
    [t("Visit"), one.visit],
    [t("Note"), one.untimed ? t("the power failed meanwhile: the time may be longer") : ""],
  );
}

function visitGroups(one) {
  const groups = [];
  if (!one.inside && (one.stage === "search" || one.search === "refused")) {
    groups.push({ title: t("Search passed"), action: "search", args: { visit: one.visit, result: "passed" }, yes: t("Passed"), done: t("Search recorded.") });
    groups.push({ title: t("Search refused"), action: "search", args: { visit: one.visit, result: "refused" }, reasons: ["forbidden_item", "not_cooperative", "came_drunk"], done: t("Search recorded.") });
  }
  if (one.card && !one.card_state) {
    groups.push({ title: t("The card is lost"), note: t("It opens nothing any more. The officer gives another; the locker stays theirs. The way out stays open."), action: "lost",
      args: { visit: one.visit }, reasons: ["lost_inside", "lost_outside", "taken_away"], done: t("The card is blocked.") });
    groups.push(quarantineGroup(one));
  }
  return groups;
}
