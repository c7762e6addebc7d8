/** What this person looks at, has selected and edits: nothing of it is shared. */
import { getContext, setContext } from 'svelte';
import { toggled } from '../cell/actions';
import { childrenOf, rootsOf } from '../doc/graph';
import type { Session } from '../doc/session';
import type { CellType } from '../doc/values';
import { Finder } from '../find/finder.svelte';
import type { Column } from './drop';
import { snapped, type Rect, type WorldPoint } from './geometry';
import { shownAs } from './mode.svelte';
import { nextInFlow } from './neighbour';
import { placeAbove, placeBelow } from './place';
import { Scene } from './scene.svelte';
import { Stage } from './stage.svelte';
import { Viewport } from './viewport.svelte';

const KEY = Symbol('board');
/** Milliseconds for which what an undo changed is outlined. */
const POINTED_OUT = 1800;
const GLIDE = 400;

/** An np edge, by its ends. */
export interface EdgeName {
  readonly from: string;
  readonly to: string;
}

export class Board {
  readonly viewport = new Viewport();
  readonly scene: Scene;
  readonly stage: Stage;
  readonly finder: Finder;
  #selection: ReadonlySet<string> = $state.raw(new Set());
  #current: string | null = $state(null);
  #editing: string | null = $state(null);
  #edge: EdgeName | null = $state.raw(null);
  /** What an undo or redo has just changed. */
  #changed: ReadonlySet<string> = $state.raw(new Set());
  #changedUntil: ReturnType<typeof setTimeout> | undefined;
  #gliding = $state(false);
  #glidesUntil: ReturnType<typeof setTimeout> | undefined;
  /** The cell under the pointer. */
  hovered: string | null = $state(null);
  /** The editor that has the keyboard: its cell, and where its carets are. */
  carets: { readonly cell: string; at(): readonly number[] } | null = null;
  /** The edge under the pointer. */
  hoveredEdge: EdgeName | null = $state.raw(null);
  /** Let this end of an edge follow the pointer until the next press; the canvas does it. */
  reattach: (edge: EdgeName, end: 'from' | 'to') => void = () => {};
  /** Begin an edge from this cell that ends where the next press goes; the canvas does it. */
  connectFrom: (id: string) => void = () => {};
  /** Bring a cell into sight in the document view, which sets this while it is shown. */
  read: (id: string) => void = () => {};

  constructor(readonly session: Session) {
    this.scene = new Scene(session.notebook, session.config, this.viewport);
    this.stage = new Stage(this);
    this.finder = new Finder(this);
  }

  get selection(): ReadonlySet<string> {
    return this.#selection;
  }
  /** The one of the selection that keys act from. */
  get current(): string | null {
    return this.#current;
  }
  get editing(): string | null {
    return this.#editing;
  }
  /** The selected edge; there is none while cells are selected. */
  get edge(): EdgeName | null {
    return this.#edge;
  }

  get changed(): ReadonlySet<string> {
    return this.#changed;
  }

  /** Outline these for a moment. */
  pointOut(ids: Iterable<string>): void {
    clearTimeout(this.#changedUntil);
    this.#changed = new Set(ids);
    this.#changedUntil = setTimeout(() => (this.#changed = new Set()), POINTED_OUT);
  }

  /** For a moment what is moved goes there in sight. */
  glide(): void {
    clearTimeout(this.#glidesUntil);
    this.#gliding = true;
    this.#glidesUntil = setTimeout(() => (this.#gliding = false), GLIDE);
  }
  get gliding(): boolean {
    return this.#gliding;
  }

  select(ids: Iterable<string>, how: 'set' | 'add' | 'toggle' = 'set'): void {
    const selection = new Set(how === 'set' ? [] : this.#selection);
    for (const id of ids) {
      if (how === 'toggle' && selection.has(id)) selection.delete(id);
      else {
        selection.delete(id); // so that the last one selected is the last of the set
        selection.add(id);
        this.#current = id;
      }
    }
    if (!same(selection, this.#selection)) this.#selection = selection;
    if (this.#current !== null && !selection.has(this.#current))
      this.#current = [...selection].at(-1) ?? null;
    if (this.#editing !== null && this.#editing !== this.#current) this.#editing = null;
    this.#edge = null;
  }

  selectEdge(edge: EdgeName | null): void {
    if (edge !== null) this.select([]);
    this.#edge = edge;
  }

  edit(id: string): void {
    this.scene.show(id);
    this.select([id]);
    this.#editing = id;
  }

  rest(): void {
    this.#editing = null;
  }

  /** Begin to write in it by a key or a double-click: where one can read what one writes. */
  write(id: string): void {
    this.edit(id);
    this.stage.atOnce();
    this.approach(id);
  }

  /** To this cell, so near that one can read it. */
  approach(id: string): void {
    this.scene.show(id);
    if (shownAs.document) return this.read(id);
    this.stage.look();
    const rect = this.scene.layout.cells.get(id);
    if (rect !== undefined) this.viewport.approach(rect);
  }

  /** Fold a tissue to its heading, for everybody, or unfold it. */
  fold(tissue: string, folded: boolean): void {
    const { acts, notebook } = this.session;
    if (this.scene.folded.has(tissue) === folded) return;
    const within = (id: string): boolean => rootedIn(id, tissue, notebook.parents);
    if (folded && [...this.#selection].some(within)) this.select([tissue]);
    if (folded && this.scene.leave(tissue)) return;
    acts.setCollapsed([tissue], toggled(notebook.cell(tissue).collapsed, 'outputs'));
  }

  /** Cells that others deleted are no longer selected, and of what they folded away its heading is. */
  prune(): void {
    const { notebook } = this.session;
    if (this.#editing !== null) this.scene.show(this.#editing);
    const folded = [...this.#selection].map((id) => this.scene.foldedAround(id) ?? id);
    if (!same(new Set(folded), this.#selection)) this.select(folded);
    const left = [...this.#selection].filter((id) => notebook.has(id));
    if (left.length < this.#selection.size) this.select(left);
    const edge = this.#edge;
    if (edge !== null && !notebook.np.get(edge.from)?.includes(edge.to)) this.#edge = null;
    this.hoveredEdge = null;
    if (this.hovered !== null && !notebook.has(this.hovered)) this.hovered = null;
  }

  /** Scroll it into sight, if it is not. */
  reveal(id: string): void {
    this.scene.show(id);
    if (shownAs.document) return this.read(id);
    const rect = this.scene.layout.cells.get(id);
    if (rect !== undefined) this.viewport.reveal(rect);
  }

  /** The keyboard to this cell, and the eye with it. */
  goTo(id: string, how: 'set' | 'add' = 'set'): void {
    this.select([id], how);
    this.viewport.stop();
    this.stage.look();
    this.reveal(id);
  }

  fit(): void {
    this.viewport.fit(this.bounds());
  }

  /** What is selected, else everything. */
  fitSelection(): void {
    this.viewport.fit(this.bounds(this.#selection) ?? this.bounds());
  }

  /** Around all that is drawn, or these of it; null: there are none. */
  bounds(only: ReadonlySet<string> | null = null): Rect | null {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const [id, box] of this.scene.layout.boxes) {
      if (only !== null && !only.has(id)) continue;
      left = Math.min(left, box.left);
      top = Math.min(top, box.top);
      right = Math.max(right, box.left + box.width);
      bottom = Math.max(bottom, box.top + box.height);
    }
    return left > right ? null : { left, top, width: right - left, height: bottom - top };
  }

  column(): Column {
    const { notebook, config } = this.session;
    return {
      layout: this.scene.layout,
      roots: rootsOf(notebook.ids, notebook.parents),
      stored: (id) => notebook.cell(id),
      step: config.snap.y,
    };
  }

  /** A new cell of this type where one expects it: below the current one, else in the middle of the view. */
  create(type: CellType): string {
    // A document grows at its end.
    const after = this.#current ?? (shownAs.document ? (this.scene.order.at(-1) ?? null) : null);
    if (after !== null && this.session.notebook.has(after)) return this.insertBelow(after, type);
    const { x, y } = this.viewport.centre;
    return this.createAt({ x: x - 300, y: y - 60 } as WorldPoint, type);
  }

  /** With its top left corner here, on the grid. */
  createAt(at: WorldPoint, type: CellType): string {
    const { snap } = this.session.config;
    const id = this.session.acts.createCell({
      type,
      left: snapped(at.x, snap.x),
      top: snapped(at.y, snap.y),
    });
    return this.#begin(id);
  }

  /** Below this cell: its next sibling in a tissue, else the next of its flow. */
  insertBelow(id: string, type: CellType = 'code'): string {
    const { notebook, acts } = this.session;
    const { parents, pc, np } = notebook;
    const parent = parents.get(id);
    if (parent !== undefined) {
      return this.insertInside(parent, childrenOf(parent, pc, parents).indexOf(id) + 1, type);
    }
    const box = this.scene.layout.boxes.get(id);
    if (box === undefined) return this.createAt(this.viewport.centre, type);
    const place = placeBelow(box, this.column());
    const nexts = np.get(id) ?? [];
    // In a line of cells it becomes the one between; where the flow forks it is one more branch.
    const before = nexts.length === 1 ? { before: nexts[0] as string } : {};
    return this.#begin(acts.createCell({ type, ...place, width: this.#widthLike(id), after: id, ...before }));
  }

  insertAbove(id: string, type: CellType = 'code'): string {
    const { notebook, acts } = this.session;
    const { parents, pc } = notebook;
    const parent = parents.get(id);
    if (parent !== undefined) {
      return this.insertInside(parent, childrenOf(parent, pc, parents).indexOf(id), type);
    }
    const box = this.scene.layout.boxes.get(id);
    if (box === undefined) return this.createAt(this.viewport.centre, type);
    const place = placeAbove(box, this.column());
    return this.#begin(acts.createCell({ type, ...place, width: this.#widthLike(id), before: id }));
  }

  /** As a child of this tissue; at the end without an index. */
  insertInside(parent: string, index?: number, type: CellType = 'code'): string {
    const { notebook, acts } = this.session;
    const { pc, parents } = notebook;
    const at = index ?? childrenOf(parent, pc, parents).length;
    const { left, top } = this.scene.layout.cells.get(parent) ?? { left: 0, top: 0 };
    return this.#begin(acts.createCell({ type, left, top, parent, index: at }));
  }

  #widthLike(id: string): number {
    const { notebook } = this.session;
    // A tissue is wider than a cell need be.
    return notebook.pc.has(id) ? 600 : (notebook.cell(id).width ?? 600);
  }

  /** A new cell has the keyboard at once. */
  #begin(id: string): string {
    this.write(id);
    return id;
  }

  /** Shift+Enter: run it, and on to the next of the flow; at the end of the flow to a new one. */
  runAndAdvance(id: string): void {
    const { notebook, server } = this.session;
    if (notebook.cell(id).type === 'code') server.run([id]);
    const next = this.#nextOf(id);
    if (next === null) {
      if (notebook.pc.has(id)) this.insertInside(id);
      else this.insertBelow(id);
      return;
    }
    this.select([next]);
    this.rest();
    this.reveal(next);
  }

  #nextOf(id: string): string | null {
    const { shown, flow } = this.scene;
    return shownAs.document ? (shown[shown.indexOf(id) + 1] ?? null) : nextInFlow(id, flow);
  }

  destroy(): void {
    clearTimeout(this.#changedUntil);
    clearTimeout(this.#glidesUntil);
    this.viewport.destroy();
    this.stage.destroy();
    this.finder.destroy();
  }
}

function rootedIn(id: string, tissue: string, parents: ReadonlyMap<string, string>): boolean {
  for (let up = parents.get(id); up !== undefined; up = parents.get(up)) if (up === tissue) return true;
  return false;
}

function same(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return a.size === b.size && [...a].every((id) => b.has(id));
}

export function provideBoard(board: Board): void {
  setContext(KEY, board);
}

export function useBoard(): Board {
  return getContext<Board>(KEY);
}
