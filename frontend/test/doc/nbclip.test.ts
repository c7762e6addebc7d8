import { expect, test } from 'vitest';
import { clipOfText, readClip, type Clip } from '../../src/doc/clip';
import { fromJupyter, MOST_CELLS, MOST_TEXT, toJupyter } from '../../src/doc/nbclip';

const cell = (source: unknown, more: object = {}): object => ({
  cell_type: 'code',
  metadata: {},
  source,
  outputs: [],
  ...more,
});
const read = (given: unknown): Clip => {
  const clip = fromJupyter(JSON.stringify(given));
  if (clip === null) throw new Error('not recognised');
  return clip;
};
const sources = ({ cells }: Clip): string[] => cells.map(({ source }) => source);

test('a list of cells, a notebook and one cell are what they are', () => {
  const list = [cell('a = 1'), cell(['# B\r\n', 'text'], { cell_type: 'markdown' })];
  expect(sources(read(list))).toEqual(['a = 1', '# B\ntext']);
  expect(sources(read({ nbformat: 4, nbformat_minor: 5, metadata: {}, cells: list }))).toEqual([
    'a = 1',
    '# B\ntext',
  ]);
  expect(sources(read(cell('x')))).toEqual(['x']);
  expect(read(list).cells[1]?.type).toBe('markdown');
});

test('cells that say nothing of their place come below one another, in a line', () => {
  const clip = read([cell('a\nb\nc'), cell('d'), cell('e')]);
  const tops = clip.cells.map(({ top }) => top);
  expect(tops).toEqual([...tops].sort((a, b) => a - b));
  expect(new Set(tops).size).toBe(3);
  expect(clip.flow).toEqual([
    [0, 1],
    [1, 2],
  ]);
});

test('a notebook of ours keeps places, flow and tissues, relative to its corner', () => {
  const at = (id: string, left: number, top: number): object =>
    cell(id, {
      id,
      cell_type: 'markdown',
      metadata: { gm: { left, top, width: 300, collapsed: 'i', source_crc: 1 } },
    });
  const clip = read({
    metadata: {
      gm: { np_graph: { head: ['next'], next: ['head', 'nobody'] }, pc_graph: { head: ['in'], next: [] } },
    },
    cells: [at('head', 500, 100), at('in', 520, 160), at('next', 500, 400)],
  });
  expect(clip.cells.map(({ left, top }) => [left, top])).toEqual([
    [0, 0],
    [20, 60],
    [0, 300],
  ]);
  expect(clip.cells.map(({ parent, tissue }) => [parent, tissue])).toEqual([
    [null, true],
    [0, false],
    [null, true],
  ]);
  expect(clip.flow, 'no circle comes in').toEqual([[0, 2]]);
  expect(clip.cells[0]).toMatchObject({ width: 300, collapsed: 'i', metadata: {} });
});

test('what goes out comes back, but for what a list of Jupyter cannot hold', () => {
  const clip = read([
    cell('a', { metadata: { tags: ['t'] } }),
    cell('![](attachment:x)', { cell_type: 'markdown', attachments: { x: { 'image/png': 'AA==' } } }),
  ]);
  const again = fromJupyter(toJupyter(clip));
  expect(again?.cells).toEqual(clip.cells);
  const [first] = JSON.parse(toJupyter(clip)) as Record<string, unknown>[];
  expect(first).toMatchObject({ cell_type: 'code', source: 'a', outputs: [], execution_count: null });
});

test('nothing of the server’s can be forged, and outputs stay outside', () => {
  const evil = cell('x', {
    execution_count: 7,
    outputs: [{ output_type: 'display_data', data: { 'text/html': '<script>1</script>' } }],
    state: 'running',
    metadata: { gm: { source_crc: 1, conflict: { side: 'file' } }, execution: { a: 1 }, tags: ['kept'] },
    attachments: { ok: { 'image/png': 'AA==', bad: 3 }, bad: 'no', worse: { x: {} } },
  });
  const [pasted] = read([evil]).cells;
  expect(pasted?.metadata).toEqual({ tags: ['kept'] });
  expect(pasted?.attachments).toEqual({ ok: { 'image/png': 'AA==' } });
  expect(Object.keys(pasted ?? {})).not.toContain('outputs');
  const own = readClip(
    JSON.stringify({ cells: [{ metadata: { gm: { source_crc: 1 }, a: 1 } }], flow: [[0, 0]] }),
  );
  expect(own?.cells[0]?.metadata).toEqual({ a: 1 });
  expect(own?.flow).toEqual([]);
});

test('what is too large, too deep or too far is bounded', () => {
  const deep = JSON.parse('{"a":'.repeat(50) + '1' + '}'.repeat(50)) as object;
  expect(read([cell('x', { metadata: { deep, tags: [] } })]).cells[0]?.metadata).toEqual({ tags: [] });
  expect(fromJupyter(JSON.stringify(Array(MOST_CELLS + 1).fill(cell('x'))))).toBeNull();
  expect(fromJupyter(`[${JSON.stringify(cell('x'.repeat(MOST_TEXT)))}]`)).toBeNull();
  expect(clipOfText('x'.repeat(MOST_TEXT + 1))).toBeNull();
  const [a, b] = read([
    cell('x', { metadata: { gm: { left: -1e300, top: 0, width: 1e9 } } }),
    cell('y', { metadata: { gm: { left: 0, top: 1e300 } } }),
  ]).cells;
  expect([a?.left, a?.width, b?.left, b?.top]).toEqual([0, 4000, 1e7, 1e7]);
});

test('any other text is a code cell, also JSON that is no notebook', () => {
  expect(fromJupyter('[{"cell_type": "evil"}]')).toBeNull();
  for (const text of ['x = 1\r\ny = 2', '{"a": [1]}', '[{"cell_type": "evil"}]', '{"cell_type": "code"'])
    expect(clipOfText(text)?.cells).toMatchObject([{ type: 'code', source: text.replace('\r', '') }]);
  expect(clipOfText(' \n')).toBeNull();
});
