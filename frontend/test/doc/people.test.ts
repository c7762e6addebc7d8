import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { People } from '../../src/doc/people.svelte';

let awareness: Awareness;
let people: People;
const open: Awareness[] = [];

function fresh(): Awareness {
  const made = new Awareness(new Y.Doc());
  open.push(made);
  return made;
}

beforeEach(() => {
  vi.useFakeTimers();
  awareness = fresh();
  people = new People(awareness);
});

afterEach(() => {
  people.destroy();
  for (const each of open.splice(0)) each.destroy();
  vi.useRealTimers();
});

function peerShows(state: object): Awareness {
  const peer = fresh();
  peer.setLocalState(state as Record<string, unknown>);
  applyAwarenessUpdate(awareness, encodeAwarenessUpdate(peer, [peer.clientID]), 'test');
  return peer;
}

test('a peer is read field by field, and nonsense becomes a guest', () => {
  peerShows({ user: { name: 'Ada', color: '#3b5bdb' }, pointer: { cell: 'c', dx: 1, dy: 2 }, cell: 'c' });
  peerShows({
    user: { name: 5, color: 'url(evil)' },
    pointer: { x: 'far' },
    cell: [],
    drag: { places: { a: 1 } },
  });
  const byName = new Map(people.others.map((peer) => [peer.name, peer]));
  expect(byName.get('Ada')).toMatchObject({
    color: '#3b5bdb',
    pointer: { cell: 'c', dx: 1, dy: 2 },
    cell: 'c',
  });
  expect(byName.get('Guest')).toMatchObject({ color: '#5f5b53', pointer: null, cell: null, drag: null });
});

test('what others see of the canvas is read, and told once for each place', () => {
  peerShows({ user: { name: 'Ada' }, view: [10, -20, 800, 600] });
  for (const view of [[1, 2, 3], ['a', 1, 2, 3], [0, 0, 0, 5], { left: 1 }, null])
    peerShows({ user: { name: 'Eve' }, view });
  expect(people.others.filter((peer) => peer.view !== null).map((peer) => [peer.name, peer.view])).toEqual([
    ['Ada', { left: 10, top: -20, width: 800, height: 600 }],
  ]);
  let told = 0;
  awareness.on('update', () => (told += 1));
  people.look({ left: 1.4, top: 2, width: 3, height: 4 });
  people.look({ left: 1.2, top: 2, width: 3, height: 4 });
  expect([told, awareness.getLocalState()?.['view']]).toEqual([1, [1, 2, 3, 4]]);
});

test("the original browser's mouse is shown, a text caret is not taken for one", () => {
  peerShows({ id: '1', color: '#ff0000', cursor: { x: 10, y: 20 } });
  peerShows({ cursor: { anchor: { tname: 'a' }, head: { tname: 'a' } } });
  expect(people.others.map((peer) => peer.pointer).filter(Boolean)).toEqual([{ x: 10, y: 20 }]);
});

test('a moving pointer is sent at most twenty times a second, its last place always', () => {
  const sent: unknown[] = [];
  awareness.on('update', () => sent.push(awareness.getLocalState()?.['pointer']));
  for (let x = 0; x < 100; x++) people.point({ x, y: 0 });
  expect(sent).toEqual([{ x: 0, y: 0 }]);
  vi.advanceTimersByTime(60);
  expect(sent).toEqual([
    { x: 0, y: 0 },
    { x: 99, y: 0 },
  ]);
});

test('editors hear of text carets and names, not of pointers', () => {
  const heard = vi.fn();
  people.editorAwareness.on('change', heard);
  const peer = peerShows({ user: { name: 'Ada' }, pointer: { x: 0, y: 0 } });
  expect(heard).toHaveBeenCalledTimes(1);
  peer.setLocalStateField('pointer', { x: 5, y: 5 });
  applyAwarenessUpdate(awareness, encodeAwarenessUpdate(peer, [peer.clientID]), 'test');
  expect(heard).toHaveBeenCalledTimes(1);
  peer.setLocalStateField('cursor', { anchor: 1, head: 1 });
  applyAwarenessUpdate(awareness, encodeAwarenessUpdate(peer, [peer.clientID]), 'test');
  expect(heard).toHaveBeenCalledTimes(2);
  people.editorAwareness.off('change', heard);
  peer.setLocalStateField('cursor', null);
  applyAwarenessUpdate(awareness, encodeAwarenessUpdate(peer, [peer.clientID]), 'test');
  expect(heard).toHaveBeenCalledTimes(2);
});

test('a name is never empty and a colour always a colour', () => {
  people.rename('  ');
  expect(people.me.name).not.toBe('');
  people.rename('Grace');
  people.recolor('red; background: url(x)');
  expect(people.me.name).toBe('Grace');
  expect(people.me.color).toMatch(/^#[0-9a-f]{6}$/);
  expect(awareness.getLocalState()?.['user']).toMatchObject({ name: 'Grace' });
});
