/** Where cells lie, what holds them, how they hang together, what of them is folded. */
import { ARRANGEMENTS, tidyUp, type Arrangement } from '../arrangement';
import type { Board } from '../board.svelte';
import { dissolve, foldPart, nudge, setFold, takeOut } from '../commands';
import { disconnect, edgesAt } from '../connect';
import { hindersMove, moveAlong } from '../recut';
import { placeableSelected } from '../standing';
import { widen } from '../stretch.svelte';
import { copyLink } from '../whereabouts';
import { anyOf, needsCell, needsCurrent, type Command } from './command';

const tissue = ({ current, session }: Board): boolean => current !== null && session.notebook.pc.has(current);
const inside = ({ current, session }: Board): boolean =>
  current !== null && session.notebook.parents.has(current);

const DIRECTIONS = { up: 'Up', down: 'Down', left: 'Left', right: 'Right' } as const;

const WORDS: Readonly<Record<keyof typeof ARRANGEMENTS, string>> = {
  left: 'line up edges',
  centre: 'line up center middle',
  right: 'line up edges',
  top: 'line up edges',
  middle: 'line up center',
  bottom: 'line up edges',
  horizontally: 'space evenly gaps',
  vertically: 'space evenly gaps',
  width: 'size same resize',
};

const lineUp = (how: keyof typeof ARRANGEMENTS): Command => {
  const { name, least, run }: Arrangement = ARRANGEMENTS[how];
  return {
    id: name.toLowerCase(),
    title: name,
    group: 'Arrange',
    words: WORDS[how],
    onCanvas: true,
    hinders: (board) =>
      placeableSelected(board).size < least ? `Select ${least} cells first that are in no tissue.` : '',
    run,
  };
};

const freeStanding = (board: Board): string =>
  placeableSelected(board).size === 0 ? 'A cell inside a tissue is as wide as the tissue.' : '';

export const ARRANGE: readonly Command[] = [
  ...(['up', 'down', 'left', 'right'] as const).map((direction): Command => ({
    id: `nudge ${direction}`,
    title: `Push the cell ${direction} by one step`,
    group: 'Arrange',
    keys: [`Alt+Arrow${DIRECTIONS[direction]}`],
    keysOnly: true,
    onCanvas: true,
    hinders: needsCell,
    run: (board) => nudge(board, direction),
  })),
  {
    id: 'move up',
    title: 'Move the cell before its neighbour',
    group: 'Arrange',
    keys: ['Mod+Shift+ArrowUp'],
    words: 'up order swap',
    hinders: hindersMove,
    run: (board) => moveAlong(board, -1),
  },
  {
    id: 'move down',
    title: 'Move the cell behind its neighbour',
    group: 'Arrange',
    keys: ['Mod+Shift+ArrowDown'],
    words: 'down order swap',
    hinders: hindersMove,
    run: (board) => moveAlong(board, 1),
  },
  {
    id: 'connect',
    onCanvas: true,
    title: 'Connect to…',
    group: 'Arrange',
    keys: ['E'],
    words: 'edge flow next line draw',
    hinders: anyOf(needsCurrent, (board) => {
      if (inside(board)) return 'Flow lies between cells that are in no tissue.';
      return board.scene.layout.boxes.size < 2 ? 'There is no other cell.' : '';
    }),
    run: (board) => board.current !== null && board.connectFrom(board.current),
  },
  {
    id: 'disconnect',
    onCanvas: true,
    title: 'Disconnect…',
    group: 'Arrange',
    keys: ['Shift+E'],
    words: 'edge flow delete remove line',
    hinders: (board) => {
      if (board.edge !== null) return '';
      return (
        needsCurrent(board) || (edgesAt(board).length === 0 ? 'No edge leads to this cell or from it.' : '')
      );
    },
    run: disconnect,
  },
  {
    id: 'wider',
    onCanvas: true,
    title: 'Make the cell wider',
    group: 'Arrange',
    keys: ['Alt+Shift+ArrowRight'],
    words: 'resize width size',
    hinders: anyOf(needsCell, freeStanding),
    run: (board) => widen(board, 'right'),
  },
  {
    id: 'narrower',
    onCanvas: true,
    title: 'Make the cell narrower',
    group: 'Arrange',
    keys: ['Alt+Shift+ArrowLeft'],
    words: 'resize width size',
    hinders: anyOf(needsCell, freeStanding),
    run: (board) => widen(board, 'left'),
  },
  {
    id: 'tidy up',
    title: 'Tidy up: lay the cells out by their flow',
    group: 'Arrange',
    words: 'layout graph automatic dagre clean organise',
    onCanvas: true,
    hinders: (board) => (board.scene.order.length < 2 ? 'There is nothing to lay out.' : ''),
    run: (board) => void tidyUp(board),
  },
  ...(Object.keys(ARRANGEMENTS) as (keyof typeof ARRANGEMENTS)[]).map(lineUp),
  {
    id: 'fold outputs',
    title: 'Fold or unfold outputs, or a tissue',
    group: 'Arrange',
    keys: ['O'],
    words: 'collapse hide results section',
    hinders: needsCell,
    run: (board) => foldPart(board, 'outputs'),
  },
  {
    id: 'fold inputs',
    title: 'Fold or unfold code and text',
    group: 'Arrange',
    words: 'collapse hide input source',
    hinders: needsCell,
    run: (board) => foldPart(board, 'input'),
  },
  {
    id: 'unfold',
    title: 'Unfold everything of the cells',
    group: 'Arrange',
    words: 'expand show',
    hinders: needsCell,
    run: (board) => setFold(board, null),
  },
  {
    id: 'make tissue',
    title: 'Turn into a tissue',
    group: 'Arrange',
    words: 'group section',
    hinders: anyOf(needsCurrent, (board) => {
      const { notebook } = board.session;
      if (tissue(board)) return 'It is a tissue already.';
      return board.current !== null && notebook.cell(board.current).type === 'markdown'
        ? ''
        : 'Only a markdown cell can head a tissue.';
    }),
    run: ({ current, session }) => current !== null && session.acts.makeTissue(current),
  },
  {
    id: 'dissolve tissue',
    title: 'Dissolve the tissue',
    group: 'Arrange',
    words: 'ungroup',
    hinders: anyOf(needsCurrent, (board) => (tissue(board) ? '' : 'This cell is no tissue.')),
    run: (board) => board.current !== null && dissolve(board, board.current),
  },
  {
    id: 'add to tissue',
    title: 'Add a cell to the tissue',
    group: 'Arrange',
    words: 'new insert inside',
    hinders: anyOf(needsCurrent, (board) => (tissue(board) ? '' : 'This cell is no tissue.')),
    run: (board) => board.current !== null && board.insertInside(board.current),
  },
  {
    id: 'take out',
    onCanvas: true,
    title: 'Take the cell out of its tissue',
    group: 'Arrange',
    hinders: anyOf(needsCurrent, (board) => (inside(board) ? '' : 'This cell is in no tissue.')),
    run: (board) => board.current !== null && takeOut(board, board.current),
  },
  {
    id: 'copy link',
    title: 'Copy a link to this cell',
    group: 'Arrange',
    words: 'address url share',
    hinders: needsCurrent,
    run: ({ current }) => current !== null && void copyLink(current),
  },
];
