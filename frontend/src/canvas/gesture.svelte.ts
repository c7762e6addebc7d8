/** What every gesture of the pointer is to the canvas, and the simple ones. */
import type { Board } from './board.svelte';
import type { Side } from './edges';
import {
  clamp,
  contains,
  screenPoint,
  spanned,
  type Rect,
  type ScreenPoint,
  type WorldPoint,
} from './geometry';
import { marqueeHits } from './select';
import { toast } from '../ui/toasts.svelte';

export interface Pointer {
  readonly screen: ScreenPoint;
  readonly world: WorldPoint;
}

/** From a press to its end. `move` comes only once the pointer has left the place of the press. */
export interface Gesture {
  readonly cursor: string;
  /** At the border of the canvas the camera follows. */
  readonly autoPan: boolean;
  move(pointer: Pointer): void;
  /** Released; `dragged` is false for a click. */
  drop(pointer: Pointer, dragged: boolean): void;
  cancel(): void;
}

/** What gestures paint above everything. */
export class Overlay {
  marquee: Rect | null = $state.raw(null);
  wire: Wire | null = $state.raw(null);
}

export interface Wire {
  readonly from: string;
  readonly side: Side;
  readonly to: WorldPoint;
  /** The top-level cell under the pointer, which it would end at. */
  readonly over: string | null;
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

/** A new np edge, from a port to a top-level cell. */
export class DrawEdge implements Gesture {
  readonly cursor = 'crosshair';
  readonly autoPan = true;

  constructor(
    readonly board: Board,
    readonly overlay: Overlay,
    readonly from: string,
    readonly side: Side,
  ) {}

  move({ world }: Pointer): void {
    const { from, side } = this;
    this.overlay.wire = { from, side, to: world, over: this.#under(world) };
  }

  #under(point: WorldPoint): string | null {
    const { layout } = this.board.scene;
    const { parents } = this.board.session.notebook;
    for (const [id, box] of layout.boxes) {
      if (id !== this.from && !parents.has(id) && contains(box, point)) return id;
    }
    return null;
  }

  drop({ world }: Pointer): void {
    const to = this.#under(world);
    this.overlay.wire = null;
    if (to === null || this.board.session.acts.connect(this.from, to)) return;
    const known = this.board.session.notebook.np.get(this.from)?.includes(to) ?? false;
    const text = known ? 'These cells are connected already.' : 'An edge back would make the flow a circle.';
    toast({ level: 'info', text });
  }
  cancel(): void {
    this.overlay.wire = null;
  }
}

const LEAST_WIDTH = 200;
const MOST_WIDTH = 4000;

/** The right border of a top-level cell or tissue. */
export class Stretch implements Gesture {
  readonly cursor = 'ew-resize';
  readonly autoPan = false;
  readonly #width: number;

  constructor(
    readonly board: Board,
    readonly id: string,
    readonly from: WorldPoint,
  ) {
    this.#width = board.scene.layout.boxes.get(id)?.width ?? 600;
  }

  #at({ world }: Pointer): number {
    const step = this.board.session.config.snap.x || 1;
    return clamp(Math.round((this.#width + world.x - this.from.x) / step) * step, LEAST_WIDTH, MOST_WIDTH);
  }
  move(pointer: Pointer): void {
    this.board.scene.resize({ id: this.id, width: this.#at(pointer) });
  }
  drop(pointer: Pointer, dragged: boolean): void {
    const { acts, notebook } = this.board.session;
    const width = this.#at(pointer);
    if (dragged && notebook.has(this.id) && notebook.cell(this.id).width !== width)
      acts.resize(this.id, { width });
    this.cancel();
  }
  cancel(): void {
    this.board.scene.resize(null);
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
