// Texts in the reader's language. The English text is its own key; `code("refusal", "no_card")` is a code in words.
export const language = document.documentElement.lang;
const { texts } = await import(`/texts/${language}.js`);

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (mark, name) => values[name] ?? mark);
export const t = (english, values = {}) => fill(texts[english] ?? english, values);
export const code = (context, name, otherwise = name.replaceAll("_", " ")) => texts[`${context}|${name}`] ?? otherwise;

const locale = language === "id" ? "id-ID" : "en-GB";
// The site's wall time, whatever the browser's own zone: a label such as 2026-11-21T08:31:07.250+08:00 names it.
export const clock = (label) => (locale === "id-ID" ? label.slice(11, 16).replace(":", ".") : label.slice(11, 16));
export const day = (label) => new Intl.DateTimeFormat(locale, { dateStyle: "full", timeZone: "UTC" }).format(new Date(`${label.slice(0, 10)}T00:00:00Z`));
// A label so many ms later; the distance from UTC stays.
export const later = (label, ms) => {
  const offset = /[+-]\d\d:\d\d$/.exec(label)?.[0] ?? "Z";
  const east = offset === "Z" ? 0 : Number(`${offset[0]}1`) * (Number(offset.slice(1, 3)) * 60 + Number(offset.slice(4)));
  return new Date(Date.parse(label) + ms + east * 60000).toISOString().replace("Z", offset);
};
export const number = (value) => new Intl.NumberFormat(locale).format(value);
// A length of time in whole minutes, or in hours and minutes from 60 on.
export const minutes = (ms) => {
  const whole = Math.floor(Math.abs(ms) / 60000);
  return whole < 60 ? t("{n} min", { n: whole }) : t("{h} h {n} min", { h: Math.floor(whole / 60), n: whole % 60 });
};
