import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { Notebook } from '../../src/doc/notebook.svelte';
import { replaceIn } from '../../src/doc/replace';
import { Undo } from '../../src/doc/undo.svelte';

test('edits of many cells are one step of undo; a cell that changed meanwhile is left', async () => {
  const doc = new Y.Doc();
  const notebook = new Notebook(doc);
  const acts = new Acts(notebook, new Undo(doc));
  const make = (source: string): string => acts.createCell({ type: 'code', left: 0, top: 0, source });
  const [a, b, changed, gone, odd] = ['x + x', 'x', 'x', 'x', 'x'].map(make) as [
    string,
    string,
    string,
    string,
    string,
  ];
  const searched = new Map([a, b, changed, gone, odd].map((id) => [id, notebook.cell(id).text]));
  const edits = new Map([a, b, changed, gone, odd].map((id) => [id, [{ from: 0, to: 1, insert: 'long' }]]));
  edits.get(a)?.push({ from: 4, to: 5, insert: '' });
  notebook.cell(changed).source.insert(0, 'y ');
  notebook.cell(odd).source.insertEmbed(1, { an: 'object' });
  acts.deleteCells([gone]);
  expect(await replaceIn(acts, edits, searched)).toEqual({ done: 3, left: 3 });
  expect([a, b, changed].map((id) => notebook.cell(id).text)).toEqual(['long + ', 'long', 'y x']);
  acts.undo.undo();
  expect([a, b].map((id) => notebook.cell(id).text)).toEqual(['x + x', 'x']);
});

test('what takes many frames is one step of undo all the same, and joined to nothing', async () => {
  const doc = new Y.Doc();
  const notebook = new Notebook(doc);
  const undo = new Undo(doc);
  const acts = new Acts(notebook, undo);
  const id = acts.createCell({ type: 'code', left: 0, top: 0 });
  const { source } = notebook.cell(id);
  undo.step(() => source.insert(0, 'before '));
  let transactions = 0;
  doc.on('afterTransaction', () => (transactions += 1));
  const slow = (): void => {
    const until = performance.now() + 7;
    while (performance.now() < until);
    source.insert(source.length, 'x');
  };
  await undo.gradually([slow, slow, slow]);
  expect(transactions).toBe(3);
  undo.step(() => source.insert(source.length, ' after'));
  expect(notebook.cell(id).text).toBe('before xxx after');
  undo.undo();
  undo.undo();
  expect(notebook.cell(id).text).toBe('before ');
  undo.redo();
  expect(notebook.cell(id).text).toBe('before xxx');
});
