// Renders /openapi.json: every path with its words, parameters and the form of its body. Text only, never markup.
const spec = await (await fetch("/openapi.json")).json();

const element = (name, text = "", className = "") => {
  const made = document.createElement(name);
  made.textContent = text;
  made.className = className;
  return made;
};

const resolve = (schema) =>
  schema?.$ref ? resolve(spec.components.schemas[schema.$ref.split("/").pop()]) : schema;

const kind = (schema) => {
  const one = resolve(schema) ?? {};
  if (one.anyOf) return one.anyOf.map(kind).join(" | ");
  if (one.enum) return one.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (one.const !== undefined) return JSON.stringify(one.const);
  const bounds = [one.minimum !== undefined && `>= ${one.minimum}`, one.maximum !== undefined && `<= ${one.maximum}`,
    one.pattern && `/${one.pattern}/`].filter(Boolean).join(", ");
  return (one.type ?? "any") + (bounds ? ` (${bounds})` : "");
};

const body = (operation) => {
  const schema = resolve(operation.requestBody?.content?.["application/json"]?.schema);
  if (!schema?.properties) return "";
  const needed = new Set(schema.required ?? []);
  return Object.entries(schema.properties)
    .map(([name, field]) => `${name}${needed.has(name) ? "" : "?"}: ${kind(field)}`).join("\n");
};

const list = document.getElementById("paths");
document.title = document.getElementById("title").textContent = `${spec.info.title}: API`;
let group = "";
for (const [path, methods] of Object.entries(spec.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const tag = operation.tags?.[0] ?? "";
    if (tag !== group) list.append(element("h2", (group = tag)));
    const card = element("section", "", "card");
    const head = element("div");
    head.append(element("strong", method.toUpperCase()), " ", element("code", path));
    card.append(head, element("div", operation.description ?? "", "soft"));
    const places = (operation.parameters ?? []).map((one) => `${one.name} (${one.in}): ${kind(one.schema)}`);
    const told = [...places, body(operation)].filter(Boolean).join("\n");
    if (told) card.append(Object.assign(element("pre", told), { tabIndex: 0 })); // a long line is scrolled with keys, too
    list.append(card, element("br"));
  }
}
