// The guards' page: the truth at a glance, and what to do about it. Parts are drawn by the modules beside this one.
import { $, el, say } from "/dom.js";
import { listen } from "/stream.js";
import { begin, me, signIn, signOut } from "/staff.js";
import { clock, code, day, t } from "/text.js";
import { lostTitle, switchSound, watchAlarms } from "/guard-alarm.js";
import { holdAsked, refresh } from "/guard-ask.js";
import { drawCount, drawMode } from "/guard-count.js";
import { drawInside } from "/guard-inside.js";
import { drawLockers } from "/guard-lockers.js";
import { drawMuster, musterLost, printMuster, stamp } from "/guard-muster.js";
import { drawTasks } from "/guard-tasks.js";
import { drawDevices, drawGate } from "/guard-things.js";
import { keepTime, label, present, tick, wall } from "/guard-time.js";

let position = null;
let heardAt = 0;
let now = null;
const find = () => position;

function draw() {
  if (!position) return;
  drawCount(position, find);
  drawMode(position, find);
  drawTasks(position, find);
  const over = drawInside(position, find);
  drawGate(position);
  drawLockers(position, find);
  drawDevices(position);
  drawMuster(position);
  watchAlarms(position, over);
  refresh();
}

// A part that is drawn anew keeps the focus that was in it: on the same button, or where tasks went, on the part.
function keepingFocus(act) {
  const held = document.activeElement;
  const part = held?.closest("#count, #mode, .part");
  act();
  if (!part || held.isConnected) return;
  const same = part.matches(".part") ? null : [...part.querySelectorAll("button")].find((one) => one.textContent === held.textContent);
  (same ?? part).focus({ preventScroll: true });
}

function seen(next) {
  position = next;
  keepTime(next, now);
  if (heardAt === 0) beat();
  keepingFocus(draw);
}

let isLost = false;
function lost(gone) {
  isLost = gone;
  document.body.classList.toggle("lost", gone);
  $("parts").inert = gone;
  holdAsked(gone);
  $("count").inert = gone;
  $("mode").inert = gone;
  $("lost").hidden = !gone;
  if (!gone) {
    asking = false;
    musterLost(null);
    draw();
    return;
  }
  musterLost(position ? heardAt : null);
  lostTitle();
  $("lost").replaceChildren(el("b", t("NO CONNECTION")), " ", position
    ? t("What you see is from {time} and may be wrong by now. Watch the hall with your own eyes; the list still prints.", { time: wall(heardAt) })
    : t("Nothing is known of the hall."));
}

// A stream that is refused may mean that the shift is over, or that the hall began anew: then somebody signs in again.
// Who closes the question is not asked again by itself.
let asking = false;
async function refused() {
  if (asking) return;
  asking = true;
  try {
    if (!(await begin())) {
      $("lost").append(el("button", t("Sign in"), { type: "button", onclick: () => signIn() }));
      return;
    }
  } catch {
    // the hall does not answer: the bar says so already
  }
  asking = false;
}

function beat() {
  if (position && !isLost) {
    heardAt = present();
    say("clock", `${clock(label(heardAt))} · ${day(label(heardAt))}`);
    tick();
    keepingFocus(() => watchAlarms(position, drawInside(position, find)));
  }
  stamp();
}

async function start(ask) {
  const known = await ask();
  $("nobody").hidden = known;
  $("watch").hidden = !known;
  if (!known || now) return;
  now = listen("guard", seen, lost, refused);
  setInterval(beat, 1000);
}

addEventListener("staff", () => {
  say("who", me() ? t("{id}, {role}", { id: me().id, role: code("role", me().role) }) : "");
  draw();
});
addEventListener("beforeprint", () => stamp());
$("sign-in").addEventListener("click", () => start(signIn));
$("sign-out").addEventListener("click", () => signOut().then(() => location.reload()));
$("print").addEventListener("click", printMuster);
$("sound").addEventListener("click", (event) => switchSound(event.currentTarget));
start(begin);
