/** From cell to cell, and which of them are selected. */
import { extend, firstOf, go, lastOf } from '../commands';
import type { Direction } from '../neighbour';
import type { Command } from './command';

const NAMES: Readonly<Record<Direction, string>> = { up: 'Up', down: 'Down', left: 'Left', right: 'Right' };
const AS_IN_VI: Partial<Record<Direction, string>> = { up: 'K', down: 'J' };
const DIRECTIONS = ['up', 'down', 'left', 'right'] as const;

function towards(direction: Direction): Command[] {
  const arrow = `Arrow${NAMES[direction]}`;
  const letter = AS_IN_VI[direction];
  return [
    {
      id: `go ${direction}`,
      title:
        { up: 'Go up, along the flow', down: 'Go down, along the flow' }[direction as string] ??
        `Go ${direction}`,
      group: 'Go',
      keys: letter === undefined ? [arrow] : [arrow, letter],
      keysOnly: true,
      run: (board) => go(board, direction),
    },
    {
      id: `extend ${direction}`,
      title: `Also select what is ${{ up: 'above', down: 'below', left: 'to the left', right: 'to the right' }[direction]}`,
      group: 'Go',
      keys: letter === undefined ? [`Shift+${arrow}`] : [`Shift+${arrow}`, `Shift+${letter}`],
      keysOnly: true,
      run: (board) => extend(board, direction),
    },
  ];
}

const empty = ({ scene }: Parameters<Command['run']>[0]): string =>
  scene.order.length === 0 ? 'There are no cells yet.' : '';

export const GO: readonly Command[] = [
  ...DIRECTIONS.flatMap(towards),
  {
    id: 'first cell',
    title: 'Go to the first cell',
    group: 'Go',
    keys: ['Home'],
    words: 'top beginning',
    hinders: empty,
    run: firstOf,
  },
  {
    id: 'last cell',
    title: 'Go to the last cell',
    group: 'Go',
    keys: ['End'],
    words: 'bottom end',
    hinders: empty,
    run: lastOf,
  },
  {
    id: 'running cell',
    title: 'Go to the cell that is running',
    group: 'Go',
    hinders: ({ session }) => (session.notebook.queue.length === 0 ? 'Nothing is running.' : ''),
    run: (board) => {
      const [id] = board.session.notebook.queue;
      if (id !== undefined) board.goTo(id);
    },
  },
  {
    id: 'select all',
    title: 'Select all cells',
    group: 'Go',
    keys: ['Mod+A'],
    hinders: empty,
    run: (board) => board.select(board.scene.order),
  },
  {
    id: 'rest',
    title: 'Leave the editor; let go of the selection',
    group: 'Go',
    keys: ['Escape'],
    keysOnly: true,
    run: (board) => (board.editing === null ? board.select([]) : board.rest()),
  },
];
