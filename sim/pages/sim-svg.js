// Drawing: elements of SVG from attributes and children, and things that can be clicked, with the keyboard too.
const NAMES = document.getElementById("hall").namespaceURI;

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(NAMES, name);
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== null) made.setAttribute(key, value);
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export const text = (x, y, words, attributes = {}) => svg("text", { x, y, ...attributes }, String(words));

// Something of the hall that a hand can do something to: a click or Enter does `act`, a right click or the menu key `more`.
export function thing(attributes, label, act, more, ...children) {
  const made = svg("g", { role: "button", tabindex: 0, "aria-label": label, ...attributes }, ...children);
  made.addEventListener("click", act);
  made.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  });
  if (more) {
    made.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      more(event);
    });
  }
  return made;
}

export function name(thing, label) {
  if (thing.getAttribute("aria-label") !== label) thing.setAttribute("aria-label", label);
}

export function mark(thing, classes) {
  const value = classes.filter(Boolean).join(" ");
  if (thing.getAttribute("class") !== value) thing.setAttribute("class", value);
}
