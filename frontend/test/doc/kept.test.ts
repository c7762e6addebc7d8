import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { beforeEach, expect, test, vi } from 'vitest';
import * as Y from 'yjs';
import { KeptCopy } from '../../src/doc/kept';

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
});

const opened = (doc: Y.Doc, failed = vi.fn()): Promise<KeptCopy> => KeptCopy.open('name', doc, failed);

async function reopened(): Promise<{ text: string; doc: Y.Doc }> {
  const doc = new Y.Doc();
  (await opened(doc)).close();
  return { text: doc.getText('t').toString(), doc };
}

async function records(): Promise<number> {
  const doc = new Y.Doc();
  const kept = await opened(doc);
  const request = kept.db.transaction('updates').objectStore('updates').count();
  const count = await new Promise<number>((resolve) => (request.onsuccess = () => resolve(request.result)));
  kept.close();
  return count;
}

test('what was written is there when the tab is opened again, what came before the copy was read as well', async () => {
  const doc = new Y.Doc();
  doc.getText('t').insert(0, 'before ');
  const opening = opened(doc);
  doc.getText('t').insert(7, 'meanwhile ');
  const kept = await opening;
  doc.getText('t').insert(17, 'after');
  kept.close();
  expect((await reopened()).text).toBe('before meanwhile after');
});

test('a write is committed at once: a tab that is closed in the same turn keeps it', async () => {
  const doc = new Y.Doc();
  const kept = await opened(doc);
  const commit = vi.spyOn(IDBTransaction.prototype, 'commit');
  doc.getText('t').insert(0, 'last');
  expect(commit).toHaveBeenCalledOnce();
  kept.close();
  expect((await reopened()).text).toBe('last');
});

test('two tabs keep what each of them wrote, and one that folds keeps the edits of the other', async () => {
  const [a, b] = [new Y.Doc(), new Y.Doc()];
  const [one, two] = [await opened(a), await opened(b)];
  b.getText('t').insert(0, 'b');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  for (let n = 0; n < 500; n += 1) a.getText('t').insert(0, 'a');
  vi.runAllTimers();
  vi.useRealTimers();
  await vi.waitFor(async () => expect(await records()).toBe(1));
  one.close();
  two.close();
  const { text } = await reopened();
  expect([...text].sort().join('')).toBe(`${'a'.repeat(500)}b`);
});

test('what this copy reads is not written again', async () => {
  const doc = new Y.Doc();
  const kept = await opened(doc);
  doc.getText('t').insert(0, 'x');
  kept.close();
  expect(await records()).toBe(1);
  await reopened();
  expect(await records()).toBe(1);
});

test('a full disk is told once, and the page goes on', async () => {
  const failed = vi.fn();
  const doc = new Y.Doc();
  const kept = await opened(doc, failed);
  kept.db.close(); // every write is refused from now on
  doc.getText('t').insert(0, 'x');
  doc.getText('t').insert(0, 'y');
  expect(failed).toHaveBeenCalledOnce();
  expect(doc.getText('t').toString()).toBe('yx');
});
