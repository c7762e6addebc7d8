/**
 * A way for an edge around what lies between its ends. Pure. Most edges see each other and keep their curve; only where
 * a box is in the way is a route looked for: on the lines beside the boxes (a sparse grid), with few turns.
 */
import { grown, intersects, right, bottom, worldPoint, type Rect, type WorldPoint } from './geometry';

/** A route keeps this far from boxes: half of the least distance between two of them, so it fits between any. */
export const CLEAR = 10;
/** A turn is worth a detour of so many pixels. */
const TURN = 60;
/** More boxes than these are not gone around: a grid grows with their square. */
const MOST = 36;
const RADIUS = 14;

/** Whether a straight piece runs through one of the boxes. */
export function crosses(a: WorldPoint, b: WorldPoint, boxes: readonly Rect[]): boolean {
  const piece: Rect = {
    left: Math.min(a.x, b.x),
    top: Math.min(a.y, b.y),
    width: Math.max(0.01, Math.abs(a.x - b.x)),
    height: Math.max(0.01, Math.abs(a.y - b.y)),
  };
  return boxes.some((box) => intersects(piece, box) && clips(a, b, box));
}

/** Whether the line from a to b meets the inside of the box (Liang and Barsky's way of cutting). */
function clips(a: WorldPoint, b: WorldPoint, box: Rect): boolean {
  let [from, to] = [0, 1];
  for (const [start, end, low, high] of [
    [a.x, b.x, box.left, right(box)],
    [a.y, b.y, box.top, bottom(box)],
  ] as const) {
    const by = end - start;
    if (by === 0) {
      if (start <= low || start >= high) return false;
      continue;
    }
    const [t1, t2] =
      by > 0 ? [(low - start) / by, (high - start) / by] : [(high - start) / by, (low - start) / by];
    from = Math.max(from, t1);
    to = Math.min(to, t2);
  }
  return from < to;
}

/**
 * From one point to another around the boxes: level and upright pieces, the ends included; null where there is none.
 * `out` and `into` are the ways that the ends look, so that the route leaves and arrives straight.
 */
export function routeAround(
  start: WorldPoint,
  end: WorldPoint,
  boxes: readonly Rect[],
  heading: { readonly out: Way; readonly into: Way },
): WorldPoint[] | null {
  if (boxes.length > MOST) return null;
  const blocked = boxes.map((box) => grown(box, CLEAR - 1));
  const xs = lines([
    start.x,
    end.x,
    (start.x + end.x) / 2,
    ...boxes.flatMap((box) => [box.left - CLEAR, right(box) + CLEAR]),
  ]);
  const ys = lines([
    start.y,
    end.y,
    (start.y + end.y) / 2,
    ...boxes.flatMap((box) => [box.top - CLEAR, bottom(box) + CLEAR]),
  ]);
  const grid = new Grid(xs, ys, blocked);
  const path = search(grid, grid.index(start), grid.index(end), heading);
  return path === null ? null : straightened(path.map((node) => grid.point(node)));
}

export type Way = 0 | 1 | 2 | 3;
/** Right, down, left, up. */
const WAYS = [
  [1, 0],
  [0, 1],
  [-1, 0],
  [0, -1],
] as const;

const lines = (values: readonly number[]): number[] => [...new Set(values)].sort((a, b) => a - b);

class Grid {
  constructor(
    readonly xs: readonly number[],
    readonly ys: readonly number[],
    readonly blocked: readonly Rect[],
  ) {}

  index({ x, y }: WorldPoint): number {
    return this.ys.indexOf(y) * this.xs.length + this.xs.indexOf(x);
  }
  point(node: number): WorldPoint {
    const { length } = this.xs;
    return worldPoint(this.xs[node % length] as number, this.ys[Math.floor(node / length)] as number);
  }
  get size(): number {
    return this.xs.length * this.ys.length;
  }

  /** The next node that way; null at the border and where a box is in between. */
  next(node: number, way: Way): number | null {
    const { length } = this.xs;
    const [dx, dy] = WAYS[way];
    const [column, row] = [(node % length) + dx, Math.floor(node / length) + dy];
    if (column < 0 || row < 0 || column >= length || row >= this.ys.length) return null;
    const to = row * length + column;
    return crosses(this.point(node), this.point(to), this.blocked) ? null : to;
  }
}

/** The cheapest way by length and turns (A*); a state is a node and the way one came to it. */
function search(
  grid: Grid,
  start: number,
  end: number,
  { out, into }: { readonly out: Way; readonly into: Way },
): number[] | null {
  const goal = grid.point(end);
  const cost = new Float64Array(grid.size * 4).fill(Infinity);
  const from = new Int32Array(grid.size * 4).fill(-1);
  const open = new Heap();
  const first = start * 4 + out;
  cost[first] = 0;
  open.push(first, 0);
  for (let state = open.pop(); state !== null; state = open.pop()) {
    const [node, came] = [state >> 2, (state & 3) as Way];
    if (node === end) return walked(from, state);
    for (const way of [0, 1, 2, 3] as const) {
      if (way === ((came + 2) & 3)) continue;
      const to = node === end ? null : grid.next(node, way);
      const next = to === null ? null : to * 4 + way;
      if (next === null || to === null) continue;
      const [a, b] = [grid.point(node), grid.point(to)];
      // Behind the end it goes on that way: it may turn there, but not turn back.
      if (to === end && way === ((into + 2) & 3)) continue;
      const turns = (way === came ? 0 : TURN) + (to === end && way !== into ? TURN : 0);
      const total = (cost[state] as number) + Math.abs(a.x - b.x) + Math.abs(a.y - b.y) + turns;
      if (total >= (cost[next] as number)) continue;
      cost[next] = total;
      from[next] = state;
      open.push(next, total + Math.abs(b.x - goal.x) + Math.abs(b.y - goal.y));
    }
  }
  return null;
}

function walked(from: Int32Array, last: number): number[] {
  const nodes: number[] = [];
  for (let state = last; state >= 0; state = from[state] as number) nodes.push(state >> 2);
  return nodes.reverse();
}

/** The smallest first. */
class Heap {
  readonly #items: [number, number][] = [];

  push(item: number, key: number): void {
    const items = this.#items;
    let at = items.length;
    items.push([item, key]);
    for (; at > 0;) {
      const up = (at - 1) >> 1;
      if ((items[up] as [number, number])[1] <= key) break;
      items[at] = items[up] as [number, number];
      at = up;
    }
    items[at] = [item, key];
  }

  pop(): number | null {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined) return null;
    if (items.length === 0) return top[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (
        child + 1 < items.length &&
        (items[child + 1] as [number, number])[1] < (items[child] as [number, number])[1]
      )
        child += 1;
      if ((items[child] as [number, number])[1] >= last[1]) break;
      items[at] = items[child] as [number, number];
      at = child;
    }
    items[at] = last;
    return top[0];
  }
}

/** Without the points that lie between two others on one line. */
function straightened(points: readonly WorldPoint[]): WorldPoint[] {
  return points.filter((point, i) => {
    const [before, after] = [points[i - 1], points[i + 1]];
    if (before === undefined || after === undefined) return true;
    return !((before.x === point.x && point.x === after.x) || (before.y === point.y && point.y === after.y));
  });
}

/** An SVG path along the points, its corners rounded. */
export function rounded(points: readonly WorldPoint[]): string {
  const at = ({ x, y }: WorldPoint): string => `${round(x)} ${round(y)}`;
  const parts = [`M${at(points[0] as WorldPoint)}`];
  for (let i = 1; i < points.length - 1; i += 1) {
    const [before, corner, after] = [points[i - 1], points[i], points[i + 1]] as [
      WorldPoint,
      WorldPoint,
      WorldPoint,
    ];
    const radius = Math.min(RADIUS, apart(before, corner) / 2, apart(corner, after) / 2);
    parts.push(`L${at(towards(corner, before, radius))}Q${at(corner)} ${at(towards(corner, after, radius))}`);
  }
  parts.push(`L${at(points.at(-1) as WorldPoint)}`);
  return parts.join('');
}

const round = (value: number): number => Math.round(value * 100) / 100;
const apart = (a: WorldPoint, b: WorldPoint): number => Math.abs(a.x - b.x) + Math.abs(a.y - b.y);

function towards(from: WorldPoint, to: WorldPoint, by: number): WorldPoint {
  const all = apart(from, to);
  const part = all === 0 ? 0 : by / all;
  return worldPoint(from.x + (to.x - from.x) * part, from.y + (to.y - from.y) * part);
}

/** Half way along the pieces. */
export function halfWay(points: readonly WorldPoint[]): WorldPoint {
  const pieces = points.slice(1).map((point, i) => apart(points[i] as WorldPoint, point));
  let left = pieces.reduce((sum, each) => sum + each, 0) / 2;
  for (const [i, piece] of pieces.entries()) {
    if (left <= piece) return towards(points[i] as WorldPoint, points[i + 1] as WorldPoint, left);
    left -= piece;
  }
  return points.at(-1) as WorldPoint;
}
