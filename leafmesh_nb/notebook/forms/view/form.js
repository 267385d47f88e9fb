// A form: what is typed goes to the kernel, which sends back the controls, the YAML and what is
// wrong with it.

const PAUSE = 160; // milliseconds of silence after which a draft is sent

function formView(model) {
  const form = { state: structuredClone(model.get("state")), seq: 0, timer: 0, put: [] };
  form.values = structuredClone(form.state.values);
  form.put.push(form.state.first);
  const send = () => {
    clearTimeout(form.timer);
    form.timer = 0;
    model.send({ t: "draft", seq: ++form.seq, values: form.values });
    status("checking …", "run");
  };
  form.set = (path, value, { now = false, resets = [] } = {}) => {
    place(form.values, path, value);
    for (const other of resets) place(form.values, other, undefined);
    clearTimeout(form.timer);
    if (now) send();
    else form.timer = setTimeout(send, PAUSE);
  };
  form.change = (path, change) => form.set(path, change(at(form.values, path) ?? []), { now: true });

  const pill = element("span", { class: "lfm-pill lfm-tone-ok", role: "status" });
  const title = element("span", { class: "lfm-title" });
  const about = element("span", { class: "lfm-muted" });
  const fields = element("div", { class: "lfm-form-fields" });
  const yaml = element("div", { class: "lfm-form-yaml" });
  const told = element("div", { class: "lfm-form-told" });
  const write = element("button", { class: "lfm-button lfm-primary", type: "button" });
  const copy = element("button", { class: "lfm-button", type: "button", text: "Copy" });
  const note = element("span", { class: "lfm-hint", role: "status" });
  const spare = element("textarea", { class: "lfm-form-copy", readonly: true, rows: 8 });
  spare.hidden = true;
  write.textContent = "Write into the next cell";
  const result = element(
    "div",
    { class: "lfm-form-result" },
    label("The next cell"),
    yaml,
    told,
    element("div", { class: "lfm-form-actions" }, write, copy, note),
    spare,
  );
  const grid = element(
    "div",
    { class: "lfm-form lfm-form-grid" },
    element("header", {}, title, pill, about),
    fields,
    result,
  );
  const root = element("div", { class: "lfm", tabindex: "-1" }, grid);
  const sections = [];

  function status(text, tone) {
    setText(pill, text);
    setClass(pill, `lfm-pill lfm-tone-${tone}`);
  }

  form.redraw = () => {
    const { state } = form;
    setText(title, state.title);
    setText(about, state.about);
    const [said, tone] = state.errors
      ? [`${state.errors} error${state.errors > 1 ? "s" : ""}`, "fail"]
      : state.warnings
        ? [`${state.warnings} warning${state.warnings > 1 ? "s" : ""}`, "wait"]
        : ["✓ No errors", "ok"];
    status(said, tone);
    while (sections.length > state.sections.length) sections.pop().root.remove();
    state.sections.forEach((section, number) => drawSection(section, number));
    // Made and escaped by the kernel, as every output of the mesh.
    if (yaml.dataset.text !== state.text) {
      yaml.dataset.text = state.text;
      yaml.innerHTML = state.yaml;
    }
    if (told.dataset.html !== state.told) {
      told.dataset.html = state.told;
      told.innerHTML = state.told;
    }
    write.disabled = !state.ready;
    spare.value = state.text;
  };

  function drawSection(section, number) {
    if (!sections[number]) {
      const name = element("span");
      const hint = element("span", { class: "lfm-hint" });
      const inner = element("div", { class: "lfm-form-controls" });
      const made = element(
        "fieldset",
        { class: "lfm-form-section" },
        element("legend", {}, name, hint),
        inner,
      );
      sections[number] = { root: made, name, hint, inner, known: new Map() };
      fields.append(made);
    }
    const drawn = sections[number];
    setText(drawn.name, section.title);
    setText(drawn.hint, section.hint);
    drawControls(drawn.inner, drawn.known, section.controls, form);
  }

  async function copyText() {
    try {
      await navigator.clipboard.writeText(form.state.text);
      setText(note, "Copied: paste it into the next cell.");
    } catch {
      spare.hidden = false;
      spare.focus();
      spare.select();
      setText(note, "Copy the text below into the next cell.");
    }
  }

  write.onclick = () => {
    // The extension in JupyterLab and Notebook takes the event; elsewhere nobody does.
    const event = new CustomEvent("leafmesh:insert-cell", {
      bubbles: true,
      composed: true,
      cancelable: true,
      detail: { text: form.state.text, replaces: form.put },
    });
    if (root.dispatchEvent(event)) {
      copyText();
      return;
    }
    form.put.push(form.state.text);
    setText(note, "Written into the next cell.");
    model.send({ t: "written" });
  };
  copy.onclick = copyText;

  const receive = (message) => {
    if (message.t === "failed") {
      status("not checked", "fail");
      setText(note, message.message);
    }
    if (message.t !== "form" || message.seq !== form.seq || form.timer) return;
    form.state = message.state;
    form.values = structuredClone(message.state.values);
    form.redraw();
  };
  model.on("msg:custom", receive);
  form.redraw();
  return { root, dispose: () => model.off("msg:custom", receive) };
}

function at(values, path) {
  return path.split(".").reduce((inner, name) => inner?.[name], values);
}

function place(values, path, value) {
  const names = path.split(".");
  const last = names.pop();
  const home = names.reduce((inner, name) => (inner[name] ??= {}), values);
  if (value === undefined) delete home[last];
  else home[last] = value;
}

export default {
  render({ model, el }) {
    const view = formView(model);
    el.append(view.root);
    return view.dispose;
  },
};
