/** The menus of running and of the kernel: the server knows which cells each of them means, and in which order. */
import type { What } from '../doc/server.svelte';
import type { MenuItem, OpenMenu } from '../ui/menu.svelte';
import { openMenu } from '../ui/menu.svelte';
import { queuePanel } from '../ui/queue.svelte';
import type { Board } from './board.svelte';
import { codeIn, runSelected } from './commands';

const MOD = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '') ? '⌘' : 'Ctrl+';

/** What runs seen from one cell. A tissue is run by its own item. */
export function runFrom(board: Board, id: string | null): MenuItem[] {
  const { server, notebook } = board.session;
  const item = (label: string, what: What, usable = true, restart = false): MenuItem => ({
    label,
    disabled: id === null || !usable,
    danger: restart,
    run: () => server.runWhat(what, id ?? '', restart),
  });
  const inTissue = id !== null && (notebook.pc.has(id) || notebook.parents.has(id));
  return [
    item('Run all above', 'above'),
    item('Run to here', 'to'),
    item('Run from here', 'below'),
    item('Run its tissue', 'tissue', inTissue),
    item('Run what follows along the edges', 'downstream'),
    item('Restart and run to here', 'to', true, true),
  ];
}

export function runMenu(board: Board): MenuItem[] {
  const { server } = board.session;
  const chosen = codeIn(board, board.selection).length;
  const none = codeIn(board, board.scene.order).length === 0;
  return [
    {
      label: chosen > 1 ? `Run ${chosen} selected cells` : 'Run selected cell',
      keys: `${MOD}Enter`,
      disabled: chosen === 0,
      run: () => runSelected(board),
    },
    { label: 'Run all cells', disabled: none, run: () => server.runWhat('all') },
    'separator',
    ...runFrom(board, board.current),
    'separator',
    {
      label: 'Restart and run all cells',
      danger: true,
      disabled: none,
      run: () => server.runWhat('all', '', true),
    },
    'separator',
    { label: 'Queue and time limits…', run: () => queuePanel.show() },
  ];
}

/** A restart takes everybody's variables, and no undo brings them back: a second press, on words that say so. */
export function restartMenu(board: Board): MenuItem[] {
  const { server } = board.session;
  return [
    { label: 'Restart and lose all variables', danger: true, run: () => void server.restart() },
    { label: 'Restart and run all cells', danger: true, run: () => server.runWhat('all', '', true) },
  ];
}

export function kernelMenu(board: Board, at: Pick<OpenMenu, 'x' | 'y'>): MenuItem[] {
  const { server, notebook } = board.session;
  const { status } = server.kernel;
  const none = status === 'none';
  const idle = none || status === 'dead';
  const { paused } = notebook.kernel;
  return [
    { label: 'Start', disabled: !idle, run: () => server.start() },
    { label: 'Interrupt the running cell', disabled: idle, run: () => server.interrupt() },
    { label: 'Interrupt and empty the queue', disabled: idle, run: () => server.interruptAll() },
    { label: paused ? 'Resume the queue' : 'Pause the queue', run: () => server.pause(!paused) },
    'separator',
    ...(none ? [] : restartMenu(board)),
    { label: 'Shut down', danger: true, disabled: none, run: () => server.shutDown() },
    'separator',
    { label: 'Change kernel…', run: () => void chooseKernel(board, at) },
  ];
}

/** A second menu where the first one was: what is installed, with what runs now marked. */
async function chooseKernel(board: Board, at: Pick<OpenMenu, 'x' | 'y'>): Promise<void> {
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
