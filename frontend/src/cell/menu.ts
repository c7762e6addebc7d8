/** What folds in one cell. */
import type { Cell } from '../doc/cell.svelte';
import type { Session } from '../doc/session';
import type { MenuItem } from '../ui/menu.svelte';
import { isFolded, toggled } from './actions';

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
