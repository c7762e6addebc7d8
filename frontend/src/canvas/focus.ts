/** The keyboard follows the current cell, unless it is somewhere else on the page. */

export function frameOf(root: HTMLElement, id: string): HTMLElement | null {
  return root.querySelector(`[data-cell-id="${CSS.escape(id)}"]`);
}

export function followCurrent(root: HTMLElement, current: string): void {
  const focused = document.activeElement;
  if (focused !== document.body && !root.contains(focused)) return;
  const frame = frameOf(root, current);
  // A control of this cell that has the focus keeps it; an editor that one has left does not.
  if (frame === null || (frame.contains(focused) && focused?.closest('.cm-editor') === null)) return;
  frame.focus({ preventScroll: true });
}
