// Elements of the page.
//
// Every text from a run reaches the page as textContent, never as markup.

function element(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value == null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name === "text") node.textContent = value;
    else if (name.startsWith("on")) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  // Lumino looks at the focused element itself: on an ancestor the mark comes too late.
  if (["button", "input", "select", "textarea"].includes(tag) || props.tabindex != null) {
    node.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function setClass(node, name) {
  if (node.className !== name) node.className = name;
}

const icon = (tone) =>
  element("span", { class: "lfm-icon", "aria-hidden": "true", text: GLYPHS[tone] });
const label = (text) => element("span", { class: "lfm-label", text });
const uniqueId = () => "lfm" + Math.random().toString(36).slice(2, 10);
