import { afterEach, describe, expect, it, vi } from 'vitest';
import type { JsonObject, Output } from '../../src/doc/values';
import { estimateHeight } from '../../src/cell/estimate';
import { blobAddress, BLOBS, fetchValue, isMissing, NoValue, referencesOf } from '../../src/output/blobs';
import { choose } from '../../src/output/bundle';

const NAME = 'ab'.repeat(32);
const bundle = (mime: string, more: JsonObject = {}, base64 = ''): JsonObject => ({
  'text/plain': '[a line]',
  [BLOBS]: { [mime]: { sha256: NAME, size: 70_000, ...(base64 && { base64 }) }, 'text/plain': null, ...more },
});

describe('a reference', () => {
  it('says where the value is and how large', () => {
    const { values, line } = referencesOf(bundle('image/png', {}, 'line'));
    expect(line).toBe(true);
    expect([...values]).toEqual([['image/png', { sha256: NAME, size: 70_000, packed: true }]]);
    expect(blobAddress(values.get('image/png')!)).toBe(`/blob/${NAME}`);
  });

  it.each<[string, JsonObject]>([
    ['of another form', { [BLOBS]: [] }],
    ['without a name', { [BLOBS]: { 'image/png': { size: 1 } } }],
    ['whose name leads elsewhere', { [BLOBS]: { 'image/png': { sha256: '../config', size: 1 } } }],
    ['whose name has more lines', { [BLOBS]: { 'image/png': { sha256: `${NAME}\n`, size: 1 } } }],
  ])('%s is none', (_, data) => {
    expect(referencesOf(data).values.size).toBe(0);
  });
});

describe('of a bundle with references', () => {
  it.each([
    ['image/png', 'image'],
    ['text/html', 'html'],
    ['image/svg+xml', 'svg'],
    ['application/json', 'json'],
    ['text/csv', 'text'],
    ['application/pdf', 'unknown'],
  ])('%s is chosen as if it were there', (mime, view) => {
    expect(choose(bundle(mime))).toMatchObject({ view, mime, plain: '', reference: { sha256: NAME } });
  });

  it('what is in the document needs no reference, and text that was there keeps its place', () => {
    const data: JsonObject = {
      'image/png': 'AA==',
      'text/plain': '<Figure>',
      [BLOBS]: { 'image/svg+xml': { sha256: NAME, size: 70_000 } },
    };
    expect(choose(data)).toMatchObject({ view: 'svg', plain: '<Figure>' });
    expect(choose({ ...data, 'text/html': ['<b>'] }).reference).toBeUndefined();
  });

  it('long text shows its ends until it has come', () => {
    const data: JsonObject = {
      'text/plain': 'a…z',
      [BLOBS]: { 'text/plain': { sha256: NAME, size: 70_000 } },
    };
    expect(choose(data)).toMatchObject({ view: 'text', mime: 'text/plain', plain: 'a…z' });
  });

  it('a picture is as high as the kernel said', () => {
    const output: Output = {
      output_type: 'display_data',
      data: bundle('image/png'),
      metadata: { 'image/png': { height: 200, width: 100 } },
    };
    const cell = { type: 'code' as const, text: '', width: 600, collapsed: null, outputs: [output] };
    const sizes = { codeSize: 13, outputSize: 14 };
    expect(estimateHeight(cell, sizes) - estimateHeight({ ...cell, outputs: [] }, sizes)).toBeGreaterThan(
      199,
    );
  });
});

describe('a value', () => {
  afterEach(() => vi.unstubAllGlobals());
  const reference = { sha256: NAME, size: 1, packed: false };
  const answering = (answer: () => Response): void => {
    vi.stubGlobal('fetch', () => Promise.resolve().then(answer));
  };

  it('is text, or JSON where the kind is', async () => {
    answering(() => new Response('{"a": 1}'));
    expect(await fetchValue('text/html', reference)).toBe('{"a": 1}');
    expect(await fetchValue('application/geo+json', reference)).toEqual({ a: 1 });
  });

  it('that the server has not is missing, and one that cannot be asked for is not', async () => {
    const why = (): Promise<unknown> => fetchValue('text/html', reference).catch((error: unknown) => error);
    answering(() => new Response('', { status: 404 }));
    expect(await why()).toMatchObject({ missing: true });
    expect(await isMissing('/blob/x')).toBe(true);
    answering(() => new Response('', { status: 503 }));
    expect(await why()).toMatchObject({ missing: false });
    answering(() => {
      throw new TypeError('offline');
    });
    expect(await why()).toBeInstanceOf(NoValue);
    expect(await isMissing('/blob/x')).toBe(false);
  });
});
