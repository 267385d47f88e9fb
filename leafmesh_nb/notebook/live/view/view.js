// A view: the whole card, drawn from the store.

function runView(store) {
  const root = element("div", { class: "lfm", tabindex: "-1" });
  const spoken = element("div", { class: "lfm-hidden", role: "status", "aria-live": "polite" });
  const view = { root, selected: null, output: null };
  const select = (name) => {
    view.selected = view.selected === name ? null : name;
    store.redraw();
  };
  const header = headerPart(store);
  const graph = graphPart(select);
  const questions = questionsPart(store, root);
  const decisions = decisionsPart();
  const detail = detailPart(store);
  const footer = element("div", { class: "lfm-footer" });
  root.append(
    spoken,
    header.root,
    graph.root,
    questions.root,
    decisions.root,
    detail.root,
    footer,
  );
  view.update = (state) => {
    const selected = view.selected ?? interesting(state);
    header.update(state);
    graph.update(state, selected, store.now());
    questions.update(state);
    decisions.update(state);
    detail.update(state, selected);
    const facts = footerText(state);
    if (footer.dataset.shown !== facts.join()) {
      footer.dataset.shown = facts.join();
      footer.replaceChildren(...facts.map((text) => element("span", { text })));
    }
    setText(spoken, spokenStatus(state));
  };
  const ticking = setInterval(() => {
    if (store.ended != null || store.state.ended != null || document.hidden) return;
    header.tick(store.state);
    graph.update(store.state, view.selected ?? interesting(store.state), store.now());
    questions.tick();
  }, 1000);
  view.dispose = () => {
    clearInterval(ticking);
    graph.dispose();
    questions.dispose();
  };
  view.finish = (html) => {
    view.dispose();
    // Made and escaped by the kernel (card_html.py): the same that the notebook will hold.
    root.className = "lfm-final";
    root.innerHTML = html;
    view.output = root.closest(".jp-OutputArea-output");
    keepInView(root);
  };
  return view;
}

// What nobody has chosen: what runs or waits, else the last output or failure.
function interesting(state) {
  const having = (test) => state.order.filter((name) => test(state.steps[name]));
  return (
    having((step) => step.status === "wait")[0] ??
    having((step) => step.status === "run")[0] ??
    having((step) => step.status === "fail")[0] ??
    having((step) => step.output.length).at(-1) ??
    state.order[0]
  );
}

function spokenStatus(state) {
  if (state.status === "running") return "";
  return `${state.name}: ${statusText(state)}`;
}

// Where the page was reloaded in mid-run, no update of the display reaches this output: when the
// widget goes, what it showed at the end stays in its place.
function stayAfter({ root, output }) {
  const copy = root.cloneNode(true);
  setTimeout(() => {
    if (output.isConnected) output.after(copy);
  }, 500);
}

export default {
  initialize({ model }) {
    storeOf(model);
  },
  render({ model, el }) {
    const store = storeOf(model);
    const view = runView(store);
    el.append(view.root);
    store.views.add(view);
    if (store.ended != null) view.finish(store.ended);
    else view.update(store.state);
    store.hello(0);
    return () => {
      store.views.delete(view);
      view.dispose();
      if (view.output) stayAfter(view);
    };
  },
};
