/** Which cell an arrow key goes to. Pure. */
import { childrenOf, rootOf } from '../doc/graph';
import type { Edges } from '../doc/values';
import { middle, right, bottom, type Rect } from './geometry';
import { predecessors, type Layout } from './layout';

export type Direction = 'up' | 'down' | 'left' | 'right';

export interface Flow {
  readonly np: Edges;
  readonly pc: Edges;
  readonly parents: ReadonlyMap<string, string>;
}

/** The next cell as one reads: into a tissue, through it, then along the edge that leaves it. */
export function nextInFlow(id: string, { np, pc, parents }: Flow): string | null {
  const inside = childrenOf(id, pc, parents)[0];
  if (inside !== undefined) return inside;
  let at = id;
  for (let up = parents.get(at); up !== undefined; up = parents.get(at)) {
    const siblings = childrenOf(up, pc, parents);
    const next = siblings[siblings.indexOf(at) + 1];
    if (next !== undefined) return next;
    at = up;
  }
  return (np.get(at) ?? []).find((next) => !parents.has(next) && next !== rootOf(id, parents)) ?? null;
}

export function previousInFlow(id: string, { np, pc, parents }: Flow): string | null {
  const up = parents.get(id);
  if (up !== undefined) {
    const siblings = childrenOf(up, pc, parents);
    const before = siblings[siblings.indexOf(id) - 1];
    return before === undefined ? up : lastInside(before, pc, parents);
  }
  const before = (predecessors(np).get(id) ?? []).find((previous) => !parents.has(previous));
  return before === undefined ? null : lastInside(before, pc, parents);
}

function lastInside(id: string, pc: Edges, parents: ReadonlyMap<string, string>): string {
  let at = id;
  for (let last = childrenOf(at, pc, parents).at(-1); last !== undefined;) {
    at = last;
    last = childrenOf(at, pc, parents).at(-1);
  }
  return at;
}

/** Up and down follow the flow where there is one; else, and sideways, the nearest cell in that direction. */
export function neighbour(id: string, direction: Direction, layout: Layout, flow: Flow): string | null {
  if (direction === 'down') return nextInFlow(id, flow) ?? nearest(id, direction, layout, flow);
  if (direction === 'up') return previousInFlow(id, flow) ?? nearest(id, direction, layout, flow);
  return nearest(id, direction, layout, flow);
}

/** What lies straight ahead comes before what is nearer, but askew: by so much, and by thrice its distance aside. */
const ASKEW = { once: 600, each: 3 };

function nearest(id: string, direction: Direction, layout: Layout, { parents }: Flow): string | null {
  // Sideways one leaves the tissue, which is a column; its other cells lie above and below.
  const root = rootOf(id, parents);
  const from = layout.cells.get(id);
  if (from === undefined) return null;
  let best: string | null = null;
  let least = Infinity;
  for (const [other, rect] of layout.cells) {
    if (other === id || rootOf(other, parents) === root) continue;
    const cost = costOf(from, rect, direction);
    if (cost < least) [best, least] = [other, cost];
  }
  return best;
}

function costOf(from: Rect, to: Rect, direction: Direction): number {
  const [a, b] = [middle(from), middle(to)];
  const across = direction === 'left' || direction === 'right';
  const sign = direction === 'right' || direction === 'down' ? 1 : -1;
  const centres = (across ? b.x - a.x : b.y - a.y) * sign;
  if (centres <= 0) return Infinity;
  const gaps: Record<Direction, number> = {
    right: to.left - right(from),
    left: from.left - right(to),
    down: to.top - bottom(from),
    up: from.top - bottom(to),
  };
  // Neither ahead by its border nor mainly in that direction: it lies beside.
  const aside = Math.abs(across ? b.y - a.y : b.x - a.x);
  if (gaps[direction] < 0 && aside > centres) return Infinity;
  const apart = across
    ? overlapGap(from.top, bottom(from), to.top, bottom(to))
    : overlapGap(from.left, right(from), to.left, right(to));
  return Math.max(0, gaps[direction]) + (apart > 0 ? ASKEW.once + ASKEW.each * apart : 0) + aside / 100;
}

function overlapGap(a: number, b: number, c: number, d: number): number {
  return Math.max(0, c - b, a - d);
}
