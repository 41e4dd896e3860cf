// The one dialog of this page: what it is about, and what can be done, each with the reasons as buttons that do it.
// A reason is part of the act: touching it acts, so that an act from the page takes two touches.
import { el } from "/dom.js";
import { act, may, me, why } from "/staff.js";
import { t } from "/text.js";
import { asCode, reasonName } from "/guard-words.js";

let open = null;
let secondId = "";
// A dialog that is open shows the hall as it changes.
export const refresh = () => open?.refresh();
// Without a connection nothing in it can be touched, but nothing that was ticked is lost.
export const holdAsked = (hold) => open && (open.dialog.lastChild.inert = hold);

export function saidDone(text) {
  const said = document.getElementById("said");
  said.textContent = text[0].toUpperCase() + text.slice(1); // some begin with a name: "locker 3 opens."
  clearTimeout(saidDone.timer);
  saidDone.timer = setTimeout(() => (said.textContent = ""), 6000);
}

export function opened(title, ...content) {
  open?.dialog.close();
  const part = document.activeElement?.closest("#count, #mode, .part");
  const heading = el("h2", title);
  const close = el("button.close", "✕", { type: "button", "aria-label": t("Close"), onclick: () => dialog.close() });
  const dialog = el("dialog.ask", { "aria-label": title }, el("div.head", heading, close),
    el("p.gone", t("NO CONNECTION: nothing can be done here now, and what you see may be wrong.")), el("div.body", content));
  dialog.lastChild.inert = document.body.classList.contains("lost");
  const mine = { dialog, heading, refresh: () => {} };
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (open === mine) open = null;
    if (document.activeElement === document.body) part?.focus({ preventScroll: true }); // its button was drawn anew
  });
  document.body.append(dialog);
  open = mine;
  dialog.showModal();
  return mine;
}

// `about()` gives what is shown above, anew whenever the hall changes. `groups()`: [{title, note, action, args, second,
// reasons, yes, done, bad, stop}]: `reasons` are codes, of which each is a button; without any, `yes` is the only one.
export function ask(title, about, groups) {
  const shown = el("div.about");
  const alarm = el("p.bad.problem", { role: "alert" });
  const list = el("div.groups");
  const mine = opened(title, shown, alarm, list);
  const second = seconds();
  let told = "";
  mine.refresh = () => {
    shown.replaceChildren(...[about()].flat().filter(Boolean));
    const now = groups().filter((one) => may(one.action));
    const key = JSON.stringify(now.map((one) => [one.title, one.note, one.action, one.stop, one.args]));
    if (key === told) return;
    told = key;
    const needed = now.some((one) => one.second);
    list.replaceChildren(
      ...(needed ? [second.box] : []),
      ...now.map((one) => group(one, second, alarm, mine)),
      ...(now.length ? [] : [el("p.soft", t("You may look; acting is for others."))]),
    );
  };
  mine.refresh();
  (mine.dialog.querySelector(".groups input, .groups button") ?? mine.dialog.querySelector(".close")).focus();
  return mine;
}

function seconds() {
  const id = el("input", { id: "second-id", type: "text", value: secondId, maxlength: 32, autocomplete: "off", autocapitalize: "none", spellcheck: "false" });
  const pin = el("input", { id: "second-pin", type: "password", maxlength: 12, inputmode: "numeric", autocomplete: "off" });
  const box = el("fieldset.second", el("legend", t("A second person confirms")),
    el("p.field", el("label", t("Staff id"), { for: "second-id" }), id),
    el("p.field", el("label", t("PIN"), { for: "second-pin" }), pin));
  return { box, id, pin };
}

function group(one, second, alarm, mine) {
  const run = async (reason) => {
    if (mine.dialog.classList.contains("busy")) return; // a key that is held asks again and again
    alarm.textContent = "";
    let who;
    if (one.second) {
      who = { id: second.id.value.trim(), pin: second.pin.value };
      const wrong = !who.id || !who.pin ? t("The second person gives id and PIN.")
        : who.id === me()?.id ? t("The second person must be another than you.") : "";
      if (wrong) {
        alarm.textContent = wrong;
        (who.id && who.id !== me()?.id ? second.pin : second.id).focus();
        return;
      }
      secondId = who.id;
    }
    mine.dialog.classList.add("busy");
    const answer = await act(one.action, reason ? { ...one.args, reason } : one.args, who);
    mine.dialog.classList.remove("busy");
    second.pin.value = "";
    if (!answer.ok) {
      alarm.textContent = why(answer.error);
      alarm.scrollIntoView({ block: "nearest" });
      return;
    }
    mine.dialog.close();
    saidDone(one.done ?? t("Done."));
  };
  const buttons = one.reasons
    ? [...one.reasons.map((reason) => el("button", reasonName(reason), { type: "button", onclick: () => run(reason) })), other(run)]
    : [el("button.main", one.yes, { type: "button", onclick: () => run("") })];
  return el(one.bad ? "section.group.danger" : "section.group", el("h3", one.title), one.note && el("p.soft", one.note),
    one.stop ? el("p.bad", one.stop) : el("div.choices", buttons));
}

// A reason of one's own; it is written down as a code of letters.
function other(run) {
  const input = el("input", { type: "text", maxlength: 60, "aria-label": t("Another reason, in a few words") });
  const form = el("form.other", { hidden: true, onsubmit: (event) => {
    event.preventDefault();
    const typed = asCode(input.value);
    input.setCustomValidity(typed.length < 2 ? t("At least two letters.") : "");
    if (input.reportValidity()) run(typed);
  } }, input, el("button.main", t("Do it")));
  input.addEventListener("input", () => input.setCustomValidity(""));
  const more = el("button.more", t("Another reason..."), { type: "button", onclick: () => {
    form.hidden = false;
    more.hidden = true;
    input.focus();
  } });
  return el("span.another", more, form);
}

// Name and value, line by line.
export const facts = (...pairs) => el("dl.facts", pairs.filter((pair) => pair && pair[1] !== "" && pair[1] !== undefined && pair[1] !== null)
  .map(([word, value]) => el("div", el("dt", word), el("dd", value))));
