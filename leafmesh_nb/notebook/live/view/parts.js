// The parts of the card around its graph.

const ACTIONS = {
  step: { label: "Step", title: "Run one more step", when: ["paused"] },
  resume: { label: "Resume", title: "Run to the end", when: ["paused"] },
  pause: { label: "Pause", title: "Start no further step", when: ["running", "waiting"] },
  cancel: { label: "Cancel", title: "End this run", when: ["running", "waiting", "paused"] },
};

function headerPart(store) {
  const title = element("span", { class: "lfm-title" });
  const mesh = element("span", { class: "lfm-muted" });
  const pill = element("span");
  const time = element("span", { class: "lfm-muted" });
  const fill = element("i");
  const bar = element(
    "div",
    { class: "lfm-bar", role: "meter", "aria-label": "Budget used", "aria-valuemin": "0" },
    fill,
  );
  const spent = element("b");
  const limit = element("span", { class: "lfm-muted" });
  const listed = element("div", { class: "lfm-listed" });
  const message = element("div", { class: "lfm-message", role: "alert" });
  const controls = runControls(store, message);
  const root = element(
    "div",
    {},
    element(
      "div",
      { class: "lfm-header" },
      element("div", { class: "lfm-heading" }, title, mesh, pill, time),
      element("div", { class: "lfm-cost" }, bar, element("div", {}, spent, limit, listed)),
      controls.root,
    ),
    message,
  );
  const update = (state) => {
    setText(title, state.name);
    setText(mesh, state.mesh);
    setClass(pill, `lfm-pill lfm-tone-${RUN_TONES[state.status]}`);
    setText(pill, statusText(state));
    setText(spent, usd(state.spent));
    setText(limit, [
      state.budget == null ? "" : ` of ${usd(state.budget)}`,
      state.unpriced ? " · has unpriced calls" : "",
    ].join(""));
    const differs = Number(state.list_price) !== Number(state.spent);
    setText(listed, differs ? `${usd(state.list_price)} at list price` : "");
    bar.hidden = state.budget == null;
    if (state.budget != null) updateBar(bar, fill, state);
    controls.update(state);
    tick(state);
  };
  const tick = (state) =>
    setText(time, state.started == null ? "" : duration(elapsed(store, state)));
  return { root, update, tick };
}

function updateBar(bar, fill, state) {
  const used = Number(state.budget_counts === "list_price" ? state.list_price : state.spent);
  const share = Math.min(1, used / (Number(state.budget) || 1));
  fill.style.transform = `scaleX(${share})`;
  bar.classList.toggle("lfm-hot", share > 0.8);
  setAttribute(bar, "aria-valuenow", String(used));
  setAttribute(bar, "aria-valuemax", String(Number(state.budget)));
}

const elapsed = (store, state) => Math.max(0, (state.ended ?? store.now()) - state.started);

function statusText(state) {
  if (state.status !== "waiting") return RUN_WORDS[state.status];
  const asked = new Set(Object.values(state.questions).map((question) => question.to));
  return asked.size ? `Waiting for ${[...asked].join(", ")}` : RUN_WORDS.waiting;
}

function spentText(state) {
  const spent = usd(state.spent);
  const differs = Number(state.list_price) !== Number(state.spent);
  return differs ? `${spent} (${usd(state.list_price)} at list price)` : spent;
}

function runControls(store, message) {
  const root = element("div", { class: "lfm-controls", role: "group", "aria-label": "Run" });
  const buttons = {};
  let busy = false;
  let confirming = 0;
  let state = store.state;
  const draw = () => {
    for (const [action, { label: name, when }] of Object.entries(ACTIONS)) {
      buttons[action].disabled = busy || !when.includes(state.status);
      setText(buttons[action], action === "cancel" && confirming ? "Really cancel?" : name);
    }
  };
  const settle = () => {
    clearTimeout(confirming);
    confirming = 0;
  };
  const act = (action) => {
    if (action === "cancel" && !confirming) {
      confirming = setTimeout(() => {
        settle();
        draw();
      }, 4000);
      draw();
      return;
    }
    settle();
    busy = true;
    setText(message, "");
    draw();
    store.request({ t: "act", action }, (reply) => {
      busy = false;
      setText(message, reply.ok ? "" : reply.message);
      draw();
    });
  };
  for (const [action, { title }] of Object.entries(ACTIONS)) {
    buttons[action] = element("button", {
      type: "button",
      class: "lfm-button lfm-small",
      title,
      onclick: () => act(action),
    });
    root.append(buttons[action]);
  }
  return {
    root,
    update: (next) => {
      state = next;
      draw();
    },
  };
}

function questionsPart(store, cardRoot) {
  const root = element("div");
  const cards = new Map();
  const update = (state) => {
    for (const [id, question] of Object.entries(state.questions)) {
      if (!cards.has(id)) {
        cards.set(id, questionCard(store, question));
        root.append(cards.get(id).root);
      }
      cards.get(id).update(question, state);
    }
    for (const [id, card] of cards) {
      if (!(id in state.questions)) {
        cards.delete(id);
        removeQuestion(card, cards, cardRoot);
      }
    }
  };
  const each = (act) => () => cards.forEach(act);
  return {
    root,
    update,
    tick: each((card) => card.tick()),
    dispose: each((card) => card.dispose()),
  };
}

function removeQuestion(card, cards, cardRoot) {
  const hadFocus = card.root.contains(document.activeElement);
  card.dispose();
  card.root.remove();
  if (!hadFocus) return;
  const next = cards.values().next().value;
  // Without a focused element inside the card, the next key would be the notebook's.
  if (next) next.buttons.approve.focus();
  else cardRoot.focus({ preventScroll: true });
  keepInView(cardRoot);
}

// A card that shrinks may slip out at the top, from under the eyes of whoever just clicked.
function keepInView(root) {
  requestAnimationFrame(() => {
    if (root.getBoundingClientRect().bottom < 120) root.scrollIntoView({ block: "nearest" });
  });
}

function decisionsPart() {
  const list = element("ol", { class: "lfm-decisions" });
  const root = element("div", { class: "lfm-section" }, label("Decisions"), list);
  let drawn = "";
  const update = (state) => {
    root.hidden = !state.decisions.length;
    const key = JSON.stringify(state.decisions);
    if (key === drawn) return;
    drawn = key;
    list.replaceChildren(...state.decisions.map((decision) => decisionLine(state, decision)));
    list.scrollTop = list.scrollHeight;
  };
  return { root, update };
}

function decisionLine(state, decision) {
  const step = state.steps[decision.step]?.name ?? decision.step;
  const how = [...new Set([decision.channel, decision.identity])].filter(Boolean).join(", ");
  const line = element(
    "li",
    { class: `lfm-tone-${decision.tone}` },
    icon(decision.tone),
    element("b", { class: "lfm-verdict", text: decision.verdict }),
    element("span", {}, `${step} `, element("code", { text: decision.subject })),
    element("span", { class: "lfm-muted", text: decision.why }),
  );
  if (decision.who) {
    line.append(
      element(
        "span",
        { class: "lfm-by" },
        element("b", { text: decision.who }),
        how ? element("span", { class: "lfm-muted", text: ` ${how}` }) : null,
      ),
    );
  }
  const below = decision.diff.map(
    ({ path, old, new: now }) => element("code", { text: `${path}: ${old} → ${now}` }),
  );
  if (decision.note) below.push(element("q", { text: decision.note }));
  if (below.length) line.append(element("div", { class: "lfm-below" }, ...below));
  return line;
}

function detailPart(store) {
  const heading = element("span", { class: "lfm-label" });
  const text = element("div", {
    class: "lfm-output",
    tabindex: "0",
    role: "region",
    "aria-label": "Step output",
  });
  const tailHeading = element("span", { class: "lfm-label" });
  const tail = element("ol", { class: "lfm-events", "aria-hidden": "true" });
  const root = element(
    "div",
    { class: "lfm-detail" },
    element("div", {}, heading, text),
    element("div", {}, tailHeading, tail),
  );
  let drawn = "";
  const update = (state, selected) => {
    const step = state.steps[selected];
    setText(heading, [step.name, step.agent, step.model].filter(Boolean).join(" · "));
    const key = JSON.stringify([step.output, step.label, step.error, step.status]);
    if (key !== drawn) {
      drawn = key;
      text.replaceChildren(...stepOutput(store, step));
      text.scrollTop = 0;
    }
    setText(tailHeading, `Events · ${state.events.toLocaleString("en-US")}`);
    tail.replaceChildren(...state.tail.toReversed().map(eventLine));
  };
  return { root, update };
}

function stepOutput(store, step) {
  const shown = [];
  if (step.output.length) {
    shown.push(valueRows(store, null, step.output), sourceLabel(step.label));
  }
  if (step.error) shown.push(element("p", { class: `lfm-tone-${step.status}`, text: step.error }));
  if (!shown.length) {
    const word = { idle: "Not started", run: "Working…", wait: "Waiting for an answer" };
    shown.push(element("p", { class: "lfm-muted", text: word[step.status] ?? "No output" }));
  }
  return shown;
}

const eventLine = ([at, kind, text]) =>
  element(
    "li",
    {},
    element("time", { text: clock(at) }),
    element("b", { text: kind }),
    element("span", { text }),
  );

function footerText(state) {
  const done = state.order.filter((name) => state.steps[name].status === "ok").length;
  return [
    `run ${state.id}`,
    `${state.tokens.toLocaleString("en-US")} tokens`,
    `${done} of ${state.order.length} steps done`,
    ...state.labels,
  ];
}
