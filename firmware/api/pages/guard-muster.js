// The list of everybody inside, for paper: made of what the page knows, so it prints without any connection.
import { $, el, say, show } from "/dom.js";
import { clock, day, number, t } from "/text.js";
import { label, present, wall } from "/guard-time.js";
import { cardOf, counted, name, party, suspicion } from "/guard-words.js";

let lostAt = null;
export const musterLost = (at) => (lostAt = at);
export const printMuster = () => print();

export function drawMuster(position) {
  const people = position.visits.filter((one) => one.inside).sort((a, b) => name(a).localeCompare(name(b)));
  show("muster", [people, position.inside, position.unattributed, position.suspect, position.confirmed_at, position.mode], () => [
    el("h1", t("People inside")),
    el("p", el("b", `${position.site} / ${position.hall}`), position.simulated && ` · ${t("SIMULATION")}`, " · ", el("span", { id: "muster-time" })),
    el("p", { id: "muster-lost" }),
    el("p.total", t("By the books: {n} people inside, {visits} visits", { n: counted(position.inside), visits: number(people.length) }),
      position.unattributed > 0 && t(", of them without a card: {n}", { n: number(position.unattributed) }),
      position.unattributed < 0 && t(", for {n} went out without a valid card", { n: number(-position.unattributed) })),
    position.suspect ? el("p", el("b", t("The count may be wrong")), `: ${suspicion(position.suspect.reason)}, ${t("since {time}", { time: wall(position.suspect.at) })}`)
      : el("p", position.confirmed_at ? t("Last checked {time}", { time: wall(position.confirmed_at) }) : t("not checked yet")),
    el("table", el("thead", el("tr", [t("Seen"), t("Number"), t("Visit"), t("Card"), t("Inside"), t("Party"), t("Since"), t("Locker")].map((word) => el("th", word, { scope: "col" })))),
      el("tbody", people.map((one) => el("tr", [el("td.tick", "☐"), el("td", el("b", one.ticket ?? "")), el("td", one.visit), el("td", one.card ?? ""), el("td", number(one.inside)), el("td", party(one)),
        el("td", one.since ? wall(one.since) : ""), el("td", (one.lockers ?? []).join(", "))])),
      Array.from({ length: 3 }, () => el("tr", el("td.tick", "☐"), el("td", " "), ...Array.from({ length: 6 }, () => el("td")))))),
    el("div.signed", [t("Counted"), t("Guard"), t("Second guard"), t("Time")].map((word) => el("p", el("span", word)))),
    el("p", t("This list has no names. Visits are free.")),
  ]);
  stamp();
}

// When it is printed, and whether what it tells is old.
export function stamp() {
  if (!$("muster-time")) return;
  const now = label(present());
  say("muster-time", t("printed {day}, {time}", { day: day(now), time: clock(now) }));
  say("muster-lost", lostAt === null ? "" : t("NO CONNECTION: this is how things stood at {time}. Who came or went since is missing.", { time: wall(lostAt) }));
}
