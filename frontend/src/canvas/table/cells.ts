/** What is done to cells: made, written, turned, copied, deleted. */
import type { CellType } from '../../doc/values';
import type { Board } from '../board.svelte';
import { clearable, clearOutputs } from '../clearing';
import {
  copyForJupyter,
  copySelected,
  duplicateSelected,
  mayPaste,
  pasteAbove,
  pasteHeld,
} from '../clipboard';
import { cutSelected, deleteSelected, setHeading, setType, turnable } from '../commands';
import { hindersMerge, hindersSplit, merge, split } from '../recut';
import { anyOf, connected, needsCell, needsCurrent, type Command } from './command';

const needsTurnable = (board: Board): string =>
  turnable(board).length === 0 ? 'The head of a tissue stays markdown.' : '';

const turn = (type: CellType, title: string, key: string): Command => ({
  id: `turn into ${type}`,
  title,
  group: 'Cells',
  keys: [key],
  words: 'type change convert',
  hinders: anyOf(needsCell, needsTurnable),
  run: (board) => setType(board, type),
});

const heading = (level: number): Command => ({
  id: `heading ${level}`,
  title: `Turn into a heading of level ${level}`,
  group: 'Cells',
  keys: [`${level}`],
  words: 'markdown title',
  hinders: needsCell,
  run: (board) => setHeading(board, level),
});

export const CELLS: readonly Command[] = [
  {
    id: 'edit',
    title: 'Edit the cell',
    group: 'Cells',
    keys: ['Enter'],
    hinders: needsCurrent,
    run: (board) => board.current !== null && board.write(board.current),
  },
  {
    id: 'new code cell',
    title: 'New code cell',
    group: 'Cells',
    words: 'add insert create',
    run: (board) => void board.create('code'),
  },
  {
    id: 'new markdown cell',
    title: 'New markdown cell',
    group: 'Cells',
    words: 'add insert create text',
    run: (board) => void board.create('markdown'),
  },
  {
    id: 'insert above',
    title: 'Insert a cell above',
    group: 'Cells',
    keys: ['A'],
    words: 'new add before',
    hinders: needsCurrent,
    run: (board) => board.current !== null && board.insertAbove(board.current),
  },
  {
    id: 'insert below',
    title: 'Insert a cell below',
    group: 'Cells',
    keys: ['B'],
    words: 'new add after',
    hinders: needsCurrent,
    run: (board) => board.current !== null && board.insertBelow(board.current),
  },
  {
    id: 'split',
    title: 'Split the cell at the carets',
    group: 'Cells',
    words: 'cut divide',
    hinders: hindersSplit,
    run: split,
  },
  {
    id: 'merge',
    title: 'Merge the selected cells',
    group: 'Cells',
    keys: ['Shift+M'],
    words: 'join',
    hinders: anyOf(needsCurrent, hindersMerge),
    run: merge,
  },
  turn('code', 'Turn into code', 'Y'),
  turn('markdown', 'Turn into markdown', 'M'),
  turn('raw', 'Turn into raw text', 'R'),
  ...[1, 2, 3, 4, 5, 6].map(heading),
  {
    id: 'copy',
    title: 'Copy cells',
    group: 'Cells',
    keys: ['Mod+C', 'C'],
    hinders: needsCell,
    run: copySelected,
  },
  {
    id: 'cut',
    title: 'Cut cells',
    group: 'Cells',
    keys: ['Mod+X', 'X'],
    hinders: needsCell,
    run: cutSelected,
  },
  {
    id: 'paste',
    title: 'Paste cells below',
    group: 'Cells',
    keys: ['Mod+V', 'V'],
    hinders: () => (mayPaste() ? '' : 'No cells were copied here yet.'),
    run: (board) => pasteHeld(board),
  },
  {
    id: 'copy for jupyter',
    title: 'Copy cells as JSON, for JupyterLab',
    group: 'Cells',
    words: 'nbformat notebook clipboard',
    hinders: needsCell,
    run: (board) => void copyForJupyter(board),
  },
  {
    id: 'paste above',
    title: 'Paste cells above',
    group: 'Cells',
    keys: ['Shift+V'],
    hinders: anyOf(needsCurrent, () => (mayPaste() ? '' : 'No cells were copied here yet.')),
    run: pasteAbove,
  },
  {
    id: 'duplicate',
    title: 'Duplicate cells',
    group: 'Cells',
    keys: ['Mod+D'],
    words: 'copy clone',
    hinders: needsCell,
    run: duplicateSelected,
  },
  {
    id: 'clear outputs',
    title: 'Clear the outputs of the cells',
    group: 'Cells',
    words: 'remove empty results',
    hinders: anyOf(needsCell, connected, (board) =>
      clearable(board, board.selection).length === 0 ? 'There is nothing to clear.' : '',
    ),
    run: (board) => void clearOutputs(board, clearable(board, board.selection)),
  },
  {
    id: 'clear all outputs',
    title: 'Clear all outputs',
    group: 'Cells',
    words: 'remove empty results everything',
    hinders: anyOf(connected, (board) =>
      clearable(board, board.scene.order).length === 0 ? 'There is nothing to clear.' : '',
    ),
    run: (board) => void clearOutputs(board, clearable(board, board.scene.order)),
  },
  {
    id: 'delete',
    title: 'Delete cells, or the selected edge',
    group: 'Cells',
    keys: ['Delete', 'D D', 'Backspace'],
    words: 'remove',
    hinders: (board) => (board.edge === null ? needsCell(board) : ''),
    run: deleteSelected,
  },
];
