/** nbformat outputs as what is drawn: neighbouring streams joined, the richest kind of each bundle chosen. Pure. */
import { asObject, type Json, type JsonObject, type Output } from '../doc/values';
import { drawerOf } from './plot';
import { modelIdOf } from './widget';
import { BLOBS, referencesOf, type Reference } from './blobs';

export type Item =
  | { kind: 'stream'; key: string; name: string; pieces: readonly string[] }
  | { kind: 'error'; key: string; output: Output }
  | { kind: 'bundle'; key: string; output: Output };

export type View =
  | 'plot'
  | 'html'
  | 'markdown'
  | 'latex'
  | 'svg'
  | 'image'
  | 'json'
  | 'script'
  | 'text'
  | 'widget'
  | 'unknown';

export interface Choice {
  readonly view: View;
  readonly mime: string;
  readonly value: Json;
  /** Where the value is, if it is not in the document. */
  readonly reference?: Reference;
  /** `text/plain` of the same bundle: an image's name, and what is shown instead of what cannot be. */
  readonly plain: string;
}

// Richest first, as JupyterLab ranks them.
const VIEWS: readonly (readonly [string, View])[] = [
  ['text/html', 'html'],
  ['text/markdown', 'markdown'],
  ['text/latex', 'latex'],
  ['image/svg+xml', 'svg'],
  ['image/png', 'image'],
  ['image/jpeg', 'image'],
  ['image/gif', 'image'],
  ['image/webp', 'image'],
  ['image/avif', 'image'],
  ['image/bmp', 'image'],
  ['application/json', 'json'],
  ['application/geo+json', 'json'],
  ['application/javascript', 'script'],
  ['text/javascript', 'script'],
];
const WIDGET = 'application/vnd.jupyter.widget-view+json';

/** nbformat allows a list of strings wherever it says string. */
export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.filter((each) => typeof each === 'string').join('');
  return '';
}

function isText(value: Json | undefined): boolean {
  return (
    typeof value === 'string' || (Array.isArray(value) && value.every((each) => typeof each === 'string'))
  );
}

/** `widgets`: they can be shown, else whatever else the bundle has is. */
export function choose(data: JsonObject, widgets = true): Choice {
  const { values, line } = referencesOf(data);
  const plain = line ? '' : textOf(data['text/plain']);
  const some = (mime: string, view: View): Choice => {
    const reference = values.get(mime);
    return { view, mime, value: data[mime] ?? null, plain, ...(reference && { reference }) };
  };
  const has = (mime: string): boolean => mime in data || values.has(mime);
  const reads = (mime: string): boolean => values.has(mime) || isText(data[mime]);
  // A widget is worth more than a picture of it, for as long as it lives.
  if (widgets && modelIdOf(data[WIDGET]) !== null) return some(WIDGET, 'widget');
  const plotted = [...Object.keys(data), ...values.keys()].find((mime) => drawerOf(mime) !== null);
  if (plotted !== undefined) return some(plotted, 'plot');
  for (const [mime, view] of VIEWS) {
    if (!has(mime)) continue;
    if (view === 'json' || reads(mime)) return some(mime, view);
  }
  const mimes = new Set([...Object.keys(data), ...values.keys()]);
  const others = [...mimes].filter((mime) => mime !== 'text/plain' && (mime !== BLOBS || values.size === 0));
  if (others.includes(WIDGET)) return some(WIDGET, 'widget');
  const text = others.find((mime) => mime.startsWith('text/') && reads(mime));
  if (has('text/plain') && others.length === 0) return some('text/plain', 'text');
  const json = others.find((mime) => mime.endsWith('+json'));
  if (plain === '' && (text ?? json)) return some((text ?? json) as string, text ? 'text' : 'json');
  return some(others[0] ?? 'text/plain', others.length > 0 ? 'unknown' : 'text');
}

/** The width and height that the kernel asked for, in pixels, if they are such. */
export function askedSize(metadata: Json | undefined, mime: string): { width?: number; height?: number } {
  const own = asObject(asObject(metadata)[mime]);
  const sized: { width?: number; height?: number } = {};
  for (const side of ['width', 'height'] as const) {
    const value = Number(own[side] ?? asObject(metadata)[side]);
    if (Number.isFinite(value) && value >= 1 && value <= 20_000) sized[side] = value;
  }
  return sized;
}

const keys = new WeakMap<object, string>();
let lastKey = 0;

function keyOf(output: Output): string {
  let key = keys.get(output);
  if (key === undefined) keys.set(output, (key = `o${++lastKey}`));
  return key;
}

/** One item for each thing to draw. A stream's key is its place: its text grows, and its element stays. */
export function itemsOf(outputs: readonly Output[]): Item[] {
  const items: Item[] = [];
  for (const output of outputs) {
    const type = output['output_type'];
    const last = items.at(-1);
    if (type === 'stream') {
      const name = output['name'] === 'stderr' ? 'stderr' : 'stdout';
      const text = textOf(output['text']);
      if (last?.kind === 'stream' && last.name === name) {
        items[items.length - 1] = { ...last, pieces: [...last.pieces, text] };
      } else items.push({ kind: 'stream', key: `s${items.length}`, name, pieces: [text] });
    } else if (type === 'error') items.push({ kind: 'error', key: keyOf(output), output });
    else items.push({ kind: 'bundle', key: keyOf(output), output });
  }
  return items;
}
