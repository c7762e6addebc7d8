/** How the notebook is seen, and what concerns all of it. */
import { following } from '../../ui/following.svelte';
import { help } from '../../ui/help.svelte';
import { palette } from '../../ui/palette.svelte';
import { theme, type ThemeChoice } from '../../ui/theme.svelte';
import { FORMATS } from '../../doc/export';
import { shownAs } from '../mode.svelte';
import { exportAs } from '../exporting';
import { needsCell, type Command } from './command';

export const STEP = 1.25;

const look = (choice: ThemeChoice, title: string): Command => ({
  id: `theme ${choice}`,
  title,
  group: 'View',
  words: 'theme colours appearance mode',
  hinders: () => (theme.choice === choice ? 'It is so already.' : ''),
  run: () => theme.choose(choice),
});

/** With Shift as in Figma and tldraw; without it the digits are Jupyter's headings. */
export const VIEW: readonly Command[] = [
  {
    id: 'fit',
    onCanvas: true,
    title: 'Show everything',
    group: 'View',
    keys: ['Shift+1', 'Mod+1'],
    words: 'zoom fit overview',
    run: (board) => board.fit(),
  },
  {
    id: 'fit selection',
    onCanvas: true,
    title: 'Show the selection',
    group: 'View',
    keys: ['Shift+2', 'Mod+2'],
    words: 'zoom fit',
    hinders: needsCell,
    run: (board) => board.fitSelection(),
  },
  {
    id: 'zoom to 100 %',
    onCanvas: true,
    title: 'Zoom to 100 %',
    group: 'View',
    keys: ['Shift+0', 'Mod+0'],
    words: 'reset actual size',
    run: ({ viewport }) => viewport.zoomBy(1 / viewport.zoom),
  },
  {
    id: 'zoom in',
    onCanvas: true,
    title: 'Zoom in',
    group: 'View',
    keys: ['+', '=', 'Mod++', 'Mod+='],
    words: 'larger',
    run: ({ viewport }) => viewport.zoomBy(STEP),
  },
  {
    id: 'zoom out',
    onCanvas: true,
    title: 'Zoom out',
    group: 'View',
    keys: ['-', 'Mod+-'],
    words: 'smaller',
    run: ({ viewport }) => viewport.zoomBy(1 / STEP),
  },
  {
    id: 'document view',
    title: 'Canvas or document: the other view',
    group: 'View',
    keys: ['Shift+D'],
    words: 'read linear list column page switch',
    reach: 'page',
    run: () => shownAs.toggle(),
  },
  {
    id: 'follow',
    title: 'Follow the next person',
    group: 'View',
    words: 'people together lead view go',
    hinders: ({ session }) => (session.people.others.length === 0 ? 'Nobody else is here.' : ''),
    run: ({ session }) => following.next(session.people),
  },
  {
    id: 'stop following',
    title: 'Stop following',
    group: 'View',
    words: 'people together',
    hinders: () => (following.who === null ? 'You follow nobody.' : ''),
    run: ({ session }) => following.stop(session.people),
  },
  look('light', 'Light colours'),
  look('dark', 'Dark colours'),
  look('system', 'Colours as the system has them'),
];

export const NOTEBOOK: readonly Command[] = [
  {
    id: 'palette',
    title: 'Find a command or a cell',
    group: 'Notebook',
    keys: ['Mod+K'],
    reach: 'anywhere',
    keysOnly: true,
    run: () => palette.show(),
  },
  {
    id: 'find',
    title: 'Find in the notebook',
    group: 'Notebook',
    keys: ['Mod+F', 'Mod+Shift+F'],
    words: 'search text',
    reach: 'anywhere',
    run: ({ finder }) => finder.show(false),
  },
  {
    id: 'replace',
    title: 'Find and replace',
    group: 'Notebook',
    keys: ['Mod+Shift+H'],
    words: 'search text',
    reach: 'anywhere',
    run: ({ finder }) => finder.show(true),
  },
  {
    id: 'help',
    title: 'Gestures and keys',
    group: 'Notebook',
    keys: ['?'],
    words: 'help shortcuts keyboard',
    reach: 'page',
    run: () => help.toggle(),
  },
  {
    id: 'undo',
    title: 'Undo',
    group: 'Notebook',
    keys: ['Mod+Z', 'Z'],
    reach: 'page',
    hinders: ({ session }) => (session.undo.canUndo ? '' : 'There is nothing of yours to undo.'),
    run: ({ session }) => session.undo.undo(),
  },
  {
    id: 'redo',
    title: 'Redo',
    group: 'Notebook',
    keys: ['Mod+Shift+Z', 'Shift+Z', 'Mod+Y'],
    reach: 'page',
    hinders: ({ session }) => (session.undo.canRedo ? '' : 'There is nothing to redo.'),
    run: ({ session }) => session.undo.redo(),
  },
  {
    id: 'save',
    title: 'Save to the file',
    group: 'Notebook',
    keys: ['Mod+S'],
    words: 'write disk checkpoint',
    reach: 'anywhere',
    run: ({ session }) => void session.server.checkpoint(),
  },
  ...FORMATS.map(({ format, title }): Command => ({
    id: `export ${format}`,
    title: `Export: ${title}`,
    group: 'Notebook',
    words: 'download file html py print share',
    hinders: ({ session }) => (session.room.state === 'connected' ? '' : 'The server is not connected.'),
    run: (board) => void exportAs(board, format),
  })),
];
