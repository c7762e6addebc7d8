/** Dragging cells, as a state machine without a DOM: pressed, then dragged, then dropped or given up. */
import type { Place } from '../doc/values';
import { snapped, type Rect, type ScreenPoint, type WorldPoint } from './geometry';

/** A press becomes a drag after so many screen pixels. */
export const SLOP = 4;

export interface Grid {
  readonly x: number;
  readonly y: number;
}

interface Held {
  /** The cell under the pointer: its corner is what snaps. */
  readonly grabbed: string;
  /** The cells that move, each with its tissue, as drawn at the press. */
  readonly origins: ReadonlyMap<string, Rect>;
  readonly pressedAt: ScreenPoint;
  readonly from: WorldPoint;
}

export interface Idle {
  readonly phase: 'idle';
}
export interface Pressed extends Held {
  readonly phase: 'pressed';
}
export interface Dragging extends Held {
  readonly phase: 'dragging';
  readonly dx: number;
  readonly dy: number;
  readonly pointer: WorldPoint;
  /** What is held stays where it is: a copy of it moves. */
  readonly copies: boolean;
}
export type Drag = Idle | Pressed | Dragging;

export const IDLE: Idle = { phase: 'idle' };

/** From what the hand has moved by to what the boxes move by; `corner` is that of the held box, as it was. */
export type Settle = (by: Shift, corner: Rect) => Shift;
export interface Shift {
  readonly dx: number;
  readonly dy: number;
}

export const toGrid =
  (grid: Grid): Settle =>
  ({ dx, dy }, { left, top }) => ({
    dx: snapped(left + dx, grid.x) - left,
    dy: snapped(top + dy, grid.y) - top,
  });

export type DragEvent =
  | {
      readonly kind: 'press';
      readonly grabbed: string;
      readonly origins: ReadonlyMap<string, Rect>;
      readonly screen: ScreenPoint;
      readonly world: WorldPoint;
    }
  | {
      readonly kind: 'move';
      readonly screen: ScreenPoint;
      readonly world: WorldPoint;
      readonly settle: Settle;
      readonly copies?: boolean;
    }
  | { readonly kind: 'end' };

/** `world` is the pointer's place under the camera of now, so that the camera may move during the drag. */
export function stepDrag(drag: Drag, event: DragEvent): Drag {
  if (event.kind === 'end') return IDLE;
  if (event.kind === 'press') {
    if (drag.phase !== 'idle' || !event.origins.has(event.grabbed)) return drag;
    const { grabbed, origins, screen, world } = event;
    return { phase: 'pressed', grabbed, origins, pressedAt: screen, from: world };
  }
  if (drag.phase === 'idle') return drag;
  if (drag.phase === 'pressed' && near(drag.pressedAt, event.screen)) return drag;
  const corner = drag.origins.get(drag.grabbed) as Rect;
  const { grabbed, origins, pressedAt, from } = drag;
  return {
    phase: 'dragging',
    grabbed,
    origins,
    pressedAt,
    from,
    // The whole selection moves by the same, so what was aligned stays aligned.
    ...event.settle({ dx: event.world.x - from.x, dy: event.world.y - from.y }, corner),
    pointer: event.world,
    copies: event.copies ?? false,
  };
}

const near = (a: ScreenPoint, b: ScreenPoint): boolean => Math.hypot(a.x - b.x, a.y - b.y) < SLOP;

/** Where the dragged boxes are now. */
export function placesOf(drag: Dragging): Map<string, Place> {
  const places = new Map<string, Place>();
  for (const [id, { left, top }] of drag.origins)
    places.set(id, { left: left + drag.dx, top: top + drag.dy });
  return places;
}
