// The words of the card: they match observe/wording.py, where the static twin finds its own.

const GLYPHS = { ok: "✓", run: "", wait: "!", fail: "✕", idle: "", skip: "–", cancelled: "–" };
const STEP_WORDS = {
  ok: "done", run: "running", wait: "waiting", fail: "failed",
  idle: "queued", skip: "skipped", cancelled: "cancelled",
};
const RUN_TONES = {
  running: "run", waiting: "wait", paused: "wait", done: "ok", failed: "fail", cancelled: "skip",
};
const RUN_WORDS = {
  running: "Running", waiting: "Waiting", paused: "Paused",
  done: "Done", failed: "Failed", cancelled: "Cancelled",
};

function usd(amount) {
  const value = Number(amount);
  const size = Math.abs(value);
  if (size >= 1 || size === Math.round(size * 100) / 100) {
    const places = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return "$" + value.toLocaleString("en-US", places);
  }
  if (size >= 0.001) return "$" + value.toFixed(3);
  return "$" + value.toFixed(1 - Math.floor(Math.log10(size)));
}

function duration(ms) {
  if (ms == null) return "";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
  const two = (number) => String(number).padStart(2, "0");
  const seconds = Math.floor(ms / 1000) % 60;
  const minutes = Math.floor(ms / 60000);
  if (minutes < 60) return `${minutes}:${two(seconds)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds)}`;
}

const clock = (at) => new Date(at).toLocaleTimeString("en-GB");

function deadline(due, now) {
  const left = due - now;
  if (left <= 0) return `${clock(due)} (now)`;
  if (left < 60000) return `${clock(due)} (in ${Math.ceil(left / 1000)} s)`;
  const minutes = Math.round(left / 60000);
  if (minutes < 120) return `${clock(due)} (in ${minutes} min)`;
  const date = new Date(due).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return `${date}, ${clock(due)} (in ${Math.round(minutes / 60)} h)`;
}
