// The letters of a sign of 5 x 7 dots: seven rows from above, each five bits with the left dot highest.
const ROWS = {
  A: "0e11111f111111", B: "1e11111e11111e", C: "0e11101010110e", D: "1e11111111111e", E: "1f10101e10101f",
  F: "1f10101e101010", G: "0e11101711110f", H: "1111111f111111", I: "0e04040404040e", J: "0702020202120c",
  K: "11121418141211", L: "1010101010101f", M: "111b1515111111", N: "11111915131111", O: "0e11111111110e",
  P: "1e11111e101010", Q: "0e11111115120d", R: "1e11111e141211", S: "0f10100e01011e", T: "1f040404040404",
  U: "1111111111110e", V: "11111111110a04", W: "11111115151b11", X: "11110a040a1111", Y: "11110a04040404",
  Z: "1f01020408101f", 0: "0e11131519110e", 1: "040c040404040e", 2: "0e11010204081f", 3: "1f02040201110e",
  4: "02060a121f0202", 5: "1f101e0101110e", 6: "0608101e11110e", 7: "1f010204080808", 8: "0e11110e11110e",
  9: "0e11110f01020c", " ": "00000000000000", "-": "0000000e000000", "<": "02040810080402", ">": "08040201020408",
  ".": "00000000000c0c", ",": "000000000c0408", "!": "04040404040004", "?": "0e110102040004", ":": "000c0c000c0c00",
  ";": "000c0c000c0408", "/": "00010204081000", "'": "0c040800000000", '"': "0a0a0a00000000", "(": "02040808080402",
  ")": "08040202020408", "+": "0004041f040400", "*": "0004150e150400", "=": "00001f001f0000", "#": "0a0a1f0a1f0a0a",
  "%": "18190204081303", "&": "0c12140815120d", "^": "040a1100000000", _: "0000000000001f", v: "000000110a0400",
};
const UNKNOWN = "1f1f1f1f1f1f1f";
export const WIDTH = 6;  // five dots, and one between letters
export const HEIGHT = 7;

// The lit dots of a line of letters: [column, row] each.
export function dots(line) {
  const lit = [];
  [...line].forEach((letter, at) => {
    const rows = ROWS[letter] ?? ROWS[letter.toUpperCase()] ?? UNKNOWN;
    for (let row = 0; row < HEIGHT; row++) {
      const bits = parseInt(rows.slice(2 * row, 2 * row + 2), 16);
      for (let column = 0; column < 5; column++) if (bits & (16 >> column)) lit.push([at * WIDTH + column, row]);
    }
  });
  return lit;
}
