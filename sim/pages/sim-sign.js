// A LED sign, dot by dot: sixteen letters wide, two lines high, in its own colour; dark when it has nothing to show.
import { HEIGHT, WIDTH, dots } from "/sim-font.js";
import { mark, svg } from "/sim-svg.js";

const LETTERS = 16;
const COLUMNS = LETTERS * WIDTH - 1;
const ROWS = 2 * HEIGHT + 2;

// Words that find no room in one line go into the next, as the sign's own firmware breaks a text.
export function broken(lines) {
  if (lines.length !== 1 || lines[0].length <= LETTERS) return lines;
  const told = [""];
  for (const word of lines[0].split(" ")) {
    const longer = told.at(-1) ? `${told.at(-1)} ${word}` : word;
    if (longer.length <= LETTERS) told[told.length - 1] = longer;
    else told.push(word);
  }
  return told;
}

function lit(lines) {
  const shown = broken(lines).slice(0, 2).map((line) => line.slice(0, LETTERS));
  const top = shown.length > 1 ? 0 : Math.floor((ROWS - HEIGHT) / 2);
  return shown.flatMap((line, number) => {
    const left = Math.floor((COLUMNS - (line.length * WIDTH - 1)) / 2);
    return dots(line).map(([column, row]) => [left + column, top + number * (HEIGHT + 2) + row]);
  });
}

const path = (pitch, those) => those.map(([column, row]) => `M${(column + 0.5) * pitch} ${(row + 0.5) * pitch}h0`).join("");

// A sign at x, y whose width is given; its height follows. `show({lines, mode, colour})` lights it.
export function sign(x, y, width) {
  const pitch = width / (COLUMNS + 2);
  const all = [];
  for (let row = 0; row < ROWS; row++) for (let column = 0; column < COLUMNS; column++) all.push([column, row]);
  const shining = svg("path", { "stroke-width": pitch * 0.78 });
  const height = (ROWS + 2) * pitch;
  const node = svg("g", { transform: `translate(${x} ${y})` },
    svg("rect", { width, height, rx: 6, class: "sign-case" }),
    svg("g", { transform: `translate(${pitch} ${pitch})`, class: "leds" },
      svg("path", { d: path(pitch, all), "stroke-width": pitch * 0.62, class: "unlit" }), shining));
  let before = "";
  const show = (leds) => {
    const now = JSON.stringify(leds);
    if (now === before) return;
    before = now;
    shining.setAttribute("d", path(pitch, lit(leds.lines)));
    mark(shining, ["lit", leds.colour, leds.mode === "flash" && "flashing"]);
  };
  return { node, height, show };
}
