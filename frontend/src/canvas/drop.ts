/** Where what is dragged would come to lie: into which tissue, at which place, and what the document then stores. */
import { childrenOf } from '../doc/graph';
import type { Edges, Place } from '../doc/values';
import { bottom, contains, middle, sameColumn, type Rect, type WorldPoint } from './geometry';
import { INSET, type Layout, type Stored } from './layout';

export interface DropTarget {
  readonly parent: string;
  /** Before the child that has this index now; the number of children is the end. */
  readonly index: number;
  /** Where a line shows it. */
  readonly line: Rect;
}

export interface Graph {
  readonly pc: Edges;
  readonly parents: ReadonlyMap<string, string>;
}

/** The innermost tissue under the pointer; never one that is itself being moved: no cell goes into itself. */
export function dropTarget(
  pointer: WorldPoint,
  layout: Layout,
  { pc, parents }: Graph,
  moving: ReadonlySet<string>,
): DropTarget | null {
  // Inner tissues come after outer ones.
  const parent = layout.tissues.findLast(
    (id) => !moving.has(id) && contains(layout.boxes.get(id) as Rect, pointer),
  );
  if (parent === undefined) return null;
  const children = childrenOf(parent, pc, parents);
  // Of a folded tissue none has a place: what is dropped there comes last.
  const below = children.findIndex((id) => {
    const box = layout.boxes.get(id);
    return box !== undefined && !moving.has(id) && middle(box).y > pointer.y;
  });
  const index = below < 0 ? children.length : below;
  return { parent, index, line: lineAt(parent, children, below, layout, moving) };
}

const LINE = 2;

function lineAt(
  parent: string,
  children: readonly string[],
  below: number,
  layout: Layout,
  moving: ReadonlySet<string>,
): Rect {
  const own = layout.cells.get(parent) as Rect;
  const staying = children.filter((id) => !moving.has(id));
  const next = below < 0 ? undefined : layout.boxes.get(children[below] as string);
  const last = layout.boxes.get(staying.at(-1) ?? '') ?? own;
  const middleOfGap = next === undefined ? bottom(last) + INSET / 2 : next.top - INSET / 2;
  return { left: own.left, top: middleOfGap - LINE / 2, width: own.width, height: LINE };
}

/** Whether dropping there would leave everything as it is. */
export function changesNothing(ids: readonly string[], target: DropTarget, { pc, parents }: Graph): boolean {
  if (ids.some((id) => parents.get(id) !== target.parent)) return false;
  const children = childrenOf(target.parent, pc, parents);
  const moving = new Set(ids);
  const next = children.slice(target.index).find((id) => !moving.has(id));
  const after = children.filter((id) => !moving.has(id));
  after.splice(next === undefined ? after.length : after.indexOf(next), 0, ...ids);
  return after.every((id, i) => children[i] === id);
}

export interface Column {
  readonly layout: Layout;
  readonly roots: readonly string[];
  stored(id: string): Stored;
  /** The grid's step. */
  readonly step: number;
}

/**
 * What to store so that a box is drawn where `box` is among those that are drawn elsewhere than they are stored.
 * The order of a column is the order of its stored tops: a box that was pushed down is stored above where it is
 * seen, and what is put above it has to be stored above it too.
 */
export function storedFor(
  box: Rect,
  { layout, roots, stored, step }: Column,
  moving: ReadonlySet<string>,
): Place {
  let [above, below] = [-Infinity, Infinity];
  for (const id of roots) {
    const other = layout.boxes.get(id);
    if (other === undefined || moving.has(id) || !sameColumn(other, box)) continue;
    const top = stored(id).top ?? 0;
    if (other.top < box.top) above = Math.max(above, top);
    else below = Math.min(below, top);
  }
  if (box.top < below) return { left: box.left, top: box.top };
  const top = above < below ? Math.max(below - step, (above + below) / 2) : below;
  return { left: box.left, top };
}
