/** The canvas's ear for the keyboard: the command table's keys, the space bar, Escape. */
import { help } from '../ui/help.svelte';
import { palette } from '../ui/palette.svelte';
import { panels } from '../ui/panels';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { keysAreElsewhere, pressesButton } from './keyboard';
import { hindrance, type Command } from './table/command';
import { Listener, ON_MAC } from './table/keys';
import { BY_KEYS } from './table/table';

/** What a hand does meanwhile, and which keys are for it. */
export interface Hands {
  spaceHeld: boolean;
  key(name: string): boolean;
}

export class KeyListener {
  readonly #heard = new Listener<Command>(BY_KEYS);

  constructor(
    readonly board: Board,
    /** null: nothing is dragged here, and the space bar scrolls. */
    readonly hands: Hands | null,
    readonly root: HTMLElement,
  ) {}

  down(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing) return;
    // Also with the focus lost: what lies under a dialog hears nothing.
    if (document.querySelector('dialog:modal') !== null) return;
    if (this.#panelIsComing) return event.preventDefault();
    if (!event.ctrlKey && !event.metaKey && !event.altKey && this.hands?.key(event.key)) {
      event.preventDefault();
      return;
    }
    if (keysAreElsewhere(event.target)) return this.#elsewhere(event);
    if (event.key === ' ' && this.hands !== null && !pressesButton(event.target, ' ')) {
      event.preventDefault();
      this.hands.spaceHeld = true;
      return;
    }
    if (pressesButton(event.target, event.key)) return;
    const command = this.#heard.hear(event);
    if (command === null) return;
    if (!this.#isOurs(event.target) && (command.reach ?? 'canvas') === 'canvas') return;
    event.preventDefault();
    this.#perform(command, event.repeat);
  }

  /** Saving, for instance, is meant wherever one writes; all else is the editor's. On a Mac Ctrl is the text's own. */
  #elsewhere(event: KeyboardEvent): void {
    if (ON_MAC && event.ctrlKey) return;
    const command = this.#heard.hear(event);
    if (command?.reach !== 'anywhere') return;
    event.preventDefault();
    this.#perform(command, event.repeat);
  }

  /** A key that does nothing says why, once. */
  #perform(command: Command, repeated: boolean): void {
    const why = hindrance(command, this.board);
    if (why === '') command.run(this.board);
    else if (!repeated) toast({ level: 'info', text: why });
  }

  /** What is typed now is meant for what was asked for a moment ago, not for the cells below it. */
  get #panelIsComing(): boolean {
    return panels.made === null && (palette.open || help.open || this.board.finder.open);
  }

  /** The canvas, what is in it, or nothing at all has the focus. */
  #isOurs(target: EventTarget | null): boolean {
    return !(target instanceof Element) || target === document.body || this.root.contains(target);
  }

  up(event: KeyboardEvent): void {
    if (event.key === ' ' && this.hands !== null) this.hands.spaceHeld = false;
  }
}
