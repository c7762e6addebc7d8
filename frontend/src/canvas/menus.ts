/** The menus of the canvas, of cells, tissues and edges. */
import { foldMenu } from '../cell/menu';
import type { CellType } from '../doc/values';
import type { MenuItem } from '../ui/menu.svelte';
import { arrangeItems, tidyUp } from './arrangement';
import type { Board, EdgeName } from './board.svelte';
import { clearable, clearOutputs } from './clearing';
import { copySelected, duplicateSelected, mayPaste, pasteHeld } from './clipboard';
import { codeIn, cutSelected, deleteCells, dissolve, runSelected, setFold, takeOut } from './commands';
import type { WorldPoint } from './geometry';
import { shownAs } from './mode.svelte';
import { hindersMerge, merge, moveAlong } from './recut';
import { runFrom } from './runmenu';
import { keysOf } from './table/table';
import { copyLink } from './whereabouts';

const NAMES: Readonly<Record<CellType, string>> = { code: 'code', markdown: 'markdown', raw: 'raw text' };

export function canvasMenu(board: Board, at: WorldPoint): MenuItem[] {
  const { order } = board.scene;
  const empty = order.length === 0;
  return [
    { label: 'New code cell here', run: () => void board.createAt(at, 'code') },
    { label: 'New markdown cell here', run: () => void board.createAt(at, 'markdown') },
    { label: 'Paste here', disabled: !mayPaste(), run: () => pasteHeld(board, at) },
    'separator',
    {
      label: 'Run all cells',
      disabled: codeIn(board, order).length === 0,
      run: () => board.session.server.runWhat('all'),
    },
    { label: 'Select all', keys: keysOf('select all'), disabled: empty, run: () => board.select(order) },
    { label: 'Tidy up', disabled: empty, run: () => void tidyUp(board) },
    { label: 'Fit everything', keys: keysOf('fit'), disabled: empty, run: () => board.fit() },
    {
      label: 'Zoom to 100 %',
      keys: keysOf('zoom to 100 %'),
      run: () => board.viewport.zoomBy(1 / board.viewport.zoom),
    },
  ];
}

export function menuOfCell(board: Board, id: string): MenuItem[] {
  if (board.selection.size > 1 && board.selection.has(id)) return menuOfSelection(board);
  const { notebook, server } = board.session;
  const cell = notebook.cell(id);
  const tissue = notebook.pc.has(id);
  const code = codeIn(board, [id]);
  const run: MenuItem[] =
    code.length === 0 && !tissue
      ? []
      : [
          {
            label: tissue ? 'Run tissue' : 'Run cell',
            keys: keysOf('run'),
            disabled: code.length === 0,
            run: () => server.run(code),
          },
          ...runFrom(board, id),
          'separator',
        ];
  return [
    ...run,
    { label: 'Insert cell above', keys: keysOf('insert above'), run: () => void board.insertAbove(id) },
    { label: 'Insert cell below', keys: keysOf('insert below'), run: () => void board.insertBelow(id) },
    'separator',
    ...clipItems(board),
    'separator',
    { label: 'Move up', keys: keysOf('move up'), run: () => moveAlong(board, -1) },
    { label: 'Move down', keys: keysOf('move down'), run: () => moveAlong(board, 1) },
    'separator',
    ...structureItems(board, id),
    'separator',
    ...foldMenu(cell, board.session),
    ...clearItems(board, [id]),
    'separator',
    { label: 'Copy link to this cell', run: () => void copyLink(id) },
    'separator',
    {
      label: tissue ? 'Delete tissue and its cells' : 'Delete cell',
      keys: keysOf('delete'),
      danger: true,
      run: () => deleteCells(board, [id]),
    },
  ];
}

function clearItems(board: Board, ids: Iterable<string>): MenuItem[] {
  const cells = clearable(board, ids);
  const label = cells.length > 1 ? `Clear ${cells.length} outputs` : 'Clear output';
  return cells.length === 0 ? [] : [{ label, run: () => void clearOutputs(board, cells) }];
}

function clipItems(board: Board): MenuItem[] {
  return [
    { label: 'Copy', keys: keysOf('copy'), run: () => copySelected(board) },
    { label: 'Cut', keys: keysOf('cut'), run: () => cutSelected(board) },
    { label: 'Duplicate', keys: keysOf('duplicate'), run: () => duplicateSelected(board) },
  ];
}

export function foldTissue(board: Board, id: string): MenuItem {
  const folded = board.scene.folded.has(id);
  return {
    label: folded ? 'Unfold tissue' : 'Fold tissue to its heading',
    keys: keysOf('fold outputs'),
    run: () => board.fold(id, !folded),
  };
}

function structureItems(board: Board, id: string): MenuItem[] {
  const { notebook, acts } = board.session;
  const { type } = notebook.cell(id);
  const items: MenuItem[] = [];
  if (notebook.parents.has(id)) items.push({ label: 'Take out of tissue', run: () => takeOut(board, id) });
  else if (!shownAs.document)
    items.push({ label: 'Connect to…', keys: keysOf('connect'), run: () => board.connectFrom(id) });
  if (notebook.pc.has(id)) {
    items.push(foldTissue(board, id));
    items.push({ label: 'Add cell to tissue', run: () => void board.insertInside(id) });
    items.push({ label: 'Dissolve tissue', run: () => dissolve(board, id) });
    return items;
  }
  if (type === 'markdown') items.push({ label: 'Turn into a tissue', run: () => acts.makeTissue(id) });
  for (const other of ['code', 'markdown', 'raw'] as const) {
    if (other === type) continue;
    const keys = keysOf(`turn into ${other}`);
    items.push({ label: `Turn into ${NAMES[other]}`, keys, run: () => acts.setType(id, other) });
  }
  return items;
}

function menuOfSelection(board: Board): MenuItem[] {
  const code = codeIn(board, board.selection);
  return [
    {
      label: code.length === 1 ? 'Run 1 cell' : `Run ${code.length} cells`,
      keys: keysOf('run'),
      disabled: code.length === 0,
      run: () => runSelected(board),
    },
    'separator',
    ...clipItems(board),
    'separator',
    { label: 'Fit selection', keys: keysOf('fit selection'), run: () => board.fitSelection() },
    'separator',
    {
      label: 'Merge into one cell',
      keys: keysOf('merge'),
      disabled: hindersMerge(board) !== '',
      run: () => merge(board),
    },
    'separator',
    ...arrangeItems(board),
    { label: 'Fold inputs', run: () => setFold(board, 'i') },
    { label: 'Fold outputs', run: () => setFold(board, 'o') },
    { label: 'Fold both', run: () => setFold(board, 'b') },
    { label: 'Unfold', run: () => setFold(board, null) },
    ...clearItems(board, board.selection),
    'separator',
    {
      label: `Delete ${board.selection.size} cells`,
      keys: keysOf('delete'),
      danger: true,
      run: () => deleteCells(board, board.selection),
    },
  ];
}

export function edgeMenu(board: Board, { from, to }: EdgeName): MenuItem[] {
  const remove = (): void => {
    board.session.acts.disconnect(from, to);
    board.selectEdge(null);
  };
  return [
    { label: 'Change where it begins…', run: () => board.reattach({ from, to }, 'from') },
    { label: 'Change where it leads…', run: () => board.reattach({ from, to }, 'to') },
    'separator',
    { label: 'Delete edge', keys: keysOf('delete'), danger: true, run: remove },
  ];
}
