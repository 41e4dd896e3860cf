// The hands of whoever plays: what they ask of the virtual hall, what they hold, and the choice before them.
import { $, el } from "/dom.js";
import { code, t } from "/text.js";

const API = "/api/sim/v1";
const PRESS_MS = 400;
let told = 0;
let after = () => {};
export const whenDone = (look) => (after = look);

export async function get(path) {
  const answer = await fetch(API + path);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

// What was asked and how that ended: the answer, or null after having told why not.
export async function hand(method, path, body) {
  try {
    const answer = await fetch(API + path, { method, headers: { "content-type": "application/json" }, body: body && JSON.stringify(body) });
    const result = await answer.json();
    if (!answer.ok) return tell(result.detail);
    after();
    return result;
  } catch {
    return tell(t("The hall does not answer."));
  }
}

// As an officer or guard: the result, or null.
export async function order(action, args, actor = "officer-1") {
  const answer = await hand("POST", "/desk", { action, args, actor });
  if (answer && !answer.ok) return tell(code("refusal", answer.error.code, answer.error.message));
  return answer?.result ?? null;
}

export function tell(words) {
  clearTimeout(told);
  $("told").textContent = words;
  $("told").hidden = false;
  told = setTimeout(() => ($("told").hidden = true), 5000);
  return null;
}

// -- cards

export const held = () => $("card").value;
export const number = () => $("card").selectedOptions[0]?.dataset.number ?? "";
export const tap = (reader) => hand("POST", `/readers/${reader}/tap`, { uid: held() });
export const lay = (reader) => hand("PUT", `/readers/${reader}/cards/${held()}`);
export const take = (reader, uid) => hand("DELETE", `/readers/${reader}/cards/${uid}`);

// -- doors, arms, buttons, trouble

export const door = (locker, to, content) => hand("POST", `/lockers/${locker}/door`, content === undefined ? { to } : { to, content });
export const contact = (name, active) => hand("PUT", `/contacts/${name}`, { active });
export const press = async (name) => {
  await contact(name, true);
  setTimeout(() => contact(name, false), PRESS_MS);
};
export const push = async (lane, direction) => {
  const answer = await hand("POST", `/arm/${lane}/push`, { direction, carrying: null });  // with the infants of those whom it is free for
  if (answer && !answer.passed) tell(t("The arm does not yield: tap a card first."));
  return answer?.passed ?? false;
};
export const fault = (device, kind) => (kind ? hand("PUT", `/faults/${device}`, { fault: kind }) : hand("DELETE", `/faults/${device}`));
export const power = (on) => hand("PUT", "/power", { on });

// A choice of things to do: [words, act, class] each. The keyboard and Escape work, as in any dialog.
export function choose(title, choices, event) {
  const close = (act) => () => {
    dialog.close();
    act();
  };
  const dialog = el("dialog.menu", { "aria-label": title }, el("h2", title),
    choices.map(([words, act, name = ""]) => el(name ? `button.${name}` : "button", words, { type: "button", onclick: close(act) })),
    el("button.cancel", t("Cancel"), { type: "button", onclick: () => dialog.close() }));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (clicked) => clicked.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  if (event?.clientX) {
    const box = dialog.getBoundingClientRect();
    dialog.style.margin = "0";
    dialog.style.left = `${Math.max(8, Math.min(event.clientX, innerWidth - box.width - 8))}px`;
    dialog.style.top = `${Math.max(8, Math.min(event.clientY, innerHeight - box.height - 8))}px`;
  }
}
