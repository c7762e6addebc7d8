import { beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { Notebook } from '../../src/doc/notebook.svelte';
import { cuts, mergeCells, splitCell, swapCells } from '../../src/doc/recut';
import { Undo } from '../../src/doc/undo.svelte';

let notebook: Notebook;
let acts: Acts;
let doc: Y.Doc;

beforeEach(() => {
  doc = new Y.Doc();
  notebook = new Notebook(doc);
  acts = new Acts(notebook, new Undo(doc));
});

const make = (source: string, extra: object = {}): string =>
  acts.createCell({ type: 'code', left: 0, top: 0, source, ...extra });
const texts = (ids: readonly string[]): string[] => ids.map((id) => notebook.cell(id).text);
/** All that undo has to bring back. */
const picture = (): unknown => ({
  ids: notebook.ids,
  np: [...notebook.np].filter(([, to]) => to.length > 0),
  pc: [...notebook.pc],
  cells: notebook.ids.map((id) => [
    notebook.cell(id).text,
    notebook.cell(id).type,
    notebook.cell(id).left,
    notebook.cell(id).top,
  ]),
});
function undone(act: () => void): void {
  const before = picture();
  act();
  const after = picture();
  expect(after).not.toEqual(before);
  acts.undo.undo();
  expect(picture()).toEqual(before);
  acts.undo.redo();
  expect(picture()).toEqual(after);
}

test('a cut lies inside the text, and the line end at it belongs to no part', () => {
  expect(cuts('ab\ncd', [2])).toEqual([{ to: 2, from: 3 }]);
  expect(cuts('ab\ncd', [3])).toEqual([{ to: 2, from: 3 }]);
  expect(cuts('abcd', [2, 2])).toEqual([{ to: 2, from: 2 }]);
  expect(cuts('abcd', [0, 4, 9, -1])).toEqual([]);
});

test('the cell itself is the last part, with its flow, its notes for every part and its run for none', () => {
  const before = make('start');
  const id = make('a = 1\nb = 2\nc = 3', {
    after: before,
    top: 200,
    metadata: { tags: ['t'], execution: { x: 1 } },
  });
  const after = make('end', { after: id });
  undone(() => {
    const parts = splitCell(acts, id, [5, 12], { left: 0, top: 180 });
    expect(texts(parts)).toEqual(['a = 1', 'b = 2', 'c = 3']);
    const [one, two, last] = parts as [string, string, string];
    expect(last).toBe(id);
    expect(notebook.np.get(before)).toEqual([one]);
    expect(notebook.np.get(one)).toEqual([two]);
    expect(notebook.np.get(two)).toEqual([id]);
    expect(notebook.np.get(id)).toEqual([after]);
    expect(notebook.cell(one).metadata).toEqual({ tags: ['t'] });
    expect([one, two, id].map((each) => notebook.cell(each).top)).toEqual([180, 190, 200]);
    expect(notebook.ids).toEqual([before, one, two, id, after]);
  });
});

test('in a tissue the parts are neighbours; its head stays its head', () => {
  const head = make('# Head\ntext\nmore', { type: 'markdown' });
  acts.makeTissue(head);
  const x = make('x', { parent: head });
  const y = make('y1\ny2', { parent: head });
  undone(() => {
    const [part] = splitCell(acts, y, [2], { left: 0, top: 0 });
    expect(notebook.pc.get(head)).toEqual([x, part, y]);
  });
  undone(() => {
    const parts = splitCell(acts, head, [6, 11], { left: 0, top: 0 });
    expect(texts(parts)).toEqual(['# Head', 'text', 'more']);
    expect(parts[0]).toBe(head);
    expect(notebook.pc.get(head)?.slice(0, 3)).toEqual([parts[1], parts[2], x]);
  });
});

test('a text that cannot be cut there is left alone', () => {
  const id = make('abc');
  const before = picture();
  expect(splitCell(acts, id, [0, 3], { left: 0, top: 0 })).toEqual([]);
  expect(picture()).toEqual(before);
});

test('merged cells are read in order and keep the flow', () => {
  const a = make('a');
  const b = make('b', { after: a });
  const c = make('c', { after: b });
  const d = make('d', { after: c });
  const beside = make('e', { after: c });
  undone(() => {
    expect(mergeCells(acts, [c, b], 'code')).toBe(b);
    expect(notebook.cell(b).text).toBe('b\nc');
    expect(notebook.np.get(a)).toEqual([b]);
    expect(notebook.np.get(b)).toEqual([d, beside]);
    expect(notebook.ids).toEqual([a, b, beside, d]);
  });
});

test('no circle comes of a merge, and text has a line between', () => {
  const a = make('# A', { type: 'markdown' });
  const b = make('b', { after: a });
  const c = make('c', { after: b, type: 'markdown' });
  undone(() => {
    expect(mergeCells(acts, [a, c], 'markdown')).toBe(a);
    expect(notebook.cell(a).text).toBe('# A\n\nc');
    expect([...notebook.np].filter(([, to]) => to.length > 0)).toEqual([[a, [b]]]);
  });
});

test('a tissue is not merged, nor one cell alone', () => {
  const head = make('# Head', { type: 'markdown' });
  acts.makeTissue(head);
  const x = make('x');
  expect(mergeCells(acts, [head, x], 'code')).toBeNull();
  expect(mergeCells(acts, [x], 'code')).toBeNull();
});

test('two cells change places on the canvas, in the flow and in the file', () => {
  const a = make('a', { top: 0 });
  const b = make('b', { after: a, top: 100 });
  const c = make('c', { after: b, top: 200, left: 20 });
  const d = make('d', { after: c, top: 300 });
  undone(() => {
    swapCells(acts, b, c);
    expect(notebook.ids).toEqual([a, c, b, d]);
    expect([a, c, b].map((id) => notebook.np.get(id))).toEqual([[c], [b], [d]]);
    expect([notebook.cell(c).left, notebook.cell(c).top, notebook.cell(b).top]).toEqual([0, 100, 200]);
  });
});
