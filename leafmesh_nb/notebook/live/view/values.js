// Values: rows of names and texts, and the way behind a mask.

function valueRows(store, question, rows) {
  const list = element("dl", { class: "lfm-rows" });
  for (const row of rows) {
    const value = element("dd");
    const text = element("span", { class: "lfm-value", text: row.text });
    value.append(text);
    if (row.masked && question) value.append(revealButton(store, question, row, text));
    if (row.name) list.append(element("dt", { text: row.name }), value);
    else {
      value.classList.add("lfm-alone");
      list.append(value);
    }
  }
  return list;
}

// Where an output comes from, wherever it is shown: rules are not to be taken for a model.
function sourceLabel(text) {
  return text ? element("span", { class: "lfm-source", text }) : "";
}

// What was behind a mask lives in this page only: neither the state nor the notebook keeps it.
function revealButton(store, question, row, text) {
  const button = element("button", { type: "button", class: "lfm-reveal" });
  const show = () => {
    const shown = store.revealed.get(row.source);
    setText(text, shown ?? row.text);
    setText(button, shown == null ? "reveal" : "hide");
    const what = row.name || "value";
    setAttribute(button, "aria-label", `${shown == null ? "Reveal" : "Hide"} ${what}`);
  };
  button.onclick = () => {
    if (store.revealed.has(row.source)) {
      store.revealed.delete(row.source);
      show();
      return;
    }
    button.disabled = true;
    store.request({ t: "reveal", card: question, what: row.source }, (reply) => {
      button.disabled = false;
      if (reply.ok) store.revealed.set(row.source, reply.value);
      show();
      if (!reply.ok) setText(button, reply.message);
    });
  };
  show();
  return button;
}
