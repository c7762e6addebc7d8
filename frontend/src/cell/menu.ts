/** The menus of one cell. */
import type { Board } from '../canvas/board.svelte';
import type { Cell } from '../doc/cell.svelte';
import type { Session } from '../doc/session';
import type { CellType } from '../doc/values';
import { toast } from '../ui/toasts.svelte';
import type { MenuItem } from '../ui/menu.svelte';
import { isFolded, runnable, toggled } from './actions';

export function foldMenu(cell: Cell, { acts }: Session): MenuItem[] {
  const { collapsed, id } = cell;
  const fold = (part: 'input' | 'outputs', name: string): MenuItem => ({
    label: `${isFolded(collapsed, part) ? 'Unfold' : 'Fold'} ${name}`,
    run: () => acts.setCollapsed([id], toggled(cell.collapsed, part)),
  });
  const input = fold('input', cell.type === 'code' ? 'code' : 'text');
  if (cell.type !== 'code') return [input];
  const all: MenuItem = {
    label: collapsed === 'b' ? 'Unfold both' : 'Fold both',
    run: () => acts.setCollapsed([id], cell.collapsed === 'b' ? null : 'b'),
  };
  return [input, fold('outputs', 'outputs'), all];
}

const NAMES: Readonly<Record<CellType, string>> = { code: 'code', markdown: 'markdown', raw: 'raw text' };

function copy(text: string): void {
  navigator.clipboard.writeText(text).then(
    () => {},
    () => toast({ level: 'error', text: 'The browser did not allow copying.' }),
  );
}

export function cellMenu(cell: Cell, session: Session, board: Board): MenuItem[] {
  const { acts, notebook, server } = session;
  const tissue = notebook.pc.has(cell.id);
  const items: MenuItem[] = [];
  const ids = runnable(cell.id, session);
  if (ids.length > 0) {
    items.push({ label: tissue ? 'Run tissue' : 'Run cell', keys: 'Ctrl+Enter', run: () => server.run(ids) });
  }
  items.push({
    label: 'Insert cell below',
    keys: 'Alt+Enter',
    run: () => void board.insertBelow(cell.id),
  });
  items.push({ label: 'Copy text', run: () => copy(cell.text) }, 'separator');
  for (const type of ['code', 'markdown', 'raw'] as const) {
    // A tissue's head stays markdown: it is what the tissue is named by.
    if (type !== cell.type && !tissue)
      items.push({ label: `Turn into ${NAMES[type]}`, run: () => acts.setType(cell.id, type) });
  }
  if (cell.type === 'markdown' && !tissue) {
    items.push({ label: 'Turn into a tissue', run: () => acts.makeTissue(cell.id) });
  }
  items.push('separator', ...foldMenu(cell, session), 'separator');
  items.push({ label: 'Delete cell', danger: true, run: () => acts.deleteCells([cell.id]) });
  return items;
}
