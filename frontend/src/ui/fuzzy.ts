/** How well what somebody typed fits a line: every word of it has to be found, in any order. Pure. */

/** What a word is worth where it begins the line, begins a word of it, or lies inside one. */
const WORTH = { line: 100, word: 60, inside: 25 };
/** Its letters begin words, as "rab" in "Run all below"; or they are only there, in this order. */
const LETTERS = { begin: 40, spread: 4 };
/** What is found among the further words and not in the line itself. */
const ASIDE = 0.4;
/** Somebody who types a letter of each word types not more than these. */
const MOST_LETTERS = 8;

/** 0: it does not fit; else the better, the more. */
export function score(query: string, title: string, more = ''): number {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const [line, aside] = [title.toLowerCase(), more.toLowerCase()];
  let sum = 0;
  for (const word of words) {
    const worth = Math.max(worthOf(word, line), ASIDE * lies(word, aside));
    if (worth === 0) return 0;
    sum += worth;
  }
  return sum;
}

function worthOf(word: string, line: string): number {
  const found = lies(word, line);
  if (found > 0 || word.length < 2 || word.length > MOST_LETTERS) return found;
  const initials = line
    .split(/[^\p{L}\p{N}%]+/u)
    .map((each) => each[0] ?? '')
    .join('');
  if (initials.includes(word)) return LETTERS.begin;
  return spread(word, line) ? LETTERS.spread : 0;
}

function lies(word: string, line: string): number {
  let best = 0;
  for (let at = line.indexOf(word); at >= 0; at = line.indexOf(word, at + 1)) {
    if (at === 0) return WORTH.line;
    best = Math.max(best, /[\p{L}\p{N}]/u.test(line[at - 1] ?? '') ? WORTH.inside : WORTH.word);
  }
  return best;
}

function spread(word: string, line: string): boolean {
  let at = -1;
  for (const letter of word) {
    at = line.indexOf(letter, at + 1);
    if (at < 0) return false;
  }
  return true;
}

/** The best of them, those that fit alike in their own order. */
export function ranked<T>(
  items: readonly T[],
  query: string,
  read: (item: T) => readonly [title: string, more?: string],
  most: number,
): T[] {
  const scored = items.map((item) => [item, score(query, ...read(item))] as const);
  return scored
    .filter(([, worth]) => worth > 0)
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([item]) => item);
}
