// What happened, in words: Indonesian | English, for each type of fact that people see often. Others are told as they are.
const SENTENCES = {
  "hall.booted": "Pengendali menyala|The controller has started",
  "hall.opened": "Sesi dibuka|The session is open",
  "hall.closing": "Sesi ditutup, tidak menerima lagi|The session closes: nobody new",
  "hall.closed": "Sesi selesai|The session is closed",
  "hall.mode_changed": "Keadaan: {mode}|Mode: {mode}",
  "hall.occupancy_suspect": "Hitungan diragukan|The count is in doubt: {reason}",
  "hall.count_confirmed": "Hitungan dipastikan: {inside}|The count is confirmed: {inside}",
  "hall.recount_recorded": "Dihitung ulang: {after}|Recounted: {after}",
  "ticket.issued": "Nomor {ticket} diambil|Ticket {ticket} taken",
  "ticket.called": "{ticket} dipanggil ke loket {counter}|{ticket} called to counter {counter}",
  "ticket.recalled": "{ticket} dipanggil lagi ke loket {counter}|{ticket} called again to counter {counter}",
  "ticket.served": "{ticket} dilayani|{ticket} served",
  "ticket.missed": "{ticket} tidak datang|{ticket} did not come",
  "ticket.parked": "{ticket} disisihkan|{ticket} put aside",
  "ticket.transferred": "{ticket} dipindah ke loket {counter}|{ticket} moved to counter {counter}",
  "visit.bound": "{ticket} terdaftar|{ticket} registered: adults {adults}, children {children}",
  "visit.started": "{visit} mulai berkunjung|{visit}: the visit begins",
  "visit.warned": "{visit} hampir habis waktunya|{visit}: the time is nearly over",
  "visit.overstayed": "{visit} melewati waktu|{visit} is over time",
  "visit.ended": "{visit} selesai|{visit} has ended",
  "card.enrolled": "Kartu {number} didaftarkan|Card {number} enrolled",
  "card.issued": "Kartu {number} diberikan untuk {visit}|Card {number} given to {visit}",
  "card.returned": "Kartu {number} kembali|Card {number} given back",
  "card.refused": "Kartu ditolak di {reader}|Card refused at {reader}: {reason}",
  "search.passed": "{visit} sudah diperiksa|{visit} searched: passed",
  "search.refused": "{visit} tidak lolos pemeriksaan|{visit} searched: refused, {reason}",
  "locker.assigned": "Loker {locker} untuk {visit}|Locker {locker} is for {visit}",
  "locker.pulsed": "Kunci loker {locker} dilepas|Lock of locker {locker} pulsed to {purpose}",
  "locker.opened": "Loker {locker} terbuka untuk {purpose}|Locker {locker} opened to {purpose}",
  "locker.closed": "Loker {locker} tertutup|Locker {locker} closed",
  "locker.readable": "Pintu loker {locker} terbaca|The door of locker {locker} can be read",
  "locker.unreadable": "Pintu loker {locker} tak terbaca|The door of locker {locker} cannot be read",
  "locker.released": "Loker {locker} kosong lagi|Locker {locker} is free again",
  "locker.refused": "{visit}: loker tidak dibuka|{visit}: no locker opened, {reason}",
  "locker.jammed": "Loker {locker} macet|Locker {locker} is jammed",
  "locker.forced": "Loker {locker} dibuka paksa|Locker {locker} was forced",
  "locker.left_open": "Loker {locker} dibiarkan terbuka|Locker {locker} was left open",
  "gate.granted": "{visit}: pintu putar bebas {direction}, {persons} orang|{visit}: the arm is free {direction}, for {persons}",
  "gate.passed": "{visit}: satu orang {direction}|{visit}: one person passed {direction}",
  "gate.refused": "{visit}: pintu putar tetap terkunci|{visit}: the arm stays locked, {reason}",
  "gate.expired": "Waktu habis, {persons} orang tidak lewat|Time over: {persons} did not pass",
  "gate.forced": "Pintu putar dipaksa|The arm was forced",
  "emergency.raised": "DARURAT: pintu bebas|EMERGENCY: the arm is free",
  "emergency.cleared": "Kontak api tenang lagi|The fire contact is at rest again",
  "emergency.reset": "Darurat berakhir|The emergency is over",
  "device.fell": "{device} terganggu: {health}|{device} is {health}",
  "device.rose": "{device} pulih|{device} is well again",
  "task.raised": "Tugas penjaga: {reason}|For the guards: {reason}",
  "task.resolved": "Tugas selesai: {reason}|Done by the guards: {reason}",
};
const INDONESIAN = { deposit: "menitip", collect: "mengambil", reopen: "dibuka lagi", inspect: "diperiksa", release: "dikosongkan",
  in: "masuk", out: "keluar", open: "buka", closed: "tutup", emergency: "darurat", lockdown: "terkunci", degraded: "terganggu" };
const FOLDED = new Set(["locker.readable", "locker.unreadable", "card.enrolled", "device.rose", "device.fell"]);
const HASH = /^[0-9a-f]{16,}$/;
const tickets = new Map();  // of each visit: people know each other by their numbers

function words({ type, data }) {
  const template = SENTENCES[type];
  if (!template) {
    const told = Object.entries(data).filter(([, value]) => !HASH.test(value) && typeof value !== "object");
    return [type, told.map(([name, value]) => `${name} ${value}`).join(", ")];
  }
  const value = (name) => String((name === "visit" && tickets.get(data.visit)) || (data[name] ?? "–"));
  const fill = (text, say) => text.replace(/\{(\w+)\}/g, (_, name) => say(value(name)));
  const [local, english] = template.split("|");
  return [fill(local, (value) => INDONESIAN[value] ?? value), fill(english, (value) => value.replaceAll("_", " "))];
}

// Newest first; a row of the same news, such as eighty cards enrolled, is one line.
export function lines(events) {
  const told = [];
  for (const event of events) {
    if (event.type === "visit.bound" && event.data.ticket) tickets.set(event.data.visit, event.data.ticket);
    const last = told.at(-1);
    if (last && last.type === event.type && FOLDED.has(event.type)) Object.assign(last, { count: last.count + 1, seq: event.seq });
    else told.push({ seq: event.seq, at: event.time.slice(11, 19), type: event.type, count: 1, words: words(event) });
  }
  return told.reverse();
}
