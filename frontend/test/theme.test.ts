import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** WCAG 2.2: contrast (minimum) 1.4.3 for text, non-text contrast 1.4.11 for what is no text. */
const TEXT = 4.5;
const SHAPE = 3;

const css = readFileSync(new URL('../src/theme.css', import.meta.url), 'utf8');

function tokens(selector: string): Map<string, string> {
  const start = css.indexOf(`\n${selector} {`);
  const body = css.slice(start, css.indexOf('\n}', start));
  return new Map(
    [...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6})/g)].map(([, name, value]) => [name ?? '', value ?? '']),
  );
}

const light = tokens(':root');
const dark = new Map([...light, ...tokens(":root[data-theme='dark']")]);

/** Relative luminance of a colour in sRGB. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const SURFACES = [
  'canvas',
  'surface',
  'surface-2',
  'surface-3',
  'accent-soft',
  'run-soft',
  'wait-soft',
  'danger-soft',
];
const WORDS = ['text', 'text-2', 'text-3', 'accent', 'run', 'wait', 'danger'];

describe.each([
  ['light', light],
  ['dark', dark],
])('in %s colours', (_, theme) => {
  const of = (name: string): string => theme.get(name) ?? expect.fail(`There is no --${name}.`);
  const syntax = [...theme.keys()].filter((name) => name.startsWith('syntax-'));

  it('words can be read on every surface', () => {
    expect(syntax.length).toBeGreaterThan(5);
    const faint = [...WORDS, ...syntax].flatMap((word) =>
      SURFACES.filter((surface) => contrast(of(word), of(surface)) < TEXT).map(
        (surface) => `${word} on ${surface}`,
      ),
    );
    expect(faint).toEqual([]);
  });

  it('words on the accent can be read', () => {
    expect(contrast(of('on-accent'), of('accent'))).toBeGreaterThanOrEqual(TEXT);
  });

  it('edges, fields and what lines up stand out', () => {
    const shapes = ['edge', 'guide', 'accent'].map((name) => [name, 'canvas']);
    for (const [name, on] of [
      ...shapes,
      ['field', 'surface'],
      ['field', 'surface-2'],
      ['field', 'surface-3'],
    ] as [string, string][])
      expect(contrast(of(name), of(on)), `${name} on ${on}`).toBeGreaterThanOrEqual(SHAPE);
  });
});
