import { beforeEach, describe, expect, test } from 'vitest';
import * as Y from 'yjs';
import { Acts } from '../../src/doc/acts';
import { Notebook } from '../../src/doc/notebook.svelte';
import { replay, unsynced, type Change } from '../../src/doc/rebase';
import { Undo } from '../../src/doc/undo.svelte';

/** A lineage of its own with these cells, as its server made it. */
function lineage(sources: Record<string, string>): Y.Doc {
  const doc = new Y.Doc();
  doc.transact(() => {
    doc.getArray('cells').insert(0, Object.keys(sources));
    Object.entries(sources).forEach(([id, source], n) => {
      const map = doc.getMap(id);
      map.set('id', id);
      map.set('type', 'code');
      map.set('source', new Y.Text(source));
      map.set('left', 0);
      map.set('top', n * 200);
      map.set('width', 600);
    });
  });
  return doc;
}

class Side {
  readonly notebook: Notebook;
  readonly acts: Acts;
  constructor(readonly doc: Y.Doc) {
    this.notebook = new Notebook(doc);
    this.acts = new Acts(this.notebook, new Undo(doc));
  }
  text(id: string): string {
    return this.notebook.cell(id).text;
  }
  write(id: string, at: number, text: string): void {
    this.notebook.cell(id).source.insert(at, text);
  }
}

/** What `edit` changes, as a browser without a link has it. */
function made(sources: Record<string, string>, edit: (side: Side) => void): Change[] {
  const doc = lineage(sources);
  const theirs = [Y.encodeStateAsUpdate(doc)];
  const mine: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => mine.push(update));
  edit(new Side(doc));
  return unsynced(theirs, mine);
}

const SOURCES = { one: 'a = 1\nb = 2\nc = 3', two: 'print(a)' };

describe('edits of a lineage that is gone', () => {
  let here: Side;
  beforeEach(() => {
    here = new Side(lineage(SOURCES));
  });

  test('nothing unsent is nothing to bring over', () => {
    expect(made(SOURCES, () => undefined)).toEqual([]);
  });

  test('text comes over, beside what others wrote elsewhere in the cell', () => {
    const changes = made(SOURCES, (side) => side.write('one', 5, '00'));
    here.write('one', here.text('one').length, '\nd = 4');
    expect(replay(changes, here.notebook, here.acts)).toEqual([]);
    expect(here.text('one')).toBe('a = 100\nb = 2\nc = 3\nd = 4');
  });

  test('a line that both changed is not placed, and nobody loses theirs', () => {
    const changes = made(SOURCES, (side) => side.write('one', 5, '00'));
    here.write('one', 5, '99');
    expect(replay(changes, here.notebook, here.acts)).toEqual(changes);
    expect(here.text('one')).toBe('a = 199\nb = 2\nc = 3');
  });

  test('text of a cell that is gone is not placed', () => {
    const changes = made(SOURCES, (side) => side.write('two', 0, '# '));
    here.acts.deleteCells(['two']);
    expect(replay(changes, here.notebook, here.acts)).toEqual(changes);
  });

  test('a new cell comes over once, into its tissue and its flow, under a new id', () => {
    const changes = made(SOURCES, (side) => {
      const id = side.acts.createCell({
        type: 'markdown',
        left: 700,
        top: 40,
        source: '# New',
        after: 'one',
      });
      side.acts.makeTissue(id);
    });
    expect(replay(changes, here.notebook, here.acts)).toEqual([]);
    const [id] = here.notebook.ids.filter((each) => !(each in SOURCES)) as [string];
    const cell = here.notebook.cell(id);
    expect([cell.type, cell.text, cell.left, cell.top]).toEqual(['markdown', '# New', 700, 40]);
    expect(here.notebook.np.get('one')).toEqual([id]);
  });

  test('a deletion comes over, but not that of a cell that others changed', () => {
    const changes = made(SOURCES, (side) => side.acts.deleteCells(['one', 'two']));
    here.write('two', 0, '# ');
    expect(replay(changes, here.notebook, here.acts)).toMatchObject([{ kind: 'removed', id: 'two' }]);
    expect(here.notebook.ids).toEqual(['two']);
  });

  test('places, widths, folds and types come over', () => {
    const changes = made(SOURCES, (side) => {
      side.acts.moveCells(new Map([['one', { left: 40, top: 60 }]]));
      side.acts.arrange(new Map([['one', { width: 480 }]]));
      side.acts.setCollapsed(['two'], 'o');
      side.acts.setType('two', 'raw');
    });
    expect(replay(changes, here.notebook, here.acts)).toEqual([]);
    const [one, two] = [here.notebook.cell('one'), here.notebook.cell('two')];
    expect([one.left, one.top, one.width, two.collapsed, two.type]).toEqual([40, 60, 480, 'o', 'raw']);
  });

  test('what was brought over can be undone', () => {
    const changes = made(SOURCES, (side) => side.write('one', 0, '# '));
    replay(changes, here.notebook, here.acts);
    here.acts.undo.undo();
    expect(here.text('one')).toBe(SOURCES.one);
  });

  test('a character that takes two code units is never cut', () => {
    const changes = made({ one: 'x = "😀"' }, (side) => {
      side.notebook.cell('one').source.delete(5, 2);
      side.write('one', 5, '😁');
    });
    const there = new Side(lineage({ one: 'x = "😀"' }));
    expect(replay(changes, there.notebook, there.acts)).toEqual([]);
    expect(there.text('one')).toBe('x = "😁"');
    const copy = new Y.Doc();
    Y.applyUpdate(copy, Y.encodeStateAsUpdate(there.doc));
    expect((copy.getMap('one').get('source') as Y.Text).toString()).toBe('x = "😁"');
  });
});
