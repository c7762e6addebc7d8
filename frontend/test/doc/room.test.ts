import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { backoff } from '../../src/doc/connection';
import { RequestError } from '../../src/doc/requests';
import { Room } from '../../src/doc/room.svelte';
import { FakeServer } from './fake_server';

let server: FakeServer;
const rooms: Room[] = [];
const pushed: string[] = [];

beforeEach(() => {
  globalThis.indexedDB = new IDBFactory();
  server = new FakeServer();
  vi.stubGlobal('WebSocket', server.WebSocket);
  vi.stubGlobal('addEventListener', () => undefined);
  vi.stubGlobal('removeEventListener', () => undefined);
});

afterEach(() => {
  for (const room of rooms.splice(0)) room.end();
  pushed.length = 0;
  vi.unstubAllGlobals();
});

function open(): Room {
  const room = new Room('ws://test/', (channel, method) => pushed.push(`${channel}.${method}`));
  rooms.push(room);
  return room;
}

const until = (holds: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(holds()).toBe(true), { timeout: 20_000, interval: 5 });

const text = (of: { doc: { getText(name: string): { toString(): string } } }): string =>
  of.doc.getText('t').toString();

test('what the server has is here once the room is in sync, and edits reach it and are confirmed', async () => {
  server.doc.getText('t').insert(0, 'theirs');
  const room = open();
  expect(room.state).toBe('connecting');
  await until(() => room.state === 'connected');
  expect(text(room)).toBe('theirs');
  room.doc.getText('t').insert(0, 'mine, ');
  expect(room.unsent).toBe(1);
  await until(() => room.unsent === 0);
  expect(text(server)).toBe('mine, theirs');
});

test('an edit that the server has not confirmed counts as unsent', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.answers = false;
  room.doc.getText('t').insert(0, 'x');
  await until(() => text(server) === 'x');
  expect(room.unsent).toBe(1);
});

test('an edit that the server holds is unfiled until the file has it', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.files = false;
  room.doc.getText('t').insert(0, 'x');
  await until(() => room.unsent === 0);
  expect(room.unfiled).toBe(1);
  server.files = true;
  room.doc.getText('t').insert(0, 'y');
  await until(() => room.unfiled === 0);
});

test('what a closed tab never sent counts as unsent in the next, until the server has it', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.up = false;
  server.drop();
  room.doc.getText('t').insert(0, 'kept');
  room.end();
  server.up = true;
  const again = open();
  await until(() => again.state === 'connected');
  await until(() => text(server) === 'kept' && again.unsent === 0);
});

test('edits of both sides while the link is down are merged when it is back', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.up = false;
  server.drop(1012, 'restart');
  expect(room.state).toBe('offline');
  expect(room.reason).toBe('restart');
  room.doc.getText('t').insert(0, 'mine');
  room.doc.getText('t').insert(4, '!');
  server.doc.getText('t').insert(0, 'theirs');
  expect(room.unsent).toBe(2);
  server.up = true;
  await until(() => room.state === 'connected' && room.unsent === 0);
  expect(text(room)).toBe(text(server));
  expect(text(room)).toContain('mine!');
  expect(text(room)).toContain('theirs');
});

test('what was written offline survives a reload of the page', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.up = false;
  server.drop();
  room.doc.getText('t').insert(0, 'kept');
  room.end();
  server.up = true;
  const again = open();
  await until(() => again.state === 'connected');
  await until(() => text(server) === 'kept');
});

test('a browser that keeps nothing says so, and the page works all the same', async () => {
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new Error('storage is off');
    },
  });
  const warned = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const room = open();
  await until(() => room.state === 'connected');
  expect(room.keeps).toBe(false);
  expect(warned).toHaveBeenCalledOnce();
  room.doc.getText('t').insert(0, 'x');
  await until(() => room.unsent === 0);
});

test('a document of another lineage is not merged with ours: this room ends, and says so', async () => {
  const other = vi.fn();
  const room = new Room('ws://test/', () => undefined, other);
  rooms.push(room);
  await until(() => room.state === 'connected');
  server.epoch = 'two';
  server.doc.getText('t').insert(0, 'rebuilt');
  server.drop();
  await until(() => room.state === 'refused');
  expect(text(room)).toBe('');
  expect(other).toHaveBeenCalledOnce();
});

test('edits that only this tab has are not given up to another lineage without a word', async () => {
  vi.stubGlobal('indexedDB', {
    open: () => {
      throw new Error('storage is off');
    },
  });
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
  const other = vi.fn();
  const room = new Room('ws://test/', () => undefined, other);
  rooms.push(room);
  await until(() => room.state === 'connected');
  server.up = false;
  server.drop();
  room.doc.getText('t').insert(0, 'mine');
  server.epoch = 'two';
  server.up = true;
  await until(() => room.state === 'refused');
  expect(other).not.toHaveBeenCalled();
  expect(room.reason).toContain('still in this window');
});

test('the kept copy of another lineage is not read', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  room.doc.getText('t').insert(0, 'old');
  await until(() => room.unsent === 0);
  room.end();
  const fresh = new FakeServer();
  fresh.epoch = 'two';
  vi.stubGlobal('WebSocket', fresh.WebSocket);
  const again = open();
  await until(() => again.state === 'connected');
  expect(text(again)).toBe('');
});

test('a request waits for the sync, and one that was on its way when the link broke is refused', async () => {
  const room = open();
  const early = room.request('notebook', 'queue_cell', { cell_id: 'a' });
  expect(server.texts).toEqual([]);
  await early;
  expect(server.texts.map(({ method }) => method)).toEqual(['get', 'queue_cell']);
  server.answers = false;
  const lost = room.request('notebook', 'checkpoint', {});
  await until(() => server.texts.at(-1)?.method === 'checkpoint');
  server.drop();
  await expect(lost).rejects.toBeInstanceOf(RequestError);
});

test('a failed notebook says so and is joined when it runs again', async () => {
  server.failed = 'it crashed too often';
  const room = open();
  await until(() => room.reason !== '');
  expect(room.reason).toBe('it crashed too often');
  expect(room.state).toBe('syncing');
  server.failed = '';
  server.push('notebook', 'failed', { reason: '' });
  await until(() => room.state === 'connected');
  expect(pushed).toContain('notebook.failed');
});

test('a refusal is not tried again', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  server.drop(4401, 'no token');
  expect(room.state).toBe('refused');
  expect(room.retryIn).toBe(null);
});

test('the local awareness state is sent again after a reconnect', async () => {
  const room = open();
  await until(() => room.state === 'connected');
  room.awareness.setLocalState({ id: 'me' });
  const clock = room.awareness.meta.get(room.doc.clientID)?.clock ?? 0;
  server.drop();
  await until(() => room.state === 'connected');
  expect(room.awareness.meta.get(room.doc.clientID)?.clock).toBeGreaterThan(clock);
});

test('attempts come later and later, never later than ten seconds, and scattered', () => {
  expect(backoff(0, () => 0)).toBe(150);
  expect(backoff(0, () => 1)).toBe(300);
  expect(backoff(3, () => 1)).toBe(2400);
  expect(backoff(1000, () => 1)).toBe(10_000);
});
