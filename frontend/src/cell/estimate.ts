/**
 * How high a cell will be, without drawing it: for the layout of cells that were never near the screen. The numbers
 * are those of the style sheets of a cell, an editor and an output.
 */
import { countLines } from '../editor/static';
import { asObject, type CellType, type Collapsed, type Output } from '../doc/values';
import { referencesOf } from '../output/blobs';
import { headingOf } from './words';

export interface Estimated {
  readonly type: CellType;
  readonly text: string;
  readonly width: number | null;
  readonly collapsed: Collapsed;
  readonly outputs: readonly Output[];
}

export interface Sizes {
  codeSize: number;
  outputSize: number;
}

export const HEADER = 32;
const BORDERS = 2;
const CODE_PAD = 16;
const FOLDED = 32;
const PROSE_PAD = 8;
const DEFAULT_WIDTH = 600;
/** Outputs scroll within this, and then offer the rest. */
const OUTPUTS_MOST = 600;
const OFFER = 28;
/** HTML that is not in the document. */
const LARGE = 300;
const OUTPUT_GAP = 8;
const OUTPUTS_PAD = 17;
/** Text of an output: its size and line height, relative to the size of outputs. */
const OUTPUT_LINE = 0.93 * 1.45;
const TRACE_PAD = 24;
const HEADING_LINES = [0, 46, 38, 32, 28, 26, 26];

const wrapped = (line: string, perLine: number): number => Math.max(1, Math.ceil(line.length / perLine));

function proseHeight(text: string, width: number, size: number): number {
  const line = size * 1.6;
  const perLine = Math.max(10, (width - 32) / (size * 0.5));
  let height = PROSE_PAD;
  for (const block of text.split(/\n\s*\n/)) {
    const heading = headingOf(block);
    if (heading !== null) {
      height += HEADING_LINES[heading.level] ?? 26;
      const rest = block.trim().split('\n').slice(1).join(' ');
      height += rest === '' ? 0 : wrapped(rest, perLine) * line + 8;
      continue;
    }
    // Lists and fences keep their lines, a paragraph flows.
    const kept = /^\s*([-*+]|\d+[.)]|```|\||>)/.test(block);
    const lines = kept ? block.split('\n') : [block.replaceAll('\n', ' ')];
    for (const each of lines) height += wrapped(each, perLine) * line;
    height += 10;
  }
  return height;
}

const asText = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.join('') : '';

function pictureHeight(output: Output, mime: string, width: number): number {
  const sizes = (output['metadata'] as Record<string, { width?: number; height?: number }> | undefined)?.[
    mime
  ];
  const height = typeof sizes?.height === 'number' ? sizes.height : 320;
  const own = typeof sizes?.width === 'number' ? sizes.width : width;
  return own > width ? (height * width) / own : height;
}

function bundleHeight(output: Output, width: number, line: number): number {
  const data = asObject(output['data']);
  const elsewhere = referencesOf(data).values;
  for (const mime of ['image/png', 'image/jpeg', 'image/svg+xml']) {
    if (mime in data || elsewhere.has(mime)) return pictureHeight(output, mime, width);
  }
  if (elsewhere.has('text/html')) return LARGE;
  if ('text/html' in data) {
    const html = asText(data['text/html']);
    const rows = html.match(/<tr[\s>]/gi)?.length ?? 0;
    return rows > 0 ? rows * 28 + 12 : Math.max(40, Math.min(300, html.length / 6));
  }
  for (const mime of ['text/markdown', 'text/latex']) {
    if (mime in data) return proseHeight(asText(data[mime]), width, line / OUTPUT_LINE);
  }
  return countLines(asText(data['text/plain']).replace(/\n$/, '')) * line;
}

function outputHeight(output: Output, width: number, line: number): number {
  switch (output['output_type']) {
    case 'stream':
      return countLines(asText(output['text']).replace(/\n$/, '')) * line;
    case 'error': {
      const trace = output['traceback'];
      const lines = Array.isArray(trace) && trace.length > 0 ? countLines(trace.join('\n')) : 0;
      // Its name and message stand above it.
      return TRACE_PAD + (lines + 1) * line;
    }
    default:
      return bundleHeight(output, width, line);
  }
}

function outputsHeight(cell: Estimated, width: number, size: number): number {
  if (cell.type !== 'code' || cell.outputs.length === 0) return 0;
  if (cell.collapsed === 'o' || cell.collapsed === 'b') return FOLDED;
  let height = OUTPUTS_PAD - OUTPUT_GAP;
  let before: unknown = null;
  for (const output of cell.outputs) {
    // Pieces of one stream follow one another without a gap.
    const stream = output['output_type'] === 'stream' ? output['name'] : null;
    height +=
      outputHeight(output, width - 26, size * OUTPUT_LINE) +
      (stream !== null && stream === before ? 0 : OUTPUT_GAP);
    before = stream;
  }
  return height > OUTPUTS_MOST ? OUTPUTS_MOST + OFFER : height;
}

function inputHeight(cell: Estimated, width: number, { codeSize, outputSize }: Sizes): number {
  if (cell.collapsed === 'i' || cell.collapsed === 'b') return FOLDED;
  if (cell.type === 'markdown') return proseHeight(cell.text, width, outputSize);
  return countLines(cell.text) * Math.round(codeSize * 1.5) + CODE_PAD;
}

/** In canvas pixels. */
export function estimateHeight(cell: Estimated, sizes: Sizes = { codeSize: 13, outputSize: 14 }): number {
  const width = cell.width ?? DEFAULT_WIDTH;
  const height =
    HEADER + BORDERS + inputHeight(cell, width, sizes) + outputsHeight(cell, width, sizes.outputSize);
  return Math.round(height);
}
