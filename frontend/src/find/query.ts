/** What is looked for, where it is, and what comes in its place. Pure. */

export interface Query {
  readonly text: string;
  /** Large and small letters differ. */
  readonly cases: boolean;
  readonly word: boolean;
  readonly regex: boolean;
}

export interface Text {
  readonly cell: string;
  readonly part: 'source' | 'outputs';
  readonly text: string;
}

export interface Match {
  readonly cell: string;
  readonly part: Text['part'];
  readonly from: number;
  readonly to: number;
  /** What it becomes, where that was asked for. */
  readonly insert?: string;
}

/** From where the next one is looked for. */
export type Place = Pick<Match, 'cell' | 'part' | 'from'>;

export interface Found {
  readonly matches: readonly Match[];
  /** There are more than these. */
  readonly more: boolean;
}

export const MOST = 5000;

/** Throws a SyntaxError where the pattern is none. A match does not go beyond what ^ and $ call a line. */
export function patternOf({ text, cases, word, regex }: Query): RegExp {
  const pattern = regex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  const whole = word ? `(?<![\\p{L}\\p{N}_])(?:${pattern})(?![\\p{L}\\p{N}_])` : pattern;
  return new RegExp(whole, cases ? 'gmu' : 'gimu');
}

/** Why this is no pattern, as a sentence; empty: it is one. */
export function wrongWith(query: Query): string {
  try {
    // As it was typed: what is put around it is not what is wrong with it.
    if (query.regex) patternOf({ ...query, word: false });
    return '';
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `No such pattern: ${said.replace(/^.*\/[a-z]*:\s*/s, '').toLowerCase()}.`;
  }
}

/** `replacement`: null where nothing is to come in their place. */
export function search(
  texts: readonly Text[],
  query: Query,
  replacement: string | null,
  most = replacement === null ? MOST : Infinity,
): Found {
  const matches: Match[] = [];
  if (query.text === '') return { matches, more: false };
  const pattern = patternOf(query);
  for (const { cell, part, text } of texts) {
    for (const found of text.matchAll(pattern)) {
      if (found[0] === '') continue;
      if (matches.length >= most) return { matches, more: true };
      const place = { cell, part, from: found.index, to: found.index + found[0].length };
      matches.push(
        replacement === null ? place : { ...place, insert: expanded(replacement, found, query.regex) },
      );
    }
  }
  return { matches, more: false };
}

/** With what a pattern found in the place of $1, $<name>, $& and $$; \n and \t are what they say. */
export function expanded(replacement: string, found: RegExpMatchArray, regex: boolean): string {
  if (!regex) return replacement;
  return replacement.replace(
    /\$(?:\$|&|(\d{1,2})|<([^>]*)>)|\\([nt\\])/g,
    (sign, number?: string, name?: string, escape?: string) => {
      if (escape !== undefined) return { n: '\n', t: '\t' }[escape] ?? '\\';
      if (number !== undefined) return Number(number) < found.length ? (found[Number(number)] ?? '') : sign;
      if (name !== undefined) return found.groups?.[name] ?? '';
      return sign === '$$' ? '$' : found[0];
    },
  );
}

/** Which match comes next from a place; the first again after the last. `orderOf`: a cell's number as one reads. */
export function indexFrom(
  matches: readonly Match[],
  from: Place | null,
  orderOf: (cell: string) => number,
): number {
  if (matches.length === 0) return -1;
  if (from === null) return 0;
  const rank = ({ cell, part, from: at }: Place): [number, number, number] => [
    orderOf(cell),
    part === 'source' ? 0 : 1,
    at,
  ];
  const [cell, part, at] = rank(from);
  const next = matches.findIndex((match) => {
    const [a, b, c] = rank(match);
    return a !== cell ? a > cell : b !== part ? b > part : c >= at;
  });
  return next < 0 ? 0 : next;
}
