// Everything on these pages works without this script. It keeps a page up to date: the service says
// that something changed, the page is read again, and what is different is morphed into it. So
// every text of a run is escaped in one place, on the server.

"use strict";

(() => {
  const body = () => document.body;
  const clockOffset = Date.now() - Date.parse(body().dataset.now || new Date().toISOString());
  const now = () => Date.now() - clockOffset;

  // Times

  const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

  function long(seconds) {
    const [size, unit] = UNITS.find(([size]) => seconds >= size) ?? [1, "s"];
    return `${Math.floor(Math.max(seconds, 0) / size)} ${unit}`;
  }

  function duration(ms) {
    if (ms < 1000) return `${Math.round(ms)} ms`;
    if (ms < 60000) return `${(ms / 1000).toFixed(1)} s`;
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(ms / 60000);
    const seconds = two(Math.floor(ms / 1000) % 60);
    if (minutes < 60) return `${minutes}:${seconds}`;
    return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${seconds}`;
  }

  const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

  function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
  }

  function tellTimes() {
    for (const time of document.querySelectorAll("time.ago")) {
      const at = Date.parse(time.dateTime);
      const passed = (now() - at) / 1000;
      if (time.dataset.kind === "until") setText(time, passed < 0 ? `in ${long(-passed)}` : "now");
      else setText(time, passed >= 10 ? `${long(passed)} ago` : "just now");
      if (!time.dataset.told) {
        time.dataset.told = "yes";
        time.title = `${exact.format(at)}\n${time.title}`;
      }
    }
    for (const node of document.querySelectorAll("[data-since]")) {
      setText(node, duration(Math.max(0, now() - Number(node.dataset.since))));
    }
  }

  // Reading the page again

  const touched = (form) => form.dataset.touched === "yes";

  function morph(html) {
    const next = new DOMParser().parseFromString(html, "text/html");
    if (!next.body.hasAttribute("data-now")) {
      location.reload(); // the session is over, or the service has another page for this
      return;
    }
    const before = read(document);
    document.title = next.title;
    Idiomorph.morph(body(), next.body, {
      morphStyle: "outerHTML",
      ignoreActiveValue: true,
      callbacks: {
        // What somebody is typing is theirs.
        beforeNodeMorphed: (old, made) => {
          if (old.nodeName !== "FORM" || !touched(old)) return true;
          return old.closest(".question")?.id !== made.closest?.(".question")?.id || isOver(made);
        },
        beforeNodeRemoved: (old) => !old.classList?.contains("tip"),
        beforeAttributeUpdated: (name, node) =>
          !(name === "open" && node.nodeName === "DETAILS") &&
          !(name === "hidden" && node.id === "connection") &&
          !["data-touched", "data-told"].includes(name),
      },
    });
    document.querySelectorAll("[data-edit]").forEach(drawDiff);
    tellTimes();
    announce(before, read(document));
  }

  const isOver = (form) => !!form.closest?.(".question.over");

  // What somebody who does not see the page must hear of.
  function read(page) {
    return {
      open: Number(page.body.dataset.open ?? NaN),
      decided: page.querySelector(".question.over .decided")?.textContent,
      status: page.querySelector(".run-title .pill")?.textContent,
    };
  }

  function announce(before, after) {
    const said = [];
    if (after.open > before.open) said.push(`A new question: ${after.open} open`);
    if (after.decided && after.decided !== before.decided) said.push(after.decided);
    if (after.status && after.status !== before.status) said.push(after.status);
    if (said.length) say(said.join(". ").replace(/\s+/g, " "));
  }

  function say(text) {
    document.getElementById("announce").textContent = text;
  }

  // The inbox shows the first question by itself. From then on it is this one: no other may take
  // its place under somebody's hands. On a phone the list stands alone.
  function pin() {
    const card = document.querySelector("[data-question]");
    if (!card || body().classList.contains("chosen") || matchMedia("(max-width: 820px)").matches) return;
    history.replaceState(null, "", card.dataset.question + location.search);
  }

  let reading = null;
  let again = false;
  let due = 0;

  function readAgain() {
    if (reading) {
      again = true;
      return;
    }
    if (due) return;
    // A burst of events is one look; a page that nobody sees may wait.
    due = setTimeout(() => {
      due = 0;
      again = false;
      const address = location.href;
      reading = fetch(address, { headers: { Accept: "text/html" }, redirect: "follow" })
        .then((reply) => reply.text())
        .then((html) => {
          if (address === location.href && !leaving) morph(html);
        })
        .catch(() => {})
        .finally(() => {
          reading = null;
          if (again) readAgain();
        });
    }, document.hidden ? 2000 : 60);
  }

  // Being told

  let source = null;
  let leaving = false;
  let lost = 0;

  function listen() {
    source?.close();
    source = null;
    if (!("live" in body().dataset)) return;
    const asked = new URLSearchParams({ since: body().dataset.cursor || "0" });
    if (body().dataset.run) asked.set("run", body().dataset.run);
    source = new EventSource(`/live?${asked}`);
    source.addEventListener("changed", readAgain);
    source.onopen = () => {
      clearTimeout(lost);
      lost = 0;
      document.getElementById("connection").hidden = true;
    };
    source.onerror = () => {
      // A stream that ends in order comes back within a second: that is no news.
      lost ||= setTimeout(() => {
        document.getElementById("connection").hidden = leaving;
      }, 4000);
      if (source?.readyState === EventSource.CLOSED) {
        source = null;
        setTimeout(listen, 3000);
        readAgain(); // the session may be over
      }
    };
  }

  // Answering without leaving the page

  async function send(form, button) {
    const fields = new URLSearchParams(new FormData(form));
    fields.set(button.name, button.value);
    const hint = form.querySelector("[data-hint]");
    const buttons = form.querySelectorAll("button[name=answer]");
    buttons.forEach((one) => (one.disabled = true));
    const slow = setTimeout(() => hint && setText(hint, "Waiting for the run to take it…"), 600);
    try {
      const reply = await fetch(form.action, { method: "POST", body: fields, headers: { Accept: "text/html" } });
      const html = await reply.text();
      form.dataset.touched = "";
      if (reply.redirected) history.pushState(null, "", reply.url);
      else history.replaceState(null, "", form.action);
      morph(html);
      pin();
      // An answer that did not count is still being typed.
      if (!reply.ok && form.isConnected) form.dataset.touched = "yes";
      focusOutcome();
      listen();
    } catch {
      if (hint) setText(hint, "The service was not reached. Nothing was recorded; try again.");
    } finally {
      clearTimeout(slow);
      buttons.forEach((one) => (one.disabled = false));
    }
  }

  function focusOutcome() {
    const outcome = document.querySelector("[data-focus]");
    outcome?.focus({ preventScroll: true });
    outcome?.scrollIntoView({ block: "nearest" });
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.matches("[data-answers]") || !event.submitter?.value) return;
    event.preventDefault();
    send(form, event.submitter);
  });

  // Editing

  const labelOf = (input) => input.name.replace(/^field\./, "");

  function drawDiff(details) {
    const diff = details.querySelector("[data-diff]");
    diff.replaceChildren();
    for (const input of details.querySelectorAll("[data-initial]")) {
      if (input.value === input.dataset.initial) continue;
      const line = (kind, sign, text, what) => {
        const row = document.createElement("div");
        row.className = kind;
        row.dataset.sign = sign;
        const name = document.createElement("b");
        name.textContent = labelOf(input);
        const hidden = document.createElement("span");
        hidden.className = "hidden";
        hidden.textContent = what;
        row.append(name, ` ${text}`, hidden);
        return row;
      };
      diff.append(
        line("removed", "−", input.dataset.old, " (old)"),
        line("added", "+", input.value || "–", " (new)"),
      );
    }
    diff.hidden = !diff.childElementCount;
    // What was asked and what was typed must not be mistaken for each other.
    const approve = details.closest("form").querySelector("button[value=approve]");
    approve?.toggleAttribute("hidden", !diff.hidden);
  }

  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form) form.dataset.touched = "yes";
    const details = event.target.closest("[data-edit]");
    if (details) drawDiff(details);
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submits]")) event.target.form.requestSubmit();
  });

  // Keys

  document.addEventListener("keydown", (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || !["j", "k"].includes(key)) return;
    if (target.closest("input, select, textarea")) return;
    const lines = [...document.querySelectorAll(".questions a")];
    if (!lines.length) return;
    const at = lines.findIndex((line) => line.hasAttribute("aria-current"));
    const next = lines[at < 0 ? 0 : Math.min(Math.max(at + (key === "j" ? 1 : -1), 0), lines.length - 1)];
    if (next && !next.hasAttribute("aria-current")) next.click();
  });

  // What a shape of a chart means, beside it

  let tip = null;

  function showTip(shape) {
    hideTip();
    tip = document.createElement("div");
    tip.className = "tip";
    tip.textContent = shape.dataset.tip;
    tip.setAttribute("aria-hidden", "true");
    body().append(tip);
    const box = shape.getBoundingClientRect();
    const left = Math.min(box.left + box.width / 2 - tip.offsetWidth / 2, innerWidth - tip.offsetWidth - 12);
    const above = box.top - tip.offsetHeight - 8;
    tip.style.left = `${Math.max(12, left) + scrollX}px`;
    tip.style.top = `${(above > 4 ? above : box.bottom + 8) + scrollY}px`;
  }

  function hideTip() {
    tip?.remove();
    tip = null;
  }

  function takeTitle(shape) {
    shape.querySelector(":scope > title")?.remove(); // or the browser would show it as well
  }

  for (const [enter, leave] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
    document.addEventListener(enter, (event) => {
      const shape = event.target.closest?.("[data-tip]");
      if (!shape) return;
      takeTitle(shape);
      showTip(shape);
    });
    document.addEventListener(leave, hideTip);
  }
  document.addEventListener("scroll", hideTip, { passive: true });

  addEventListener("pagehide", () => {
    leaving = true;
    source?.close();
  });
  addEventListener("pageshow", (event) => {
    leaving = false;
    if (event.persisted) {
      listen();
      readAgain();
    }
  });
  addEventListener("popstate", readAgain);
  // A browser opens six connections to one service: tabs that nobody sees must not hold them.
  let polling = 0;
  document.addEventListener("visibilitychange", () => {
    clearInterval(polling);
    if (!("live" in body().dataset)) return;
    if (document.hidden) {
      source?.close();
      source = null;
      polling = setInterval(readAgain, 15000);
    } else {
      readAgain();
      listen();
    }
  });

  tellTimes();
  setInterval(tellTimes, 1000);
  focusOutcome();
  pin();
  listen();
})();
