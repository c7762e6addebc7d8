/** At the border of the view the camera follows what is dragged. Pure; screen pixels. */
import { clamp, type ScreenPoint } from './geometry';
import { BAR } from './viewport.svelte';

/** So near to the border it begins. */
const BORDER = 44;
/** By so much in a millisecond, at the border and beyond it. */
const SPEED = 1.1;
/** A frame that came late moves no further than this many milliseconds. */
const LONGEST = 50;
/** What was pressed near the border is not meant to pan until the hand goes on towards it. */
const TOWARDS = 12;

interface Size {
  readonly width: number;
  readonly height: number;
}

/** How far to pan after so many milliseconds; null: not near enough. */
export function panFor(
  at: ScreenPoint,
  pressedAt: ScreenPoint,
  { width, height }: Size,
  elapsed: number,
): { x: number; y: number } | null {
  const ms = Math.min(elapsed, LONGEST);
  const x = along(at.x, pressedAt.x, 0, width) * SPEED * ms;
  // The bar at the top is in front: the view ends below it.
  const y = along(at.y, pressedAt.y, BAR - BORDER, height) * SPEED * ms;
  return x === 0 && y === 0 ? null : { x, y };
}

/** From -1 to 1: how deep in the border, and in which one. */
function along(at: number, pressedAt: number, low: number, high: number): number {
  const depth = at < low + BORDER ? at - low - BORDER : Math.max(0, at - high + BORDER);
  const deep = clamp(depth / BORDER, -1, 1);
  const began = pressedAt < low + BORDER ? -1 : pressedAt > high - BORDER ? 1 : 0;
  if (began !== 0 && began === Math.sign(deep) && (at - pressedAt) * began < TOWARDS) return 0;
  // Slow where it begins, so that one can stop at a pixel.
  return Math.sign(deep) * deep ** 2;
}
