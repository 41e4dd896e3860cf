// Counting again: the people of each visit ticked on the list, and those of no visit. The difference is shown before it
// is sent; whoever comes or goes meanwhile has to be counted anew.
import { el } from "/dom.js";
import { number, t } from "/text.js";
import { act, why } from "/staff.js";
import { opened, saidDone } from "/guard-ask.js";
import { cardOf, lockerName, name, party, reasonName, size } from "/guard-words.js";

const NAMED_MOST = 12;
const REASONS = ["counted_by_list", "unwatched_gap", "somebody_followed", "entered_wrong"];

export function askRecount(find) {
  const rows = new Map();
  const inside = el("ul.count-list");
  const others = el("ul.count-list");
  const fold = el("details.others", el("summary", t("Not inside, by the books")), others);
  const strangers = stepper(t("Of no visit"), 0, 50, Math.max(0, find().unattributed), () => sum());
  const told = el("p.sum", { role: "status" });
  const open = el("p.warn");
  const alarm = el("p.bad.problem", { role: "alert" });
  let reason = "";
  const reasons = REASONS.map((one) => el("button", reasonName(one), { type: "button", "aria-pressed": "false", onclick: (event) => {
    reason = one;
    for (const each of reasons) each.setAttribute("aria-pressed", String(each === event.currentTarget));
  } }));
  const send = el("button.main", { type: "button", onclick: () => record() });
  const all = el("button", t("Tick all as recorded"), { type: "button", onclick: () => {
    for (const one of rows.values()) if (one.recorded) one.set(one.recorded, true);
    sum();
  } });

  const counted = () => [...rows.values()].reduce((whole, one) => whole + one.value(), 0) + strangers.value();
  function sum() {
    const recorded = find().inside;
    const difference = counted() - recorded;
    told.replaceChildren(t("Recorded {n}", { n: number(recorded) }), " · ", t("counted {n}", { n: number(counted()) }), " · ",
      el(difference ? "b.bad" : "b.good", difference ? t("difference {n}", { n: `${difference > 0 ? "+" : "−"}${number(Math.abs(difference))}` }) : t("no difference")));
    const left = [...rows.values()].filter((one) => one.recorded && !one.ticked());
    open.textContent = left.length === 0 ? "" : left.length > NAMED_MOST ? t("{n} visits are not ticked, and count as not inside", { n: number(left.length) })
      : t("Not ticked, so counted as not inside: {who}", { who: left.map((one) => one.name).join(", ") });
    send.textContent = t("Record: {n} inside", { n: number(counted()) });
  }

  async function record() {
    alarm.textContent = reason ? "" : t("Choose why you count.");
    if (!reason) return;
    const present = Object.fromEntries([...rows.entries()].map(([visit, one]) => [visit, one.value()]).filter(([, n]) => n));
    mine.dialog.classList.add("busy");
    const answer = await act("recount", { present, unattributed: strangers.value(), reason });
    mine.dialog.classList.remove("busy");
    if (!answer.ok) {
      alarm.textContent = why(answer.error);
      return;
    }
    mine.dialog.close();
    saidDone(t("Counted: {n} inside.", { n: number(answer.result.after) }));
  }

  const mine = opened(t("Recount"),
    el("p", t("Go through the room with this list. Tick each visit whose people you see; change the number where some are missing.")),
    el("p.row", all), told, inside, strangers.box, fold,
    el("div.send", open, alarm, el("h3", t("Why do you count?")), el("div.choices", reasons, send)));
  mine.dialog.classList.add("wide");
  mine.refresh = () => {
    const live = new Map(find().visits.map((one) => [one.visit, one]));
    for (const [visit, one] of rows) {
      if (live.has(visit)) continue;
      one.box.remove();
      rows.delete(visit);
    }
    for (const [visit, one] of live) {
      const known = rows.get(visit);
      const recorded = one.inside ?? 0;
      if (!known) {
        const made = row(one, sum);
        rows.set(visit, made);
        (recorded ? inside : others).append(made.box);
        if (mine.begun && recorded) made.changed();
      } else if (known.recorded !== recorded) {
        known.recorded = recorded;
        known.set(0, false);
        known.changed();
        (recorded ? inside : others).append(known.box);
      }
    }
    mine.begun = true;
    fold.hidden = others.childElementCount === 0;
    sum();
  };
  mine.refresh();
  all.focus();
}

function row(one, changed) {
  const note = el("span.warn");
  const tick = el("input", { type: "checkbox", id: `tick-${one.visit}` });
  const counted = stepper(t("People of {who}", { who: name(one) }), 0, size(one), 0, (value) => {
    tick.checked = value > 0 || tick.checked;
    made.box.classList.toggle("ticked", tick.checked);
    changed();
  }, true);
  const made = {
    name: name(one), recorded: one.inside ?? 0,
    value: counted.value, ticked: () => tick.checked,
    set: (value, ticked) => {
      counted.set(value);
      tick.checked = ticked;
      note.textContent = "";
      made.box.classList.toggle("ticked", ticked);
    },
    changed: () => (note.textContent = t("came or went just now: look again")),
  };
  tick.addEventListener("change", () => {
    made.set(tick.checked ? made.recorded || size(one) : 0, tick.checked);
    changed();
  });
  made.box = el("li", tick, el("label", el("b", name(one)), " ", el("span.soft", [party(one), cardOf(one), ...(one.lockers ?? []).map((each) => lockerName(each))].filter(Boolean).join(" · ")), " ", note, { for: tick.id }), counted.box);
  return made;
}

function stepper(label, least, most, from, changed, bare = false) {
  let value = from;
  const shown = el("output", number(value), { "aria-label": label });
  const set = (next) => {
    value = Math.max(least, Math.min(most, next));
    shown.textContent = number(value);
  };
  const by = (step, sign, words) => el("button", sign, { type: "button", "aria-label": words, onclick: () => {
    set(value + step);
    changed(value);
  } });
  const box = el(bare ? "span.stepper" : "p.stepper", !bare && el("b", label), by(-1, "−", t("{what}: one fewer", { what: label })), shown, by(1, "+", t("{what}: one more", { what: label })));
  return { box, value: () => value, set };
}
