/**
 * Cells as Jupyter writes them (nbformat 4): what JupyterLab takes from the clipboard's text is a list of them, and a
 * whole notebook, a list, or one cell is taken from there. Whoever wrote it may be anybody: nothing but what a person
 * could write as well comes in, no outputs, and no notes that are the server's.
 */
import type { Clip, ClippedCell } from './clip';
import { flowWouldCycle } from './graph';
import { asCellType, asCollapsed, asObject, numberOr, type Json, type JsonObject } from './values';

/** The server takes no message larger than 16 MB; nobody pastes that much by intent. */
export const MOST_TEXT = 8_000_000;
export const MOST_CELLS = 2000;
const DEEPEST = 12;
const FURTHEST = 1e7;

const TYPES: readonly unknown[] = ['code', 'markdown', 'raw'];
/** Written by the server or by programs about a run: it is no part of what was copied. */
const NOT_OURS: ReadonlySet<string> = new Set(['gm', 'execution', 'ExecuteTime', '__proto__']);

/** A cell's own notes, without those of others; none at all if they are too deep to be anybody's. */
export function ownMetadata(given: unknown): JsonObject {
  const entries = Object.entries(asObject(given)).filter(
    ([key, value]) => !NOT_OURS.has(key) && shallow(value, 1),
  );
  return Object.fromEntries(entries);
}

function shallow(value: Json, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return typeof value !== 'number' || Number.isFinite(value);
  return depth < DEEPEST && Object.values(value).every((each) => shallow(each, depth + 1));
}

/** Name → mime → text, and nothing else. */
export function soundAttachments(given: unknown): JsonObject {
  const sound: [string, JsonObject][] = [];
  for (const [name, bundle] of Object.entries(asObject(given))) {
    const texts = Object.entries(asObject(bundle)).filter(([, value]) => typeof value === 'string');
    if (texts.length > 0 && name !== '__proto__') sound.push([name, Object.fromEntries(texts)]);
  }
  return Object.fromEntries(sound);
}

export const soundPlace = (value: unknown): number =>
  Math.max(-FURTHEST, Math.min(FURTHEST, numberOr(value, 0)));

export function soundWidth(value: unknown): number | null {
  const width = numberOr(value, null);
  return width === null ? null : Math.max(100, Math.min(4000, width));
}

/** Those of the pairs that close no circle. */
export function soundFlow(pairs: readonly (readonly [number, number])[]): [number, number][] {
  const flow = new Map<string, string[]>();
  return pairs.flatMap(([from, to]): [number, number][] => {
    const [a, b] = [`${from}`, `${to}`];
    if (flow.get(a)?.includes(b) === true || flowWouldCycle(flow, a, b)) return [];
    flow.set(a, [...(flow.get(a) ?? []), b]);
    return [[from, to]];
  });
}

export function sourceText(given: unknown): string {
  const text = Array.isArray(given) ? given.filter((line) => typeof line === 'string').join('') : given;
  return typeof text === 'string' ? text.replace(/\r\n?/g, '\n') : '';
}

/** As text for JupyterLab: a list of cells, their places beside. */
export function toJupyter({ cells }: Clip): string {
  return JSON.stringify(
    cells.map(({ type, source, left, top, width, collapsed, metadata, attachments }) => ({
      cell_type: type,
      metadata: { ...ownMetadata(metadata), gm: { left, top, width, collapsed } },
      source,
      ...(type === 'code' ? { execution_count: null, outputs: [] } : {}),
      ...(Object.keys(attachments).length > 0 ? { attachments } : {}),
    })),
  );
}

const isCell = (value: Json): boolean => TYPES.includes(asObject(value)['cell_type']);

/** What looks like a notebook, a list of cells or a cell; null: it does not. */
export function fromJupyter(text: string): Clip | null {
  if (text.length > MOST_TEXT || !/^\s*[[{]/.test(text) || !text.includes('"cell_type"')) return null;
  let given: Json;
  try {
    given = JSON.parse(text) as Json;
  } catch {
    return null;
  }
  const book = asObject(given);
  const list = Array.isArray(given) ? given : isCell(book) ? [book] : book['cells'];
  if (!Array.isArray(list) || list.length === 0 || list.length > MOST_CELLS || !list.every(isCell))
    return null;
  return clipOfCells(list.map(asObject), asObject(asObject(book['metadata'])['gm']));
}

/** The room that a cell takes which says nothing of its place. */
const GAP = 40;
const LINE = 20;
const HEADER = 60;

function clipOfCells(list: readonly JsonObject[], graphs: JsonObject): Clip {
  const placed = list.map((each) => asObject(asObject(each['metadata'])['gm']));
  const known = placed.every(({ left, top }) => typeof left === 'number' && typeof top === 'number');
  const at = new Map(list.flatMap(({ id }, i) => (typeof id === 'string' ? [[id, i] as const] : [])));
  const parents = known ? parentsIn(asObject(graphs['pc_graph']), at) : new Map<number, number>();
  const tissues = new Set(known ? Object.keys(asObject(graphs['pc_graph'])).map((id) => at.get(id)) : []);
  let below = 0;
  const cells = list.map((each, i): ClippedCell => {
    const source = sourceText(each['source']);
    const gm = placed[i] ?? {};
    const top = known ? soundPlace(gm['top']) : below;
    below += HEADER + LINE * source.split('\n').length + GAP;
    return {
      type: asCellType(each['cell_type']),
      source,
      left: known ? soundPlace(gm['left']) : 0,
      top,
      width: soundWidth(gm['width']),
      collapsed: asCollapsed(gm['collapsed']),
      metadata: ownMetadata(each['metadata']),
      attachments: soundAttachments(each['attachments']),
      tissue: tissues.has(i),
      parent: parents.get(i) ?? null,
    };
  });
  const left = Math.min(...cells.map((each) => each.left));
  const top = Math.min(...cells.map((each) => each.top));
  return {
    cells: cells.map((each) => ({ ...each, left: each.left - left, top: each.top - top })),
    flow: soundFlow(
      known ? pairsIn(asObject(graphs['np_graph']), at) : cells.slice(1).map((_, i) => [i, i + 1]),
    ),
  };
}

function pairsIn(graph: JsonObject, at: ReadonlyMap<string, number>): [number, number][] {
  return Object.entries(graph).flatMap(([id, targets]) => {
    const from = at.get(id);
    const ends = Array.isArray(targets) ? targets.map((each) => at.get(`${each as string}`)) : [];
    return ends.flatMap((to): [number, number][] =>
      from === undefined || to === undefined || from === to ? [] : [[from, to]],
    );
  });
}

/** Child → parent, where the parent comes earlier, as in every file of ours. */
function parentsIn(graph: JsonObject, at: ReadonlyMap<string, number>): Map<number, number> {
  const parents = new Map<number, number>();
  for (const [parent, child] of pairsIn(graph, at))
    if (parent < child && !parents.has(child)) parents.set(child, parent);
  return parents;
}
