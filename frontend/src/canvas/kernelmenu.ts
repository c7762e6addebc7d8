/** What a command about the kernel asks before it is done. */
import { openMenu, type MenuItem, type OpenMenu } from '../ui/menu.svelte';
import type { Board } from './board.svelte';

/** A restart takes everybody's variables, and no undo brings them back: a second press, on words that say so. */
export function restartMenu(board: Board): MenuItem[] {
  const { server } = board.session;
  return [
    { label: 'Restart and lose all variables', danger: true, run: () => void server.restart() },
    { label: 'Restart and run all cells', danger: true, run: () => server.runWhat('all', '', true) },
  ];
}

/** A second menu where the first one was: what is installed, with what runs now marked. */
export async function chooseKernel(board: Board, at: Pick<OpenMenu, 'x' | 'y'>): Promise<void> {
  const { server } = board.session;
  const kernels = await server.kernels();
  if (kernels.length === 0) return server.tell({ level: 'error', message: 'The server knows no kernels.' });
  const items = kernels.map((kernel) => ({
    label: kernel.display_name,
    checked: kernel.name === server.kernel.name,
    run: () => void server.changeKernel(kernel),
  }));
  openMenu({ ...at, items, label: 'Change kernel' });
}
