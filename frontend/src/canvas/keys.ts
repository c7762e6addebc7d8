/** The canvas's ear for the keyboard: command mode, the space bar, Escape. */
import type { Board } from './board.svelte';
import { perform } from './commands';
import type { Gestures } from './gestures.svelte';
import { commandOf, keysAreElsewhere, pressesButton } from './keyboard';

/** The bar's buttons leave these to the canvas, wherever the focus is: no one expects them of a button. */
const EVERYWHERE = new Set(['undo', 'redo', 'save']);
/** Two of these delete, as in Jupyter. */
const TWICE = 'd';
const TWICE_WITHIN = 600;

export class KeyListener {
  #lastD = 0;

  constructor(
    readonly board: Board,
    readonly gestures: Gestures,
    readonly root: HTMLElement,
  ) {}

  down(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === 'Escape' && this.gestures.active) {
      event.preventDefault();
      this.gestures.cancel();
      return;
    }
    if (keysAreElsewhere(event.target)) return this.#elsewhere(event);
    if (event.key === ' ' && !pressesButton(event.target, ' ')) {
      event.preventDefault();
      this.gestures.spaceHeld = true;
      return;
    }
    if (pressesButton(event.target, event.key)) return;
    const command = this.#twice(event) ? ({ do: 'delete' } as const) : commandOf(event);
    if (command === null) return;
    if (!this.#isOurs(event.target) && !EVERYWHERE.has(command.do)) return;
    event.preventDefault();
    perform(this.board, command);
  }

  /** Saving is meant wherever one writes; all else is the editor's. */
  #elsewhere(event: KeyboardEvent): void {
    const command = commandOf(event);
    if (command?.do !== 'save') return;
    event.preventDefault();
    perform(this.board, command);
  }

  /** The canvas, what is in it, or nothing at all has the focus. */
  #isOurs(target: EventTarget | null): boolean {
    return !(target instanceof Element) || target === document.body || this.root.contains(target);
  }

  #twice(event: KeyboardEvent): boolean {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (!plain || event.key !== TWICE || event.repeat) {
      this.#lastD = 0;
      return false;
    }
    const twice = event.timeStamp - this.#lastD < TWICE_WITHIN;
    this.#lastD = twice ? 0 : event.timeStamp;
    return twice;
  }

  up(event: KeyboardEvent): void {
    if (event.key === ' ') this.gestures.spaceHeld = false;
  }
}
