/**
 * Points and rectangles. World: canvas pixels, as the document stores them. Screen: pixels from the canvas
 * element's top left corner, as the pointer has them. The compiler keeps the two apart.
 */
declare const space: unique symbol;

interface Point<S extends string> {
  readonly x: number;
  readonly y: number;
  readonly [space]?: S;
}
export type WorldPoint = Point<'world'>;
export type ScreenPoint = Point<'screen'>;

export const worldPoint = (x: number, y: number): WorldPoint => ({ x, y });
export const screenPoint = (x: number, y: number): ScreenPoint => ({ x, y });

/** In world pixels. */
export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export const right = (rect: Rect): number => rect.left + rect.width;
export const bottom = (rect: Rect): number => rect.top + rect.height;
export const middle = (rect: Rect): WorldPoint =>
  worldPoint(rect.left + rect.width / 2, rect.top + rect.height / 2);

export function sameRect(a: Rect, b: Rect): boolean {
  return a.left === b.left && a.top === b.top && a.width === b.width && a.height === b.height;
}

/** Touching edges do not count. */
export function intersects(a: Rect, b: Rect): boolean {
  return a.left < right(b) && b.left < right(a) && a.top < bottom(b) && b.top < bottom(a);
}

/** Whether they share a vertical line. */
export function sameColumn(a: Rect, b: Rect): boolean {
  return a.left < right(b) && b.left < right(a);
}

export function contains(rect: Rect, point: WorldPoint): boolean {
  return point.x >= rect.left && point.x < right(rect) && point.y >= rect.top && point.y < bottom(rect);
}

export function grown(rect: Rect, by: number, byY = by): Rect {
  return {
    left: rect.left - by,
    top: rect.top - byY,
    width: rect.width + 2 * by,
    height: rect.height + 2 * byY,
  };
}

export function moved(rect: Rect, dx: number, dy: number): Rect {
  return { left: rect.left + dx, top: rect.top + dy, width: rect.width, height: rect.height };
}

/** The rectangle between two corners, whichever they are. */
export function spanned(a: WorldPoint, b: WorldPoint): Rect {
  return {
    left: Math.min(a.x, b.x),
    top: Math.min(a.y, b.y),
    width: Math.abs(a.x - b.x),
    height: Math.abs(a.y - b.y),
  };
}

/** The smallest rectangle around all, null around none. */
export function around(rects: Iterable<Rect>): Rect | null {
  let [l, t, r, b] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const rect of rects) {
    l = Math.min(l, rect.left);
    t = Math.min(t, rect.top);
    r = Math.max(r, right(rect));
    b = Math.max(b, bottom(rect));
  }
  return l > r ? null : { left: l, top: t, width: r - l, height: b - t };
}

/** How far the point is from the rectangle; 0 inside. */
export function distance(rect: Rect, point: WorldPoint): number {
  const dx = Math.max(rect.left - point.x, 0, point.x - right(rect));
  const dy = Math.max(rect.top - point.y, 0, point.y - bottom(rect));
  return Math.hypot(dx, dy);
}

export const clamp = (value: number, least: number, most: number): number =>
  Math.max(least, Math.min(most, value));

/** To the grid; a step of 0 or less is no grid. */
export const snapped = (value: number, step: number): number =>
  step > 0 ? Math.round(value / step) * step : value;
export const snappedUp = (value: number, step: number): number =>
  step > 0 ? Math.ceil(value / step) * step : value;
