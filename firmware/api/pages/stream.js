// The hall as it changes. Hall time goes on by itself between two events; what comes late, or not at all, is told.
const SILENT_MS = 12000;
const AGAIN_MS = 2000;

// `seen(position)` with each position; `lost(true)` when the hall is not heard any more, `lost(false)` when it is again.
// Returns `now()`, the hall's present time in ms.
export function listen(topic, seen, lost, refused = () => {}) {
  let heard = performance.now();
  let gone = false;
  let base = 0;
  let rate = 1;
  let at = 0;
  let source = null;
  const alive = () => {
    heard = performance.now();
    if (gone) lost((gone = false));
  };
  const connect = () => {
    source?.close();
    source = new EventSource(`/api/v1/stream?topic=${topic}`);
    source.addEventListener("beat", alive);
    source.addEventListener("message", (event) => {
      const position = JSON.parse(event.data);
      [base, rate, at] = [position.now, position.rate, performance.now()];
      alive();
      seen(position);
    });
    source.addEventListener("error", () => {
      if (!gone) lost((gone = true));
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_MS);
      refused();
    });
  };
  connect();
  setInterval(() => {
    if (performance.now() - heard < SILENT_MS) return;
    if (!gone) lost((gone = true));
    heard = performance.now();
    connect();
  }, 1000);
  return () => base + rate * (performance.now() - at);
}
