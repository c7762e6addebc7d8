import { beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { Notebook } from '../../src/doc/notebook.svelte';
import { Undo, type Revisited } from '../../src/doc/undo.svelte';

let doc: Y.Doc;
let notebook: Notebook;
let undo: Undo;
let acts: Acts;

beforeEach(() => {
  doc = new Y.Doc();
  notebook = new Notebook(doc);
  undo = new Undo(doc);
  acts = new Acts(notebook, undo);
});

const make = (extra: object = {}): string => acts.createCell({ type: 'code', left: 0, top: 0, ...extra });

test('a new cell is whole, and stands in the file behind the cell it follows', () => {
  const a = make();
  const c = make();
  const b = make({ after: a, left: 20, top: 40, source: 'x = 1' });
  expect(notebook.ids).toEqual([a, b, c]);
  expect(notebook.np.get(a)).toEqual([b]);
  expect(doc.getMap(b).toJSON()).toEqual({
    id: b,
    type: 'code',
    source: 'x = 1',
    execution_count: null,
    outputs: [],
    left: 20,
    top: 40,
    width: 600,
    height: 80,
    collapsed: null,
    state: 'idle',
  });
});

test('position 0 is a position', () => {
  const a = make({ left: 0, top: 0 });
  expect([notebook.cell(a).left, notebook.cell(a).top]).toEqual([0, 0]);
});

test('each act is one step of undo, also right after another', () => {
  const a = make();
  acts.moveCells(new Map([[a, { left: 100, top: 60 }]]));
  acts.setCollapsed([a], 'i');
  undo.undo();
  expect(notebook.cell(a).collapsed).toBe(null);
  expect(notebook.cell(a).left).toBe(100);
  undo.undo();
  expect(notebook.cell(a).left).toBe(0);
  undo.undo();
  expect(notebook.ids).toEqual([]);
  undo.redo();
  expect(notebook.ids).toEqual([a]);
  expect(notebook.cell(a).text).toBe('');
});

test('undo of a deletion brings back text, place, tissue and flow', () => {
  const [a, c] = [make(), make()];
  const b = make({ after: a, source: 'print(1)' });
  acts.connect(b, c);
  acts.deleteCells([b]);
  expect(notebook.ids).toEqual([a, c]);
  expect(notebook.np.get(a)).toEqual([c]);
  undo.undo();
  expect(notebook.ids).toEqual([a, b, c]);
  expect(notebook.np.get(a)).toEqual([b]);
  expect(notebook.np.get(b)).toEqual([c]);
  expect(notebook.cell(b).text).toBe('print(1)');
});

test('what another person does is not undone', () => {
  const a = make();
  const other = new Y.Doc();
  acts.moveCells(new Map([[a, { left: 40, top: 40 }]]));
  Y.applyUpdate(other, Y.encodeStateAsUpdate(doc));
  other.getMap(a).set('top', 500);
  other.getArray('cells').insert(0, ['theirs']);
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(other));
  undo.undo();
  expect(notebook.cell(a).left).toBe(0);
  expect(notebook.cell(a).top).toBe(500);
  undo.undo();
  expect(notebook.ids).toEqual(['theirs']);
  expect(undo.canUndo).toBe(false);
});

test('cells go into a tissue in order, among its children, and never into themselves', () => {
  const [head, a, b, c] = [make({ type: 'markdown' }), make(), make(), make()];
  acts.makeTissue(head);
  expect(notebook.pc.has(head)).toBe(true);
  expect(acts.putIntoTissue([a, c], head, 0)).toBe(true);
  expect(acts.putIntoTissue([b], head, 1)).toBe(true);
  expect(notebook.pc.get(head)).toEqual([a, b, c]);
  expect(acts.putIntoTissue([a], head, 3)).toBe(true);
  expect(notebook.pc.get(head)).toEqual([b, c, a]);
  acts.makeTissue(b);
  expect(acts.putIntoTissue([head], b, 0)).toBe(false);
  expect(acts.putIntoTissue([b], b, 0)).toBe(false);
  acts.takeOutOfTissue(new Map([[c, { left: 700, top: 20 }]]));
  expect(notebook.pc.get(head)).toEqual([b, a]);
  expect(notebook.cell(c).left).toBe(700);
});

test('a cell that enters a tissue leaves the flow, which goes on without it', () => {
  const [head, a] = [make({ type: 'markdown' }), make()];
  const b = make({ after: a });
  const c = make({ after: b });
  acts.makeTissue(head);
  acts.putIntoTissue([b], head, 0);
  expect(notebook.np.get(a)).toEqual([c]);
  expect(notebook.np.get(b)).toBe(undefined);
});

test('dissolving a tissue inside another leaves its children where it was', () => {
  const [outer, inner, a, b] = [make({ type: 'markdown' }), make({ type: 'markdown' }), make(), make()];
  acts.makeTissue(outer);
  acts.makeTissue(inner);
  acts.putIntoTissue([inner, b], outer, 0);
  acts.putIntoTissue([a], inner, 0);
  acts.dissolveTissue(inner, new Map());
  expect(notebook.pc.get(outer)).toEqual([inner, a, b]);
  expect(notebook.pc.has(inner)).toBe(false);
});

test('an edge that exists, closes a circle or starts inside a tissue is refused', () => {
  const [a, b, head] = [make(), make(), make({ type: 'markdown' })];
  expect(acts.connect(a, b)).toBe(true);
  expect(acts.connect(a, b)).toBe(false);
  expect(acts.connect(b, a)).toBe(false);
  expect(acts.connect(a, a)).toBe(false);
  acts.makeTissue(head);
  acts.putIntoTissue([a], head, 0);
  expect(acts.connect(a, head)).toBe(false);
  expect(notebook.np.size).toBe(0);
});

test('undo says which cells it changed, and how many it took away', () => {
  const seen: Revisited[] = [];
  undo.onRevisit((what) => seen.push(what));
  const a = make();
  acts.moveCells(new Map([[a, { left: 5, top: 5 }]]));
  undo.undo();
  undo.undo();
  undo.redo();
  expect(seen).toEqual([
    { type: 'undo', ids: [a], gone: 0 },
    { type: 'undo', ids: [], gone: 1 },
    { type: 'redo', ids: [a], gone: 0 },
  ]);
});

test('a settled conflict leaves the rest of the metadata, and can be undone', () => {
  const a = make();
  const map = doc.getMap<unknown>(a);
  const mark = { side: 'file', with: 'other' };
  map.set('metadata', { tags: ['t'], gm: { conflict: mark, color: 'red' } });
  acts.settleConflict(a);
  expect(map.get('metadata')).toEqual({ tags: ['t'], gm: { color: 'red' } });
  undo.undo();
  expect(map.get('metadata')).toEqual({ tags: ['t'], gm: { conflict: mark, color: 'red' } });
  map.set('metadata', { gm: { conflict: mark } });
  acts.settleConflict(a);
  expect(map.get('metadata')).toEqual({});
  acts.settleConflict(a);
});
