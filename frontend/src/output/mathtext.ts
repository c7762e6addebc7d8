/** Where formulas are in text: `$…$`, `$$…$$`, `\(…\)`, `\[…\]`, `\begin{…}…\end{…}`. Pure. */

export interface Formula {
  readonly tex: string;
  readonly display: boolean;
  /** Just behind it. */
  readonly end: number;
}

const ENVIRONMENT = /\\begin\{([A-Za-z]+\*?)\}/y;
// What is open for longer is no formula; each sign that opens one is looked behind so far.
const LONGEST = 10_000;

/** The formula that begins at `at`, or null. */
export function formulaAt(text: string, at: number): Formula | null {
  if (text.startsWith('$$', at)) return between(text, at, '$$', '$$', true);
  if (text[at] === '$') return dollars(text, at);
  if (text.startsWith('\\[', at)) return between(text, at, '\\[', '\\]', true);
  if (text.startsWith('\\(', at)) return between(text, at, '\\(', '\\)', false);
  return environment(text, at);
}

function between(text: string, at: number, open: string, close: string, display: boolean): Formula | null {
  const from = at + open.length;
  const to = text.slice(from, from + LONGEST).indexOf(close);
  const tex = text.slice(from, from + to);
  return to < 0 || tex.trim() === '' ? null : { tex, display, end: from + to + close.length };
}

/** One dollar is money as often as mathematics: blank on both sides within or on none, no digit behind, one paragraph. */
function dollars(text: string, at: number): Formula | null {
  for (let to = at + 1; to < text.length && to - at < LONGEST; to++) {
    const character = text[to] as string;
    if (character === '\\') to += 1;
    else if (character === '\n' && /^[ \t]*\n/.test(text.slice(to + 1, to + 200))) return null;
    else if (character === '$') {
      const tex = text.slice(at + 1, to);
      const blank = /^\s/.test(tex) === /\s$/.test(tex);
      const fits = tex.trim() !== '' && blank && !/^\d/.test(text.slice(to + 1, to + 2));
      return fits ? { tex, display: false, end: to + 1 } : null;
    }
  }
  return null;
}

function environment(text: string, at: number): Formula | null {
  ENVIRONMENT.lastIndex = at;
  const found = ENVIRONMENT.exec(text);
  if (found === null) return null;
  const close = `\\end{${found[1]}}`;
  const to = text.slice(at, at + LONGEST).indexOf(close);
  if (to < 0) return null;
  const end = at + to + close.length;
  return { tex: text.slice(at, end), display: true, end };
}

export type Piece = { text: string } | { tex: string; display: boolean };

/** Text with formulas, apart. */
export function splitMath(text: string): Piece[] {
  const pieces: Piece[] = [];
  let plain = '';
  for (let at = 0; at < text.length;) {
    const escaped = text[at] === '\\' && text[at + 1] === '$';
    const formula = !escaped && (text[at] === '$' || text[at] === '\\') ? formulaAt(text, at) : null;
    if (formula === null) {
      const step = escaped ? 2 : 1;
      plain += text.slice(at + step - 1, at + step);
      at += step;
      continue;
    }
    if (plain !== '') pieces.push({ text: plain });
    plain = '';
    pieces.push({ tex: formula.tex, display: formula.display });
    at = formula.end;
  }
  if (plain !== '') pieces.push({ text: plain });
  return pieces;
}
