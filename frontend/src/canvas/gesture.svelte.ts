/** What every gesture of the pointer is to the canvas, and the simple ones. */
import type { Board, EdgeName } from './board.svelte';
import type { Side } from './edges';
import { screenPoint, spanned, type Rect, type ScreenPoint, type WorldPoint } from './geometry';
import { marqueeHits } from './select';

export interface Pointer {
  readonly screen: ScreenPoint;
  readonly world: WorldPoint;
  /** Ctrl or Cmd is held: nothing snaps. */
  readonly free: boolean;
  /** Alt is held: a copy is moved. */
  readonly copies: boolean;
}

/** From a press to its end. `move` comes only once the pointer has left the place of the press. */
export interface Gesture {
  readonly cursor: string;
  /** At the border of the canvas the camera follows. */
  readonly autoPan: boolean;
  move(pointer: Pointer): void;
  /** A key while it goes on; true: it was for this gesture. */
  key?(name: string): boolean;
  /** Released; `dragged` is false for a click. */
  drop(pointer: Pointer, dragged: boolean): void;
  cancel(): void;
}

/** What gestures paint above everything. */
export class Overlay {
  marquee: Rect | null = $state.raw(null);
  wire: Wire | null = $state.raw(null);
  /** What an edge without a button held waits for, in words. */
  asks = $state('');
}

/** An edge while one end of it follows the pointer. */
export interface Wire {
  /** The cell at the other end, and the side it leaves or comes to there. */
  readonly fixed: string;
  readonly side: Side;
  readonly loose: 'from' | 'to';
  readonly at: WorldPoint;
  /** The top-level cell under the pointer, which it would end at. */
  readonly over: string | null;
  /** The edge that it would take the place of. */
  readonly instead: EdgeName | null;
}

export class Pan implements Gesture {
  readonly cursor = 'grabbing';
  readonly autoPan = false;
  #last: ScreenPoint;

  /** `click`: what a press without a movement means. */
  constructor(
    readonly board: Board,
    at: ScreenPoint,
    readonly click: () => void,
  ) {
    this.#last = at;
  }

  move({ screen }: Pointer): void {
    this.board.viewport.panBy(this.#last.x - screen.x, this.#last.y - screen.y);
    this.#last = screen;
  }
  drop(_pointer: Pointer, dragged: boolean): void {
    if (!dragged) this.click();
  }
  cancel(): void {}
}

/** Adds to what was selected before. */
export class Marquee implements Gesture {
  readonly cursor = 'crosshair';
  readonly autoPan = true;
  readonly #before: readonly string[];

  constructor(
    readonly board: Board,
    readonly overlay: Overlay,
    readonly from: WorldPoint,
  ) {
    this.#before = [...board.selection];
  }

  move({ world }: Pointer): void {
    const { scene, session } = this.board;
    const rect = spanned(this.from, world);
    this.overlay.marquee = rect;
    const hits = marqueeHits(rect, scene.layout, session.notebook.parents);
    this.board.select([...this.#before, ...hits]);
  }
  drop(): void {
    this.overlay.marquee = null;
  }
  cancel(): void {
    this.overlay.marquee = null;
    this.board.select(this.#before);
  }
}

/** Two fingers: the point between them stays between them. */
export class Pinch {
  #middle: ScreenPoint;
  #apart: number;

  constructor(
    readonly board: Board,
    a: ScreenPoint,
    b: ScreenPoint,
  ) {
    this.#middle = half(a, b);
    this.#apart = Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
  }

  move(a: ScreenPoint, b: ScreenPoint): void {
    const { viewport } = this.board;
    const to = half(a, b);
    const apart = Math.max(1, Math.hypot(a.x - b.x, a.y - b.y));
    viewport.panBy(this.#middle.x - to.x, this.#middle.y - to.y);
    viewport.zoomAt(to, (viewport.zoom * apart) / this.#apart);
    this.#middle = to;
    this.#apart = apart;
  }
}

const half = (a: ScreenPoint, b: ScreenPoint): ScreenPoint => screenPoint((a.x + b.x) / 2, (a.y + b.y) / 2);
