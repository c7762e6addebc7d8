/** What a terminal's escape sequences mean for text: colours and weight; everything else is taken out.
 *
 * Pure. A hyperlink sequence (OSC 8) leaves its text only: where it leads is the writer's to choose, and is not shown.
 */

/** 0–15: a colour of the palette, which the theme decides; else what was asked for, as #rrggbb. */
export type Colour = number | string;

export interface Pen {
  readonly fg: Colour | null;
  readonly bg: Colour | null;
  readonly bold: boolean;
  readonly dim: boolean;
  readonly italic: boolean;
  readonly underline: boolean;
  readonly strike: boolean;
  readonly inverse: boolean;
}

export interface Run {
  readonly text: string;
  readonly pen: Pen;
}

export const PLAIN: Pen = {
  fg: null,
  bg: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  strike: false,
  inverse: false,
};

// In this order: CSI; OSC, DCS and the like with their end, or to the end of what is there; two characters; alone.
const ESCAPE =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\|$)|\x1b[ -/]*[0-Z\\^-~]|\x1b\[[0-?]*[ -/]*|\x1b/g;
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f]/g;

/** The longest escape sequence that a cut may have to step over. */
export const LONGEST_ESCAPE = 64;

const FLAGS: Record<number, Partial<Pen>> = {
  0: PLAIN,
  1: { bold: true },
  2: { dim: true },
  3: { italic: true },
  4: { underline: true },
  7: { inverse: true },
  9: { strike: true },
  21: { underline: true },
  22: { bold: false, dim: false },
  23: { italic: false },
  24: { underline: false },
  27: { inverse: false },
  29: { strike: false },
  39: { fg: null },
  49: { bg: null },
};

/** The pen after `CSI params m`. */
export function applySgr(pen: Pen, params: string): Pen {
  const codes = params.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next = pen;
  for (let at = 0; at < codes.length; at++) {
    const code = codes[at] as number;
    if (code === 38 || code === 48 || code === 58) {
      const [colour, used] = extended(codes, at + 1);
      at += used;
      if (colour !== null && code !== 58) next = { ...next, [code === 38 ? 'fg' : 'bg']: colour };
    } else next = { ...next, ...(FLAGS[code] ?? paletteColour(code)) };
  }
  return next;
}

function paletteColour(code: number): Partial<Pen> {
  if (code >= 30 && code <= 37) return { fg: code - 30 };
  if (code >= 40 && code <= 47) return { bg: code - 40 };
  if (code >= 90 && code <= 97) return { fg: code - 82 };
  if (code >= 100 && code <= 107) return { bg: code - 92 };
  return {};
}

/** `5;n` or `2;r;g;b` after 38 or 48: the colour, and how many numbers it took. */
function extended(codes: readonly number[], at: number): [Colour | null, number] {
  if (codes[at] === 5) return [indexed(codes[at + 1]), 2];
  if (codes[at] === 2) return [rgb(codes.slice(at + 1, at + 4)), 4];
  return [null, codes.length]; // a way that we do not know: nor what it takes
}

function indexed(index: number | undefined): Colour | null {
  if (index === undefined || !Number.isInteger(index) || index < 0 || index > 255) return null;
  if (index < 16) return index;
  if (index >= 232) return rgb(Array(3).fill(8 + 10 * (index - 232)) as number[]);
  const level = (part: number): number => (part === 0 ? 0 : 55 + 40 * part);
  const cube = index - 16;
  return rgb([level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6)]);
}

function rgb(parts: readonly number[]): string | null {
  if (parts.length !== 3 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255))
    return null;
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The parameters that make `pen` out of any other. */
export function sgrOf(pen: Pen): string {
  const codes: (number | string)[] = [0];
  if (pen.bold) codes.push(1);
  if (pen.dim) codes.push(2);
  if (pen.italic) codes.push(3);
  if (pen.underline) codes.push(4);
  if (pen.inverse) codes.push(7);
  if (pen.strike) codes.push(9);
  if (pen.fg !== null) codes.push(colourCode(pen.fg, 38));
  if (pen.bg !== null) codes.push(colourCode(pen.bg, 48));
  return codes.join(';');
}

function colourCode(colour: Colour, base: 38 | 48): string {
  if (typeof colour === 'number') return `${base};5;${colour}`;
  const parts = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `${base};2;${parts.join(';')}`;
}

export function samePen(a: Pen, b: Pen): boolean {
  return a === b || sgrOf(a) === sgrOf(b);
}

/** The text in runs of one pen each, without escape sequences and unseen characters, and the pen after it. */
export function parseAnsi(text: string, pen: Pen = PLAIN): { runs: Run[]; pen: Pen } {
  const runs: Run[] = [];
  let at = 0;
  const put = (part: string): void => {
    const seen = part.replace(UNSEEN, '');
    const last = runs.at(-1);
    if (seen === '') return;
    if (last && samePen(last.pen, pen)) runs[runs.length - 1] = { text: last.text + seen, pen };
    else runs.push({ text: seen, pen });
  };
  if (!text.includes('\x1b')) {
    put(text);
    return { runs, pen };
  }
  for (const found of text.matchAll(ESCAPE)) {
    put(text.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[2] === 'm') pen = applySgr(pen, found[1] ?? '');
  }
  put(text.slice(at));
  return { runs, pen };
}

export function stripAnsi(text: string): string {
  return text.replace(ESCAPE, '').replace(UNSEEN, '');
}

/** The pen at the end of `text`. Nothing before the last plain reset is looked at. */
export function penAfter(text: string, pen: Pen = PLAIN): Pen {
  const reset = Math.max(text.lastIndexOf('\x1b[0m'), text.lastIndexOf('\x1b[m'));
  if (reset >= 0) pen = PLAIN;
  for (const found of text.slice(Math.max(reset, 0)).matchAll(ESCAPE)) {
    if (found[2] === 'm') pen = applySgr(pen, found[1] ?? '');
  }
  return pen;
}

/** Where the escape sequence that `at` stands in ends; `at` itself if it stands in none. */
export function afterEscape(text: string, at: number): number {
  const from = text.lastIndexOf('\x1b', at - 1);
  if (from < 0 || at - from > LONGEST_ESCAPE) return at;
  const found = text
    .slice(from, from + 2 * LONGEST_ESCAPE)
    .matchAll(ESCAPE)
    .next().value;
  return found === undefined || found.index !== 0 ? at : Math.max(at, from + found[0].length);
}
