// How many are inside and how far to trust that; which mode holds; lockdown, confirming the count, ending an emergency.
import { el, show } from "/dom.js";
import { code, number, t } from "/text.js";
import { may } from "/staff.js";
import { ask, facts } from "/guard-ask.js";
import { askRecount } from "/guard-recount.js";
import { ticking, wall } from "/guard-time.js";
import { counted, suspicion } from "/guard-words.js";

export function drawCount(position, find) {
  const { inside, capacity, reserved, suspect, confirmed_at: confirmed, unattributed } = position;
  show("count", [inside, capacity, reserved, suspect, confirmed, unattributed, may("recount")], () => {
    const full = inside >= capacity;
    const bar = el("span.bar", el("span.fill"));
    bar.firstChild.style.width = `${Math.max(0, Math.min(100, capacity ? (inside / capacity) * 100 : 100))}%`;
    return [
      el(`p.big${full ? ".full" : ""}`, el("b", counted(inside)), el("span", ` / ${number(capacity)}`), " ", el("small", t("inside"), full ? ` · ${t("FULL")}` : "")),
      bar,
      el("div.trust", suspect
        ? [el("b.badge.doubt", "? ", t("NOT SURE")), el("span", ` ${suspicion(suspect.reason)}, ${t("since {time}", { time: wall(suspect.at) })}`)]
        : [el("b.badge.sure", "✓ ", t("SURE")), reserved > 0 && el("span", ` ${t("{n} on the way in", { n: number(reserved) })}`)],
      unattributed < 0 && el("span", ` · ${t("{n} too many in the list", { n: number(-unattributed) })}`),
      el("span.soft", " · ", confirmed ? [t("last checked {time}", { time: wall(confirmed) }), " (", ticking(confirmed, "ago"), ")"] : t("not checked yet"))),
      el("p.row", may("confirm_count") && inside >= 0 && el("button", t("Count is right"), { type: "button", onclick: () => askConfirm(find) }),
        may("recount") && el("button", t("Recount"), { type: "button", onclick: () => askRecount(find) })),
    ];
  });
}

const SIGNS = { open: "●", closed: "■", lockdown: "✕", degraded: "!", emergency: "▲" };
const MEANS = {
  open: () => "",
  closed: () => t("No numbers, no deposits, no entries. Exits and collecting work."),
  lockdown: () => t("No numbers, no deposits, no entries. Exits and collecting work."),
  degraded: () => t("Nothing can be written down: no deposits, no entries. Exits and collecting work."),
  emergency: () => t("The arm is free in both directions. Everybody goes out."),
};

export function drawMode(position, find) {
  const { mode, session, lockdown, emergency, waiting, site, hall, simulated } = position;
  show("mode", [mode, session, lockdown, emergency, waiting, may("lockdown"), position.fire], () => [
    el(`p.mode.${mode}`, el("b", `${SIGNS[mode]} `, code("mode", mode))),
    el("p", [session === "closing" ? t("The session is closing") : session === "open" ? t("Session open") : t("Session closed"), t("{n} waiting", { n: number(waiting) })].join(" · ")),
    MEANS[mode]() && el("p.soft", MEANS[mode]()),
    el("p.row", may("lockdown") && el(lockdown ? "button.main" : "button.stop", lockdown ? t("End the lockdown") : t("Lockdown"), { type: "button", onclick: () => askLockdown(find) }),
      emergency && may("reset") && el("button", t("End the emergency"), { type: "button", disabled: Boolean(resetStop(position)), onclick: () => askReset(find) })),
    el("p.soft.site", `${site} / ${hall}`, simulated && el("b", ` · ${t("SIMULATION")}`)),
  ].filter(Boolean));
}

export function askConfirm(find) {
  ask(t("Is the count right?"), () => [el("p", t("You counted the people inside, and there are as many:")), el("p.big", el("b", number(find().inside)))], () => [
    { title: t("Confirm"), action: "confirm_count", args: {}, yes: t("Yes, {n} are inside", { n: number(find().inside) }), done: t("The count is confirmed.") },
  ]);
}

function askLockdown(find) {
  ask(find().lockdown ? t("End the lockdown") : t("Lockdown"), () => el("p", find().lockdown ? t("Numbers, deposits and entries are possible again.") : t("Stops numbers, deposits and entries at once. Nobody is locked in: exits and collecting go on.")), () => find().lockdown
    ? [{ title: t("End the lockdown"), action: "lockdown", args: { on: false }, reasons: ["all_clear", "drill_over", "false_alarm"], done: t("The lockdown has ended.") }]
    : [{ title: t("Begin the lockdown"), bad: true, action: "lockdown", args: { on: true }, reasons: ["unrest", "missing_person", "dangerous_item", "drill"], done: t("Lockdown: no entries.") }]);
}

export const resetStop = ({ fire }) => (fire ? t("Not yet: the fire contact is still active. Reset the fire panel first, then come back.") : "");

export function askReset(find) {
  ask(t("End the emergency"), () => facts([t("Fire contact"), find().fire ? t("ACTIVE") : t("at rest")], [t("Inside"), counted(find().inside)]), () => (find().emergency ? [
    { title: t("The arm locks again"), note: t("Only when the hall is safe and nobody stands in the arm. Count the people inside afterwards."), action: "reset", args: {}, bad: true,
      stop: resetStop(find()), yes: t("Yes, it is safe: lock the arm"), done: t("The emergency has ended. Count the people inside.") },
  ] : []));
}
