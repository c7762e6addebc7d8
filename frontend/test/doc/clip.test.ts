import { beforeEach, expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { clipOf, readClip, textOf } from '../../src/doc/clip';
import { Notebook } from '../../src/doc/notebook.svelte';
import { Undo } from '../../src/doc/undo.svelte';
import type { Place } from '../../src/doc/values';

let notebook: Notebook;
let undo: Undo;
let acts: Acts;

beforeEach(() => {
  const doc = new Y.Doc();
  notebook = new Notebook(doc);
  undo = new Undo(doc);
  acts = new Acts(notebook, undo);
});

const places = (): Map<string, Place> =>
  new Map(
    notebook.ids.map((id) => [id, { left: notebook.cell(id).left ?? 0, top: notebook.cell(id).top ?? 0 }]),
  );

function flow(): [head: string, inside: string, next: string] {
  const head = acts.createCell({ type: 'markdown', left: 100, top: 40, source: '# Head' });
  acts.makeTissue(head);
  const inside = acts.createCell({ type: 'code', left: 120, top: 140, source: 'x = 1', parent: head });
  const next = acts.createCell({
    type: 'code',
    left: 100,
    top: 400,
    source: 'y = 2',
    width: 300,
    after: head,
  });
  return [head, inside, next];
}

test('a copy is pasted with its tissues, its flow and its places, in one step of undo', () => {
  const [head, inside, next] = flow();
  acts.setCollapsed([next], 'i');
  const clip = clipOf([next, head, inside], notebook, places());
  expect(textOf(clip)).toBe('# Head\n\nx = 1\n\ny = 2');
  const ids = acts.paste(clip, { left: 1000, top: 0 });
  const [head2, inside2, next2] = ids as [string, string, string];
  expect(notebook.ids).toEqual([head, inside, next, ...ids]);
  expect(notebook.pc.get(head2)).toEqual([inside2]);
  expect(notebook.np.get(head2)).toEqual([next2]);
  const cell = notebook.cell(next2);
  expect([cell.left, cell.top, cell.width, cell.collapsed, cell.text]).toEqual([
    1000,
    360,
    300,
    'i',
    'y = 2',
  ]);
  undo.undo();
  expect(notebook.ids).toEqual([head, inside, next]);
  undo.redo();
  expect(notebook.cell(inside2).text).toBe('x = 1');
});

test('pasted into a tissue, a copy is part of no flow', () => {
  const [head, inside, next] = flow();
  const last = acts.createCell({ type: 'code', left: 100, top: 600, after: next });
  const ids = acts.paste(
    clipOf([next, last], notebook, places()),
    { left: 0, top: 0 },
    { parent: head, index: 1 },
  );
  expect(notebook.pc.get(head)).toEqual([inside, ...ids]);
  expect(ids.map((id) => notebook.np.get(id))).toEqual([undefined, undefined]);
});

test('an empty tissue stays one; a cell without its tissue becomes free', () => {
  const [head, inside] = flow();
  const free = acts.paste(clipOf([inside], notebook, places()), { left: 0, top: 0 });
  expect(notebook.parents.get(free[0] as string)).toBeUndefined();
  const [empty] = acts.paste(clipOf([head], notebook, places()), { left: 0, top: 0 });
  expect(notebook.pc.get(empty as string)).toEqual([]);
});

test('what another program put on the clipboard is read with care', () => {
  expect(['', 'null', '[]', '{}', '{"cells": 3}', '{"cells": []}', 'x = 1'].map(readClip)).toEqual(
    Array(7).fill(null),
  );
  const odd = {
    cells: [{ type: 'evil', left: 'x', parent: 5, source: 3 }, { parent: 0 }],
    flow: [[0, 9], 1, [1, 0]],
  };
  const clip = readClip(JSON.stringify(odd));
  expect(clip?.cells[0]).toMatchObject({ type: 'code', source: '', left: 0, parent: null, tissue: false });
  expect(clip?.cells[1]?.parent).toBe(0);
  expect(clip?.flow).toEqual([[1, 0]]);
});
