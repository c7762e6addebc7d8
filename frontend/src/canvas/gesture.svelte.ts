/** What every gesture of the pointer is to the canvas, and the simple ones. */
import type { Board } from './board.svelte';
import { nameOf, nextTarget, targetNumbered } from './connect';
import type { Side } from './edges';
import {
  contains,
  screenPoint,
  spanned,
  worldPoint,
  type Rect,
  type ScreenPoint,
  type WorldPoint,
} from './geometry';
import type { Direction } from './neighbour';
import { marqueeHits } from './select';
import { toast } from '../ui/toasts.svelte';

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

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  k: 'up',
  j: 'down',
};

/** A new np edge, from a port to a top-level cell. */
export class DrawEdge implements Gesture {
  readonly cursor = 'crosshair';
  readonly autoPan = true;
  #typed = '';

  constructor(
    readonly board: Board,
    readonly overlay: Overlay,
    readonly from: string,
    readonly side: Side,
  ) {}

  move({ world }: Pointer): void {
    const { from, side } = this;
    this.overlay.wire = { from, side, to: world, over: this.#under(world) };
    if (this.overlay.asks !== '') this.ask();
  }

  #under(point: WorldPoint): string | null {
    const { layout } = this.board.scene;
    const { parents } = this.board.session.notebook;
    for (const [id, box] of layout.boxes) {
      if (id !== this.from && !parents.has(id) && contains(box, point)) return id;
    }
    return null;
  }

  /** Without a pointer: arrows and numbers choose where it ends, Enter draws it. */
  ask(): void {
    const { board, overlay } = this;
    const over = overlay.wire?.over ?? null;
    const where = over === null ? '…' : ` ${nameOf(board, over)}`;
    overlay.asks = `Connect ${nameOf(board, this.from)} to${where}`;
  }

  key(name: string): boolean {
    const { board, from } = this;
    const chosen = this.overlay.wire?.over ?? null;
    if (/^\d$/.test(name)) {
      this.#typed = (this.#typed + name).slice(-4);
      this.#aim(
        targetNumbered(board, from, Number(this.#typed)) ?? targetNumbered(board, from, Number(name)),
      );
      return true;
    }
    this.#typed = '';
    const direction = DIRECTIONS[name];
    if (direction !== undefined) this.#aim(nextTarget(board, from, chosen, direction));
    return direction !== undefined;
  }

  #aim(to: string | null): void {
    const box = to === null ? undefined : this.board.scene.layout.boxes.get(to);
    if (to === null || box === undefined) return;
    const { from, side } = this;
    this.overlay.wire = { from, side, to: worldPoint(box.left, box.top), over: to };
    this.board.viewport.reveal(box);
    this.ask();
  }

  /** Where the keys, or the pointer, have led it. */
  connect(): void {
    const to = this.overlay.wire?.over ?? null;
    this.#end(to);
    if (to !== null) this.board.goTo(to);
  }

  drop({ world }: Pointer): void {
    this.#end(this.#under(world));
  }

  #end(to: string | null): void {
    this.cancel();
    if (to === null || this.board.session.acts.connect(this.from, to)) return;
    const known = this.board.session.notebook.np.get(this.from)?.includes(to) ?? false;
    const text = known ? 'These cells are connected already.' : 'An edge back would make the flow a circle.';
    toast({ level: 'info', text });
  }
  cancel(): void {
    this.overlay.wire = null;
    this.overlay.asks = '';
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
