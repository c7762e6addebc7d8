import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { setHeading } from '../../src/doc/heading';
import { Notebook } from '../../src/doc/notebook.svelte';
import { Undo } from '../../src/doc/undo.svelte';

test.each([
  ['Title\nrest', 2, '## Title\nrest'],
  ['### Title', 1, '# Title'],
  ['\n  \n## Title\nrest', 3, '\n  \n### Title\nrest'],
  ['', 1, '# '],
  ['#hashtag', 2, '## #hashtag'],
  ['# Same', 1, '# Same'],
])('%j becomes a heading of level %i', (before, level, after) => {
  const doc = new Y.Doc();
  const notebook = new Notebook(doc);
  const acts = new Acts(notebook, new Undo(doc));
  const id = acts.createCell({ type: 'code', left: 0, top: 0, source: before });
  setHeading(acts, [id], level);
  expect(notebook.cell(id).text).toBe(after);
  expect(notebook.cell(id).type).toBe('markdown');
  acts.undo.undo();
  expect([notebook.cell(id).text, notebook.cell(id).type]).toEqual([before, 'code']);
});
