// The store of a run: its state, and the talk with the kernel. Any number of views draw it.

const stores = new Map();

function storeOf(model) {
  // anywidget hands initialize() and render() different proxies of one model.
  const uid = model.get("uid");
  if (!stores.has(uid)) stores.set(uid, createStore(model));
  return stores.get(uid);
}

function createStore(model) {
  const store = {
    state: structuredClone(model.get("state")),
    views: new Set(),
    revealed: new Map(),
    waiting: new Map(),
    ended: null,
    tab: Math.random().toString(36).slice(2, 8),
    clockOffset: 0,
    frame: 0,
  };
  store.now = () => Date.now() - store.clockOffset;
  store.send = (message) => model.send(message);
  store.request = (message, reply) => {
    const req = uniqueId();
    store.waiting.set(req, reply);
    store.send({ ...message, req });
  };
  store.hello = (n) =>
    store.send({
      t: "hello",
      n,
      seq: store.state.seq,
      tab: store.tab,
      views: [...store.views].filter((view) => view.root.isConnected).length,
      hidden: document.hidden,
    });
  store.redraw = () => {
    if (store.frame) return;
    const draw = () => {
      store.frame = 0;
      for (const view of store.views) view.update(store.state);
    };
    // A hidden page gets no animation frames, and its title may still matter.
    store.frame = document.hidden ? setTimeout(draw, 500) : requestAnimationFrame(draw);
  };
  setClock(store, store.state.now);
  model.on("msg:custom", (message) => receive(store, message));
  store.hello(0);
  return store;
}

function setClock(store, now) {
  if (now) store.clockOffset = Date.now() - now;
}

function receive(store, message) {
  setClock(store, message.now);
  switch (message.t) {
    case "ping":
      store.hello(message.n);
      break;
    case "state":
      if (message.state.seq >= store.state.seq) {
        store.state = message.state;
        store.redraw();
      }
      break;
    case "patch":
      receivePatch(store, message);
      break;
    case "final":
      store.ended = message.html;
      for (const view of store.views) view.finish(message.html);
      break;
    case "verdict": {
      const reply = store.waiting.get(message.req);
      store.waiting.delete(message.req);
      reply?.(message);
    }
  }
}

function receivePatch(store, message) {
  if (message.seq <= store.state.seq) return;
  if (message.seq !== store.state.seq + 1) {
    store.send({ t: "sync" });
    return;
  }
  for (const [op, path, value] of message.ops) {
    const [key, name] = path;
    if (name === undefined) store.state[key] = value;
    else if (op === "drop") delete store.state[key][name];
    else store.state[key][name] = value;
  }
  store.state.seq = message.seq;
  store.redraw();
}
