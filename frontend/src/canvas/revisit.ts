/** Undo does not act out of sight: what it changed is brought into it and outlined, what it took away is said. */
import { plural } from '../cell/words';
import type { Revisited } from '../doc/undo.svelte';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { intersects } from './geometry';
import { shownAs } from './mode.svelte';

export function revisit(board: Board, { type, ids, gone }: Revisited): void {
  const { undo } = board.session;
  const known = ids.filter((id) => board.scene.layout.cells.has(id));
  if (known[0] !== undefined && !inSight(board, known)) board.reveal(known[0]);
  // Typing that is taken back is seen where it was typed.
  if (known.length > 0 && board.editing === null) board.pointOut(known);
  if (gone === 0) return;
  const text = `${type === 'undo' ? 'Undone' : 'Redone'}: ${plural(gone, 'cell')} ${gone === 1 ? 'is' : 'are'} gone.`;
  const action =
    type === 'undo' ? { label: 'Redo', run: () => undo.redo() } : { label: 'Undo', run: () => undo.undo() };
  toast({ level: 'info', text, action });
}

function inSight(board: Board, ids: readonly string[]): boolean {
  // The document knows by itself whether it has to scroll.
  if (shownAs.document) return false;
  const { view } = board.viewport;
  return ids.some((id) => intersects(board.scene.layout.cells.get(id) ?? view, view));
}
