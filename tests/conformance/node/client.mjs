// One process is one stock y-websocket client: commands as JSON lines on stdin, an answer line for each on stdout.
// Started as `node client.mjs 1` (y-websocket 1.5) or `node client.mjs 3` (y-websocket 3.1).
import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import * as Y from "yjs";

const { WebsocketProvider } = await import(`y-websocket-${process.argv[2]}`);

// What a browser's console would show; stdout belongs to the answers.
const complaints = [];
for (const level of ["log", "info", "warn", "error"]) {
  console[level] = (...words) => complaints.push(words.map(String).join(" "));
}

const doc = new Y.Doc();
const closes = [];
let provider = null;
let updates = 0;
doc.on("update", (_update, origin) => {
  if (origin === provider) updates += 1;
});

const cells = () => doc.getArray("cells");
const cell = (id) => doc.getMap(id);
const graph = (name) => doc.getMap(name);

function connect({ url, room = "g-y-room", params = {} }) {
  if (provider !== null) {
    provider.params = params;
    provider.connect();
    return {};
  }
  provider = new WebsocketProvider(url, room, doc, { params, WebSocketPolyfill: WebSocket, disableBc: true });
  provider.on("connection-close", (event) => closes.push(event ? { code: event.code, reason: event.reason } : null));
  return {};
}

function waitUntil(event, holds, timeout) {
  return new Promise((resolve, reject) => {
    let timer;
    const check = () => {
      if (!holds()) return;
      clearTimeout(timer);
      provider.off(event, check);
      resolve({});
    };
    timer = setTimeout(() => {
      provider.off(event, check);
      reject(new Error(`no ${event} within ${timeout} ms`));
    }, timeout);
    provider.on(event, check);
    check();
  });
}

function create({ cell: id, type = "code", source = "", index = cells().length, after = null, values = {} }) {
  // As the original's page does it: graph edges first, each key in its own transaction, the array last.
  if (after !== null) {
    const edges = graph("np_graph");
    if (edges.has(after)) edges.get(after).push([id]);
    else edges.set(after, Y.Array.from([id]));
  }
  const keys = {
    id, type, source: new Y.Text(source), execution_count: null, outputs: new Y.Array(),
    top: null, left: null, height: null, width: null, collapsed: null, state: "idle", ...values,
  };
  for (const [key, value] of Object.entries(keys)) cell(id).set(key, value);
  cells().insert(index, [id]);
  return {};
}

function remove({ cell: id }) {
  doc.transact(() => {
    for (const name of ["np_graph", "pc_graph"]) {
      graph(name).delete(id);
      for (const children of graph(name).values()) without(children, id);
    }
    without(cells(), id);
  });
  return {};
}

function without(array, id) {
  for (let index = array.length - 1; index >= 0; index -= 1) if (array.get(index) === id) array.delete(index);
}

function edit({ cell: id, index = 0, remove: length = 0, insert = "" }) {
  const text = cell(id).get("source");
  doc.transact(() => {
    if (length > 0) text.delete(index, length);
    if (insert !== "") text.insert(index, insert);
  });
  return {};
}

function dump() {
  const ids = cells().toArray();
  return {
    cells: ids,
    maps: Object.fromEntries(ids.map((id) => [id, cell(id).toJSON()])),
    np_graph: graph("np_graph").toJSON(),
    pc_graph: graph("pc_graph").toJSON(),
    run_queue: doc.getArray("run_queue").toArray(),
    kernel: graph("kernel").toJSON(),
    nb_path: doc.getText("nb_path").toString(),
    notebook: graph("notebook").toJSON(),
  };
}

// The document as it is, without a server: updates in hexadecimal, what is in roots of the given types.
const bytes = (hex) => Buffer.from(hex, "hex");
const hex = (update) => Buffer.from(update).toString("hex");
const kinds = { text: Y.Text, array: Y.Array, map: Y.Map };

const commands = {
  connect,
  create,
  edit,
  dump,
  delete: remove,
  disconnect: () => (provider.disconnect(), {}),
  // Cut the connection as a broken network does, without a word; the provider then connects again by itself.
  drop: () => (provider.ws?.terminate(), {}),
  apply: ({ update }) => (Y.applyUpdate(doc, bytes(update)), {}),
  encode: ({ state = "" }) => hex(Y.encodeStateAsUpdate(doc, state === "" ? undefined : bytes(state))),
  merge: ({ updates: all }) => hex(Y.mergeUpdates(all.map(bytes))),
  roots: ({ names }) => Object.fromEntries(names.map((name) => [name, doc.get(name, kinds[name]).toJSON()])),
  synced: ({ timeout = 5000 }) => waitUntil("sync", () => provider.synced, timeout),
  closed: ({ timeout = 5000 }) => waitUntil("connection-close", () => closes.length > 0, timeout),
  set: ({ cell: id, key, value }) => (cell(id).set(key, value), {}),
  link: ({ graph: name, from, to }) => (graph(name).set(from, Y.Array.from(to)), {}),
  awareness: ({ state }) => (provider.awareness.setLocalState(state), {}),
  states: () => Object.fromEntries(provider.awareness.getStates()),
  status: () => ({
    id: doc.clientID,
    connected: provider?.wsconnected ?? false,
    synced: provider?.synced ?? false,
    retrying: provider?.shouldConnect ?? false,
    updates,
    closes,
    complaints,
  }),
  quit: () => {
    provider?.destroy();
    setTimeout(() => process.exit(0), 20);
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...rest } = JSON.parse(line);
  let answer;
  try {
    answer = { id, value: await commands[command](rest) };
  } catch (error) {
    answer = { id, error: String(error?.message ?? error) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
process.exit(0);
