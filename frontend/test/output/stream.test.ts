import { describe, expect, it } from 'vitest';
import { parseAnsi, samePen, stripAnsi } from '../../src/output/ansi';
import { cutTail, fold, size } from '../../src/output/stream';
import { seeded, someSeeds } from '../canvas/random';

describe('folding', () => {
  it.each([
    ['plain\n', 'plain\n'],
    ['a\r\nb\r\n', 'a\nb\n'],
    ['a\r\r\nb', 'a\nb'],
    ['12345\rab', 'ab345'],
    ['10%\r50%\r100%\n', '100%\n'],
    ['abc\b\bX', 'aXc'],
    ['\b\babc', 'abc'],
    ['first\nabc\rX\nlast', 'first\nXbc\nlast'],
    ['long line\rx\x1b[K', 'x'],
    ['long line\x1b[2K\rx', 'x'],
    ['long\r', 'long'],
    ['😀😀\rx', 'x😀'],
    ['a\r\x1b[Kb\r\x1b[Kc', 'c'],
  ])('%j is seen as %j', (text, seen) => {
    expect(stripAnsi(fold(text))).toBe(seen);
  });

  it('keeps each character in its own colour, and the pen for what follows', () => {
    const { runs, pen } = parseAnsi(fold('\x1b[31mred red\x1b[0m\r\x1b[32mgr\x1b[34m\nblue'));
    expect(runs.map((run) => [run.text, run.pen.fg])).toEqual([
      ['gr', 2],
      ['d red', 1],
      ['\nblue', 4],
    ]);
    expect(pen.fg).toBe(4);
  });

  /** A terminal of one line, without colours. */
  function terminal(text: string): string {
    return text
      .replace(/\r+\n/g, '\n')
      .split('\n')
      .map((line) => {
        const squares: string[] = [];
        let column = 0;
        for (const character of line) {
          if (character === '\r') column = 0;
          else if (character === '\b') column = Math.max(0, column - 1);
          else squares[column++] = character;
        }
        return Array.from(squares, (square) => square ?? ' ').join('');
      })
      .join('\n');
  }

  it('does what a terminal does', () => {
    const letters = [
      'a',
      'b',
      'ü',
      '😀',
      ' ',
      '\n',
      '\r',
      '\r',
      '\b',
      '\r\n',
      '\x1b[31m',
      '\x1b[0m',
      '\x1b[1;38;5;99m',
    ];
    for (const seed of someSeeds(200)) {
      const random = seeded(seed);
      const text = Array.from({ length: 60 }, () => letters[Math.floor(random() * letters.length)]).join('');
      const folded = fold(text);
      expect(stripAnsi(folded), `seed ${seed}`).toBe(terminal(stripAnsiKeepingControls(text)));
      expect(fold(folded), `seed ${seed}`).toBe(folded);
      expect(samePen(parseAnsi(folded).pen, parseAnsi(text).pen), `seed ${seed}`).toBe(true);
    }
  });

  const stripAnsiKeepingControls = (text: string): string => text.replace(/\x1b\[[\d;]*m/g, '');

  it('takes a progress bar of ten thousand steps at once', () => {
    const bar = Array.from({ length: 10_000 }, (_, step) => `\r${step}/10000 ${'#'.repeat(step % 60)}`).join(
      '',
    );
    const before = performance.now();
    expect(fold(bar)).toMatch(/^9999\/10000/);
    expect(performance.now() - before).toBeLessThan(2000);
  });
});

describe('the end of a long text', () => {
  it('is all of a short one', () => {
    expect(cutTail('short', 5).start).toBe(0);
  });

  it('begins with a line, in that line’s colour', () => {
    const line = (at: number) => `\x1b[3${at % 8}mline ${at}\n`;
    const text = Array.from({ length: 1000 }, (_, at) => line(at)).join('');
    const { start, pen } = cutTail(text, 1003);
    expect(text[start - 1]).toBe('\n');
    expect(text.length - start).toBeLessThanOrEqual(1003);
    expect(samePen(pen, parseAnsi(text.slice(0, start)).pen)).toBe(true);
  });

  it('never begins within a character or a sequence', () => {
    const parts = [
      'x',
      '😀',
      '\x1b[38;2;10;20;30m',
      '\x1b[0m',
      '\x1b]8;;https://a.example/b\x07',
      'yy',
      '\x1b[1m',
    ];
    for (const seed of someSeeds(200)) {
      const random = seeded(seed);
      const text = Array.from({ length: 200 }, () => parts[Math.floor(random() * parts.length)]).join('');
      const limit = 1 + Math.floor(random() * text.length);
      const { start, pen } = cutTail(text, limit);
      expect(text.length - start, `seed ${seed}`).toBeLessThanOrEqual(limit);
      expect(() => encodeURIComponent(text.slice(start)), `seed ${seed}`).not.toThrow(); // no half of a pair
      const whole = stripAnsi(text);
      expect(whole.endsWith(stripAnsi(text.slice(start))), `seed ${seed}`).toBe(true);
      expect(samePen(pen, parseAnsi(text.slice(0, start)).pen), `seed ${seed}`).toBe(true);
    }
  });

  it('is found in ten megabytes without a pause', () => {
    const text = '\x1b[32m0123456789\x1b[0m 0123456789 0123456789\n'.repeat(250_000);
    const before = performance.now();
    expect(cutTail(text).start).toBeGreaterThan(9_000_000);
    expect(performance.now() - before).toBeLessThan(500);
  });
});

it.each([
  [12, '12 B'],
  [1234, '1.2 kB'],
  [200_000, '200 kB'],
  [9_800_000, '9.8 MB'],
])('%i characters are %s', (count, words) => {
  expect(size(count)).toBe(words);
});
