import { describe, expect, it } from 'vitest';
import {
  applySgr,
  parseAnsi,
  penAfter,
  PLAIN,
  samePen,
  sgrOf,
  stripAnsi,
  type Pen,
} from '../../src/output/ansi';
import { contrast, luminance, readable } from '../../src/output/contrast';
import { seeded, someSeeds } from '../canvas/random';

const pen = (...codes: string[]): Pen => codes.reduce(applySgr, PLAIN);

describe('the pen', () => {
  it.each<[string, Partial<Pen>]>([
    ['31', { fg: 1 }],
    ['97', { fg: 15 }],
    ['42', { bg: 2 }],
    ['107', { bg: 15 }],
    ['1;3;4;9', { bold: true, italic: true, underline: true, strike: true }],
    ['38;5;9', { fg: 9 }],
    ['38;5;196', { fg: '#ff0000' }],
    ['48;5;232', { bg: '#080808' }],
    ['38;2;1;2;255', { fg: '#0102ff' }],
    ['38:2:1:2:255', { fg: '#0102ff' }],
    ['38;5;28;01', { fg: '#008700', bold: true }],
    ['58;5;9;31', { fg: 1 }], // an underline's colour is passed over
    ['7', { inverse: true }],
  ])('CSI %s m', (params, expected) => {
    expect(pen(params)).toEqual({ ...PLAIN, ...expected });
  });

  it.each([
    '',
    '0',
    '31;0',
    '39;49;22;23;24;27;29',
    '999',
    '38;5;256',
    '38;5',
    '38',
    '38;2;1;2',
    '48;2;1;2;300',
    '38;9;1',
  ])('CSI %s m leaves nothing of it or changes nothing', (params) => {
    expect(samePen(pen(params), PLAIN)).toBe(true);
  });

  it('is made again from what it writes', () => {
    for (const seed of someSeeds(20)) {
      const random = seeded(seed);
      const codes = Array.from({ length: 6 }, () => Math.floor(random() * 108)).join(';');
      const made = pen(codes);
      expect(samePen(applySgr(pen('31;1;4;45'), sgrOf(made)), made), `seed ${seed}: ${codes}`).toBe(true);
    }
  });
});

describe('text with sequences', () => {
  it('comes in runs of one pen', () => {
    const { runs, pen: after } = parseAnsi('a\x1b[31mb\x1b[31mc\x1b[0;1md');
    expect(runs.map((run) => [run.text, run.pen.fg, run.pen.bold])).toEqual([
      ['a', null, false],
      ['bc', 1, false],
      ['d', null, true],
    ]);
    expect(after.bold).toBe(true);
  });

  it.each([
    ['\x1b]8;;javascript:alert(1)\x07press\x1b]8;;\x07', 'press'],
    ['\x1b]8;;https://evil.example\x1b\\press\x1b]8;;\x1b\\', 'press'],
    ['\x1b]0;title\x07x', 'x'],
    ['\x1b[2J\x1b[1;1Hx\x1b[?25l', 'x'],
    ['\x1bPdata\x1b\\x', 'x'],
    ['a\x07\x00b\x7f', 'ab'],
    ['a\tb\nc', 'a\tb\nc'],
    ['\x1b(Bx', 'x'],
    ['x\x1b[31', 'x'],
    ['x\x1b', 'x'],
    ['x\x1b]8;;never closed', 'x'],
  ])('%j says %j', (text, seen) => {
    expect(stripAnsi(text)).toBe(seen);
    expect(
      parseAnsi(text)
        .runs.map((run) => run.text)
        .join(''),
    ).toBe(seen);
  });

  it('is the same in pieces as at once', () => {
    for (const seed of someSeeds(30)) {
      const random = seeded(seed);
      const lines = Array.from(
        { length: 20 },
        (_, line) => `\x1b[${Math.floor(random() * 110)}mline ${line}\n`,
      );
      const cut = Math.floor(random() * lines.length);
      const first = lines.slice(0, cut).join('');
      const rest = lines.slice(cut).join('');
      expect(samePen(penAfter(first), parseAnsi(first).pen), `seed ${seed}`).toBe(true);
      const whole = parseAnsi(first + rest);
      const second = parseAnsi(rest, penAfter(first));
      expect(samePen(whole.pen, second.pen), `seed ${seed}`).toBe(true);
    }
  });

  it('is read in a time that grows with its length alone', () => {
    const hostile = [
      '\x1b['.repeat(200_000),
      '\x1b]'.repeat(200_000),
      '\x1b[3'.repeat(200_000),
      '\x1b]8;;'.repeat(100_000),
    ];
    const before = performance.now();
    for (const text of hostile) parseAnsi(text);
    expect(performance.now() - before).toBeLessThan(3000);
  });
});

describe('a colour of the kernel', () => {
  it('can be read on both grounds', () => {
    const ground = { light: 1, dark: 0.014 };
    const parts = (hex: string) =>
      [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)) as unknown as [number, number, number];
    for (const colour of [
      '#000000',
      '#ffffff',
      '#ff0000',
      '#0000ff',
      '#ffff00',
      '#808080',
      '#008700',
      '#5f00ff',
    ]) {
      const found = readable(colour);
      for (const theme of ['light', 'dark'] as const) {
        expect(
          contrast(luminance(parts(found[theme])), ground[theme]),
          `${colour} ${theme}`,
        ).toBeGreaterThanOrEqual(4.5);
      }
      expect(contrast(luminance(parts(found.on)), luminance(parts(colour))), colour).toBeGreaterThanOrEqual(
        4.5,
      );
    }
    expect(readable('#ff0000').dark).not.toBe('#ffffff'); // still red
  });
});
