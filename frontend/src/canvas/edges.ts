/** The geometry of np edges: pure, in world pixels. */
import { bottom, middle, right, worldPoint, type Rect, type WorldPoint } from './geometry';

export interface Route {
  /** An SVG path from the box's border to the arrowhead's base. */
  readonly path: string;
  /** The arrowhead, an SVG path. */
  readonly head: string;
  readonly start: WorldPoint;
  readonly end: WorldPoint;
  /** Half way along it. */
  readonly half: WorldPoint;
}

export type Side = 'top' | 'bottom' | 'left' | 'right';

const HEAD_LENGTH = 9;
const HEAD_WIDTH = 8;

const OUT: Readonly<Record<Side, readonly [number, number]>> = {
  top: [0, -1],
  bottom: [0, 1],
  left: [-1, 0],
  right: [1, 0],
};

/** Ports at the sides lie beside what one reads first, also where a box is taller than the view. */
const SIDE_PORT = 54;

export function portOf(rect: Rect, side: Side): WorldPoint {
  const { x } = middle(rect);
  if (side === 'top') return worldPoint(x, rect.top);
  if (side === 'bottom') return worldPoint(x, bottom(rect));
  const y = rect.top + Math.min(rect.height / 2, SIDE_PORT);
  return worldPoint(side === 'left' ? rect.left : right(rect), y);
}

/** From the bottom to the top of what follows; from side to side where it lies beside and not below. */
export function sidesOf(from: Rect, to: Rect): readonly [Side, Side] {
  if (to.top >= bottom(from)) return ['bottom', 'top'];
  if (to.left >= right(from)) return ['right', 'left'];
  if (right(to) <= from.left) return ['left', 'right'];
  // Above in the same column: out at the bottom and around, so that it is seen to go back.
  return ['bottom', 'top'];
}

export function routeEdge(from: Rect, to: Rect): Route {
  const [out, into] = sidesOf(from, to);
  return routeBetween(portOf(from, out), out, portOf(to, into), into);
}

/** While an edge is drawn its end follows the pointer. */
export function routeToPoint(from: Rect, side: Side, to: WorldPoint): Route {
  const start = portOf(from, side);
  const [dx, dy] = [to.x - start.x, to.y - start.y];
  const into: Side = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? 'left' : 'right') : dy > 0 ? 'top' : 'bottom';
  return routeBetween(start, side, to, into);
}

function routeBetween(start: WorldPoint, out: Side, end: WorldPoint, into: Side): Route {
  const [ox, oy] = OUT[out];
  const [ix, iy] = OUT[into];
  const base = worldPoint(end.x + ix * HEAD_LENGTH, end.y + iy * HEAD_LENGTH);
  const pull = reach(start, base, ox, oy);
  const c1 = worldPoint(start.x + ox * pull, start.y + oy * pull);
  const c2 = worldPoint(base.x + ix * pull, base.y + iy * pull);
  const along = (a: number, b: number, c: number, d: number): number => (a + 3 * b + 3 * c + d) / 8;
  const half = worldPoint(along(start.x, c1.x, c2.x, base.x), along(start.y, c1.y, c2.y, base.y));
  return { path: `M${at(start)}C${at(c1)} ${at(c2)} ${at(base)}`, head: arrow(end, base), start, end, half };
}

/** How far the curve leaves straight on: half the way, more where it has to turn back. */
function reach(start: WorldPoint, end: WorldPoint, ox: number, oy: number): number {
  const ahead = (end.x - start.x) * ox + (end.y - start.y) * oy;
  const aside = Math.abs((end.x - start.x) * oy) + Math.abs((end.y - start.y) * ox);
  if (ahead >= 0) return Math.min(Math.max(ahead / 2, Math.min(aside / 3, 60)), 240);
  return Math.min(60 - ahead / 3 + aside / 4, 320);
}

function arrow(tip: WorldPoint, base: WorldPoint): string {
  const [nx, ny] = [(tip.y - base.y) / HEAD_LENGTH, (base.x - tip.x) / HEAD_LENGTH];
  const half = HEAD_WIDTH / 2;
  const a = worldPoint(base.x + nx * half, base.y + ny * half);
  const b = worldPoint(base.x - nx * half, base.y - ny * half);
  return `M${at(tip)}L${at(a)}L${at(b)}Z`;
}

const round = (value: number): number => Math.round(value * 100) / 100;
const at = (point: WorldPoint): string => `${round(point.x)} ${round(point.y)}`;

/** What an edge between these boxes can touch: enough for culling. */
export function edgeBounds(from: Rect, to: Rect): Rect {
  const left = Math.min(from.left, to.left) - 160;
  const top = Math.min(from.top, to.top) - 160;
  return {
    left,
    top,
    width: Math.max(right(from), right(to)) + 160 - left,
    height: Math.max(bottom(from), bottom(to)) + 160 - top,
  };
}
