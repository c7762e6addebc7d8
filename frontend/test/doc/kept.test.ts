import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { KeptCopy, type Contents } from '../../src/doc/kept';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const opened = (epoch = 'one', failed = vi.fn()): Promise<{ copy: KeptCopy; contents: Contents }> =>
  KeptCopy.open('/n.ipynb', epoch, failed);

async function reopened(epoch = 'one'): Promise<Contents> {
  const { copy, contents } = await opened(epoch);
  copy.close();
  return contents;
}

/** The update that `change` makes. */
function updateOf(doc: Y.Doc, change: (text: Y.Text) => void): Uint8Array {
  let made: Uint8Array | undefined;
  doc.once('update', (update: Uint8Array) => (made = update));
  change(doc.getText('t'));
  return made as Uint8Array;
}

const text = (updates: readonly Uint8Array[]): string => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, update);
  return doc.getText('t').toString();
};

test('a write is committed at once: a tab that is closed in the same turn keeps it', async () => {
  const doc = new Y.Doc();
  const { copy } = await opened();
  const commit = vi.spyOn(IDBTransaction.prototype, 'commit');
  copy.keepMine(
    updateOf(doc, (t) => t.insert(0, 'last')),
    1,
  );
  expect(commit).toHaveBeenCalledOnce();
  copy.close();
  const { mine, theirs } = await reopened();
  expect([text(mine), theirs.length]).toEqual(['last', 0]);
});

test('an edit is mine until it is confirmed, and then one of theirs', async () => {
  const doc = new Y.Doc();
  const { copy } = await opened();
  copy.keepMine(
    updateOf(doc, (t) => t.insert(0, 'a')),
    1,
  );
  copy.keepMine(
    updateOf(doc, (t) => t.insert(1, 'b')),
    2,
  );
  copy.confirm(1);
  copy.close();
  const { mine, theirs } = await reopened();
  expect([mine.length, text(theirs), text([...theirs, ...mine])]).toEqual([1, 'a', 'ab']);
});

test('what a closed tab left unconfirmed is confirmed by the next one, once it was sent', async () => {
  const doc = new Y.Doc();
  const { copy: first } = await opened();
  first.keepMine(
    updateOf(doc, (t) => t.insert(0, 'left')),
    1,
  );
  first.close();
  const { copy, contents } = await opened();
  expect(text(contents.mine)).toBe('left');
  copy.claimFound(1);
  copy.confirm(0);
  expect((await reopened()).mine.length).toBe(1);
  copy.confirm(1);
  copy.close();
  const { mine, theirs } = await reopened();
  expect([mine.length, text(theirs)]).toEqual([0, 'left']);
});

test('many updates become one, with those of another tab among them', async () => {
  const [a, b] = [new Y.Doc(), new Y.Doc()];
  const [{ copy: one }, { copy: two }] = [await opened(), await opened()];
  two.keepTheirs(updateOf(b, (t) => t.insert(0, 'b')));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (let n = 0; n < 500; n += 1) one.keepTheirs(updateOf(a, (t) => t.insert(0, 'a')));
  vi.runAllTimers();
  vi.useRealTimers();
  await vi.waitFor(async () => expect((await reopened()).theirs.length).toBe(1));
  one.close();
  two.close();
  expect([...text((await reopened()).theirs)].sort().join('')).toBe(`${'a'.repeat(500)}b`);
});

test('another lineage gets none of the bytes, and what was never confirmed as changes of cells', async () => {
  const doc = new Y.Doc();
  const { copy } = await opened();
  copy.keepTheirs(
    updateOf(doc, () => {
      doc.transact(() => {
        doc.getArray('cells').insert(0, ['one']);
        doc.getMap('one').set('source', new Y.Text('x = 1'));
      });
    }),
  );
  copy.keepMine(
    updateOf(doc, () => (doc.getMap('one').get('source') as Y.Text).insert(5, '0')),
    1,
  );
  copy.close();
  const change = { kind: 'text', id: 'one', before: 'x = 1', after: 'x = 10' };
  expect(await reopened('two')).toEqual({ theirs: [], mine: [], aside: [change] });
  // It stays until it is placed.
  const { copy: later, contents } = await opened('two');
  expect(contents.aside).toEqual([change]);
  later.setAside([]);
  later.close();
  expect((await reopened('two')).aside).toEqual([]);
});

test('a full disk is told once, and the page goes on', async () => {
  const failed = vi.fn();
  const { copy } = await opened('one', failed);
  copy.db.close(); // every write is refused from now on
  copy.keepTheirs(new Uint8Array([0, 0]));
  copy.keepMine(new Uint8Array([0, 0]), 1);
  copy.confirm(1);
  expect(failed).toHaveBeenCalledOnce();
});
