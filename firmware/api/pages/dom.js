// Small hands for a page: elements from text, never from markup, and parts that are made anew only when they change.
export const $ = (id) => document.getElementById(id);

// el("li.warn", "text", child, {"aria-label": "..", onclick: act})
export function el(name, ...parts) {
  const [tag, ...classes] = name.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const part of parts.flat(Infinity)) {
    if (part === null || part === undefined || part === false) continue;
    if (typeof part === "object" && !(part instanceof Node)) {
      for (const [key, value] of Object.entries(part)) {
        if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
        else if (value === true) made.setAttribute(key, "");
        else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value);
      }
    } else made.append(part instanceof Node ? part : String(part));
  }
  return made;
}

// A redraw of something that has not changed would lose a click, a focus, a selection: so it is not redrawn.
const shown = new Map();
export function show(id, value, make) {
  const key = JSON.stringify(value);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  $(id).replaceChildren(...[make(value)].flat());
}

export function say(id, text) {
  if ($(id).textContent !== String(text)) $(id).textContent = text;
}

// A list of rows that stay the same elements while they show the same: `key(item)` names a row, `make(item)` draws it.
const kept = new WeakMap();
export function rows(list, items, key, make) {
  const before = kept.get(list) ?? new Map();
  const after = new Map();
  for (const item of items) {
    const text = JSON.stringify(item);
    const known = before.get(key(item));
    after.set(key(item), known?.text === text ? known : { text, node: make(item) });
  }
  for (const [name, { node }] of before) if (after.get(name)?.node !== node) node.remove();
  let at = list.firstElementChild;
  for (const { node } of after.values()) {
    if (node === at) at = at.nextElementSibling;
    else list.insertBefore(node, at);
  }
  kept.set(list, after);
}
