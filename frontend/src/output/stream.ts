/** The text of a stream as a terminal would leave it, and which part of a very long one is shown. Pure.
 *
 * The server folds `\r` and `\b` already; what comes from files and other kernels may still have them.
 */
import { afterEscape, applySgr, penAfter, PLAIN, samePen, sgrOf, type Pen } from './ansi';

/** Characters of a stream that are shown unasked. */
export const SHOWN = 200_000;

const TOKEN = /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b[^[]?|[\r\b]|[^\x1b\r\b]+|\x1b\[/g;

/** `\r` goes to the start of the line and what follows overwrites, `\b` goes one back, `CSI K` erases. */
export function fold(text: string): string {
  if (!text.includes('\r') && !text.includes('\b')) return text;
  let pen = PLAIN;
  const lines = text.replace(/\r+\n/g, '\n').split('\n');
  return lines
    .map((line) => {
      const before = pen;
      pen = penAfter(line, pen);
      return line.includes('\r') || line.includes('\b') ? foldLine(line, before) : line;
    })
    .join('\n');
}

interface Square {
  character: string;
  pen: Pen;
}

function foldLine(line: string, before: Pen): string {
  const squares: Square[] = [];
  let column = 0;
  let pen = before;
  for (const [token, params, final] of line.matchAll(TOKEN)) {
    if (token === '\r') column = 0;
    else if (token === '\b') column = Math.max(0, column - 1);
    else if (final === 'm') pen = applySgr(pen, params ?? '');
    else if (final === 'K') erase(squares, column, params ?? '');
    else if (!token.startsWith('\x1b')) {
      for (const character of token) squares[column++] = { character, pen };
    }
  }
  return written(squares, before, pen);
}

function erase(squares: Square[], column: number, params: string): void {
  if (params === '' || params === '0') squares.length = Math.min(squares.length, column);
  else if (params === '2') squares.length = 0;
  for (let at = 0; params === '1' && at <= column && at < squares.length; at++) {
    squares[at] = { character: ' ', pen: PLAIN };
  }
}

function written(squares: readonly Square[], before: Pen, after: Pen): string {
  let text = '';
  let pen = before;
  const change = (next: Pen): void => {
    if (!samePen(pen, next)) text += `\x1b[${sgrOf(next)}m`;
    pen = next;
  };
  for (let at = 0; at < squares.length; at++) {
    const square = squares[at] ?? { character: ' ', pen: PLAIN }; // stepped over, never written
    change(square.pen);
    text += square.character;
  }
  change(after);
  return text;
}

export interface Cut {
  /** Where the shown part begins, and the pen it begins with. */
  readonly start: number;
  readonly pen: Pen;
}

/** The last `limit` characters or a little fewer: from the start of a line where one is near, never from within a
 * character or an escape sequence. */
export function cutTail(text: string, limit: number = SHOWN): Cut {
  if (text.length <= limit) return { start: 0, pen: PLAIN };
  let start = text.length - limit;
  const line = text.indexOf('\n', start - 1) + 1;
  if (line > 0 && line - start < limit / 4) start = line;
  else {
    start = afterEscape(text, start);
    const code = text.charCodeAt(start);
    if (code >= 0xdc00 && code <= 0xdfff) start += 1; // the second half of a pair
  }
  return { start, pen: penAfter(text.slice(0, start)) };
}

/** "9.8 MB": characters, as people count sizes. */
export function size(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${(count / 1000).toFixed(count < 9950 ? 1 : 0)} kB`;
  return `${(count / 1e6).toFixed(1)} MB`;
}
