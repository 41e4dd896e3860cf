// What things are called: whom a visit is, a party in words, codes with the reader's own text.
import { code, number, t } from "/text.js";

export const name = (one) => one.ticket ?? one.visit ?? "";
export const cardOf = (one) => (one.card ? t("card {card}", { card: one.card }) : "");
export const cardAndState = (one) => (one.card_state ? `${cardOf(one)}: ${code("cardstate", one.card_state)}` : cardOf(one));
export const lockerName = (number) => t("locker {n}", { n: number });

// A count below zero is wrong by itself: no number is told.
export const counted = (n) => (n < 0 ? "?" : number(n));

// "3 people (2 adults, 1 child)"; a single adult is just "1 person".
export const size = (one) => one.adults + one.children + one.carried;
export const people = (n) => (n === 1 ? t("1 person") : t("{n} people", { n }));
export const children = (one) => [
  one.children && (one.children === 1 ? t("1 child") : t("{n} children", { n: one.children })),
  one.carried && (one.carried === 1 ? t("1 infant") : t("{n} infants", { n: one.carried })),
].filter(Boolean).join(", ");
export const party = (one) => (children(one) ? `${people(size(one))} (${children(one)})` : people(size(one)));

export const taskName = (reason) => code("task", reason);
export const doNow = (task) => code("do", task.reason, task.do);
export const suspicion = (reason) => code("suspicion", reason);
export const reasonName = (reason) => code("why", reason);
export const deviceKind = (kind) => code("device", kind);
export const healthWord = (health) => code("device", health);

// What somebody typed, as a code: "kunci patah!" is kunci_patah.
export const asCode = (text) => text.toLowerCase().replace(/[^a-z]+/g, "_").replace(/^_+|_+$/g, "").slice(0, 40);
