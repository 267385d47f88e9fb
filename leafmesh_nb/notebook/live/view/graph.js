// The graph of the steps.

const SVG = "http://www.w3.org/2000/svg";
const NODE = { width: 164, height: 46, gapX: 36, gapY: 14, gutter: 30 };

function ranksOf(state) {
  const rank = {};
  const of = (name) => {
    rank[name] ??= 1 + Math.max(-1, ...state.steps[name].after.map(of));
    return rank[name];
  };
  const columns = [];
  for (const name of state.order) (columns[of(name)] ??= []).push(name);
  return columns;
}

// What a step waits for, without what those wait for themselves: their edges already say it.
function nearest(state, name) {
  const beyond = new Set();
  const collect = (other) => {
    for (const before of state.steps[other].after) {
      if (!beyond.has(before)) {
        beyond.add(before);
        collect(before);
      }
    }
  };
  state.steps[name].after.forEach(collect);
  return state.steps[name].after.filter((before) => !beyond.has(before));
}

// Ranks from left to right, in as many bands as the width asks for: nodes never shrink.
function layOut(columns, width) {
  const { gapX, gapY, gutter } = NODE;
  const fitting = Math.max(1, Math.floor((width + gapX) / (NODE.width + gapX)));
  const bandCount = Math.ceil(columns.length / fitting);
  const perBand = Math.ceil(columns.length / bandCount);
  const places = {};
  let top = 0;
  for (let band = 0; band < bandCount; band++) {
    const inBand = columns.slice(band * perBand, (band + 1) * perBand);
    const stack = (column) => column.length * (NODE.height + gapY) - gapY;
    const height = Math.max(...inBand.map(stack));
    inBand.forEach((column, index) => {
      const offset = (height - stack(column)) / 2;
      column.forEach((name, row) => {
        const x = index * (NODE.width + gapX);
        const y = Math.round(top + offset + row * (NODE.height + gapY));
        places[name] = { x, y, band, bottom: top + height };
      });
    });
    top += height + gutter;
  }
  const vertical = perBand === 1;
  return {
    places,
    vertical,
    width: perBand * (NODE.width + gapX) - gapX,
    height: top - gutter,
  };
}

function edgePath(from, to, vertical) {
  const middle = NODE.height / 2;
  const start = [from.x + NODE.width, from.y + middle];
  const end = [to.x, to.y + middle];
  if (vertical) return verticalEdge(from, to);
  if (from.band === to.band) {
    const half = (start[0] + end[0]) / 2;
    return `M${start}C${half},${start[1]} ${half},${end[1]} ${end}`;
  }
  const gutter = from.bottom + NODE.gutter / 2;
  const side = NODE.gapX / 3;
  return roundedPath([
    start,
    [start[0] + side, start[1]],
    [start[0] + side, gutter],
    [end[0] - side, gutter],
    [end[0] - side, end[1]],
    end,
  ]);
}

function verticalEdge(from, to) {
  const gap = to.y - (from.y + NODE.height);
  if (gap <= NODE.gutter) {
    const x = from.x + NODE.width / 2;
    return `M${x},${from.y + NODE.height}V${to.y}`;
  }
  const right = from.x + NODE.width;
  const [y1, y2] = [from.y + NODE.height / 2, to.y + NODE.height / 2];
  return `M${right},${y1}C${right + 28},${y1} ${right + 28},${y2} ${right},${y2}`;
}

function roundedPath(points) {
  let path = `M${points[0]}`;
  for (let i = 1; i < points.length - 1; i++) {
    const [x, y] = points[i];
    const toward = ([px, py]) => {
      const length = Math.hypot(px - x, py - y) || 1;
      const radius = Math.min(7, length / 2);
      return [x + ((px - x) / length) * radius, y + ((py - y) / length) * radius];
    };
    path += `L${toward(points[i - 1])}Q${x},${y} ${toward(points[i + 1])}`;
  }
  return path + `L${points.at(-1)}`;
}

function graphPart(onselect) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const graph = element("div", { class: "lfm-graph", role: "group", "aria-label": "Steps" }, svg);
  const root = element("div", { class: "lfm-graph-frame" }, graph);
  const nodes = new Map();
  const edges = new Map();
  let drawnFor = "";
  let state = null;

  const place = () => {
    // The frame's padding is 16 px a side.
    const width = root.clientWidth - 32;
    const shape = JSON.stringify([width, state.order.map((name) => state.steps[name].after)]);
    if (width <= 0 || shape === drawnFor) return;
    drawnFor = shape;
    const plan = layOut(ranksOf(state), width);
    graph.style.width = `${plan.width + (plan.vertical ? 24 : 0)}px`;
    graph.style.height = `${plan.height}px`;
    for (const [name, node] of nodes) {
      node.root.style.left = `${plan.places[name].x}px`;
      node.root.style.top = `${plan.places[name].y}px`;
    }
    for (const { path, from, to } of edges.values()) {
      path.setAttribute("d", edgePath(plan.places[from], plan.places[to], plan.vertical));
    }
  };
  const resized = new ResizeObserver(() => state && place());
  resized.observe(root);

  const update = (next, selected, now) => {
    state = next;
    for (const name of state.order) {
      if (!nodes.has(name)) {
        nodes.set(name, graphNode(state.steps[name], () => onselect(name)));
        graph.append(nodes.get(name).root);
      }
      updateNode(nodes.get(name), state.steps[name], name === selected, now);
      for (const before of nearest(state, name)) updateEdge(edges, svg, state, before, name);
    }
    place();
  };
  return { root, update, dispose: () => resized.disconnect() };
}

function graphNode(step, onclick) {
  const node = {
    icon: icon("idle"),
    name: element("span", { class: "lfm-node-name", text: step.name }),
    below: element("span", { class: "lfm-node-below" }),
  };
  node.root = element(
    "button",
    { type: "button", class: "lfm-node", onclick },
    node.icon,
    node.name,
    node.below,
  );
  return node;
}

function updateNode(node, step, selected, now) {
  setClass(node.root, `lfm-node lfm-tone-${step.status}`);
  setText(node.icon, GLYPHS[step.status]);
  setText(node.below, belowName(step, now));
  setAttribute(node.root, "aria-pressed", String(selected));
  setAttribute(node.root, "aria-label", `${step.name}, ${STEP_WORDS[step.status]}`);
}

function belowName(step, now) {
  const cost = Number(step.spent) ? usd(step.spent) : "";
  switch (step.status) {
    case "ok":
    case "fail":
      return [duration(step.ended - step.started), cost].filter(Boolean).join(" · ");
    case "run":
      return [step.agent, duration(Math.max(0, now - step.started))].filter(Boolean).join(" · ");
    case "wait":
      return `asks ${step.asks}`;
    case "idle":
      return step.agent || step.capability;
  }
  return STEP_WORDS[step.status];
}

function updateEdge(edges, svg, state, from, to) {
  const key = `${from} ${to}`;
  if (!edges.has(key)) {
    const path = document.createElementNS(SVG, "path");
    svg.append(path);
    edges.set(key, { path, from, to });
  }
  const target = state.steps[to].status;
  const reached = state.steps[from].status === "ok" && !["idle", "skip"].includes(target);
  const tone = target === "run" ? "lfm-flowing" : reached ? "lfm-reached" : "";
  setAttribute(edges.get(key).path, "class", tone);
}
