/** Files that are dropped on the notebook, or pasted: they become cells, an image in a text that is written stays there. */
import { clipOfFile, imageOf, imageText, isImage, stacked, type Given, type Image } from '../doc/files';
import { asObject } from '../doc/values';
import { plural } from '../cell/words';
import { toast } from '../ui/toasts.svelte';
import type { Board } from './board.svelte';
import { pasteClip } from './clipboard';
import type { WorldPoint } from './geometry';

class FileDrop {
  /** What a drop would do, in words; empty: no file is over the page. */
  asks = $state('');
}

export const fileDrop = new FileDrop();

/** The cells come here, or beside the current one. */
export async function takeFiles(board: Board, files: readonly Given[], at: WorldPoint | null): Promise<void> {
  const clips = [];
  for (const file of files) {
    try {
      clips.push(await clipOfFile(file));
    } catch (error) {
      toast({ level: 'warning', text: error instanceof Error ? error.message : String(error) });
    }
  }
  if (clips.length === 0) return;
  const clip = stacked(clips);
  pasteClip(board, clip, at);
  const { undo } = board.session;
  const action = { label: 'Undo', run: () => undo.undo() };
  toast({ level: 'info', text: `${plural(clip.cells.length, 'cell')} came in.`, action });
}

/** Where somebody writes a text an image becomes part of it. */
function textBeingWritten(board: Board, target: EventTarget | null): string | null {
  const { editing, session } = board;
  if (editing === null || session.notebook.cell(editing).type !== 'markdown') return null;
  return target instanceof Element && target.closest('.cm-editor') !== null ? editing : null;
}

async function attach(board: Board, id: string, files: readonly Given[]): Promise<void> {
  const images: Image[] = [];
  for (const file of files) {
    try {
      images.push(await imageOf(file));
    } catch (error) {
      toast({ level: 'warning', text: error instanceof Error ? error.message : String(error) });
    }
  }
  const { notebook, undo } = board.session;
  if (images.length === 0 || !notebook.has(id)) return;
  const cell = notebook.cell(id);
  const at = board.carets?.cell === id ? (board.carets.at()[0] ?? cell.text.length) : cell.text.length;
  undo.step(() => {
    const all = asObject(cell.attachments);
    const named = images.map((image) => ({ ...image, name: freeName(image.name, all) }));
    for (const { name, bundle } of named) all[name] = { ...bundle };
    cell.map.set('attachments', { ...all });
    cell.source.insert(at, named.map(imageText).join('\n'));
  });
}

/** Another image of the same name does not take its place. */
function freeName(name: string, taken: Readonly<Record<string, unknown>>): string {
  if (!(name in taken)) return name;
  const [stem, end] = [name.replace(/\.\w+$/, ''), /\.\w+$/.exec(name)?.[0] ?? ''];
  for (let n = 2; ; n += 1) if (!(`${stem}-${n}${end}` in taken)) return `${stem}-${n}${end}`;
}

const hasFiles = (data: DataTransfer | null): data is DataTransfer => data?.types.includes('Files') ?? false;

function words(data: DataTransfer): string {
  const types = [...data.items].filter(({ kind }) => kind === 'file').map(({ type }) => type);
  const images = types.filter((type) => type.startsWith('image/')).length;
  if (images === types.length && images > 0) return `Drop ${plural(images, 'image')} here`;
  return `Drop ${plural(Math.max(1, types.length), 'file')} here: ${types.length > 1 ? 'they become' : 'it becomes'} cells`;
}

/** `at`: the place of an event on the canvas; null where there are no places. */
export function listenToFiles(
  board: Board,
  root: HTMLElement,
  signal: AbortSignal,
  at: (event: DragEvent) => WorldPoint | null,
): void {
  const over = (event: DragEvent): void => {
    if (!hasFiles(event.dataTransfer)) return;
    // Anywhere on the page: else the browser leaves it for the file.
    event.preventDefault();
    const inside = event.target instanceof Node && root.contains(event.target);
    event.dataTransfer.dropEffect = inside ? 'copy' : 'none';
    fileDrop.asks = inside ? words(event.dataTransfer) : '';
  };
  const drop = (event: DragEvent): void => {
    fileDrop.asks = '';
    if (!hasFiles(event.dataTransfer)) return;
    event.preventDefault();
    if (!(event.target instanceof Node) || !root.contains(event.target)) return;
    event.stopPropagation();
    const files = [...event.dataTransfer.files];
    const text = textBeingWritten(board, event.target);
    if (text !== null && files.every(isImage)) void attach(board, text, files);
    else void takeFiles(board, files, at(event));
  };
  const paste = (event: ClipboardEvent): void => {
    const files = [...(event.clipboardData?.files ?? [])].filter(isImage);
    // A spreadsheet's cells come with a picture of themselves: their text is meant.
    if (files.length === 0 || (event.clipboardData?.getData('text/plain') ?? '') !== '') return;
    const text = textBeingWritten(board, event.target);
    const elsewhere =
      event.target instanceof Element && event.target.closest('input, textarea, .cm-editor') !== null;
    if (text === null && elsewhere) return;
    event.preventDefault();
    event.stopPropagation();
    if (text !== null) void attach(board, text, files);
    else void takeFiles(board, files, null);
  };
  const capture = { signal, capture: true };
  window.addEventListener('dragover', over, capture);
  window.addEventListener('drop', drop, capture);
  window.addEventListener(
    'dragleave',
    (event) => event.relatedTarget === null && (fileDrop.asks = ''),
    capture,
  );
  window.addEventListener('dragend', () => (fileDrop.asks = ''), capture);
  document.addEventListener('paste', paste, capture);
}
