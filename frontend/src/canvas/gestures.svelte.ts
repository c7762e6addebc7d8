/** From pointer events to gestures: what was pressed decides which one begins. Any zoom, any pointer. */
import type { Board, EdgeName } from './board.svelte';
import { Carry } from './carry';
import { SLOP } from './drag';
import type { Side } from './edges';
import { screenPoint, type ScreenPoint } from './geometry';
import { DrawEdge, Reattach, Wiring, type End } from './wire.svelte';
import { Stretch, type Border } from './stretch.svelte';
import { panFor } from './autopan';
import { Marquee, Overlay, Pan, Pinch, type Gesture, type Pointer } from './gesture.svelte';

/** What has presses of its own. */
const OWN_PRESSES =
  'button, a[href], input, textarea, select, summary, label, iframe, video, audio, [contenteditable]:not([contenteditable="false"]), [data-no-pan]';

interface Active {
  readonly gesture: Gesture;
  /** null: it follows the pointer without a button, until the next press. */
  readonly pointerId: number | null;
  readonly pressedAt: ScreenPoint;
  dragged: boolean;
}

export type Pressed =
  | { readonly on: 'port'; readonly id: string; readonly side: Side }
  | { readonly on: 'border'; readonly id: string; readonly side: Border }
  | { readonly on: 'handle' | 'cell' | 'own'; readonly id: string }
  | { readonly on: 'edge'; readonly from: string; readonly to: string; readonly end: End | null }
  | { readonly on: 'empty' | 'elsewhere' };

/** What lies under the pointer, by the attributes of the painted elements. */
export function whatIsAt(target: Element): Pressed {
  const read = (name: string): string | null =>
    target.closest(`[data-${name}]`)?.getAttribute(`data-${name}`) ?? null;
  const port = read('port');
  if (port !== null) return { on: 'port', id: read('port-of') ?? '', side: port as Side };
  const border = read('border-of');
  if (border !== null)
    return { on: 'border', id: border, side: read('border') === 'left' ? 'left' : 'right' };
  const from = read('edge-from');
  if (from !== null && target.closest('button') === null) {
    const end = read('edge-end');
    return { on: 'edge', from, to: read('edge-to') ?? '', end: end === 'from' || end === 'to' ? end : null };
  }
  const id = read('cell-id') ?? read('tissue-id');
  if (target.closest(OWN_PRESSES) !== null) return id === null ? { on: 'elsewhere' } : { on: 'own', id };
  if (id === null) return { on: 'empty' };
  return { on: target.closest('[data-drag-handle]') === null ? 'cell' : 'handle', id };
}

export class Gestures {
  readonly overlay = new Overlay();
  #active: Active | null = $state.raw(null);
  #last: Pointer | null = null;
  #panning = 0;
  readonly #touches = new Map<number, ScreenPoint>();
  #pinch: Pinch | null = null;
  /** While the space bar is held, any drag pans. */
  spaceHeld = $state(false);

  constructor(
    readonly board: Board,
    readonly root: HTMLElement,
  ) {}

  get cursor(): string {
    return this.#active?.gesture.cursor ?? (this.spaceHeld ? 'grab' : '');
  }
  get active(): boolean {
    return this.#active !== null;
  }

  pointer(event: MouseEvent): Pointer {
    const { left, top } = this.root.getBoundingClientRect();
    const screen = screenPoint(event.clientX - left, event.clientY - top);
    return {
      screen,
      world: this.board.viewport.toWorld(screen),
      free: event.ctrlKey || event.metaKey,
      copies: event.altKey,
    };
  }

  down(event: PointerEvent): void {
    const pointer = this.pointer(event);
    if (this.#active?.pointerId === null) {
      event.preventDefault();
      return event.button === 0 ? this.#finish(pointer) : this.cancel();
    }
    if (event.pointerType === 'touch' && this.#touched(event, pointer)) return;
    if (this.#active !== null || !(event.target instanceof Element)) return;
    const gesture = this.#begin(event, event.target, pointer);
    if (gesture === null) return;
    this.board.viewport.stop();
    this.#active = { gesture, pointerId: event.pointerId, pressedAt: pointer.screen, dragged: false };
  }

  #begin(event: PointerEvent, target: Element, pointer: Pointer): Gesture | null {
    if (event.button === 1 || (event.button === 0 && this.spaceHeld)) {
      event.preventDefault();
      return new Pan(this.board, pointer.screen, () => {});
    }
    if (event.button !== 0) return null;
    const pressed = whatIsAt(target);
    switch (pressed.on) {
      case 'port':
        return new DrawEdge(this.board, this.overlay, pressed.id, pressed.side);
      case 'border':
        return new Stretch(this.board, pressed, pointer.world);
      case 'edge':
        return this.#pressEdge(pressed, pressed.end);
      case 'handle':
        return this.#pressHandle(event, pressed.id, pointer);
      case 'cell':
      case 'own':
        return this.#pressCell(event, pressed.id, pressed.on === 'own', pointer);
      case 'empty':
        if (event.shiftKey) return new Marquee(this.board, this.overlay, pointer.world);
        return new Pan(this.board, pointer.screen, this.#clickEmpty);
      default:
        return null;
    }
  }

  #pressEdge({ from, to }: EdgeName, end: End | null): Gesture | null {
    if (end !== null) return new Reattach(this.board, this.overlay, { from, to }, end);
    this.board.selectEdge({ from, to });
    this.root.focus({ preventScroll: true });
    return null;
  }

  readonly #clickEmpty = (): void => {
    this.board.select([]);
    this.board.rest();
    this.root.focus({ preventScroll: true });
  };

  #pressHandle(event: PointerEvent, id: string, pointer: Pointer): Gesture {
    const { board } = this;
    board.rest();
    if (event.shiftKey) return new Carry(board, id, pointer, () => board.select([id], 'toggle'));
    if (!board.selection.has(id)) board.select([id]);
    return new Carry(board, id, pointer, () => board.select([id]));
  }

  /** Text in a cell is selected by a drag, so a press here only selects the cell; a finger pans. */
  #pressCell(event: PointerEvent, id: string, own: boolean, pointer: Pointer): Gesture | null {
    const { board } = this;
    if (event.pointerType === 'touch') {
      return own ? null : new Pan(board, pointer.screen, () => board.select([id]));
    }
    if (event.shiftKey) {
      // In an editor that has the keyboard Shift extends the text selection.
      if (board.editing !== id) board.select([id], 'toggle');
      return null;
    }
    if (!own) board.rest();
    if (board.selection.size !== 1 || board.current !== id) board.select([id]);
    return null;
  }

  /** Begin an edge that follows the pointer until the next press. */
  connectFrom(id: string): void {
    this.#follow(new DrawEdge(this.board, this.overlay, id, 'bottom'));
  }

  /** The same with an end of an edge that there is. */
  reattach(edge: EdgeName, end: End): void {
    this.#follow(new Reattach(this.board, this.overlay, edge, end));
  }

  #follow(gesture: Wiring): void {
    this.cancel();
    this.#active = { gesture, pointerId: null, pressedAt: screenPoint(0, 0), dragged: true };
    this.root.focus({ preventScroll: true });
    gesture.ask();
  }

  /** Whether a key was for what goes on. */
  key(name: string): boolean {
    const active = this.#active;
    if (active === null) return false;
    if (name === 'Escape') this.cancel();
    else if (active.pointerId === null && name === 'Enter' && active.gesture instanceof Wiring) {
      const { gesture } = active;
      this.#release();
      gesture.connect();
    } else if (active.pointerId === null) {
      // Whoever is asked for a cell gives no commands meanwhile.
      return (active.gesture.key?.(name) ?? false) || name.length === 1;
    } else return false;
    return true;
  }

  move(event: PointerEvent): void {
    const pointer = this.pointer(event);
    this.#last = pointer;
    if (this.#touches.has(event.pointerId)) this.#touches.set(event.pointerId, pointer.screen);
    if (this.#pinch !== null) {
      const [a, b] = [...this.#touches.values()];
      if (a !== undefined && b !== undefined) this.#pinch.move(a, b);
      return;
    }
    const active = this.#active;
    if (active === null || (active.pointerId !== null && active.pointerId !== event.pointerId)) return;
    if (!active.dragged) {
      const { x, y } = active.pressedAt;
      if (Math.hypot(pointer.screen.x - x, pointer.screen.y - y) < SLOP) return;
      active.dragged = true;
      // From here on every event is ours, also over a frame that would swallow it.
      this.root.setPointerCapture(event.pointerId);
    }
    active.gesture.move(pointer);
    if (active.gesture.autoPan) this.#autoPan();
  }

  up(event: PointerEvent): void {
    this.#lift(event);
    if (this.#active?.pointerId === event.pointerId) this.#finish(this.pointer(event));
  }

  #finish(pointer: Pointer): void {
    const active = this.#active;
    this.#release();
    active?.gesture.drop(pointer, active.dragged);
  }

  /** Escape, or the system took the pointer away. */
  cancel(): void {
    const active = this.#active;
    this.#release();
    active?.gesture.cancel();
  }

  pointerCancelled(event: PointerEvent): void {
    this.#lift(event);
    if (this.#active?.pointerId === event.pointerId) this.cancel();
  }

  #release(): void {
    const id = this.#active?.pointerId ?? null;
    this.#active = null;
    cancelAnimationFrame(this.#panning);
    this.#panning = 0;
    if (id !== null && this.root.hasPointerCapture(id)) this.root.releasePointerCapture(id);
  }

  #touched(event: PointerEvent, { screen }: Pointer): boolean {
    this.#touches.set(event.pointerId, screen);
    if (this.#touches.size !== 2) return this.#touches.size > 2;
    this.cancel();
    const [a, b] = [...this.#touches.values()] as [ScreenPoint, ScreenPoint];
    this.#pinch = new Pinch(this.board, a, b);
    return true;
  }

  #lift(event: PointerEvent): void {
    this.#touches.delete(event.pointerId);
    if (this.#touches.size < 2) this.#pinch = null;
  }

  /** A key that changes what a drag does was pressed or let go: the same place again. */
  modified(event: KeyboardEvent): void {
    const [active, last] = [this.#active, this.#last];
    if (active === null || last === null || !active.dragged) return;
    const keys = { free: event.ctrlKey || event.metaKey, copies: event.altKey };
    if (keys.free === last.free && keys.copies === last.copies) return;
    // Else Alt alone goes to the browser's menu.
    event.preventDefault();
    this.#last = { ...last, ...keys };
    active.gesture.move(this.#last);
  }

  #autoPan(): void {
    if (this.#panning !== 0) return;
    const began = performance.now();
    this.#panning = requestAnimationFrame((now) => {
      this.#panning = 0;
      const [active, last] = [this.#active, this.#last];
      if (active === null || last === null) return;
      const shift = panFor(last.screen, active.pressedAt, this.board.viewport, now - began);
      if (shift === null) return;
      this.board.viewport.panBy(shift.x, shift.y);
      active.gesture.move({ ...last, world: this.board.viewport.toWorld(last.screen) });
      this.#autoPan();
    });
  }

  destroy(): void {
    this.cancel();
    this.#touches.clear();
    this.#pinch = null;
  }
}
