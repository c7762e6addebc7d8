import { describe, expect, it } from 'vitest';
import { clipOfFile, imageText, MOST_IMAGE, stacked, type Given } from '../../src/doc/files';

const file = (name: string, type: string, content: string | Uint8Array, size?: number): Given => {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  return {
    name,
    type,
    size: size ?? bytes.length,
    text: () => Promise.resolve(new TextDecoder().decode(bytes)),
    arrayBuffer: () => Promise.resolve(bytes.slice().buffer),
  };
};

describe('a file that is dropped', () => {
  it('is, as an image, a text with the image in it', async () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i % 256);
    const clip = await clipOfFile(file('my plot (1).png', 'image/png', bytes));
    const name = 'my-plot-1-.png';
    expect(clip.cells[0]).toMatchObject({ type: 'markdown', source: `![my-plot-1-](attachment:${name})` });
    const kept = (clip.cells[0]?.attachments[name] as Record<string, string>)['image/png'] ?? '';
    expect(Uint8Array.from(atob(kept), (each) => each.charCodeAt(0))).toEqual(bytes);
  });

  it('has, whatever its name, an address that markdown reads to its end', async () => {
    for (const name of ['a) b.png', '](x).png', '', '../../etc.png', 'ü é.png']) {
      const clip = await clipOfFile(file(name, 'image/png', 'x'));
      const source = clip.cells[0]?.source ?? '';
      const address = /^!\[[^[\]]*\]\(attachment:([^\s()<>]+)\)$/.exec(source)?.[1];
      expect(Object.keys(clip.cells[0]?.attachments ?? {})).toEqual([address]);
    }
    expect(imageText({ name: 'x.png', bundle: {} })).toBe('![x](attachment:x.png)');
  });

  it('is, as a notebook, its cells without what they put out', async () => {
    const cells = [
      { cell_type: 'markdown', source: ['# Title'], metadata: {} },
      {
        cell_type: 'code',
        source: 'x = 1',
        outputs: [{ output_type: 'stream', text: 'y'.repeat(9_000_000) }],
        metadata: {},
      },
    ];
    const clip = await clipOfFile(
      file('other.ipynb', '', JSON.stringify({ nbformat: 4, cells, metadata: {} })),
    );
    expect(clip.cells.map(({ type, source }) => [type, source])).toEqual([
      ['markdown', '# Title'],
      ['code', 'x = 1'],
    ]);
  });

  it('is, as a program, code, and as other text a text', async () => {
    expect((await clipOfFile(file('a.py', 'text/x-python', 'x = 1\r\ny = 2'))).cells[0]).toMatchObject({
      type: 'code',
      source: 'x = 1\ny = 2',
    });
    expect((await clipOfFile(file('a.md', '', '# A'))).cells[0]?.type).toBe('markdown');
  });

  it.each([
    [file('a.tiff', 'image/tiff', 'x'), 'a.tiff: images of the type image/tiff are not shown'],
    [file('a.png', 'image/png', 'x', MOST_IMAGE + 1), 'a.png is larger than 5 MB'],
    [file('a.ipynb', '', '{"cells": 3'), 'a.ipynb is no notebook that can be read.'],
    [file('a.ipynb', '', '{}'), 'a.ipynb is no notebook that can be read.'],
    [file('a.zip', 'application/zip', 'PK\0\0'), 'a.zip is neither text nor an image.'],
    [file('a.csv', 'text/csv', 'x', 1e9), 'a.csv is too large for cells.'],
  ])('is refused with a sentence: %#', async (given, sentence) => {
    await expect(clipOfFile(given)).rejects.toThrow(sentence);
  });

  it('comes below the one before, with its own flow and tissues', () => {
    const cell = (top: number, parent: number | null = null) => ({
      type: 'code' as const,
      source: '',
      left: 0,
      top,
      width: null,
      collapsed: null,
      metadata: {},
      attachments: {},
      tissue: false,
      parent,
    });
    const both = stacked([
      { cells: [cell(0), cell(300)], flow: [[0, 1]] },
      { cells: [cell(0), cell(50, 0)], flow: [] },
      { cells: [cell(0)], flow: [] },
    ]);
    expect(both.flow).toEqual([[0, 1]]);
    expect(both.cells.map(({ parent }) => parent)).toEqual([null, null, null, 2, null]);
    expect(both.cells[2]?.top).toBe(520);
  });
});
