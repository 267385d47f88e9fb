// An editor of an object: an input a field, and what changed.

function editor(fields, onchange) {
  const diff = element("div", { class: "lfm-diff", role: "region", "aria-label": "Your changes" });
  const controls = fields.map((field) => ({ field, input: fieldInput(field) }));
  const changes = () => {
    const found = {};
    for (const { field, input } of controls) {
      if (input.value === input.dataset.initial) continue;
      found[field.name] = input.value === "" && field.nullable ? null : input.value;
    }
    return found;
  };
  const root = element("div", { class: "lfm-editor" });
  for (const { field, input } of controls) {
    input.id = uniqueId();
    input.oninput = () => {
      drawDiff(diff, fields, changes());
      onchange();
    };
    const kind = field.nullable ? `${field.kind}, may be empty` : field.kind;
    root.append(
      element("label", { for: input.id, text: field.name }),
      input,
      element("span", { class: "lfm-kind", text: kind }),
    );
  }
  root.append(diff);
  drawDiff(diff, fields, {});
  return { root, changes, focus: () => controls[0]?.input.focus() };
}

function fieldInput(field) {
  const input = bareInput(field);
  input.dataset.initial = input.value;
  if (field.masked) input.placeholder = "masked: stays as it is unless you type another";
  return input;
}

function bareInput(field) {
  const props = { autocomplete: "off", spellcheck: "false" };
  if (field.kind === "choice" || field.kind === "boolean") {
    const options = field.kind === "boolean" ? ["true", "false"] : field.options;
    const select = element("select");
    if (field.nullable || !options.includes(field.text)) select.append(new Option("–", ""));
    for (const option of options) select.append(new Option(option, option));
    select.value = field.text;
    return select;
  }
  if (field.kind === "json" || field.long) {
    const area = element("textarea", { rows: 3, ...props });
    area.value = field.text;
    return area;
  }
  const modes = { integer: "numeric", decimal: "decimal" };
  const type = field.kind === "date" ? "date" : "text";
  const input = element("input", { type, inputmode: modes[field.kind], ...props });
  input.value = field.text;
  return input;
}

function drawDiff(diff, fields, changes) {
  const line = (sign, name, text) =>
    element(
      "div",
      { class: sign === "+" ? "lfm-added" : "lfm-removed", "data-sign": sign },
      element("b", { text: name }),
      document.createTextNode(` ${text}`),
      element("span", { class: "lfm-hidden", text: sign === "+" ? " (new)" : " (old)" }),
    );
  diff.replaceChildren();
  for (const field of fields) {
    if (!(field.name in changes)) continue;
    diff.append(line("-", field.name, field.old), line("+", field.name, changes[field.name] ?? "–"));
  }
  diff.hidden = !diff.childElementCount;
}
