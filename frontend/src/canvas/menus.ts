/** The menus of the canvas, of cells, tissues and edges. */
import { foldMenu } from '../cell/menu';
import { rootOf } from '../doc/graph';
import type { CellType } from '../doc/values';
import type { MenuItem } from '../ui/menu.svelte';
import { toast } from '../ui/toasts.svelte';
import type { Board, EdgeName } from './board.svelte';
import { copySelected, duplicateSelected, holdsCells, pasteHeld } from './clipboard';
import { codeIn, cutSelected, deleteCells, dissolve, fold, runSelected } from './commands';
import type { WorldPoint } from './geometry';
import { runFrom } from './runmenu';
import { linkTo } from './whereabouts';

const MOD = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '') ? '⌘' : 'Ctrl+';
const NAMES: Readonly<Record<CellType, string>> = { code: 'code', markdown: 'markdown', raw: 'raw text' };

export function canvasMenu(board: Board, at: WorldPoint): MenuItem[] {
  const { order } = board.scene;
  const empty = order.length === 0;
  return [
    { label: 'New code cell here', run: () => void board.createAt(at, 'code') },
    { label: 'New markdown cell here', run: () => void board.createAt(at, 'markdown') },
    { label: 'Paste here', disabled: !holdsCells(), run: () => pasteHeld(board, at) },
    'separator',
    {
      label: 'Run all cells',
      disabled: codeIn(board, order).length === 0,
      run: () => board.session.server.runWhat('all'),
    },
    { label: 'Select all', keys: `${MOD}A`, disabled: empty, run: () => board.select(order) },
    { label: 'Fit everything', keys: '1', disabled: empty, run: () => board.fit() },
    { label: 'Zoom to 100 %', keys: '0', run: () => board.viewport.zoomBy(1 / board.viewport.zoom) },
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
            keys: `${MOD}Enter`,
            disabled: code.length === 0,
            run: () => server.run(code),
          },
          ...runFrom(board, id),
          'separator',
        ];
  return [
    ...run,
    { label: 'Insert cell above', keys: 'A', run: () => void board.insertAbove(id) },
    { label: 'Insert cell below', keys: 'B', run: () => void board.insertBelow(id) },
    'separator',
    ...clipItems(board),
    'separator',
    ...structureItems(board, id),
    'separator',
    ...foldMenu(cell, board.session),
    'separator',
    { label: 'Copy link to this cell', run: () => void copyLink(id) },
    'separator',
    {
      label: tissue ? 'Delete tissue and its cells' : 'Delete cell',
      keys: 'Del',
      danger: true,
      run: () => deleteCells(board, [id]),
    },
  ];
}

/** Whoever opens it needs the server's token, as for every address of it. */
async function copyLink(id: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(linkTo(id));
    toast({ level: 'info', text: 'Link copied.' });
  } catch {
    toast({ level: 'warning', text: `The browser does not let pages copy here. The link: ${linkTo(id)}` });
  }
}

function clipItems(board: Board): MenuItem[] {
  return [
    { label: 'Copy', keys: `${MOD}C`, run: () => copySelected(board) },
    { label: 'Cut', keys: `${MOD}X`, run: () => cutSelected(board) },
    { label: 'Duplicate', keys: `${MOD}D`, run: () => duplicateSelected(board) },
  ];
}

function structureItems(board: Board, id: string): MenuItem[] {
  const { notebook, acts } = board.session;
  const { type } = notebook.cell(id);
  const items: MenuItem[] = [];
  if (notebook.parents.has(id)) items.push({ label: 'Take out of tissue', run: () => takeOut(board, id) });
  else items.push({ label: 'Connect to…', run: () => board.connectFrom(id) });
  if (notebook.pc.has(id)) {
    items.push({ label: 'Add cell to tissue', run: () => void board.insertInside(id) });
    items.push({ label: 'Dissolve tissue', run: () => dissolve(board, id) });
    return items;
  }
  if (type === 'markdown') items.push({ label: 'Turn into a tissue', run: () => acts.makeTissue(id) });
  for (const other of ['code', 'markdown', 'raw'] as const) {
    if (other === type) continue;
    const keys = { code: { keys: 'Y' }, markdown: { keys: 'M' }, raw: {} }[other];
    items.push({ label: `Turn into ${NAMES[other]}`, ...keys, run: () => acts.setType(id, other) });
  }
  return items;
}

/** To the right of its outermost tissue, as high as it is seen now. */
function takeOut(board: Board, id: string): void {
  const { notebook, acts, config } = board.session;
  const { boxes } = board.scene.layout;
  const box = boxes.get(id);
  const around = boxes.get(rootOf(id, notebook.parents));
  if (box === undefined || around === undefined) return;
  const left = around.left + around.width + 2 * config.snap.x;
  acts.takeOutOfTissue(new Map([[id, { left, top: box.top }]]));
  board.reveal(id);
}

function menuOfSelection(board: Board): MenuItem[] {
  const code = codeIn(board, board.selection);
  return [
    {
      label: code.length === 1 ? 'Run 1 cell' : `Run ${code.length} cells`,
      keys: `${MOD}Enter`,
      disabled: code.length === 0,
      run: () => runSelected(board),
    },
    'separator',
    ...clipItems(board),
    'separator',
    { label: 'Fit selection', keys: '2', run: () => board.fitSelection() },
    'separator',
    { label: 'Fold inputs', run: () => fold(board, 'i') },
    { label: 'Fold outputs', run: () => fold(board, 'o') },
    { label: 'Fold both', run: () => fold(board, 'b') },
    { label: 'Unfold', run: () => fold(board, null) },
    'separator',
    {
      label: `Delete ${board.selection.size} cells`,
      keys: 'Del',
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
  return [{ label: 'Delete edge', keys: 'Del', danger: true, run: remove }];
}
