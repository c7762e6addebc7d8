/**
 * Every edit that people make besides typing: each is one transaction and one step of undo.
 *
 * Deleting takes a cell's id out of the arrays and the graphs and leaves its Map, so that undo, anybody's, brings
 * it back whole; creating writes the Map outside the undo stack for the same reason.
 */
import * as Y from 'yjs';
import { insertAt, removeAll } from './arrays';
import type { Clip } from './clip';
import { childrenOf, descendants, flowWouldCycle, wouldCycle } from './graph';
import { newCellId } from './ids';
import type { Notebook } from './notebook.svelte';
import type { Undo } from './undo.svelte';
import { asObject, type CellType, type Collapsed, type JsonObject, type Place } from './values';

/** A new cell's width, in canvas pixels. */
export const CELL_WIDTH = 600;
const CELL_HEIGHT = 80;

/** An np edge, by its ends. */
export interface EdgeEnds {
  readonly from: string;
  readonly to: string;
}

export interface Frame extends Place {
  width: number;
}

export interface NewCell {
  type: CellType;
  left: number;
  top: number;
  width?: number;
  source?: string;
  metadata?: JsonObject;
  attachments?: JsonObject;
  /** The tissue it goes into, and where among its children; at the end without an index. */
  parent?: string;
  index?: number;
  /** The cell whose flow goes on with this one. */
  after?: string;
  /** The cell that the flow goes to from this one: it comes between this and `after`, or all that led to it. */
  before?: string;
}

export class Acts {
  readonly #doc: Y.Doc;
  readonly #cells: Y.Array<string>;
  readonly #np: Y.Map<Y.Array<string>>;
  readonly #pc: Y.Map<Y.Array<string>>;

  constructor(
    readonly notebook: Notebook,
    readonly undo: Undo,
  ) {
    this.#doc = notebook.doc;
    this.#cells = this.#doc.getArray('cells');
    this.#np = this.#doc.getMap('np_graph');
    this.#pc = this.#doc.getMap('pc_graph');
  }

  createCell(spec: NewCell): string {
    return this.createCells([spec])[0] as string;
  }

  /** Each in its place, in this order; `also` belongs to the same step. */
  createCells(specs: readonly NewCell[], also: () => void = () => undefined): string[] {
    const ids = specs.map(() => this.#newId());
    this.#doc.transact(() => specs.forEach((spec, i) => this.#fill(ids[i] as string, spec)), 'create');
    this.undo.step(() => {
      specs.forEach((spec, i) => this.#enter(ids[i] as string, spec));
      also();
    });
    return ids;
  }

  #enter(id: string, spec: NewCell): void {
    this.#cells.insert(this.#indexInDocument(spec), [id]);
    if (spec.parent !== undefined && this.notebook.has(spec.parent)) {
      insertAt(this.#edges(this.#pc, spec.parent), id, spec.index);
      return;
    }
    if (spec.after !== undefined && this.notebook.has(spec.after))
      insertAt(this.#edges(this.#np, spec.after), id);
    if (spec.before !== undefined && this.notebook.has(spec.before))
      this.#goBefore(id, spec.before, spec.after);
  }

  #newId(): string {
    let id = newCellId();
    while (this.#doc.share.has(id)) id = newCellId();
    return id;
  }

  /** Copies with new ids, their corner at `to`, or into a tissue before the child with this index. */
  paste(clip: Clip, to: Place, into?: { parent: string; index: number }): string[] {
    const { cells } = clip;
    const ids = cells.map(() => this.#newId());
    this.#doc.transact(() => {
      for (const [i, { left, top, width, ...cell }] of cells.entries()) {
        const place = { left: to.left + left, top: to.top + top, width: width ?? CELL_WIDTH };
        this.#fill(ids[i] as string, { ...cell, ...place }).set('collapsed', cell.collapsed);
      }
    }, 'create');
    this.undo.step(() => {
      this.#cells.push(ids);
      for (const [i, { tissue }] of cells.entries()) if (tissue) this.#edges(this.#pc, ids[i] as string);
      const roots: string[] = [];
      for (const [i, { parent }] of cells.entries()) {
        if (parent === null) roots.push(ids[i] as string);
        else insertAt(this.#edges(this.#pc, ids[parent] as string), ids[i] as string);
      }
      if (into !== undefined && this.notebook.has(into.parent))
        this.#edges(this.#pc, into.parent).insert(into.index, roots);
      // Flow lies between top-level cells only.
      else
        for (const [a, b] of clip.flow) insertAt(this.#edges(this.#np, ids[a] as string), ids[b] as string);
    });
    return ids;
  }

  /** The flow into `next` goes through `id`: what comes from `only`, else all of it. */
  #goBefore(id: string, next: string, only: string | undefined): void {
    for (const [from, targets] of [...this.#np.entries()]) {
      if (!(targets instanceof Y.Array) || from === id || (only !== undefined && from !== only)) continue;
      const at = targets.toArray().indexOf(next);
      if (at < 0) continue;
      targets.delete(at, 1);
      if (!targets.toArray().includes(id)) targets.insert(at, [id]);
    }
    insertAt(this.#edges(this.#np, id), next);
  }

  #fill(id: string, spec: Omit<NewCell, 'parent' | 'index'>): Y.Map<unknown> {
    const map = this.#doc.getMap<unknown>(id);
    map.set('id', id);
    map.set('type', spec.type);
    map.set('source', new Y.Text(spec.source ?? ''));
    map.set('execution_count', null);
    map.set('outputs', new Y.Array());
    map.set('left', spec.left);
    map.set('top', spec.top);
    map.set('width', spec.width ?? CELL_WIDTH);
    map.set('height', CELL_HEIGHT);
    map.set('collapsed', null);
    map.set('state', 'idle');
    for (const key of ['metadata', 'attachments'] as const)
      if (Object.keys(spec[key] ?? {}).length > 0) map.set(key, spec[key]);
    return map;
  }

  /** Behind the cell it follows on the canvas, so that the file keeps the order of the flow. */
  #indexInDocument(spec: NewCell): number {
    const { ids, pc, parents } = this.notebook;
    let before = spec.after;
    if (spec.parent !== undefined) {
      const siblings = childrenOf(spec.parent, pc, parents);
      before = siblings[(spec.index ?? siblings.length) - 1] ?? spec.parent;
      if (before === spec.parent) return this.#cells.toArray().indexOf(before) + 1;
    }
    if (before === undefined) {
      const next = spec.before === undefined ? -1 : this.#cells.toArray().indexOf(spec.before);
      return next < 0 ? this.#cells.length : next;
    }
    const family = new Set([before, ...descendants(before, pc, parents)]);
    const last = ids.findLast((id) => family.has(id));
    return last === undefined ? this.#cells.length : this.#cells.toArray().indexOf(last) + 1;
  }

  deleteCells(ids: Iterable<string>): void {
    const gone = new Set([...ids].filter((id) => this.notebook.has(id)));
    if (gone.size === 0) return;
    this.undo.step(() => {
      for (const id of gone) this.#bridge(id);
      for (const edges of [this.#np, this.#pc]) {
        for (const [from, targets] of [...edges.entries()]) {
          if (gone.has(from)) edges.delete(from);
          else if (targets instanceof Y.Array) removeAll(targets, gone);
        }
      }
      removeAll(this.#cells, gone);
    });
  }

  /** A flow through a deleted cell goes on from the one before it to the one after it. */
  #bridge(id: string): void {
    const nexts = [...(this.#np.get(id)?.toArray() ?? [])];
    if (nexts.length === 0) return;
    for (const [from, targets] of this.#np.entries()) {
      if (from === id || !(targets instanceof Y.Array) || !targets.toArray().includes(id)) continue;
      const missing = nexts.filter((next) => next !== from && !targets.toArray().includes(next));
      if (missing.length > 0) targets.push(missing);
    }
  }

  /** Top-level cells, at the drop: one write. */
  moveCells(places: ReadonlyMap<string, Place>): void {
    if (places.size === 0) return;
    this.undo.step(() => this.#place(places));
  }

  /** Places and widths of top-level cells together: what is left out, or the same already, is not written. */
  arrange(frames: ReadonlyMap<string, Partial<Frame>>): void {
    const changing = [...frames].filter(([id, frame]) => this.#differs(id, frame));
    if (changing.length > 0) this.undo.step(() => this.#place(new Map(changing)));
  }

  #differs(id: string, frame: Partial<Frame>): boolean {
    const map = this.#doc.getMap<unknown>(id);
    return Object.entries(frame).some(([key, value]) => map.get(key) !== value);
  }

  #place(places: ReadonlyMap<string, Partial<Frame>>): void {
    for (const [id, place] of places) {
      const map = this.#doc.getMap<unknown>(id);
      for (const key of ['left', 'top', 'width'] as const) {
        const value = place[key];
        if (value !== undefined && map.get(key) !== value) map.set(key, value);
      }
    }
  }

  /** Into a tissue before the child that has `index` now, in the order given; also within the same tissue. False,
   * and nothing done, where a cell would come into itself. */
  putIntoTissue(ids: readonly string[], parent: string, index: number): boolean {
    const { parents, pc } = this.notebook;
    const moving = new Set(ids);
    if (ids.length === 0 || !pc.has(parent)) return false;
    if (ids.some((id) => wouldCycle(parents, id, parent))) return false;
    const next = childrenOf(parent, pc, parents)
      .slice(index)
      .find((id) => !moving.has(id));
    this.undo.step(() => {
      this.#detach(moving);
      const children = this.#edges(this.#pc, parent);
      const at = next === undefined ? children.length : children.toArray().indexOf(next);
      children.insert(at < 0 ? children.length : at, [...moving]);
      // Flow lies between top-level cells only.
      for (const id of moving) this.#leaveFlow(id);
    });
    return true;
  }

  /** Out of their tissues, onto the canvas. */
  takeOutOfTissue(places: ReadonlyMap<string, Place>): void {
    if (places.size === 0) return;
    this.undo.step(() => {
      this.#detach(new Set(places.keys()));
      this.#place(places);
    });
  }

  #detach(ids: ReadonlySet<string>): void {
    for (const children of this.#pc.values()) if (children instanceof Y.Array) removeAll(children, ids);
  }

  #leaveFlow(id: string): void {
    this.#bridge(id);
    this.#np.delete(id);
    for (const targets of this.#np.values())
      if (targets instanceof Y.Array) removeAll(targets, new Set([id]));
  }

  /** A markdown cell becomes the head of a tissue. */
  makeTissue(id: string): void {
    if (this.#pc.has(id) || !this.notebook.has(id)) return;
    this.undo.step(() => this.#pc.set(id, new Y.Array<string>()));
  }

  /** Its children go where its own parent has it; without one they lie where `places` says. */
  dissolveTissue(id: string, places: ReadonlyMap<string, Place>): void {
    const { pc, parents } = this.notebook;
    if (!pc.has(id)) return;
    const children = childrenOf(id, pc, parents);
    const above = parents.get(id);
    this.undo.step(() => {
      this.#pc.delete(id);
      if (above === undefined) {
        this.#place(new Map([...places].filter(([child]) => children.includes(child))));
      } else {
        const siblings = this.#edges(this.#pc, above);
        siblings.insert(siblings.toArray().indexOf(id) + 1, children);
      }
    });
  }

  /** False, and nothing done, where the edge exists, closes a circle, or an end is inside a tissue. */
  connect(from: string, to: string): boolean {
    const { np, parents } = this.notebook;
    if (from === to || !this.notebook.has(from) || !this.notebook.has(to)) return false;
    if (parents.has(from) || parents.has(to) || np.get(from)?.includes(to)) return false;
    if (flowWouldCycle(np, from, to)) return false;
    this.undo.step(() => insertAt(this.#edges(this.#np, from), to));
    return true;
  }

  /** An end of an edge goes to another cell: one step. False, and nothing done, as with `connect`. */
  reconnect(edge: EdgeEnds, now: EdgeEnds): boolean {
    const { np, parents } = this.notebook;
    if (now.from === now.to || !this.notebook.has(now.from) || !this.notebook.has(now.to)) return false;
    if (parents.has(now.from) || parents.has(now.to) || np.get(now.from)?.includes(now.to)) return false;
    const targets = this.#np.get(edge.from);
    if (!(targets instanceof Y.Array) || !targets.toArray().includes(edge.to)) return false;
    const without = new Map(np);
    without.set(
      edge.from,
      (np.get(edge.from) ?? []).filter((to) => to !== edge.to),
    );
    if (flowWouldCycle(without, now.from, now.to)) return false;
    this.undo.step(() => {
      const at = targets.toArray().indexOf(edge.to);
      removeAll(targets, new Set([edge.to]));
      // A flow that forks keeps the order of its branches.
      insertAt(this.#edges(this.#np, now.from), now.to, now.from === edge.from ? at : undefined);
      if (targets.length === 0) this.#np.delete(edge.from);
    });
    return true;
  }

  disconnect(from: string, to: string): void {
    const targets = this.#np.get(from);
    if (!(targets instanceof Y.Array) || !targets.toArray().includes(to)) return;
    this.undo.step(() => {
      removeAll(targets, new Set([to]));
      if (targets.length === 0) this.#np.delete(from);
    });
  }

  setCollapsed(ids: Iterable<string>, value: Collapsed): void {
    this.#setEach(ids, 'collapsed', value);
  }

  /** A code cell that becomes text keeps no outputs: the server, who owns them, takes them away. */
  setType(id: string, type: CellType): void {
    this.#setEach([id], 'type', type);
  }

  /** Takes the mark of a merge from a cell (protocol/SPEC.md, M-3). */
  settleConflict(id: string): void {
    const metadata = asObject(this.#doc.getMap<unknown>(id).get('metadata'));
    const { conflict, ...rest } = asObject(metadata['gm']);
    if (conflict === undefined) return;
    const { gm, ...settled } = { ...metadata, gm: rest };
    this.#setEach([id], 'metadata', Object.keys(gm).length > 0 ? { ...settled, gm } : settled);
  }

  #setEach(ids: Iterable<string>, key: string, value: unknown): void {
    const changing = [...ids].filter((id) => this.#doc.getMap<unknown>(id).get(key) !== value);
    if (changing.length === 0) return;
    this.undo.step(() => {
      for (const id of changing) this.#doc.getMap<unknown>(id).set(key, value);
    });
  }

  #edges(graph: Y.Map<Y.Array<string>>, id: string): Y.Array<string> {
    const held = graph.get(id);
    if (held instanceof Y.Array) return held;
    const fresh = new Y.Array<string>();
    graph.set(id, fresh);
    return fresh;
  }
}
