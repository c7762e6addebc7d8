/**
 * Of the fonts only what the page draws with: woff2 alone, and of the text fonts the Latin letters, signs and arrows,
 * the weights and the features that the style sheets ask for. Half of a first visit's bytes were fonts before.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import subsetFont from 'subset-font';
import type { Plugin } from 'vite';

const FACE = /@font-face\s*{[^}]*}/g;
const FILE = /url\(([^)]+\.woff2)\)/;
const WEIGHTS = { wght: { min: 400, max: 700 } };
/** tnum: columns of numbers stand still while they count. */
const FEATURES = ['kern', 'mark', 'mkmk', 'ccmp', 'locl', 'tnum'];

const range = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, n) => String.fromCodePoint(from + n)).join('');
/** Basic Latin, Latin-1, general punctuation; what else the fonts' Latin files have that a page may say. */
const LETTERS = range(0x20, 0x7e) + range(0xa0, 0xff) + range(0x2010, 0x205e) + 'ıŒœˆ˚˜€™←↑→↓↔−∕≈≠≤≥⌘⌥⇧⏎◊';

/** Where the smaller files are made; Vite gives them their hashed names. */
const MADE = 'node_modules/.fonts';

async function smaller(face: string, sheet: string): Promise<string> {
  const file = FILE.exec(face)?.[1];
  if (file === undefined) return face;
  const font = await readFile(resolve(dirname(sheet), file));
  const made = resolve(MADE, basename(file));
  await mkdir(MADE, { recursive: true });
  await writeFile(
    made,
    await subsetFont(font, LETTERS, {
      targetFormat: 'woff2',
      variationAxes: WEIGHTS,
      keepFeatures: FEATURES,
    }),
  );
  return face.replace(FILE, `url(${made})`);
}

export function fonts(): Plugin {
  return {
    name: 'fonts',
    enforce: 'pre',
    async transform(code, id) {
      const [sheet = id] = id.split('?');
      if (/@fontsource.*\.css$/.test(sheet)) {
        const faces = code.match(FACE) ?? [];
        const latin = faces.filter((face) => face.includes('-latin-wght-'));
        return (await Promise.all(latin.map((face) => smaller(face, sheet)))).join('\n');
      }
      if (/katex.*\.css$/.test(sheet))
        return code.replace(/,\s*url\([^)]*\.(woff|ttf)\)\s*format\([^)]*\)/g, '');
      return null;
    },
  };
}
