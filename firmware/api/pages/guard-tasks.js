// What needs a hand, the most urgent first: what it is, what to do now, where, since when, and the buttons that settle it.
import { $, el, rows, say } from "/dom.js";
import { number, t } from "/text.js";
import { may } from "/staff.js";
import { ask, facts } from "/guard-ask.js";
import { askConfirm, askReset, resetStop } from "/guard-count.js";
import { askLocker, inspectGroup, releaseGroup, resolveGroup, serviceGroup } from "/guard-lockers.js";
import { printMuster } from "/guard-muster.js";
import { askRecount } from "/guard-recount.js";
import { ticking, wall } from "/guard-time.js";
import { cardAndState, cardOf, counted, doNow, lockerName, name, suspicion, taskName } from "/guard-words.js";

const COUNTED = new Set(["tailgated", "reversed", "gate_forced", "facts_lost", "unmatched_exit"]);

export function drawTasks(position, find) {
  const { tasks, emergency, fire, suspect, inside, more_tasks: more, session } = position;
  const out = position.visits.filter((one) => one.card && !one.inside).length;
  const owned = position.lockers.filter((one) => one.visit).length;
  const n = tasks.length + (more ?? 0) + (suspect ? 1 : 0) + (emergency ? 1 : 0);
  say("n-tasks", n || "");
  say("tasks-sum", n ? number(n) : "");
  const mine = ["resolve", "inspect", "release", "recount", "reset"].filter(may);
  rows($("tasks"), [
    emergency && { key: "emergency", fire, mine, draw: () => emergencyCard(find) },
    suspect && { key: "suspect", suspect, inside, mine, draw: () => suspectCard(position, find) },
    ...tasks.map((task) => ({ key: task.task, task, mine, about: task.reason === "unresolved" ? [session, inside, out, owned] : lockerOf(task, position), draw: () => taskCard(task, find) })),
    more && { key: "more", more, draw: () => el("p.soft", t("and {n} more", { n: number(more) })) },
    !n && { key: "none", draw: () => el("p.calm", "✓ ", t("Nothing to do. All is well.")) },
  ].filter(Boolean), (one) => one.key, (one) => one.draw());
  return n;
}

function emergencyCard(find) {
  const stop = resetStop(find());
  return el("article.task.alarm", el("h3", "▲ ", t("Emergency: the arm is free, everybody goes out")),
    el("p", t("Lead everybody out and count them with the list. Lockers stay shut.")),
    stop && el("p.bad", stop),
    el("p.row", el("button.main", t("Print the list"), { type: "button", onclick: printMuster }),
      may("reset") && el("button", t("End the emergency"), { type: "button", disabled: Boolean(stop), onclick: () => askReset(find) })));
}

function suspectCard({ suspect, inside }, find) {
  return el("article.task.alarm", el("h3", "? ", t("The count may be wrong")),
    el("p.where", suspicion(suspect.reason), suspect.gap_s ? ` · ${t("{n} seconds unwatched", { n: number(suspect.gap_s) })}` : "", " · ", since(suspect.at)),
    el("p", inside < 0 ? t("More people went out than were counted in: recount.") : t("Count the people inside. If there are {n}, the count is right; otherwise recount.", { n: number(inside) })),
    el("p.row", may("confirm_count") && inside >= 0 && el("button.main", t("{n} is right", { n: number(inside) }), { type: "button", onclick: () => askConfirm(find) }),
      may("recount") && el("button", t("Recount"), { type: "button", onclick: () => askRecount(find) })));
}

const lockerOf = (task, position) => {
  const one = position.lockers.find((each) => each.locker === task.locker);
  return one && [one.state, one.visit];
};
const since = (ms) => el("span", `${wall(ms)} (`, ticking(ms, "ago"), ")");

function where(task) {
  return [task.locker !== undefined && lockerName(task.locker), task.bank && task.locker === undefined && t("bank {bank}", { bank: task.bank }),
    task.lane && t("gate {lane}", { lane: task.lane }), task.device, name(task), task.card && (task.card === "?" ? t("unknown card") : cardAndState(task))].filter(Boolean).join(" · ");
}

function unresolved({ visits, lockers, inside }) {
  const cards = visits.filter((one) => one.card && one.stage !== "inside" && one.card_state !== "lost").map((one) => one.card);
  const owned = lockers.filter((one) => one.visit).map((one) => one.locker);
  return facts([t("Inside"), inside ? counted(inside) : ""], [t("Cards out"), cards.join(", ")], [t("Lockers in use"), owned.join(", ")]);
}

function taskCard(task, find) {
  const position = find();
  const locker = position.lockers.find((one) => one.locker === task.locker);
  const one = (group) => ask(taskName(task.reason), () => facts([t("Where"), where(task)], [t("Since"), wall(task.at)], [t("Do"), doNow(task)]), () => group(find()));
  const button = (text, act, main) => el(main ? "button.main" : "button", text, { type: "button", onclick: act });
  const now = (hall) => hall.lockers.find((each) => each.locker === task.locker);
  const buttons = [
    may("resolve") && task.reason !== "unresolved" && button(t("Done"), () => one(() => [resolveGroup(task)]), true),
    locker && may("inspect") && button(t("Open for inspection"), () => one((hall) => [inspectGroup(now(hall), hall)])),
    locker?.visit && may("release") && button(t("Open and free"), () => one((hall) => [releaseGroup(now(hall), hall)])),
    locker && ["jammed", "forced"].includes(locker.state) && may("service") && button(t("Service"), () => one((hall) => [serviceGroup(now(hall), true), serviceGroup(now(hall), false)])),
    locker && !may("inspect") && button(lockerName(task.locker), () => askLocker(task.locker, find)),
    task.reason === "card_in_two_places" && task.card && task.card !== "?" && may("quarantine") && button(t("Block the card"), () => one(() => [quarantineGroup(task)])),
    COUNTED.has(task.reason) && may("recount") && button(t("Recount"), () => askRecount(find)),
  ].filter(Boolean);
  return el(task.alarm ? "article.task.alarm" : "article.task", { "aria-label": taskName(task.reason) },
    el("h3", task.alarm ? "! " : "", taskName(task.reason), " ", el("span.where", where(task), where(task) ? " · " : "", since(task.at))),
    el("p.do", doNow(task)), task.reason === "unresolved" && unresolved(position), buttons.length > 0 && el("p.row", buttons));
}

export const quarantineGroup = (one) => ({ title: t("Block {card}", { card: cardOf(one) }), note: t("It opens nothing any more, until a supervisor clears it. The way out stays open."), bad: true,
  action: "quarantine", args: { card: one.card }, reasons: ["wrong_person", "card_copied"], done: t("The card is blocked.") });
