/** Files that somebody hands to the page, as cells. */
import type { Clip, ClippedCell } from './clip';
import { fromJupyter, MOST_TEXT } from './nbclip';
import { asObject, type Json } from './values';

/** Bytes. An image is kept in the notebook itself, as Jupyter does; the server takes no message over 16 MB. */
export const MOST_IMAGE = 5_000_000;
const MOST_NOTEBOOK = 200_000_000;
const IMAGES: ReadonlySet<string> = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/svg+xml',
]);
/** Between the cells of several files. */
const APART = 20;
const NOMINAL = 200;

export interface Given {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

export interface Image {
  /** As the text names it: `attachment:name`. */
  readonly name: string;
  readonly bundle: Readonly<Record<string, string>>;
}

export const isImage = ({ type }: Pick<Given, 'type'>): boolean => type.startsWith('image/');

/** Throws a sentence where it cannot be taken. */
export async function imageOf(file: Given): Promise<Image> {
  if (!IMAGES.has(file.type))
    throw new Error(`${file.name}: images of the type ${file.type} are not shown by browsers.`);
  if (file.size > MOST_IMAGE)
    throw new Error(
      `${file.name} is larger than ${MOST_IMAGE / 1e6} MB: put it beside the notebook and name it in a text.`,
    );
  return { name: plainName(file.name), bundle: { [file.type]: base64(await file.arrayBuffer()) } };
}

/** The words that show it in markdown. */
export const imageText = ({ name }: Image): string =>
  `![${name.replace(/\.\w+$/, '').replace(/[[\]]/g, '')}](attachment:${name})`;

/** Names stand in a markdown address: nothing in them may end it. */
function plainName(name: string): string {
  const plain = name.normalize('NFC').replace(/[^\p{L}\p{N}._-]+/gu, '-');
  return plain.slice(-80) || 'image';
}

function base64(bytes: ArrayBuffer): string {
  const view = new Uint8Array(bytes);
  let text = '';
  for (let at = 0; at < view.length; at += 0x8000)
    text += String.fromCharCode(...view.subarray(at, at + 0x8000));
  return btoa(text);
}

/** A notebook's cells, an image in a text, a program as code, anything else that is text as text. Throws a sentence. */
export async function clipOfFile(file: Given): Promise<Clip> {
  if (isImage(file)) {
    const image = await imageOf(file);
    return single('markdown', imageText(image), { [image.name]: image.bundle });
  }
  const notebook = file.name.toLowerCase().endsWith('.ipynb');
  if (file.size > (notebook ? MOST_NOTEBOOK : MOST_TEXT))
    throw new Error(`${file.name} is too large for cells.`);
  const text = await file.text();
  if (notebook) return cellsOf(file.name, text);
  if (text.includes('\0') || text.includes('\ufffd'))
    throw new Error(`${file.name} is neither text nor an image.`);
  return single(
    /\.(?:md|markdown|txt)$/i.test(file.name) ? 'markdown' : 'code',
    text.replace(/\r\n?/g, '\n'),
  );
}

function cellsOf(name: string, text: string): Clip {
  let clip: Clip | null = null;
  try {
    const given = asObject(JSON.parse(text) as Json);
    const cells = Array.isArray(given['cells']) ? given['cells'].map(asObject) : [];
    // What it put out is left behind, as in every copy.
    clip = fromJupyter(JSON.stringify({ ...given, cells: cells.map((each) => ({ ...each, outputs: [] })) }));
  } catch {
    // No JSON.
  }
  if (clip === null || clip.cells.length === 0) throw new Error(`${name} is no notebook that can be read.`);
  return clip;
}

function single(
  type: ClippedCell['type'],
  source: string,
  attachments: ClippedCell['attachments'] = {},
): Clip {
  const cell = { type, source, left: 0, top: 0, width: null, collapsed: null, metadata: {}, attachments };
  return { cells: [{ ...cell, tissue: false, parent: null }], flow: [] };
}

/** One below the other. */
export function stacked(clips: readonly Clip[]): Clip {
  const cells: ClippedCell[] = [];
  const flow: [number, number][] = [];
  let top = 0;
  for (const clip of clips) {
    const [from, above] = [cells.length, top];
    for (const each of clip.cells) {
      const parent = each.parent === null ? null : each.parent + from;
      cells.push({ ...each, top: each.top + above, parent });
      top = Math.max(top, each.top + above + NOMINAL);
    }
    flow.push(...clip.flow.map(([a, b]): [number, number] => [a + from, b + from]));
    top += APART;
  }
  return { cells, flow };
}
