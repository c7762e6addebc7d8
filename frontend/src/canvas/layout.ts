/**
 * Where every cell is drawn, computed from the document and the heights as drawn, and never written back: each
 * browser has fonts and outputs of its own.
 *
 * A tissue is a column: its own cell on top, its children below one another, nested to any depth; where children
 * are stored plays no part. Top-level boxes keep their stored place as long as nothing above has grown into it;
 * else they move down. Each goes below all boxes of its column that are stored above it, so order and distance
 * stay what people made them, and nothing is ever covered.
 */
import { childrenOf, rootsOf } from '../doc/graph';
import type { Edges } from '../doc/values';
import { sameColumn, sameRect, type Rect } from './geometry';
import { Skyline } from './skyline';

/** The room that a tissue keeps around and between its cells. */
export const INSET = 20;
/** The least distance of two top-level boxes, and of two that an edge joins: an arrow has to be seen. */
export const GAP = 20;
export const FLOW_GAP = 40;
/** Where cells can be dropped into a tissue that has none. */
export const EMPTY_ROOM = 56;
/** The line of a folded tissue that says what is in it. */
export const FOLDED_ROOM = 28;
const DEFAULT_WIDTH = 600;
const LEAST_WIDTH = 160;

export interface Stored {
  readonly left: number | null;
  readonly top: number | null;
  readonly width: number | null;
}

export interface LayoutInput {
  readonly ids: readonly string[];
  readonly np: Edges;
  readonly pc: Edges;
  readonly parents: ReadonlyMap<string, string>;
  /** Tissues whose cells are not drawn. */
  readonly folded?: ReadonlySet<string>;
  stored(id: string): Stored;
  /** Of the cell's own element, without children. */
  height(id: string): number;
}

export interface Layout {
  /** The rectangle of each cell's own element. */
  readonly cells: ReadonlyMap<string, Rect>;
  /** What each cell takes with all that is inside it: of a tissue its backdrop, else the same as in `cells`. */
  readonly boxes: ReadonlyMap<string, Rect>;
  /** Tissues, outer ones before those inside them. */
  readonly tissues: readonly string[];
}

interface Size {
  width: number;
  height: number;
  children: readonly string[] | null;
}

export const EMPTY_LAYOUT: Layout = { cells: new Map(), boxes: new Map(), tissues: [] };

/** Rectangles equal to those of `previous` are the same objects, so readers can tell at a glance. */
export function computeLayout(input: LayoutInput, previous: Layout = EMPTY_LAYOUT): Layout {
  const order = parentsFirst(input);
  const sizes = measure(input, order);
  const boxes = new Map<string, Rect>();
  const cells = new Map<string, Rect>();
  placeTopLevel(input, sizes, boxes);
  for (const [id] of order) {
    const { children } = sizes.get(id) as Size;
    const box = keep(boxes.get(id) as Rect, previous.boxes.get(id));
    boxes.set(id, box);
    if (children === null) cells.set(id, box);
    else cells.set(id, keep(placeInside(id, box, children, sizes, boxes, input), previous.cells.get(id)));
  }
  const tissues = order.filter(([, children]) => children !== null).map(([id]) => id);
  return { cells, boxes, tissues };
}

const keep = (now: Rect, before: Rect | undefined): Rect =>
  before !== undefined && sameRect(now, before) ? before : now;

/** Every cell after its parent, with its children if it is a tissue. */
function parentsFirst({ ids, pc, parents, folded }: LayoutInput): [string, readonly string[] | null][] {
  const order: [string, readonly string[] | null][] = [];
  const waiting = rootsOf(ids, parents).reverse();
  for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
    const children = !pc.has(id) ? null : folded?.has(id) ? [] : childrenOf(id, pc, parents);
    order.push([id, children]);
    if (children !== null)
      for (let i = children.length - 1; i >= 0; i -= 1) waiting.push(children[i] as string);
  }
  return order;
}

/** What each box needs, children before their parents. */
function measure(
  input: LayoutInput,
  order: readonly (readonly [string, readonly string[] | null])[],
): Map<string, Size> {
  const sizes = new Map<string, Size>();
  for (let i = order.length - 1; i >= 0; i -= 1) {
    const [id, children] = order[i] as [string, readonly string[] | null];
    const own = Math.max(LEAST_WIDTH, input.stored(id).width ?? DEFAULT_WIDTH);
    const size: Size = { width: own, height: input.height(id), children };
    if (children !== null) {
      const inside = children.map((child) => sizes.get(child) as Size);
      size.width = Math.max(own, ...inside.map(({ width }) => width + 2 * INSET));
      const room = input.folded?.has(id) ? FOLDED_ROOM : EMPTY_ROOM;
      size.height += 2 * INSET + (children.length === 0 ? room : 0);
      for (const { height } of inside) size.height += INSET + height;
    }
    sizes.set(id, size);
  }
  return sizes;
}

/** The children's boxes as a column as wide as the tissue; the rectangle of the tissue's own cell. */
function placeInside(
  id: string,
  box: Rect,
  children: readonly string[],
  sizes: ReadonlyMap<string, Size>,
  boxes: Map<string, Rect>,
  input: LayoutInput,
): Rect {
  const left = box.left + INSET;
  const width = box.width - 2 * INSET;
  const own: Rect = { left, top: box.top + INSET, width, height: input.height(id) };
  let top = own.top + own.height + INSET;
  for (const child of children) {
    const { height } = sizes.get(child) as Size;
    boxes.set(child, { left, top, width, height });
    top += height + INSET;
  }
  return own;
}

interface Waiting extends Rect {
  readonly id: string;
  readonly index: number;
}

function placeTopLevel(input: LayoutInput, sizes: ReadonlyMap<string, Size>, boxes: Map<string, Rect>): void {
  const waiting: Waiting[] = rootsOf(input.ids, input.parents).map((id, index) => {
    const { left, top } = input.stored(id);
    const { width, height } = sizes.get(id) as Size;
    // A position of 0 is a position; only the server may leave one out, for a moment.
    return { id, index, left: left ?? 0, top: top ?? 0, width, height };
  });
  waiting.sort((a, b) => a.top - b.top || a.left - b.left || a.index - b.index);
  const before = predecessors(input.np);
  const skyline = new Skyline();
  for (const { id, left, top: wanted, width, height } of waiting) {
    let top = Math.max(wanted, skyline.under(left, left + width) + GAP);
    const box = { left, top, width, height };
    for (const previous of before.get(id) ?? []) {
      const above = boxes.get(previous);
      if (above !== undefined && sameColumn(above, box))
        top = Math.max(top, above.top + above.height + FLOW_GAP);
    }
    boxes.set(id, { left, top, width, height });
    skyline.place(left, left + width, top + height);
  }
}

export function predecessors(np: Edges): Map<string, string[]> {
  const before = new Map<string, string[]>();
  for (const [from, targets] of np) {
    for (const to of targets) {
      const known = before.get(to);
      if (known === undefined) before.set(to, [from]);
      else known.push(from);
    }
  }
  return before;
}
