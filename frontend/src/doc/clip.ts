/** Cells on their way to another place or notebook: what a copy takes along, as plain values. Outputs stay behind. */
import { readingOrder } from './graph';
import {
  fromJupyter,
  MOST_CELLS,
  MOST_TEXT,
  ownMetadata,
  soundAttachments,
  soundFlow,
  soundPlace,
  soundWidth,
  sourceText,
} from './nbclip';
import type { Notebook } from './notebook.svelte';
import {
  asCellType,
  asCollapsed,
  asObject,
  type CellType,
  type Collapsed,
  type JsonObject,
  type Place,
} from './values';

export interface ClippedCell {
  readonly type: CellType;
  readonly source: string;
  /** Relative to the clip's top left corner. */
  readonly left: number;
  readonly top: number;
  readonly width: number | null;
  readonly collapsed: Collapsed;
  readonly metadata: JsonObject;
  readonly attachments: JsonObject;
  /** A tissue, even one without cells. */
  readonly tissue: boolean;
  /** The clipped tissue that holds it, by its place in the list; it comes earlier. */
  readonly parent: number | null;
}

export interface Clip {
  readonly cells: readonly ClippedCell[];
  /** The flow among them, by their places in the list. */
  readonly flow: readonly (readonly [number, number])[];
}

/** `places`: where the cells are seen, which need not be where they are stored. */
export function clipOf(
  taken: Iterable<string>,
  notebook: Notebook,
  places: ReadonlyMap<string, Place>,
): Clip {
  const { ids: all, np, pc, parents } = notebook;
  const wanted = new Set(taken);
  const ids = readingOrder(all, np, pc, parents).filter((id) => wanted.has(id));
  const at = new Map(ids.map((id, index) => [id, index]));
  // What is not seen, inside something folded, has no say.
  const seen = ids.flatMap((id) => places.get(id) ?? []);
  const [left, top] = [least(seen.map((each) => each.left)), least(seen.map((each) => each.top))];
  const place = (id: string): Place => places.get(id) ?? { left, top };
  const cells = ids.map((id): ClippedCell => {
    const { type, text, width, collapsed, metadata, attachments } = notebook.cell(id);
    const { left: x, top: y } = place(id);
    const held = { type, source: text, width, collapsed, metadata: ownMetadata(metadata), attachments };
    const parent = at.get(parents.get(id) ?? '') ?? null;
    return { ...held, left: x - left, top: y - top, tissue: pc.has(id), parent };
  });
  const flow: [number, number][] = [];
  for (const [from, id] of ids.entries()) {
    for (const next of np.get(id) ?? []) {
      const to = at.get(next);
      if (to !== undefined) flow.push([from, to]);
    }
  }
  return { cells, flow };
}

const least = (values: readonly number[]): number => values.reduce((a, b) => Math.min(a, b), values[0] ?? 0);

export function textOf({ cells }: Clip): string {
  return cells.map(({ source }) => source).join('\n\n');
}

/** What another page, or anybody, put on the clipboard; null if it is no clip. */
export function readClip(json: string): Clip | null {
  if (json.length > MOST_TEXT) return null;
  let given: JsonObject;
  try {
    given = asObject(JSON.parse(json));
  } catch {
    return null;
  }
  const list = Array.isArray(given['cells']) ? given['cells'].map(asObject) : [];
  if (list.length === 0 || list.length > MOST_CELLS) return null;
  const cells = list.map((each, index) => readCell(each, index));
  const known = (n: unknown): n is number => Number.isInteger(n) && (n as number) in cells;
  const pairs = Array.isArray(given['flow']) ? given['flow'] : [];
  const flow = pairs.filter(
    (pair): pair is [number, number] => Array.isArray(pair) && known(pair[0]) && known(pair[1]),
  );
  return { cells, flow: soundFlow(flow) };
}

function readCell(given: JsonObject, index: number): ClippedCell {
  const { parent } = given;
  return {
    type: asCellType(given['type']),
    source: sourceText(given['source']),
    left: soundPlace(given['left']),
    top: soundPlace(given['top']),
    width: soundWidth(given['width']),
    collapsed: asCollapsed(given['collapsed']),
    metadata: ownMetadata(given['metadata']),
    attachments: soundAttachments(given['attachments']),
    tissue: given['tissue'] === true,
    parent:
      typeof parent === 'number' && Number.isInteger(parent) && parent >= 0 && parent < index ? parent : null,
  };
}

/** Any text as cells: Jupyter's own where it is that, else one code cell; null: it says nothing, or far too much. */
export function clipOfText(given: string): Clip | null {
  const text = given.replace(/\r\n?/g, '\n');
  if (text.trim() === '' || text.length > MOST_TEXT) return null;
  return fromJupyter(text) ?? readClip(JSON.stringify({ cells: [{ type: 'code', source: text }] }));
}
