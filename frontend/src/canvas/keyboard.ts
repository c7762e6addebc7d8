/** Whose keys are not the canvas's. */

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
  return (
    key === 'Enter' || key === ' ' || (key.startsWith('Arrow') && target.closest('[role="toolbar"]') !== null)
  );
}
