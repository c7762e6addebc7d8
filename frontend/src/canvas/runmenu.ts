/** The menus of running and of the kernel: the server knows which cells each of them means, and in which order. */
import type { What } from '../doc/server.svelte';
import type { MenuItem, OpenMenu } from '../ui/menu.svelte';
import { queuePanel } from '../ui/queue.svelte';
import type { Board } from './board.svelte';
import { clearable, clearOutputs } from './clearing';
import { codeIn, runSelected } from './commands';
import { chooseKernel, restartMenu } from './kernelmenu';
import { keysOf } from './table/table';

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
  const filled = clearable(board, board.scene.order);
  const none = codeIn(board, board.scene.order).length === 0;
  return [
    {
      label: chosen > 1 ? `Run ${chosen} selected cells` : 'Run selected cell',
      keys: keysOf('run'),
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
    {
      label: 'Clear all outputs',
      disabled: filled.length === 0,
      run: () => void clearOutputs(board, filled),
    },
    { label: 'Queue and time limits…', run: () => queuePanel.show() },
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
    {
      label: 'Interrupt the running cell',
      keys: keysOf('interrupt'),
      disabled: idle,
      run: () => server.interrupt(),
    },
    { label: 'Interrupt and empty the queue', disabled: idle, run: () => server.interruptAll() },
    { label: paused ? 'Resume the queue' : 'Pause the queue', run: () => server.pause(!paused) },
    'separator',
    ...(none ? [] : restartMenu(board)),
    { label: 'Shut down', danger: true, disabled: none, run: () => server.shutDown() },
    'separator',
    { label: 'Change kernel…', run: () => void chooseKernel(board, at) },
  ];
}
