import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { Notebook } from '../../src/doc/notebook.svelte';
import { replaceIn } from '../../src/doc/replace';
import { Undo } from '../../src/doc/undo.svelte';

test('edits of many cells are one step of undo; a cell that changed meanwhile is left', () => {
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
  expect(replaceIn(acts, edits, searched)).toEqual({ done: 3, left: 3 });
  expect([a, b, changed].map((id) => notebook.cell(id).text)).toEqual(['long + ', 'long', 'y x']);
  acts.undo.undo();
  expect([a, b].map((id) => notebook.cell(id).text)).toEqual(['x + x', 'x']);
});
