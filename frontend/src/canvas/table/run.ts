/** What runs, and what runs it. */
import type { What } from '../../doc/server.svelte';
import { openMenu } from '../../ui/menu.svelte';
import { queuePanel } from '../../ui/queue.svelte';
import type { Board } from '../board.svelte';
import { codeIn, runSelected } from '../commands';
import { chooseKernel, restartMenu } from '../kernelmenu';
import { anyOf, connected, needsCell, needsCurrent, type Command } from './command';

const alive = ({ session }: Board): string =>
  ['none', 'dead'].includes(session.server.kernel.status) ? 'No kernel is running.' : '';
const running = ({ session }: Board): string =>
  session.notebook.queue.length === 0 ? 'Nothing is running.' : '';
const codeSelected = (board: Board): string =>
  codeIn(board, board.selection).length === 0 ? 'No code cell is selected.' : '';
const anyCode = (board: Board): string =>
  codeIn(board, board.scene.order).length === 0 ? 'There is no code cell.' : '';
const inTissue = ({ current, session: { notebook } }: Board): string =>
  current !== null && (notebook.pc.has(current) || notebook.parents.has(current))
    ? ''
    : 'This cell is in no tissue.';

const from = (id: string, title: string, what: What, restart = false): Command => ({
  id,
  title,
  group: 'Run',
  hinders: what === 'tissue' ? anyOf(needsCurrent, inTissue) : needsCurrent,
  run: ({ current, session }) => session.server.runWhat(what, current ?? '', restart),
});

/** A menu in the middle of the window, above: a question is asked where one looks. */
function askToRestart(board: Board): void {
  openMenu({
    x: innerWidth / 2 - 110,
    y: innerHeight / 4,
    items: restartMenu(board),
    label: 'Restart kernel',
  });
}

const RUN: readonly Command[] = [
  {
    id: 'run',
    title: 'Run the selected cells',
    group: 'Run',
    keys: ['Mod+Enter'],
    words: 'execute',
    hinders: anyOf(needsCell, codeSelected),
    run: runSelected,
  },
  {
    id: 'run and advance',
    title: 'Run and go on to the next',
    group: 'Run',
    keys: ['Shift+Enter'],
    words: 'execute',
    hinders: needsCurrent,
    run: (board) => board.current !== null && board.runAndAdvance(board.current),
  },
  {
    id: 'run and insert',
    title: 'Run and insert a cell below',
    group: 'Run',
    keys: ['Alt+Enter'],
    words: 'execute',
    hinders: needsCurrent,
    run: (board) => {
      if (board.current === null) return;
      runSelected(board);
      board.insertBelow(board.current);
    },
  },
  {
    id: 'run all',
    title: 'Run all cells',
    group: 'Run',
    words: 'execute everything',
    hinders: anyCode,
    run: ({ session }) => session.server.runWhat('all'),
  },
  from('run above', 'Run all above', 'above'),
  from('run to here', 'Run to here', 'to'),
  from('run from here', 'Run from here', 'below'),
  from('run tissue', 'Run its tissue', 'tissue'),
  from('run downstream', 'Run what follows along the edges', 'downstream'),
  from('restart and run to here', 'Restart and run to here', 'to', true),
  {
    id: 'restart and run all',
    title: 'Restart and run all cells',
    group: 'Run',
    hinders: anyCode,
    run: ({ session }) => session.server.runWhat('all', '', true),
  },
  {
    id: 'run queue',
    title: 'Show or hide the run queue and time limits',
    group: 'Run',
    run: () => queuePanel.toggle(),
  },
  {
    id: 'pause queue',
    title: 'Pause or resume the run queue',
    group: 'Run',
    hinders: connected,
    run: ({ session }) => session.server.pause(!session.notebook.kernel.paused),
  },
];

const KERNEL: readonly Command[] = [
  {
    id: 'interrupt',
    title: 'Interrupt the running cell',
    group: 'Kernel',
    keys: ['I I'],
    words: 'stop cancel abort',
    hinders: anyOf(connected, running),
    run: ({ session }) => session.server.interrupt(),
  },
  {
    id: 'interrupt all',
    title: 'Interrupt and empty the queue',
    group: 'Kernel',
    words: 'stop cancel abort',
    hinders: anyOf(connected, running),
    run: ({ session }) => session.server.interruptAll(),
  },
  {
    id: 'restart',
    title: 'Restart the kernel…',
    group: 'Kernel',
    keys: ['0 0'],
    hinders: anyOf(connected, ({ session }) =>
      session.server.kernel.status === 'none' ? 'No kernel is running.' : '',
    ),
    run: askToRestart,
  },
  {
    id: 'start kernel',
    title: 'Start the kernel',
    group: 'Kernel',
    hinders: anyOf(connected, (board) => (alive(board) === '' ? 'A kernel is running already.' : '')),
    run: ({ session }) => session.server.start(),
  },
  {
    id: 'shut down',
    title: 'Shut the kernel down',
    group: 'Kernel',
    words: 'stop end',
    hinders: anyOf(connected, alive),
    run: ({ session }) => session.server.shutDown(),
  },
  {
    id: 'change kernel',
    title: 'Change the kernel and its language…',
    group: 'Kernel',
    hinders: connected,
    run: (board) => void chooseKernel(board, { x: innerWidth / 2 - 110, y: innerHeight / 4 }),
  },
];

export { RUN, KERNEL };
