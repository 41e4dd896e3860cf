// What is new makes itself seen and, if somebody switched it on, heard; and tells its number in the title of the window.
import { $ } from "/dom.js";
import { t } from "/text.js";
import { name, taskName, lockerName } from "/guard-words.js";

const FLASH_MS = 4000;
let known = null;
let audio = null;

export function watchAlarms(position, over) {
  const found = new Map();
  const late = new Map();
  for (const task of position.tasks) found.set(task.task, [taskName(task.reason), task.locker !== undefined && lockerName(task.locker), name(task)].filter(Boolean).join(", "));
  if (position.emergency) found.set("emergency", t("Emergency: the arm is free, everybody goes out"));
  if (position.suspect) found.set(`suspect ${position.suspect.at}`, t("The count may be wrong"));
  for (const one of position.visits) if (one.overstays && one.inside) late.set(`${one.visit} ${one.overstays}`, t("{who} is over time", { who: name(one) }));
  const fresh = (told) => known === null ? [] : [...told].filter(([key]) => !known.has(key)).map(([, text]) => text);
  const news = [["tasks-part", fresh(found)], ["inside-part", fresh(late)]].filter(([, texts]) => texts.length);
  known = new Set([...found.keys(), ...late.keys()]);
  if (news.length) {
    $("news").textContent = news.flatMap(([, texts]) => texts).join(". ");
    for (const [part] of news) flash($(part));
    ring();
  }
  const n = position.tasks.length + (position.more_tasks ?? 0) + over + (position.emergency ? 1 : 0) + (position.suspect ? 1 : 0);
  const title = `${position.emergency ? "▲ " : ""}${n ? `(${n}) ` : ""}${t("Guards")} - besuk`;
  if (document.title !== title) document.title = title;
}

export const lostTitle = () => (document.title = `${t("NO CONNECTION")} - ${t("Guards")} - besuk`);

const flashing = new Map();
function flash(part) {
  part.classList.add("flash");
  clearTimeout(flashing.get(part));
  flashing.set(part, setTimeout(() => part.classList.remove("flash"), FLASH_MS));
}

// Off until somebody switches it on: a browser lets nothing sound before it was touched.
export function switchSound(button) {
  audio = audio ? (audio.close(), null) : new AudioContext();
  button.setAttribute("aria-pressed", String(Boolean(audio)));
  button.textContent = audio ? t("Sound is on") : t("Sound");
  ring();
}

function ring() {
  if (!audio) return;
  for (const [at, pitch] of [[0, 880], [0.25, 660], [0.5, 880]]) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    tone.frequency.value = pitch;
    loud.gain.setValueAtTime(0.2, audio.currentTime + at);
    loud.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + at + 0.22);
    tone.connect(loud).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.23);
  }
}
