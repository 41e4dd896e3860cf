// The lockers by bank, each with its state in a word and its age; touched, what can be done with it.
import { $, el, rows, say, show } from "/dom.js";
import { code, number, t } from "/text.js";
import { ask, facts } from "/guard-ask.js";
import { ticking, wall } from "/guard-time.js";
import { cardOf, lockerName, name } from "/guard-words.js";

const LOOK = { forced: "bad", left_open: "bad", jammed: "bad", unknown: "warn", content: "warn", overdue: "warn", out_of_service: "off",
  open: "busy", opening: "busy", owned: "used", free: "free" };
const SIGN = { forced: "!", left_open: "!", jammed: "×", unknown: "?", content: "▪", overdue: "!", out_of_service: "–", open: "◇", opening: "◇", owned: "■", free: "" };
const WHOLE = new Set(["free", "owned", "open", "opening"]);

export const stateName = (state) => code("locker", state);

export function drawLockers(position, find) {
  const banks = [...new Set(position.lockers.map((one) => one.bank))];
  show("lockers", banks, () => banks.map((bank) => el("div.bank", banks.length > 1 && el("h3", t("Bank {bank}", { bank })), el("ul.map"))));
  const maps = $("lockers").querySelectorAll("ul.map");
  banks.forEach((bank, at) => rows(maps[at], position.lockers.filter((one) => one.bank === bank), (one) => one.locker, (one) => el("li", tile(one, find))));
  const count = (fits) => position.lockers.filter(fits).length;
  const odd = count((one) => !WHOLE.has(one.state));
  say("lockers-sum", [t("{n} free", { n: number(count((one) => one.state === "free")) }), t("{n} in use", { n: number(count((one) => one.visit)) }),
    odd ? t("{n} to look at", { n: number(odd) }) : ""].filter(Boolean).join(" · "));
  say("n-lockers", odd || "");
}

function tile(one, find) {
  const who = name(one);
  return el(`button.locker.${LOOK[one.state] ?? "warn"}`, { type: "button", title: [stateName(one.state), who].filter(Boolean).join(", "), onclick: () => askLocker(one.locker, find) },
    el("b", el("span.unseen", `${t("Locker")} `), String(one.locker)), " ", el("span.sign", SIGN[one.state] ?? "?", { "aria-hidden": "true" }), " ",
    el("span.state", one.state === "owned" && who ? [who, el("span.unseen", ` ${stateName(one.state)}`)] : stateName(one.state)), " ",
    one.since !== undefined && ticking(one.since, "brief", "small"));
}

// `find()` is the hall as it is now.
export function askLocker(numberOf, find) {
  const of = () => find().lockers.find((one) => one.locker === numberOf);
  if (!of()) return;
  ask(lockerName(numberOf), () => about(of()), () => lockerGroups(of(), find()));
}

function about(one) {
  const content = one.content === undefined ? t("cannot be seen") : one.content ? t("something lies in it") : t("empty");
  return facts(
    [t("State"), stateName(one.state)],
    [t("Since"), one.since !== undefined ? [`${wall(one.since)} (`, ticking(one.since, "ago"), ")"] : ""],
    [t("Whose"), one.visit ? [name(one), cardOf(one)].filter(Boolean).join(", ") : t("nobody's")],
    [t("Visit"), one.visit && one.ended ? t("has ended") : ""],
    [t("Door"), one.door && code("locker", one.door)],
    [t("Content"), one.state === "free" ? "" : content],
    [t("Checked"), one.inspected ? t("opened by guards; the owner is told at the next tap") : ""],
  );
}

const two = (position, action) => position.two_people.includes(action);
const CAUSE = { forced: "door_forced", left_open: "left_open", jammed: "lock_broken", content: "left_behind", overdue: "left_behind" };
const first = (cause, reasons) => (cause ? [cause, ...reasons.filter((one) => one !== cause)] : reasons);

export function inspectGroup(one, position) {
  return { title: t("Open for inspection"), note: one.visit ? t("It stays {who}'s; they are told.", { who: name(one) }) : "",
    action: "inspect", args: { locker: one.locker }, second: two(position, "inspect"),
    reasons: first(CAUSE[one.state], ["owner_asked", "suspicious_content", "routine_check"]), done: t("{locker} opens.", { locker: lockerName(one.locker) }) };
}

export function releaseGroup(one, position) {
  return { title: t("Open and free"), note: t("{who} no longer owns it. Keep what lies in it.", { who: name(one) }), bad: true,
    action: "release", args: { locker: one.locker }, second: two(position, "release"),
    reasons: first(CAUSE[one.state], ["left_behind", "owner_collected", "card_lost"]), done: t("{locker} opens and is free.", { locker: lockerName(one.locker) }) };
}

export const serviceGroup = (one, into) => into
  ? { title: t("Put back into service"), action: "service", args: { locker: one.locker, in: true }, reasons: ["repaired", "checked_well"], done: t("{locker} is in service.", { locker: lockerName(one.locker) }) }
  : { title: t("Take out of service"), action: "service", args: { locker: one.locker, in: false }, reasons: ["lock_broken", "door_broken", "cleaning"], done: t("{locker} is out of service.", { locker: lockerName(one.locker) }) };

export function lockerGroups(one, position) {
  const groups = position.tasks.filter((task) => task.locker === one.locker).map((task) => resolveGroup(task));
  groups.push(inspectGroup(one, position));
  if (one.visit) groups.push(releaseGroup(one, position));
  if (["forced", "jammed", "out_of_service"].includes(one.state)) groups.push(serviceGroup(one, true));
  if (one.state !== "out_of_service") groups.push(serviceGroup(one, false));
  return groups;
}

export const resolveGroup = (task) => ({ title: t("Done: {task}", { task: code("task", task.reason) }), action: "resolve", args: { task: task.task },
  reasons: RESOLVED[task.reason] ?? ["seen_to", "false_alarm"], done: t("Task done.") });

const RESOLVED = {
  tailgated: ["stopped", "belongs_to_party", "sent_back", "false_alarm"],
  reversed: ["stopped", "belongs_to_party", "sent_back", "false_alarm"],
  gate_forced: ["stopped", "staff_passed", "sent_back", "false_alarm"],
  unmatched_exit: ["face_checked", "stopped", "staff_passed"],
  two_cards_at_exit: ["card_taken", "face_checked"],
  lost_card_used: ["card_taken", "stopped", "face_checked"],
  quarantined_card_used: ["card_taken", "stopped", "face_checked"],
  card_in_two_places: ["face_checked", "card_taken", "stopped"],
  forced: ["looked_into", "owner_asked", "false_alarm"],
  found_open: ["shut", "looked_into"],
  left_open: ["shut", "owner_told"],
  jammed: ["repaired", "opened_by_key"],
  content_found: ["looked_into", "handed_over"],
  content_left: ["handed_over", "looked_into"],
  not_collected: ["handed_over", "owner_told"],
  still_owned: ["handed_over", "owner_told"],
  door_unreadable: ["shut", "repaired"],
  exit_reader_down: ["repaired", "technician_called"],
  journal_damaged: ["technician_called"],
  facts_lost: ["counted_again", "technician_called"],
};
