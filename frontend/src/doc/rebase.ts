/**
 * Edits that never reached the server, as changes of cells: how they come from one lineage of the document into
 * another. Merging the bytes would bring every cell twice, so they are made anew (protocol/SPEC.md, S-16).
 */
import { diff3Merge } from 'node-diff3';
import * as Y from 'yjs';
import type { Acts } from './acts';
import { parentsOf } from './graph';
import type { Notebook } from './notebook.svelte';
import { asCellType, asCollapsed, numberOr, type CellType, type Collapsed, type Edges } from './values';

export type Change =
  | { kind: 'text'; id: string; before: string; after: string }
  | {
      kind: 'added';
      id: string;
      type: CellType;
      after: string;
      left: number;
      top: number;
      parent: string | null;
    }
  | { kind: 'removed'; id: string; before: string }
  | { kind: 'moved'; id: string; left: number; top: number }
  | { kind: 'widened'; id: string; width: number }
  | { kind: 'typed'; id: string; type: CellType }
  | { kind: 'folded'; id: string; collapsed: Collapsed }
  | { kind: 'tissue'; id: string; parent: string | null }
  | { kind: 'edge'; id: string; to: string; drawn: boolean };

interface Picture {
  ids: string[];
  np: Edges;
  parents: ReadonlyMap<string, string>;
  cell(id: string): CellPicture;
}

interface CellPicture {
  type: CellType;
  source: string;
  left: number;
  top: number;
  width: number | null;
  collapsed: Collapsed;
}

/** From what the server had to what this browser has: both as updates. */
export function unsynced(theirs: readonly Uint8Array[], mine: readonly Uint8Array[]): Change[] {
  if (mine.length === 0) return [];
  const doc = new Y.Doc();
  apply(doc, theirs);
  const before = picture(doc);
  const had = new Map(before.ids.map((id) => [id, before.cell(id)]));
  apply(doc, mine);
  return differences(before, had, picture(doc));
}

function apply(doc: Y.Doc, updates: readonly Uint8Array[]): void {
  doc.transact(() => updates.forEach((update) => Y.applyUpdate(doc, update)));
}

function picture(doc: Y.Doc): Picture {
  const ids = [...new Set(doc.getArray<string>('cells').toArray())];
  const read = (name: string): Edges => {
    const graph = Object.entries(doc.getMap<unknown>(name).toJSON());
    return new Map(graph.filter((each): each is [string, string[]] => Array.isArray(each[1])));
  };
  return {
    ids,
    np: read('np_graph'),
    parents: parentsOf(read('pc_graph')),
    cell: (id) => {
      const map = doc.getMap<unknown>(id);
      return {
        type: asCellType(map.get('type')),
        source: map.get('source') instanceof Y.Text ? (map.get('source') as Y.Text).toString() : '',
        left: numberOr(map.get('left'), 0),
        top: numberOr(map.get('top'), 0),
        width: numberOr(map.get('width'), null),
        collapsed: asCollapsed(map.get('collapsed')),
      };
    },
  };
}

function differences(before: Picture, had: ReadonlyMap<string, CellPicture>, after: Picture): Change[] {
  const changes: Change[] = [];
  const there = new Set(after.ids);
  for (const id of after.ids) {
    const now = after.cell(id);
    const was = had.get(id);
    const parent = after.parents.get(id) ?? null;
    if (was === undefined) {
      const { type, source, left, top } = now;
      changes.push({ kind: 'added', id, type, after: source, left, top, parent });
      continue;
    }
    changes.push(...cellChanges(id, was, now));
    if (parent !== (before.parents.get(id) ?? null)) changes.push({ kind: 'tissue', id, parent });
  }
  for (const [id, was] of had) {
    if (!there.has(id)) changes.push({ kind: 'removed', id, before: was.source });
  }
  const edges = (of: Picture): Set<string> =>
    new Set([...of.np].flatMap(([from, nexts]) => nexts.map((to) => JSON.stringify([from, to]))));
  const [old, now] = [edges(before), edges(after)];
  for (const edge of new Set([...old, ...now])) {
    const [id, to] = JSON.parse(edge) as [string, string];
    if (old.has(edge) !== now.has(edge) && there.has(id) && there.has(to))
      changes.push({ kind: 'edge', id, to, drawn: now.has(edge) });
  }
  return changes;
}

function cellChanges(id: string, was: CellPicture, now: CellPicture): Change[] {
  const changes: Change[] = [];
  if (now.type !== was.type) changes.push({ kind: 'typed', id, type: now.type });
  if (now.source !== was.source) changes.push({ kind: 'text', id, before: was.source, after: now.source });
  if (now.left !== was.left || now.top !== was.top)
    changes.push({ kind: 'moved', id, left: now.left, top: now.top });
  if (now.width !== was.width && now.width !== null) changes.push({ kind: 'widened', id, width: now.width });
  if (now.collapsed !== was.collapsed) changes.push({ kind: 'folded', id, collapsed: now.collapsed });
  return changes;
}

/** Make the changes here, each as a step that can be undone. What could not be placed without taking something
 * away from others. */
export function replay(changes: readonly Change[], notebook: Notebook, acts: Acts): Change[] {
  const made = new Map<string, string>(); // the ids of added cells: here they are new ones
  const here = (id: string): string => made.get(id) ?? id;
  return changes.filter((change) => !place(change, notebook, acts, here, made));
}

function place(
  change: Change,
  notebook: Notebook,
  acts: Acts,
  here: (id: string) => string,
  made: Map<string, string>,
): boolean {
  if (change.kind === 'added') {
    const { type, after: source, left, top, id } = change;
    // Saved, then rebuilt from the file: it is here already.
    if (notebook.has(id)) return mergeText(notebook, acts, id, source, source);
    const parent = change.parent === null ? undefined : here(change.parent);
    const inside = parent !== undefined && notebook.pc.has(parent) ? { parent } : {};
    made.set(id, acts.createCell({ type, source, left, top, ...inside }));
    return true;
  }
  const id = here(change.id);
  if (!notebook.has(id)) return change.kind !== 'text';
  switch (change.kind) {
    case 'text':
      return mergeText(notebook, acts, id, change.before, change.after);
    case 'removed':
      if (notebook.cell(id).text !== change.before) return false;
      acts.deleteCells([id]);
      return true;
    case 'moved':
      acts.moveCells(new Map([[id, { left: change.left, top: change.top }]]));
      return true;
    case 'widened':
      acts.arrange(new Map([[id, { width: change.width }]]));
      return true;
    case 'typed':
      acts.setType(id, change.type);
      return true;
    case 'folded':
      acts.setCollapsed([id], change.collapsed);
      return true;
    case 'tissue':
      if (change.parent === null) {
        const { left, top } = notebook.cell(id);
        acts.takeOutOfTissue(new Map([[id, { left: left ?? 0, top: top ?? 0 }]]));
        return true;
      }
      return acts.putIntoTissue([id], here(change.parent), Infinity) || true;
    case 'edge':
      if (change.drawn) acts.connect(id, here(change.to));
      else acts.disconnect(id, here(change.to));
      return true;
  }
}

/** Line by line with what the text has become meanwhile. False, and nothing done, where both changed a line. */
function mergeText(notebook: Notebook, acts: Acts, id: string, before: string, after: string): boolean {
  const source = notebook.cell(id).source;
  const now = source.toString();
  if (now === after) return true;
  const lines = (text: string): string[] => text.split('\n');
  const regions = diff3Merge(lines(after), lines(before), lines(now));
  if (regions.some(({ conflict }) => conflict !== undefined)) return false;
  const merged = regions.flatMap(({ ok }) => ok ?? []).join('\n');
  acts.undo.step(() => write(source, now, merged));
  return true;
}

/** As one edit in the middle: carets of others stay where they are. */
function write(source: Y.Text, now: string, then: string): void {
  let start = 0;
  while (start < now.length && now[start] === then[start]) start += 1;
  let end = 0;
  while (end < Math.min(now.length, then.length) - start && now.at(-1 - end) === then.at(-1 - end)) end += 1;
  const inside = (text: string, at: number): boolean => /[\uDC00-\uDFFF]/.test(text[at] ?? '');
  // Never inside of a character that takes two.
  if (inside(now, start) || inside(then, start)) start -= 1;
  if (end > 0 && (inside(now, now.length - end) || inside(then, then.length - end))) end -= 1;
  source.delete(start, now.length - end - start);
  source.insert(start, then.slice(start, then.length - end));
}
