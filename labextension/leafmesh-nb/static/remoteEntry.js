// JupyterLab shows the cells of a mesh as what they are: YAML, with expressions in it.
//
// This file is what runs: there is no build. It is a module federation container by hand, of the
// two functions that JupyterLab calls: `init` hands over the modules that it shares, `get` asks for
// the extension. CodeMirror is JupyterLab's own, so nothing is bundled here.
(() => {
  "use strict";

  const HEAD = /^\s*%%(?:mesh|agent|policy|workflow)(?![\w.])/;

  // The mode: a tokenizer for CodeMirror's `StreamLanguage`, a line at a time.
  //
  // `block` is the column of the key whose text stands below it (`|`, `>`), or -1; `quote` a quote
  // that is open; `key` says that a key may stand here; `column` and `opens` are for indentation:
  // where the line's content begins, and whether what it says goes on below.
  const mode = {
    name: "leafmesh",
    languageData: { commentTokens: { line: "#" } },
    startState: () => ({ head: true, block: -1, quote: "", key: true, column: 0, opens: false }),

    token(stream, state) {
      if (stream.sol()) {
        if (state.head && stream.match(HEAD)) {
          state.head = false;
          return "meta";
        }
        const indent = stream.indentation();
        if (state.block >= 0) {
          if (indent > state.block) return stream.skipToEnd(), "string";
          state.block = -1;
        }
        if (!state.quote) Object.assign(state, { key: true, column: indent, opens: false });
      }
      if (state.quote) return quoted(stream, state);
      if (stream.eatSpace()) return null;
      if (stream.peek() === "#" && (stream.sol() || /\s/.test(before(stream)))) {
        return stream.skipToEnd(), "comment";
      }
      if (stream.match(/^-(?=\s|$)/)) {
        state.column = stream.column() + 1;
        return null;
      }
      if (stream.match(/^\{\{\s*\w+\s*\}\}/)) return "meta"; // a value of Python's
      if (state.key && stream.match(/^(?:[\w.$-]+|"[^"]*"|'[^']*')(?=\s*:(?:\s|$))/)) {
        return "propertyName";
      }
      if (stream.match(/^:(?=\s|$)/)) {
        state.key = false;
        state.opens = !!stream.match(/^\s*(?:#.*)?$/, false);
        if (stream.match(/^\s*[|>][-+0-9]*\s*(?=#|$)/)) {
          state.block = state.column;
          state.opens = true;
        }
        return null;
      }
      if (stream.match(/^[{},[\]]/)) {
        state.key = /[{,]/.test(stream.current());
        return null;
      }
      if (/["']/.test(stream.peek()) && !/\w/.test(before(stream))) {
        state.quote = stream.next();
        return quoted(stream, state);
      }
      state.key = false;
      if (stream.match(/^(?:true|false|null)(?![\w.])/)) return "bool";
      if (stream.match(/^(?:\d+(?:\.\d+)?(?:ms|[smhd])?)+(?![\w.])/)) return "number";
      if (stream.match(/^(?:&&|\|\||[=!<>]=|[<>])/)) return "operator";
      if (stream.match(/^[\w.]+/)) return null;
      stream.next();
      return null;
    },

    indent: (state, rest, context) => state.column + (state.opens ? context.unit : 0),
  };

  function before(stream) {
    return stream.pos ? stream.string[stream.pos - 1] : " ";
  }

  // The rest of a quoted text, as far as it stands on this line.
  function quoted(stream, state) {
    while (!stream.eol()) {
      const next = stream.next();
      if (next === "\\" && state.quote === '"') stream.next();
      else if (next === state.quote) {
        state.quote = "";
        break;
      }
    }
    return "string";
  }

  let shared = {};

  // A shared module; of several versions the one that is in use.
  async function use(name) {
    const versions = Object.values(shared[name] ?? {});
    const chosen = versions.find((version) => version.loaded) ?? versions.at(-1);
    if (!chosen) throw new Error(`JupyterLab shares no ${name}`);
    return (await chosen.get())();
  }

  async function load() {
    const names = ["state", "view", "language"].map((name) => `@codemirror/${name}`);
    const [
      { Compartment, EditorState, Prec, RangeSetBuilder },
      { Decoration, ViewPlugin },
      { LanguageSupport, StreamLanguage, StringStream, highlightingFor, indentUnit },
      { tags },
      lab,
    ] = await Promise.all([...names, "@lezer/highlight", "@jupyterlab/codemirror"].map(use));

    // JupyterLab offers every token of the syntax tree as a completion, beside what the kernel says.
    // So the tree stays empty (the mode runs for its state, which indents), and colours are
    // decorations, of the classes that the theme gives to the same tags.
    const language = StreamLanguage.define({
      ...mode,
      token: (stream, state) => (mode.token(stream, state), null),
    });

    function paint(view) {
      const { doc } = view.state;
      const { from, to } = view.viewport;
      const classes = {};
      const found = new RangeSetBuilder();
      const state = mode.startState();
      for (let line = doc.line(1); line.from <= to; line = doc.line(line.number + 1)) {
        const stream = new StringStream(line.text, 4, 2);
        while (!stream.eol()) {
          stream.start = stream.pos;
          const token = mode.token(stream, state);
          if (!token || line.to < from) continue;
          classes[token] ??= highlightingFor(view.state, [tags[token]]) ?? "";
          const mark = Decoration.mark({ class: classes[token] });
          found.add(line.from + stream.start, line.from + stream.pos, mark);
        }
        if (line.number === doc.lines) break;
      }
      return found.finish();
    }

    const colours = ViewPlugin.define(
      (view) => ({
        decorations: paint(view),
        update(change) {
          if (change.docChanged || change.viewportChanged) this.decorations = paint(change.view);
        },
      }),
      { decorations: (plugin) => plugin.decorations },
    );

    const support = new LanguageSupport(language, [colours, indentUnit.of("  ")]);
    const mesh = Prec.highest(support);
    const other = [];
    const wanted = (text) => (HEAD.test(text) ? mesh : other);

    // In each editor: a mesh while its first line is the magic of one, whatever else it is before.
    const factory = ({ model }) => {
      const slot = new Compartment();
      const follow = EditorState.transactionExtender.of((transaction) => {
        if (!transaction.docChanged) return null;
        const next = wanted(transaction.newDoc.sliceString(0, 200));
        const now = slot.get(transaction.startState);
        return now === next ? null : { effects: slot.reconfigure(next) };
      });
      const first = slot.of(wanted(model.sharedModel.getSource()));
      return lab.EditorExtensionRegistry.createImmutableExtension([first, follow]);
    };

    return {
      id: "leafmesh-nb:cells",
      description: "Shows the cells of a mesh as YAML.",
      autoStart: true,
      requires: [lab.IEditorExtensionRegistry],
      activate: (app, extensions) => {
        extensions.addExtension({ name: "leafmesh-nb:cells", factory });
      },
    };
  }

  // The form of `%mesh new` asks, by an event of the page, for the cell below it.
  async function loadForms() {
    const { INotebookTracker } = await use("@jupyterlab/notebook");
    return {
      id: "leafmesh-nb:forms",
      description: "Lets the form of %mesh new write the cell below it.",
      autoStart: true,
      requires: [INotebookTracker],
      activate: (app, tracker) => {
        document.addEventListener("leafmesh:insert-cell", (event) => {
          if (writeBelow(tracker, event.target, event.detail)) event.preventDefault();
        });
        // `%mesh doctor` asks whether this extension is here.
        document.addEventListener("leafmesh:hello", (event) => event.preventDefault());
      },
    };
  }

  // Puts a text into the cell below the one that holds a node: over what the form had there before,
  // or over nothing; else into a new cell. Whether it did: a node may stand elsewhere.
  function writeBelow(tracker, node, { text, replaces = [] }) {
    const notebook = tracker.find(({ content }) => content.node.contains(node))?.content;
    const index = notebook?.widgets.findIndex((cell) => cell.node.contains(node)) ?? -1;
    if (index < 0 || typeof text !== "string") return false;
    const below = notebook.widgets[index + 1]?.model;
    const source = below?.sharedModel.getSource().trim();
    if (below?.type === "code" && ["", ...replaces].includes(source)) {
      below.sharedModel.setSource(text);
    } else {
      const cell = { cell_type: "code", source: text, metadata: { trusted: true } };
      notebook.model.sharedModel.insertCell(index + 1, cell);
    }
    notebook.activeCellIndex = index + 1;
    return true;
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB["leafmesh-nb"] = {
    init: (scope) => {
      shared = scope;
    },
    get: async (name) => {
      if (name !== "./extension") throw new Error(`leafmesh-nb has no module ${name}`);
      const plugins = await Promise.all([load(), loadForms()]);
      return () => ({ __esModule: true, default: plugins });
    },
  };
})();
