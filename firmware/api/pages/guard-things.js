// The gate and the devices: how each arm stands and who is in it; what is in trouble, what that means, which cable.
import { el, say, show } from "/dom.js";
import { code, number, t } from "/text.js";
import { cardOf, deviceKind, healthWord } from "/guard-words.js";

const ARMS = { released: "⇄", free_in: "→", free_out: "←", locked: "■", unknown: "?", absent: "–" };

export function drawGate(position) {
  show("gate", position.lanes, () => el("ul.lanes", position.lanes.map(lane)));
}

function lane(one) {
  const well = !one.health || one.health === "ok";
  const grant = one.grants[0];
  const look = !well ? ".bad" : one.arm === "released" ? ".warn" : one.arm === "locked" ? "" : ".open";
  const inArm = one.moving ? (grant ? t("Somebody is in the arm: {who}", { who: whose(grant) }) : t("Somebody is in the arm, without a tap")) : "";
  return el(`li.lane${look}`, el("b", one.lane), " ", el("span.arm", `${ARMS[one.arm] ?? ""} `, code("arm", one.arm)),
    !well && el("p.bad", "! ", t("The arm: {health}", { health: healthWord(one.health) })),
    inArm && el("p", inArm),
    one.grants.map((each) => el("p", `${ARMS[`free_${each.direction}`]} `, each.direction === "in" ? t("May enter: {who}, {n} of {all} through", { who: whose(each), n: each.passed, all: each.persons })
      : t("May leave: {who}, {n} of {all} through", { who: whose(each), n: each.passed, all: each.persons }))));
}

const whose = (grant) => [grant.ticket, cardOf(grant), grant.reason && code("grant", grant.reason)].filter(Boolean).join(", ") || t("somebody");

// What it means for people in the hall while such a device is down.
const MEANS = {
  reader_desk: () => t("Officers type the number printed on the card."),
  reader_locker: () => t("No locker opens by card: guards open them by inspection."),
  reader_entry: () => t("Nobody enters by card. Send visitors to another gate, or wait."),
  reader_exit: () => t("Let visitors out with the exit button."),
  bank: () => t("Lockers do not open, and their doors cannot be seen. Keep the key at hand."),
  lane: () => t("Watch the gate yourself and count who passes; then confirm the count."),
  sign: () => t("Call numbers by voice; the display still shows them."),
  fire: () => t("It counts as fire: the arm is free. Watch the gate."),
  ticket: () => t("Officers give numbers at the counter."),
  exit_button: () => t("Visitors leave with their cards only."),
  disk: () => t("No deposits and no entries. Exits, collecting and fire work. Write on paper."),
  broker: () => t("The hall goes on alone; everything is sent later."),
  clock: () => t("Hours do not open or close the session by themselves; times are uncertain."),
};

// What people's safety and ways hang on comes first.
const FIRST = ["fire", "disk", "lane", "reader_exit", "exit_button", "bank", "reader_entry", "reader_locker"];

export function drawDevices(position) {
  const rank = (one) => (FIRST.indexOf(one.kind) + 1 || FIRST.length + 1);
  const troubled = position.devices.filter((one) => one.health !== "ok" || one.detail).sort((a, b) => rank(a) - rank(b));
  const well = position.devices.length - troubled.length;
  show("devices", troubled, () => troubled.length === 0 ? el("p.calm", "✓ ", t("All devices are well."))
    : el("ul.devices", troubled.map(device)));
  say("devices-sum", t("{n} of {all} well", { n: number(well), all: number(position.devices.length) }));
  say("n-devices", troubled.length || "");
  return troubled;
}

function device(one) {
  const quiet = one.kind === "broker" || one.kind === "clock";
  return el(quiet ? "li.device" : "li.device.bad", el("h3", "! ", deviceKind(one.kind), one.device !== one.kind && el("span.soft", ` ${one.device}`), ": ", healthWord(one.kind === "clock" ? "unsynced" : one.health)),
    MEANS[one.kind] && el("p", MEANS[one.kind]()),
    one.waiting > 0 && el("p", t("{n} records wait to be written", { n: number(one.waiting) }), one.lost ? t("; {n} are lost", { n: number(one.lost) }) : ""),
    (one.detail || one.cable) && el("p.technician", el("b", t("For the technician:")), " ", one.detail && el("q", one.detail, { lang: "en" }), one.cable && el("span", " ", t("Cable: {cable}", { cable: one.cable }))));
}
