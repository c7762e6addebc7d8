/** The gesture at a left or right border: how wide cells are. Heights are the content's. */
import type { Board } from './board.svelte';
import { clamp, right, snapped, type Rect, type WorldPoint } from './geometry';
import type { Gesture, Pointer } from './gesture.svelte';
import { Neighbours, NO_GUIDES, type Guides } from './snap';
import { placeableSelected, sightOf, standing } from './standing';

export type Border = 'left' | 'right';

export const LEAST_WIDTH = 200;
export const MOST_WIDTH = 4000;

/** The box when its border has been moved to `edge`: never narrower or wider than it may be. */
export function stretched(box: Rect, side: Border, edge: number): Rect {
  const width = clamp(side === 'right' ? edge - box.left : right(box) - edge, LEAST_WIDTH, MOST_WIDTH);
  return { ...box, left: side === 'right' ? box.left : right(box) - width, width };
}

/** Of a top-level cell or tissue; a selected one takes the other selected ones along, each by the same. */
export class Stretch implements Gesture {
  readonly cursor = 'ew-resize';
  readonly autoPan = true;
  readonly #id: string;
  readonly #side: Border;
  readonly #boxes: ReadonlyMap<string, Rect>;
  readonly #neighbours: Neighbours;
  #now: ReadonlyMap<string, Rect> = new Map();

  constructor(
    readonly board: Board,
    { id, side }: { readonly id: string; readonly side: Border },
    readonly from: WorldPoint,
  ) {
    this.#id = id;
    this.#side = side;
    const box = board.scene.layout.boxes.get(id) ?? { left: 0, top: 0, width: 600, height: 0 };
    const all = board.selection.has(id) ? placeableSelected(board) : new Map<string, Rect>();
    this.#boxes = new Map([[id, box], ...all]);
    this.#neighbours = new Neighbours(standing(board, new Set(this.#boxes.keys())).values());
  }

  get #box(): Rect {
    return this.#boxes.get(this.#id) as Rect;
  }

  move(pointer: Pointer): void {
    const box = this.#box;
    const { scene } = this.board;
    const edge = this.#side === 'right' ? right(box) : box.left;
    const at = edge + pointer.world.x - this.from.x;
    const held = stretched(box, this.#side, pointer.free ? Math.round(at) : this.#settled(at));
    const by = held.width - box.width;
    this.#now = new Map(
      [...this.#boxes].map(([id, each]) => {
        const side = this.#side;
        return [id, stretched(each, side, side === 'right' ? right(each) + by : each.left - by)];
      }),
    );
    scene.resize(this.#now);
    scene.guides = pointer.free ? NO_GUIDES : this.#guides(held);
  }

  /** To a neighbour's edge, else by whole steps of the grid from where it was. */
  #settled(at: number): number {
    const found = this.#neighbours.settleEdge(at, sightOf(this.board));
    if (found !== null) return found;
    const step = this.board.session.config.snap.x;
    const box = this.#box;
    if (this.#side === 'left') return snapped(at, step);
    return box.left + snapped(at - box.left, step);
  }

  #guides(box: Rect): Guides {
    return this.#neighbours.edgeGuides(box, this.#side, sightOf(this.board));
  }

  drop(pointer: Pointer, dragged: boolean): void {
    if (dragged) this.move(pointer);
    if (dragged) writeSizes(this.board, this.#boxes, this.#now);
    this.cancel();
  }

  cancel(): void {
    this.board.scene.resize(null);
    this.board.scene.guides = NO_GUIDES;
  }
}

/** One step of undo. A place is written only where it changes: what was pushed down stays stored where it is. */
export function writeSizes(
  board: Board,
  before: ReadonlyMap<string, Rect>,
  after: ReadonlyMap<string, Rect>,
): void {
  const { acts, notebook } = board.session;
  const frames = new Map<string, { left?: number; width: number }>();
  for (const [id, { left, width }] of after) {
    const was = before.get(id);
    if (was === undefined || !notebook.has(id) || (was.width === width && was.left === left)) continue;
    frames.set(id, was.left === left ? { width } : { left, width });
  }
  acts.arrange(frames);
}

/** By a key: the right border of each selected box by one step of the grid. */
export function widen(board: Board, direction: 'left' | 'right'): void {
  const step = (board.session.config.snap.x || 10) * (direction === 'right' ? 1 : -1);
  const before = placeableSelected(board);
  const after = new Map([...before].map(([id, box]) => [id, stretched(box, 'right', right(box) + step)]));
  writeSizes(board, before, after);
  if (board.current !== null) board.reveal(board.current);
}
