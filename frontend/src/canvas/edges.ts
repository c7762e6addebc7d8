/** The geometry of np edges: pure, in world pixels. */
import { around, bottom, grown, middle, right, worldPoint, type Rect, type WorldPoint } from './geometry';
import { CLEAR, crosses, halfWay, rounded, routeAround, type Way } from './route';

export interface Route {
  /** An SVG path from the box's border to the arrowhead's base. */
  readonly path: string;
  /** The arrowhead, an SVG path. */
  readonly head: string;
  readonly start: WorldPoint;
  readonly end: WorldPoint;
  /** Half way along it. */
  readonly half: WorldPoint;
  /** Along it, close enough to tell what it runs over. */
  readonly points: readonly WorldPoint[];
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

const NOTHING: readonly Rect[] = [];
/** So far the line goes straight on before it may turn. */
const STRAIGHT = 20;
/** The curve is looked at in so many pieces for what is in its way. */
const PIECES = 16;
const WAY: Readonly<Record<Side, Way>> = { right: 0, bottom: 1, left: 2, top: 3 };

/** `between`: boxes that may be in the way, without the two ends. */
export function routeEdge(from: Rect, to: Rect, between: readonly Rect[] = NOTHING): Route {
  const [out, into] = sidesOf(from, to);
  const curve = routeBetween(portOf(from, out), out, portOf(to, into), into);
  if (between.length === 0 || isFree(curve.points, between)) return curve;
  return routeRound(from, to, between, [out, into]) ?? curve;
}

function isFree(points: readonly WorldPoint[], boxes: readonly Rect[]): boolean {
  return points.every((point, i) => i === 0 || !crosses(points[i - 1] as WorldPoint, point, boxes));
}

function routeRound(
  from: Rect,
  to: Rect,
  between: readonly Rect[],
  [out, into]: readonly [Side, Side],
): Route | null {
  const [start, end] = [portOf(from, out), portOf(to, into)];
  const off = (at: WorldPoint, side: Side, by: number): WorldPoint =>
    worldPoint(at.x + OUT[side][0] * by, at.y + OUT[side][1] * by);
  const heading = { out: WAY[out], into: ((WAY[into] + 2) & 3) as Way };
  const kept = between.map((box) => grown(box, CLEAR - 1));
  // Where other boxes stand close to an end there is room for less.
  const free = (at: WorldPoint, side: Side): number =>
    [STRAIGHT, CLEAR].find((by) => !crosses(at, off(at, side, by), kept)) ?? 1;
  const [first, last] = [
    off(start, out, free(start, out)),
    off(end, into, Math.max(HEAD_LENGTH, free(end, into))),
  ];
  const around = routeAround(first, last, [...between, from, to], heading);
  if (around === null) return null;
  const base = off(end, into, HEAD_LENGTH);
  const points = [start, ...around, base];
  return { path: rounded(points), head: arrow(end, base), start, end, half: halfWay(points), points };
}

/** While an edge is drawn its end follows the pointer. */
export function routeToPoint(from: Rect, side: Side, to: WorldPoint): Route {
  const start = portOf(from, side);
  const [dx, dy] = [to.x - start.x, to.y - start.y];
  const into: Side = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? 'left' : 'right') : dy > 0 ? 'top' : 'bottom';
  return routeBetween(start, side, to, into);
}

/** While its beginning follows the pointer. */
export function routeFromPoint(from: WorldPoint, to: Rect, into: Side): Route {
  const end = portOf(to, into);
  const [dx, dy] = [end.x - from.x, end.y - from.y];
  const out: Side = Math.abs(dx) > Math.abs(dy) ? (dx > 0 ? 'right' : 'left') : dy > 0 ? 'bottom' : 'top';
  return routeBetween(from, out, end, into);
}

/** The point so far along it; from its end where `by` is negative. Never beyond its middle. */
export function alongRoute({ points }: Route, by: number): WorldPoint {
  const way = by < 0 ? points.toReversed() : points;
  const pieces = way
    .slice(1)
    .map((point, i) => Math.hypot(point.x - (way[i]?.x ?? 0), point.y - (way[i]?.y ?? 0)));
  let left = Math.min(Math.abs(by), pieces.reduce((sum, each) => sum + each, 0) * 0.4);
  for (const [i, piece] of pieces.entries()) {
    const [a, b] = [way[i], way[i + 1]] as [WorldPoint, WorldPoint];
    const t = piece === 0 ? 0 : left / piece;
    if (t <= 1) return worldPoint(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t);
    left -= piece;
  }
  return way.at(-1) as WorldPoint;
}

function routeBetween(start: WorldPoint, out: Side, end: WorldPoint, into: Side): Route {
  const [ox, oy] = OUT[out];
  const [ix, iy] = OUT[into];
  const base = worldPoint(end.x + ix * HEAD_LENGTH, end.y + iy * HEAD_LENGTH);
  const pull = reach(start, base, ox, oy);
  const c1 = worldPoint(start.x + ox * pull, start.y + oy * pull);
  const c2 = worldPoint(base.x + ix * pull, base.y + iy * pull);
  const points = Array.from({ length: PIECES + 1 }, (_, i) => {
    const t = i / PIECES;
    return worldPoint(cubic(t, start.x, c1.x, c2.x, base.x), cubic(t, start.y, c1.y, c2.y, base.y));
  });
  const path = `M${at(start)}C${at(c1)} ${at(c2)} ${at(base)}`;
  return { path, head: arrow(end, base), start, end, half: points[PIECES / 2] as WorldPoint, points };
}

function cubic(t: number, ...[a, b, c, d]: [number, number, number, number]): number {
  const s = 1 - t;
  return s * s * s * a + 3 * s * s * t * b + 3 * s * t * t * c + t * t * t * d;
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

/** How far around an edge's ends something can be in its way. */
const AROUND = 80;

/** Where to look for what is in the way. */
export function betweenBounds(from: Rect, to: Rect): Rect {
  return grown(around([from, to]) ?? from, AROUND);
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
