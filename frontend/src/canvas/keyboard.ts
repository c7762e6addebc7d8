/** Keys in command mode, as a table: which key is which command, and whose keys are not the canvas's. */
import type { Direction } from './neighbour';

export type Command =
  | { readonly do: 'go' | 'extend' | 'nudge'; readonly direction: Direction }
  | { readonly do: 'type'; readonly type: 'code' | 'markdown' }
  | {
      readonly do:
        | 'edit'
        | 'rest'
        | 'run'
        | 'run and advance'
        | 'run and insert'
        | 'insert above'
        | 'insert below'
        | 'delete'
        | 'copy'
        | 'cut'
        | 'paste'
        | 'duplicate'
        | 'help'
        | 'select all'
        | 'undo'
        | 'redo'
        | 'save'
        | 'zoom in'
        | 'zoom out'
        | 'zoom to 100 %'
        | 'fit'
        | 'fit selection';
    };

export interface Keys {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

const ZOOM: Readonly<Record<string, Command>> = {
  '+': { do: 'zoom in' },
  '=': { do: 'zoom in' },
  '-': { do: 'zoom out' },
  '0': { do: 'zoom to 100 %' },
  '1': { do: 'fit' },
  '2': { do: 'fit selection' },
};

const WITH_MOD: Readonly<Record<string, Command>> = {
  enter: { do: 'run' },
  a: { do: 'select all' },
  z: { do: 'undo' },
  y: { do: 'redo' },
  s: { do: 'save' },
  d: { do: 'duplicate' },
  ...ZOOM,
};

const PLAIN: Readonly<Record<string, Command>> = {
  enter: { do: 'edit' },
  escape: { do: 'rest' },
  delete: { do: 'delete' },
  backspace: { do: 'delete' },
  a: { do: 'insert above' },
  b: { do: 'insert below' },
  m: { do: 'type', type: 'markdown' },
  y: { do: 'type', type: 'code' },
  z: { do: 'undo' },
  // With Ctrl or Cmd these come as the browser's own clipboard events.
  c: { do: 'copy' },
  x: { do: 'cut' },
  v: { do: 'paste' },
  ...ZOOM,
};

export function commandOf(event: Keys): Command | null {
  const direction = ARROWS[event.key];
  const mod = event.ctrlKey || event.metaKey;
  // Wherever a keyboard has it, with Shift or without.
  if (event.key === '?' && !mod) return { do: 'help' };
  if (direction !== undefined) {
    if (mod) return null;
    if (event.altKey) return event.shiftKey ? null : { do: 'nudge', direction };
    return { do: event.shiftKey ? 'extend' : 'go', direction };
  }
  const key = event.key.toLowerCase();
  if (event.altKey) return key === 'enter' && !mod ? { do: 'run and insert' } : null;
  if (event.shiftKey) {
    if (key === 'enter') return { do: 'run and advance' };
    if (key === 'z') return { do: 'redo' };
    // On many keyboards + is Shift and another key.
    return key in ZOOM ? (ZOOM[key] as Command) : null;
  }
  return (mod ? WITH_MOD : PLAIN)[key] ?? null;
}

const ELSEWHERE =
  'input, textarea, select, [contenteditable]:not([contenteditable="false"]), .cm-editor, [role="menu"], [role="dialog"], dialog, [data-own-keys]';

/** Whether the keyboard is in something with keys of its own. */
export function keysAreElsewhere(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest(ELSEWHERE) !== null;
}

/** A focused button takes what would press it or move between buttons. */
export function pressesButton(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element) || target.closest('button, a[href], summary, [role="button"]') === null)
    return false;
  return key === 'Enter' || key === ' ' || (key in ARROWS && target.closest('[role="toolbar"]') !== null);
}
