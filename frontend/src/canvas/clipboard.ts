/**
 * Copy, cut and paste of cells. The system's clipboard holds them as cells for this page and others like it, and as
 * text for everything else; text from elsewhere becomes a cell.
 */
import { clipOf, clipOfText, readClip, textOf, type Clip } from '../doc/clip';
import { childrenOf, rootOf } from '../doc/graph';
import { MOST_TEXT, toJupyter } from '../doc/nbclip';
import type { Place } from '../doc/values';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import type { Dragging } from './drag';
import { storedFor, type DropTarget } from './drop';
import { around, moved, snapped, type WorldPoint } from './geometry';
import { keysAreElsewhere } from './keyboard';
import { placeAbove, placeBelow } from './place';
import { outermost, withInside } from './select';

const CELLS = 'application/x-ganimede-cells';
/** Cells as Jupyter has them. JupyterLab itself looks for them in the text: see {@link copyForJupyter}. */
const JUPYTER = 'application/vnd.jupyter.cells';
/** A menu or a key without Ctrl cannot put cells on the system's clipboard: only their text, and this. */
let held: Clip | null = null;

/** Whether a key without Ctrl has anything to paste, or may ask the system for it. */
export const mayPaste = (): boolean =>
  held !== null || typeof globalThis.navigator?.clipboard?.readText === 'function';

function selected(board: Board): Clip | null {
  const { notebook } = board.session;
  const ids = withInside(board.selection, notebook.pc, notebook.parents);
  return ids.size === 0 ? null : clipOf(ids, notebook, board.scene.layout.cells);
}

export function copySelected(board: Board): void {
  held = selected(board) ?? held;
  // Without the permission cells can still be pasted in this page.
  if (held !== null) navigator.clipboard?.writeText(textOf(held)).catch(() => {});
}

/** As text that JupyterLab pastes as cells, for who has allowed it the system's clipboard. */
export async function copyForJupyter(board: Board): Promise<void> {
  held = selected(board) ?? held;
  if (held === null) return;
  try {
    await navigator.clipboard.writeText(toJupyter(held));
    toast({ level: 'info', text: 'Copied as Jupyter’s cells.' });
  } catch {
    toast({ level: 'warning', text: 'The browser does not let pages copy here.' });
  }
}

/** Below the current cell, as in a list; `at` is where a menu was opened. */
export function pasteHeld(board: Board, at: WorldPoint | null = null): void {
  if (held !== null) paste(board, held, at);
  else void pasteSystem((clip) => paste(board, clip, at));
}

/** In the place of the current cell, which gives way. */
export function pasteAbove(board: Board): void {
  const above = (clip: Clip): void => paste(board, clip, null, board.current ?? undefined, 'above');
  if (held !== null) above(held);
  else void pasteSystem(above);
}

/** What another page copied; the browser asks whether it may be read. */
async function pasteSystem(put: (clip: Clip) => void): Promise<void> {
  const text = await navigator.clipboard.readText().catch(() => null);
  const clip = text === null ? null : clipOfText(text);
  if (clip !== null) put(clip);
  else tell(text);
}

function tell(text: string | null): void {
  const why =
    text === null
      ? 'The browser does not let pages read the clipboard here; Ctrl+V pastes.'
      : text.length > MOST_TEXT
        ? 'That is too much text for a notebook.'
        : 'There is nothing on the clipboard that could be a cell.';
  toast({ level: 'info', text: why });
}

export function duplicateSelected(board: Board): void {
  const clip = selected(board);
  if (clip === null) return;
  const { parents } = board.session.notebook;
  const last = outermost(
    board.scene.order.filter((id) => board.selection.has(id)),
    parents,
  ).at(-1);
  paste(board, clip, null, last);
}

function paste(
  board: Board,
  clip: Clip,
  at: WorldPoint | null,
  beside = board.current ?? undefined,
  side: 'above' | 'below' = 'below',
): void {
  const { acts, notebook } = board.session;
  const { parents, pc } = notebook;
  const parent = at === null && beside !== undefined ? parents.get(beside) : undefined;
  const into =
    parent === undefined || beside === undefined
      ? undefined
      : { parent, index: childrenOf(parent, pc, parents).indexOf(beside) + (side === 'below' ? 1 : 0) };
  const ids = acts.paste(clip, placeFor(board, at, beside, side), into);
  const roots = ids.filter((_, index) => clip.cells[index]?.parent === null);
  board.select(roots);
  board.rest();
  board.stage.look();
  if (roots[0] !== undefined) board.reveal(roots[0]);
}

/** Here, or beside the current cell. */
export function pasteClip(board: Board, clip: Clip, at: WorldPoint | null): void {
  paste(board, clip, at);
}

/** What Alt and a drag ask for: copies of what is held, where they were let go. */
export function dropCopies(board: Board, drag: Dragging, target: DropTarget | null): void {
  const { acts, notebook } = board.session;
  const { pc, parents } = notebook;
  const left = [...drag.origins].filter(([id]) => notebook.has(id));
  const corner = around(left.map(([, box]) => box));
  if (corner === null) return;
  const all = withInside(
    left.map(([id]) => id),
    pc,
    parents,
  );
  const clip = clipOf(all, notebook, new Map(left));
  const now = moved(corner, drag.dx, drag.dy);
  const to = target === null ? storedFor(now, board.column(), new Set()) : now;
  const ids = acts.paste(clip, to, target ?? undefined);
  board.select(ids.filter((_, index) => clip.cells[index]?.parent === null));
  board.rest();
  board.stage.look();
}

function placeFor(
  board: Board,
  at: WorldPoint | null,
  beside: string | undefined,
  side: 'above' | 'below',
): Place {
  const { config, notebook } = board.session;
  const box =
    beside === undefined ? undefined : board.scene.layout.boxes.get(rootOf(beside, notebook.parents));
  if (at === null && box !== undefined)
    return (side === 'below' ? placeBelow : placeAbove)(box, board.column());
  const { x, y } = at ?? board.stage.pointer ?? board.viewport.centre;
  return { left: snapped(x, config.snap.x), top: snapped(y, config.snap.y) };
}

/** The browser's own events: they come from its menu as well, and need no permission. `cut`: what was copied goes. */
export function listenToClipboard(
  board: Board,
  root: HTMLElement,
  signal: AbortSignal,
  cut: () => void,
): void {
  const ours = (event: ClipboardEvent): boolean => {
    const { target } = event;
    if (event.defaultPrevented || keysAreElsewhere(target)) return false;
    return !(target instanceof Element) || target === document.body || root.contains(target);
  };
  const take = (event: ClipboardEvent): boolean => {
    // Text that somebody marked, of an output for instance, is what they mean.
    if (!ours(event) || !(document.getSelection()?.isCollapsed ?? true)) return false;
    const clip = selected(board);
    if (clip === null) return false;
    held = clip;
    event.clipboardData?.setData('text/plain', textOf(clip));
    event.clipboardData?.setData(CELLS, JSON.stringify(clip));
    event.clipboardData?.setData(JUPYTER, toJupyter(clip));
    event.preventDefault();
    return true;
  };
  document.addEventListener('copy', (event) => void take(event), { signal });
  document.addEventListener('cut', (event) => void (take(event) && cut()), { signal });
  document.addEventListener(
    'paste',
    (event) => {
      if (!ours(event)) return;
      event.preventDefault();
      const clip = clipIn(event.clipboardData);
      if (clip !== null) paste(board, clip, null);
      else tell(event.clipboardData?.getData('text/plain') ?? '');
    },
    { signal },
  );
}

function clipIn(data: DataTransfer | null): Clip | null {
  const cells = readClip(data?.getData(CELLS) ?? '');
  if (cells !== null) return cells;
  const text = (data?.getData('text/plain') ?? '').replace(/\r\n?/g, '\n');
  if (held !== null && (text === textOf(held) || text === toJupyter(held))) return held;
  return clipOfText(text);
}
