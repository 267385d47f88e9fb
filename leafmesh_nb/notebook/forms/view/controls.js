// The controls of a form. Each is made once and then kept up to date, so that a focus stays.
//
// make(control, form) gives { root, update(control) }; form.set(path, value) tells what was typed.

const MAKERS = { text, area, choice, pick, checks, switch: toggle, grants, rows };

function makeControl(control, form) {
  return MAKERS[control.kind](control, form);
}

function field(control, extra = "") {
  const size = control.short ? " lfm-short" : control.kind === "choice" ? " lfm-half" : "";
  const mono = control.mono ? " lfm-mono" : "";
  return element("div", { class: `lfm-field${size}${mono}${extra}`, "data-path": control.path });
}

function setValue(input, value) {
  // Whoever is typing is right; the answer to an older draft must not undo it.
  if (input.getRootNode().activeElement !== input && input.value !== value) input.value = value;
}

function line(tag, control, form) {
  const root = field(control);
  const id = uniqueId();
  const input = element(tag, {
    id,
    type: tag === "input" ? "text" : null,
    rows: tag === "textarea" ? 3 : null,
    autocomplete: "off",
    spellcheck: tag === "textarea" ? "true" : "false",
  });
  const name = element("label", { class: "lfm-label", for: id });
  const problem = element("div", { class: "lfm-problem", role: "status" });
  input.value = control.value;
  input.oninput = () => form.set(root.dataset.path, input.value);
  root.append(name, input, problem);
  const update = (now) => {
    root.dataset.path = now.path;
    setText(name, now.label);
    setAttribute(input, "placeholder", now.placeholder ?? "");
    setText(problem, now.problem ?? "");
    setAttribute(input, "aria-invalid", String(Boolean(now.problem)));
    setValue(input, now.value);
  };
  return { root, update };
}

function text(control, form) {
  return line("input", control, form);
}

function area(control, form) {
  return line("textarea", control, form);
}

function setOptions(select, options, value) {
  const known = options.some(([name]) => name === value);
  const all = known ? options : [...options, [value, value || "–"]];
  const drawn = JSON.stringify(all);
  if (select.dataset.drawn !== drawn) {
    select.dataset.drawn = drawn;
    select.replaceChildren(...all.map(([name, label]) => new Option(label, name)));
  }
  select.value = value;
}

function choice(control, form) {
  const root = field(control);
  const select = element("select", { id: uniqueId() });
  const name = element("label", { class: "lfm-label", for: select.id });
  root.append(name, select);
  let resets = [];
  select.onchange = () => form.set(root.dataset.path, select.value, { now: true, resets });
  const update = (now) => {
    root.dataset.path = now.path;
    resets = now.resets ?? [];
    setText(name, now.label);
    name.hidden = !now.label;
    setOptions(select, now.options, now.value);
  };
  return { root, update };
}

const TYPED = "\u0000typed";

// One of several, or an expression: the list turns into a line of text.
function pick(control, form) {
  const root = field(control, control.given ? " lfm-given" : "");
  const select = element("select", { id: uniqueId() });
  const input = element("input", { type: "text", autocomplete: "off", spellcheck: "false" });
  const name = element("label", { class: "lfm-label", for: select.id });
  let typing = false;
  root.append(name, select, input);
  const show = (value) => {
    select.hidden = typing;
    input.hidden = !typing;
    input.setAttribute("aria-label", name.textContent);
    setValue(input, value);
  };
  select.onchange = () => {
    if (select.value === TYPED) {
      typing = true;
      show(input.value);
      input.focus();
      return;
    }
    input.value = select.value;
    form.set(root.dataset.path, select.value, { now: true });
  };
  input.oninput = () => form.set(root.dataset.path, input.value);
  input.onblur = () => form.redraw();
  const update = (now) => {
    root.dataset.path = now.path;
    setText(name, now.label);
    name.title = now.label;
    const listed = now.options.some(([value]) => value === now.value);
    if (input.getRootNode().activeElement !== input) typing = !listed;
    setOptions(select, [...now.options, [TYPED, "an expression …"]], listed ? now.value : TYPED);
    show(now.value);
  };
  return { root, update };
}

function checks(control, form) {
  const root = field(control);
  const name = label("");
  const chips = element("div", { class: "lfm-chips", role: "group" });
  root.append(name, chips);
  let picked = [];
  const press = (value) => {
    picked = picked.includes(value) ? picked.filter((v) => v !== value) : [...picked, value];
    draw();
    form.set(root.dataset.path, picked, { now: true });
  };
  let ordered = false;
  const draw = () => {
    for (const chip of chips.children) {
      const at = picked.indexOf(chip.dataset.value);
      setAttribute(chip, "aria-pressed", String(at >= 0));
      setAttribute(chip, "data-mark", ordered ? `${at + 1}.` : "✓");
    }
  };
  const update = (now) => {
    root.dataset.path = now.path;
    root.hidden = !now.options.length;
    setText(name, now.label);
    name.hidden = !now.label;
    chips.setAttribute("aria-label", now.label || now.path);
    picked = now.value;
    ordered = Boolean(now.ordered);
    const drawn = JSON.stringify(now.options);
    if (chips.dataset.drawn !== drawn) {
      chips.dataset.drawn = drawn;
      chips.replaceChildren(
        ...now.options.map(([value, shown]) =>
          element("button", {
            class: now.mono ? "lfm-chip lfm-mono" : "lfm-chip",
            type: "button",
            text: shown,
            title: shown,
            "data-value": value,
            onclick: () => press(value),
          }),
        ),
      );
    }
    draw();
  };
  return { root, update };
}

function toggle(control, form) {
  const root = field(control);
  const box = element("input", { type: "checkbox" });
  const name = element("span");
  root.append(element("label", { class: "lfm-switch" }, box, name));
  box.onchange = () => form.set(root.dataset.path, box.checked, { now: true });
  const update = (now) => {
    root.dataset.path = now.path;
    setText(name, now.label);
    box.checked = now.value;
  };
  return { root, update };
}

function grants(control, form) {
  const root = field(control);
  const table = element("table", { class: "lfm-grants" });
  root.append(table);
  let value = { read: [], write: [] };
  const update = (now) => {
    value = now.value;
    const drawn = JSON.stringify(now.fields);
    if (table.dataset.drawn !== drawn) {
      table.dataset.drawn = drawn;
      const head = ["field", "holds", "read", "write"].map((t) => element("th", { text: t }));
      table.replaceChildren(
        element("tr", {}, ...head),
        ...now.fields.map(([name, about]) => {
          const box = (right) =>
            element(
              "td",
              {},
              element("input", {
                type: "checkbox",
                "aria-label": `${right} ${name}`,
                "data-right": right,
                "data-name": name,
                onchange: ({ target }) => {
                  const others = value[right].filter((n) => n !== name);
                  value = { ...value, [right]: target.checked ? [...others, name] : others };
                  form.set(right, value[right], { now: true });
                },
              }),
            );
          return element(
            "tr",
            {},
            element("th", { class: "lfm-mono", text: name }),
            element("td", { class: "lfm-muted", text: about }),
            box("read"),
            box("write"),
          );
        }),
      );
    }
    for (const box of table.querySelectorAll("input")) {
      box.checked = value[box.dataset.right].includes(box.dataset.name);
    }
  };
  return { root, update };
}

function rows(control, form) {
  const root = field(control);
  const name = label("");
  const list = element("div", { class: "lfm-rows-list" });
  const add = element("button", { class: "lfm-button lfm-add", type: "button" });
  root.append(name, list, add);
  const drawn = [];
  let fresh = {};
  add.onclick = () => form.change(root.dataset.path, (items) => [...items, structuredClone(fresh)]);
  const makeRow = () => {
    const inner = element("div", { class: "lfm-form-controls" });
    const tools = element("div", { class: "lfm-row-tools" });
    const row = { root: element("div", { class: "lfm-row" }, inner, tools), known: new Map(), at: 0 };
    const tool = (glyph, title, work) =>
      element("button", {
        type: "button",
        text: glyph,
        title,
        "aria-label": title,
        onclick: () => form.change(root.dataset.path, (items) => work([...items], row.at)),
      });
    const up = tool("↑", "Move up", (items, at) => {
      [items[at - 1], items[at]] = [items[at], items[at - 1]];
      return items;
    });
    const remove = tool("×", "Remove", (items, at) => items.filter((_, n) => n !== at));
    tools.append(remove, up);
    row.update = (controls, at, sortable) => {
      row.at = at;
      up.hidden = !sortable;
      up.disabled = at === 0;
      drawControls(inner, row.known, controls, form, `${root.dataset.path}.${at}.`);
    };
    return row;
  };
  const update = (now) => {
    root.dataset.path = now.path;
    setText(name, now.label);
    name.hidden = !now.label;
    setText(add, `+ ${now.add}`);
    fresh = now.fresh ?? {};
    while (drawn.length > now.rows.length) drawn.pop().root.remove();
    while (drawn.length < now.rows.length) {
      drawn.push(makeRow());
      list.append(drawn.at(-1).root);
    }
    now.rows.forEach((controls, at) => drawn[at].update(controls, at, now.sortable));
  };
  return { root, update };
}

// Controls are known by kind and path (in a row, without the row's number: rows move).
function drawControls(parent, known, controls, form, prefix = "") {
  const wanted = controls.map((control) => {
    const key = `${control.kind}:${control.path.slice(prefix.length) || control.label}`;
    if (!known.has(key)) known.set(key, makeControl(control, form));
    const made = known.get(key);
    made.update(control);
    return made.root;
  });
  if (wanted.length !== parent.children.length || wanted.some((n, at) => n !== parent.children[at])) {
    const focused = parent.getRootNode().activeElement;
    parent.replaceChildren(...wanted);
    if (focused?.isConnected && parent.contains(focused)) focused.focus();
  }
}
