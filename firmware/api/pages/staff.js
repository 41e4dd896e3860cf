// Who works at this page: signing in, and acting in their name. A locked session shows on; acting asks for the PIN.
import { $, el } from "/dom.js";
import { code, t } from "/text.js";

let session = null;
export const may = (action) => Boolean(session?.may.includes(action));
export const me = () => session;

async function call(method, path, body, headers = {}) {
  const answer = await fetch(path, {
    method, headers: { "content-type": "application/json", ...headers }, body: body && JSON.stringify(body),
  });
  return [answer.status, await answer.json()];
}

// A question over the page. `fields`: [name, label, type, value]; of a select [name, label, "select", choices, chosen]. Resolves to their values, or null when it is closed.
export function question(title, fields, yes, note = "") {
  return new Promise((resolve) => {
    const inputs = fields.map(([name, label, type = "text", value = "", chosen]) => {
      const input = type === "select"
        ? el("select", { name, id: `q-${name}` }, value.map(([key, text]) => el("option", text, { value: key, selected: key === chosen })))
        : el("input", { name, id: `q-${name}`, type, value, autocomplete: "off", ...(type === "password" ? { inputmode: "numeric" } : {}) });
      return el("p.field", el("label", label, { for: `q-${name}` }), input);
    });
    const form = el("form", { method: "dialog" }, el("h2", title), note && el("p.bad", note, { role: "alert" }), inputs,
      el("p.row.end", el("button", t("Cancel"), { type: "button", onclick: () => dialog.close() }), el("button.main", yes)));
    const dialog = el("dialog", { "aria-label": title }, form);
    let told = null;
    form.addEventListener("submit", () => (told = Object.fromEntries(new FormData(form))));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(told);
    });
    document.body.append(dialog);
    dialog.showModal();
    const asked = [...form.querySelectorAll("input,select")];
    const known = asked[0]?.matches("input") && asked[0].value; // what is filled in already is not asked first
    ((known && asked.find((one) => !one.value)) || asked[0] || form.querySelector("button.main")).focus();
  });
}

// Ask who is there until somebody is, or the question is closed.
export async function signIn(id = session?.id ?? "", note = "") {
  for (;;) {
    const asked = await question(t("Sign in"), [["id", t("Staff id"), "text", id], ["pin", t("PIN"), "password"]], t("Sign in"), note);
    if (!asked) return false;
    const [status, answer] = await call("POST", "/api/v1/session", asked).catch(() => [0, null]);
    if (status === 200) {
      session = answer;
      dispatchEvent(new Event("staff"));
      return true;
    }
    id = asked.id;
    note = status === 401 ? t("This id and PIN do not go together.") : status === 429 ? t("Too many wrong PINs: wait a quarter of an hour.") : t("The hall does not answer.");
  }
}

export async function begin() {
  const [status, answer] = await call("GET", "/api/v1/session");
  if (status === 200) session = answer; // null: nobody has signed in
  dispatchEvent(new Event("staff"));
  return session !== null || signIn();
}

export async function signOut() {
  await call("DELETE", "/api/v1/session");
  session = null;
  dispatchEvent(new Event("staff"));
}

// Resolves to {ok, result | error: {code, message}}; asks for the PIN where it is wanted again.
export async function act(name, args = {}, second = undefined) {
  for (;;) {
    let status, answer;
    try {
      [status, answer] = await call("POST", `/api/v1/actions/${name}`, second ? { args, second } : { args }, { "x-besuk-token": session?.token ?? "" });
    } catch {
      return notDone("no_answer");
    }
    if (status === 200) return answer;
    if (status === 429 && second) return notDone("pins", t("Too many wrong PINs: wait a quarter of an hour."));
    if (status !== 401 && status !== 403) return notDone({ 408: "no_answer", 429: "busy" }[status] ?? (status < 500 ? "malformed" : "no_answer"));
    const locked = (await call("GET", "/api/v1/session").catch(() => []))[1]?.locked;
    const asked = signIn(session?.id, locked ? t("Nobody used this page for a while: give your PIN, and it is done.") : t("You are signed out: sign in, and it is done."));
    if (!(await asked)) return notDone("no_pin", t("Not done: no PIN was given."));
  }
}

const notDone = (reason, message = t("The hall does not answer.")) => ({ ok: false, error: { code: reason, message } });

export const why = ({ code: name, message }) => code("refusal", name, message);
