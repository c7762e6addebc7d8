/** The gestures with an edge: a new one from a port, and an end of an old one that is taken somewhere else. */
import { toast } from '../ui/toasts.svelte';
import type { Board, EdgeName } from './board.svelte';
import { nameOf, nextTarget, targetNumbered } from './connect';
import { sidesOf, type Side } from './edges';
import { contains, distance, worldPoint, type Rect, type WorldPoint } from './geometry';
import type { Gesture, Overlay, Pointer } from './gesture.svelte';
import type { Direction } from './neighbour';

export type End = 'from' | 'to';

/** Let go so far away from where it was, in screen pixels, an end is meant to be torn off. */
const TORN = 140;
const NOWHERE: Rect = { left: 0, top: 0, width: 0, height: 0 };

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
  k: 'up',
  j: 'down',
};

/** One end of it follows the pointer or, without one, arrows and numbers, until Enter. */
export abstract class Wiring implements Gesture {
  abstract readonly cursor: string;
  readonly autoPan = true;
  #typed = '';

  constructor(
    readonly board: Board,
    readonly overlay: Overlay,
    /** The cell at the other end, and where it leaves or comes to that. */
    readonly fixed: string,
    readonly side: Side,
  ) {}

  abstract readonly loose: End;
  abstract readonly instead: EdgeName | null;
  /** What is asked for, without where it leads. */
  protected abstract words(): string;
  /** To a top-level cell, or, at a point, to none. */
  protected abstract attach(over: string | null, at: WorldPoint): void;
  abstract drop(pointer: Pointer, dragged: boolean): void;

  move({ world }: Pointer): void {
    this.#show(world, this.under(world));
    if (this.overlay.asks !== '') this.ask();
  }

  #show(at: WorldPoint, over: string | null): void {
    const { fixed, side, loose, instead } = this;
    this.overlay.wire = { fixed, side, loose, at, over, instead };
  }

  protected under(point: WorldPoint): string | null {
    const { parents } = this.board.session.notebook;
    for (const [id, box] of this.board.scene.layout.boxes) {
      if (id !== this.fixed && !parents.has(id) && contains(box, point)) return id;
    }
    return null;
  }

  /** Without a pointer: arrows and numbers choose where it goes, Enter draws it. */
  ask(): void {
    const over = this.overlay.wire?.over ?? null;
    this.overlay.asks = `${this.words()}${over === null ? '…' : ` ${nameOf(this.board, over)}`}`;
  }

  key(name: string): boolean {
    const { board, fixed } = this;
    const chosen = this.overlay.wire?.over ?? null;
    if (/^\d$/.test(name)) {
      this.#typed = (this.#typed + name).slice(-4);
      const numbered = targetNumbered(board, fixed, Number(this.#typed));
      this.#aim(numbered ?? targetNumbered(board, fixed, Number(name)));
      return true;
    }
    this.#typed = '';
    const direction = DIRECTIONS[name];
    if (direction !== undefined) this.#aim(nextTarget(board, fixed, chosen, direction));
    return direction !== undefined;
  }

  #aim(to: string | null): void {
    const box = to === null ? undefined : this.board.scene.layout.boxes.get(to);
    if (to === null || box === undefined) return;
    this.#show(worldPoint(box.left, box.top), to);
    this.board.viewport.reveal(box);
    this.ask();
  }

  /** Where the keys, or the pointer, have led it. */
  connect(): void {
    const { wire } = this.overlay;
    this.cancel();
    if (wire === null || wire.over === null) return;
    this.attach(wire.over, wire.at);
    this.board.reveal(wire.over);
  }

  cancel(): void {
    this.overlay.wire = null;
    this.overlay.asks = '';
  }
}

function refuse(known: boolean): void {
  const text = known ? 'These cells are connected already.' : 'An edge back would make the flow a circle.';
  toast({ level: 'info', text });
}

/** A new np edge, from a port to a top-level cell. */
export class DrawEdge extends Wiring {
  readonly cursor = 'crosshair';
  readonly loose = 'to';
  readonly instead = null;

  protected words(): string {
    return `Connect ${nameOf(this.board, this.fixed)} to`;
  }

  drop({ world }: Pointer): void {
    this.cancel();
    this.attach(this.under(world));
  }

  override connect(): void {
    const to = this.overlay.wire?.over ?? null;
    super.connect();
    if (to !== null) this.board.goTo(to);
  }

  protected attach(to: string | null): void {
    const { acts, notebook } = this.board.session;
    if (to === null || acts.connect(this.fixed, to)) return;
    refuse(notebook.np.get(this.fixed)?.includes(to) ?? false);
  }
}

/** On another cell it is attached there; on nothing it goes back, and far away from where it was it is deleted. */
export class Reattach extends Wiring {
  readonly cursor = 'grabbing';

  constructor(
    board: Board,
    overlay: Overlay,
    readonly instead: EdgeName,
    readonly loose: End,
  ) {
    const { boxes } = board.scene.layout;
    const [out, into] = sidesOf(boxes.get(instead.from) ?? NOWHERE, boxes.get(instead.to) ?? NOWHERE);
    super(board, overlay, loose === 'to' ? instead.from : instead.to, loose === 'to' ? out : into);
  }

  protected words(): string {
    const name = nameOf(this.board, this.fixed);
    return this.loose === 'to' ? `Lead the edge from ${name} to` : `Let the edge to ${name} begin at`;
  }

  drop({ world }: Pointer, dragged: boolean): void {
    this.cancel();
    if (!dragged) return this.board.selectEdge(this.instead);
    this.attach(this.under(world), world);
  }

  protected attach(over: string | null, at: WorldPoint): void {
    const { board, instead: edge, loose } = this;
    if (over === null) return this.#letGo(at);
    const now: EdgeName = loose === 'to' ? { from: edge.from, to: over } : { from: over, to: edge.to };
    if (now.from === edge.from && now.to === edge.to) return;
    const { acts, notebook } = board.session;
    if (acts.reconnect(edge, now)) return board.selectEdge(now);
    // Else somebody has deleted it meanwhile.
    if (notebook.np.get(edge.from)?.includes(edge.to))
      refuse(notebook.np.get(now.from)?.includes(now.to) ?? false);
  }

  #letGo(at: WorldPoint): void {
    const { board, instead: edge, loose } = this;
    const { acts, notebook, undo } = board.session;
    const box = board.scene.layout.boxes.get(edge[loose]);
    if (box === undefined || distance(box, at) * board.viewport.zoom < TORN) return;
    if (!notebook.np.get(edge.from)?.includes(edge.to)) return;
    acts.disconnect(edge.from, edge.to);
    board.selectEdge(null);
    toast({ level: 'info', text: 'Edge deleted.', action: { label: 'Undo', run: () => undo.undo() } });
  }
}
