/**
 * Cells that are cut in two, made one, or change places: each one step of undo. Outputs are the server's and stay with
 * their cell, so what is cut off before a cell's last part are new cells, and the cell itself is the last part.
 */
import * as Y from 'yjs';
import type { Acts, NewCell } from './acts';
import { removeAll } from './arrays';
import { childrenOf, flowWouldCycle, readingOrder } from './graph';
import type { Notebook } from './notebook.svelte';
import type { CellType, Edges, JsonObject, Place } from './values';

/** Where a text is cut, and from where the next part is: line ends around a cut belong to no part. */
export function cuts(text: string, positions: Iterable<number>): { to: number; from: number }[] {
  const inside = [...new Set(positions)].filter((at) => at > 0 && at < text.length).sort((a, b) => a - b);
  return inside.map((at) => {
    let [to, from] = [at, at];
    if (text[from] === '\n') from += 1;
    else if (text[to - 1] === '\n') to -= 1;
    return { to, from };
  });
}

/** What is noted of a cell's run, by the server and by programs: a part of it takes over the rest. */
const OF_A_RUN: ReadonlySet<string> = new Set(['gm', 'execution', 'ExecuteTime']);

function inherited(metadata: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(metadata).filter(([key]) => !OF_A_RUN.has(key)));
}

/**
 * The ids of all parts in order; none if no position lies inside the text. `place`: where the first part goes, above
 * the cell. The head of a tissue stays its head, and what is cut off is the first inside.
 */
export function splitCell(acts: Acts, id: string, positions: Iterable<number>, place: Place): string[] {
  const { notebook } = acts;
  const { pc, parents } = notebook;
  const { source, type, width, left, metadata, attachments } = notebook.cell(id);
  const text = source.toString();
  const found = cuts(text, positions);
  // What is in it besides text, which Yjs allows, has a length of its own.
  if (found.length === 0 || source.length !== text.length) return [];
  const parts = [...found, { to: text.length, from: 0 }].map(({ to }, i) =>
    text.slice(i === 0 ? 0 : (found[i - 1]?.from ?? 0), to),
  );
  const common = { type, metadata: inherited(metadata), attachments, ...(width === null ? {} : { width }) };
  const parent = parents.get(id);
  const head = pc.has(id);
  const index = head ? 0 : parent === undefined ? 0 : childrenOf(parent, pc, parents).indexOf(id);
  const bottom = notebook.cell(id).top ?? place.top;
  const specs = (head ? parts.slice(1) : parts.slice(0, -1)).map((part, i, all): NewCell => {
    const top = place.top + ((bottom - place.top) * i) / all.length;
    const spec = { ...common, source: part, left: head ? (left ?? place.left) : place.left, top };
    if (head) return { ...spec, parent: id, index: i };
    return parent === undefined ? { ...spec, before: id } : { ...spec, parent, index: index + i };
  });
  const made = acts.createCells(specs, () => {
    if (head) source.delete(found[0]?.to ?? 0, text.length - (found[0]?.to ?? 0));
    else source.delete(0, found.at(-1)?.from ?? 0);
  });
  return head ? [id, ...made] : [...made, id];
}

/** All into the first of them as one reads, which keeps its place and its outputs. The id of it. */
export function mergeCells(acts: Acts, ids: Iterable<string>, type: CellType): string | null {
  const { notebook, undo } = acts;
  const { np, pc, parents } = notebook;
  const wanted = new Set(ids);
  const [first, ...gone] = readingOrder(notebook.ids, np, pc, parents).filter((id) => wanted.has(id));
  if (first === undefined || gone.length === 0 || [first, ...gone].some((id) => pc.has(id))) return null;
  const { source, attachments } = notebook.cell(first);
  const between = type === 'markdown' ? '\n\n' : '\n';
  const rest = gone.map((id) => between + notebook.cell(id).text).join('');
  const all = Object.assign(
    {},
    ...gone.map((id) => notebook.cell(id).attachments).toReversed(),
    attachments,
  ) as JsonObject;
  undo.step(() => {
    source.insert(source.length, rest);
    acts.setType(first, type);
    if (Object.keys(all).length > Object.keys(attachments).length)
      notebook.cell(first).map.set('attachments', all);
    if (!parents.has(first)) takeFlow(notebook, first, new Set(gone));
    acts.deleteCells(gone);
  });
  return first;
}

/** What led to the cells that go now leads to `heir`, and what they led to comes behind it, unless that were a circle. */
function takeFlow({ np, doc, parents }: Notebook, heir: string, gone: ReadonlySet<string>): void {
  const graph = doc.getMap<Y.Array<string>>('np_graph');
  const flow = new Map(
    [...np].filter(([from]) => !gone.has(from)).map(([from, to]) => [from, to.filter((id) => !gone.has(id))]),
  );
  const connect = (from: string, to: string): void => {
    if (from === to || parents.has(from) || parents.has(to)) return;
    if (flow.get(from)?.includes(to) === true || flowWouldCycle(flow, from, to)) return;
    flow.set(from, [...(flow.get(from) ?? []), to]);
  };
  for (const [from, targets] of np)
    for (const to of targets) {
      if (gone.has(from) && !gone.has(to)) connect(heir, to);
      if (gone.has(to) && !gone.has(from)) connect(from, heir);
    }
  // Without the cells that go the flow is whole: their deletion has nothing to bridge.
  write(graph, new Map<string, readonly string[]>([...[...gone].map((id) => [id, []] as const), ...flow]));
}

/** Writes only what differs. */
function write(graph: Y.Map<Y.Array<string>>, flow: Edges): void {
  for (const [from, targets] of flow) {
    const held = graph.get(from);
    if (!(held instanceof Y.Array)) {
      if (targets.length > 0) graph.set(from, Y.Array.from([...targets]));
      continue;
    }
    const now = held.toArray();
    if (now.length === targets.length && now.every((id, i) => id === targets[i])) continue;
    removeAll(held, new Set(now.filter((id) => !targets.includes(id))));
    const left = held.toArray();
    held.push(targets.filter((id) => !left.includes(id)));
  }
}

/** Two top-level cells, with all inside them, change places: on the canvas, in the flow and in the file. */
export function swapCells({ notebook, undo }: Acts, a: string, b: string): void {
  const { doc, np, ids } = notebook;
  const other = (id: string): string => (id === a ? b : id === b ? a : id);
  const cells = doc.getArray<string>('cells');
  undo.step(() => {
    const [mapA, mapB] = [notebook.cell(a).map, notebook.cell(b).map];
    for (const key of ['left', 'top']) {
      const [atA, atB] = [mapA.get(key), mapB.get(key)];
      if (atA === atB) continue;
      mapA.set(key, atB);
      mapB.set(key, atA);
    }
    const flow = new Map(ids.map((id) => [id, (np.get(other(id)) ?? []).map(other)]));
    write(doc.getMap('np_graph'), flow);
    const [first, second] = [cells.toArray().indexOf(a), cells.toArray().indexOf(b)].sort(
      (x, y) => x - y,
    ) as [number, number];
    if (first < 0) return;
    const [earlier, later] = [cells.get(first), cells.get(second)];
    cells.delete(second, 1);
    cells.insert(second, [earlier]);
    cells.delete(first, 1);
    cells.insert(first, [later]);
  });
}
