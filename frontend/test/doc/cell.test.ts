import { expect, test } from 'vitest';
import * as Y from 'yjs';
import { Cell } from '../../src/doc/cell.svelte';

test('a cell whose Map has no text yet is empty, and follows the text that comes', () => {
  const map = new Y.Doc().getMap('one');
  const cell = new Cell('one', map);
  expect(cell.text).toBe('');
  expect(cell.source).toBe(cell.source);
  expect(cell.source.doc).not.toBe(map.doc);
  map.set('source', new Y.Text('x = 1'));
  expect(cell.text).toBe('x = 1');
  expect(cell.source).toBe(map.get('source'));
});
