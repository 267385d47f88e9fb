// One open question: what, why, who, what the agent saw, and the answer.

const SLOW_ANSWER = 2500;

function questionCard(store, first) {
  const id = uniqueId();
  const inDoubt = first.point === "in_doubt";
  const card = {
    store,
    inDoubt,
    question: first,
    facts: element("div", { class: "lfm-facts" }),
    reason: element("span", { class: "lfm-muted" }),
    hint: element("span", { class: "lfm-hint", role: "status" }),
    who: element("div", { class: "lfm-who" }),
    note: element("input", {
      type: "text",
      id: `${id}-note`,
      placeholder: "Optional: recorded with the answer",
      autocomplete: "off",
      maxlength: "2000",
    }),
    buttons: {},
    editor: null,
    drawn: "",
    slow: 0,
  };
  card.editor = editor(first.fields, () => drawButtons(card));
  card.editor.root.id = `${id}-editor`;
  card.editor.root.hidden = true;
  answerButtons(card, `${id}-editor`);
  card.root = element(
    "section",
    { class: "lfm-question", role: "group", "aria-labelledby": id },
    element(
      "header",
      { class: "lfm-tone-wait" },
      icon("wait"),
      element("h4", { id, text: first.title }),
      card.reason,
    ),
    element(
      "div",
      { class: "lfm-question-body" },
      card.facts,
      card.editor.root,
      element(
        "div",
        { class: "lfm-answer-line" },
        element(
          "div",
          { class: "lfm-note" },
          element("label", { class: "lfm-label", for: `${id}-note`, text: "Note" }),
          card.note,
        ),
        card.who,
      ),
      element("div", { class: "lfm-actions" }, ...Object.values(card.buttons), card.hint),
    ),
  );
  card.update = (question, state) => updateQuestion(card, question, state);
  card.tick = () => tickQuestion(card);
  card.dispose = () => clearTimeout(card.slow);
  return card;
}

function answerButtons(card, editorId) {
  const button = (kind, props, onclick) =>
    element("button", { type: "button", class: `lfm-button ${kind}`, onclick, ...props });
  const toggle = () => {
    const { root, focus } = card.editor;
    if (card.inDoubt && !root.hidden) {
      answer(card, "edit");
      return;
    }
    root.hidden = !root.hidden;
    drawButtons(card);
    if (!root.hidden) focus();
  };
  // To run a side effect again is no button to press without thinking.
  card.buttons.approve = button(card.inDoubt ? "" : "lfm-primary", {}, () =>
    answer(card, hasEdits(card) && !card.inDoubt ? "edit" : "approve"),
  );
  card.buttons.edit = button("", { "aria-controls": editorId }, toggle);
  card.buttons.reject = button("lfm-danger", {}, () => answer(card, "reject"));
  card.buttons.escalate = button("", {}, () => answer(card, "escalate"));
}

const hasEdits = (card) =>
  !card.editor.root.hidden && Object.keys(card.editor.changes()).length > 0;

function drawButtons(card) {
  const { approve, edit, reject, escalate } = card.buttons;
  const { options, ladder, fields } = card.question;
  const open = !card.editor.root.hidden;
  approve.hidden = !options.includes("approve");
  reject.hidden = !options.includes("reject");
  edit.hidden = !options.includes("edit") || !fields.length;
  escalate.hidden = !options.includes("escalate") || !ladder.length;
  setAttribute(edit, "aria-expanded", String(open));
  if (card.inDoubt) {
    setText(approve, "Run it again");
    setText(edit, open ? "It happened, with this result" : "It happened, with this result…");
    setText(reject, "Fail the step");
  } else {
    setText(approve, hasEdits(card) ? "Approve with edits" : "Approve");
    setText(edit, open ? "Drop the edits" : "Edit…");
    setText(reject, "Reject");
  }
  setText(escalate, `Escalate to ${ladder[0] ?? ""}`);
}

function updateQuestion(card, question, state) {
  card.question = question;
  const spent = spentText(state);
  const drawn = JSON.stringify([question, spent, state.person]);
  if (drawn !== card.drawn) {
    card.drawn = drawn;
    setText(card.reason, question.reason);
    drawFacts(card, spent);
    drawPerson(card, state.person);
    drawButtons(card);
  }
  tickQuestion(card);
}

function drawFacts(card, spent) {
  const { question, store } = card;
  const what = element("div", {}, label(card.inDoubt ? "What was under way" : "What will happen"), whatHappens(card));
  const seen = element("div", {}, label(`What ${question.asked_by} saw`));
  seen.append(valueRows(store, question.id, [...question.inputs, ...question.memory]));
  card.until = element("dd");
  const who = element("dl", { class: "lfm-rows" });
  const fact = (name, value) =>
    who.append(
      element("dt", { text: name }),
      typeof value === "string" ? element("dd", { text: value }) : value,
    );
  const roster = question.roster.join(", ");
  fact("Asked", roster === question.to ? roster : `${question.to}: ${roster}`);
  if (question.due != null) fact("Until", card.until);
  if (question.ladder.length) fact("Then", question.ladder.join(", then "));
  fact("Requested by", question.requester);
  fact("Spent so far", spent);
  const why = card.inDoubt ? whyInDoubt() : whyAsked(question);
  card.facts.replaceChildren(
    element("div", { class: "lfm-column" }, what, seen),
    element(
      "div",
      { class: "lfm-column" },
      why,
      element("div", {}, label("Who is asked"), who),
    ),
  );
}

function whatHappens(card) {
  const { question, store } = card;
  const box = element("div", { class: "lfm-what" });
  if (question.point === "output") {
    box.append(element("p", { text: "This output is handed on, and the run goes on" }));
  } else {
    const verb = card.inDoubt ? "was called, and its result never arrived" : "is called with";
    box.append(element("p", {}, element("code", { text: question.subject }), ` ${verb}`));
  }
  box.append(valueRows(store, question.id, question.value), sourceLabel(question.label));
  return box;
}

function whyAsked(question) {
  const box = element("div", {}, label("Why"));
  if (question.policy) {
    const rule = question.rule ? `, rule ${question.rule}` : ", its default";
    box.append(element("p", { text: `Policy ${question.policy}${rule}` }));
  }
  for (const { text, holds } of question.conditions) {
    const mark = holds == null ? "" : holds ? "✓ " : "✕ ";
    const tone = holds == null ? "" : holds ? " lfm-holds" : " lfm-fails";
    box.append(
      element(
        "div",
        { class: "lfm-condition" },
        element("span", { class: `lfm-mark${tone}`, text: mark, "aria-hidden": "true" }),
        element("code", { text }),
        holds == null
          ? null
          : element("span", { class: "lfm-hidden", text: holds ? " (true)" : " (false)" }),
      ),
    );
  }
  if (!question.conditions.length && question.condition) {
    box.append(element("code", { text: question.condition }));
  }
  return box;
}

function whyInDoubt() {
  const advice =
    "Nobody here knows whether it took effect. Look where it would have, then answer: " +
    "run again, it may happen twice.";
  return element("div", {}, label("Why"), element("p", { text: advice }));
}

// A notebook knows nobody: whoever sits there says who they are, and that is what is recorded.
function drawPerson(card, person) {
  const { roster } = card.question;
  const names = person && !roster.includes(person) ? [person] : roster;
  const chosen = card.person?.value ?? person;
  if (names.length > 1) {
    const id = uniqueId();
    card.person = element("select", { id });
    for (const name of names) card.person.append(new Option(name, name));
    card.person.value = names.includes(chosen) ? chosen : names[0];
    card.who.replaceChildren(
      element("label", { for: id, text: "you answer as" }),
      card.person,
      document.createTextNode("(asserted)"),
    );
  } else {
    card.person = { value: names[0] };
    card.who.replaceChildren(
      document.createTextNode("you answer as"),
      element("b", { text: names[0] ?? "nobody" }),
      document.createTextNode("(asserted)"),
    );
  }
}

function tickQuestion(card) {
  if (card.question.due != null) {
    setText(card.until, deadline(card.question.due, card.store.now()));
  }
}

function answer(card, given) {
  const enable = (enabled) => {
    clearTimeout(card.slow);
    for (const button of Object.values(card.buttons)) button.disabled = !enabled;
  };
  enable(false);
  card.hint.className = "lfm-hint";
  setText(card.hint, "Sending…");
  card.slow = setTimeout(
    () =>
      setText(
        card.hint,
        "The kernel is busy. Your answer is queued; it counts when the kernel gets to it.",
      ),
    SLOW_ANSWER,
  );
  const message = {
    t: "answer",
    card: card.question.id,
    answer: given,
    person: card.person.value,
    note: card.note.value,
    changes: given === "edit" ? card.editor.changes() : {},
  };
  card.store.request(message, (reply) => {
    // An escalated question stays open, for somebody else.
    enable(!reply.ok || given === "escalate");
    card.hint.classList.toggle("lfm-refused", !reply.ok);
    setText(card.hint, reply.ok ? "Recorded." : reply.message);
  });
}
