// @vitest-environment jsdom
import { expect, test, vi } from 'vitest';
import { chordsOf, keyWords, Listener, type Pressed } from '../../src/canvas/table/keys';
import { BY_KEYS, command, COMMANDS, keysOf } from '../../src/canvas/table/table';
import { asTable, EDITOR_KEYS } from '../../src/editor/keysheet';
import { editorKeys } from '../../src/editor/keys';
import { keyRows } from '../../src/ui/help.svelte';

vi.hoisted(() => {
  globalThis.matchMedia = () => new EventTarget() as MediaQueryList;
});

type Event = Pressed & { readonly repeat: boolean; readonly timeStamp: number };

const press = (key: string, held: Partial<Event> = {}): Event => ({
  key,
  ctrlKey: false,
  metaKey: false,
  shiftKey: false,
  altKey: false,
  repeat: false,
  timeStamp: 0,
  ...held,
});
const ear = (): Listener<{ id: string }> => new Listener(BY_KEYS);
const heard = (event: Event): string | null => ear().hear(event)?.id ?? null;

/** The event of a keyboard for a key of the table. */
function eventOf(chord: string): Event {
  const parts = chord.split(/\+(?=.)/);
  const name = parts.at(-1) ?? '';
  const held = {
    ctrlKey: parts.includes('Mod'),
    shiftKey: parts.includes('Shift'),
    altKey: parts.includes('Alt'),
  };
  if (/^\d$/.test(name) && held.shiftKey)
    return press('!@#$%^&*()'[Number(name) - 1] ?? ')', { ...held, code: `Digit${name}` });
  return press(name.length === 1 && !held.shiftKey ? name.toLowerCase() : name, held);
}

test('every command is called once, has words, and no two have a key in common', () => {
  expect(new Set(COMMANDS.map(({ id }) => id)).size).toBe(COMMANDS.length);
  const shown = COMMANDS.filter(({ keysOnly }) => keysOnly !== true).map(({ title }) => title);
  expect(new Set(shown).size).toBe(shown.length);
  for (const { title, id } of COMMANDS) expect(title, id).toMatch(/^[A-Z].*[^.]$/);
  const keys = COMMANDS.flatMap((each) => each.keys ?? []);
  expect(keys.filter((each, i) => keys.indexOf(each) !== i)).toEqual([]);
});

test.each([...BY_KEYS].map(([keys, { id }]) => [keys, id]))('%s is heard as %s', (keys, id) => {
  const listener = ear();
  const events = keys.split(' ').map(eventOf);
  const last = events.map((event, i) => listener.hear({ ...event, timeStamp: i * 100 })).at(-1);
  expect(last?.id).toBe(id);
});

test('the sheet has every key that the canvas hears, and no other', () => {
  const sheet = keyRows(COMMANDS).flatMap(([, rows]) => rows);
  const told = sheet
    .map(([, how]) => how)
    .join(', ')
    .split(', ');
  for (const { keys = [], id } of COMMANDS) {
    if (/^(go|extend|nudge|heading) /.test(id)) continue;
    for (const each of keys) expect(told, id).toContain(keyWords(each));
  }
  const own = COMMANDS.flatMap(({ keys = [] }) => keys.map((each) => keyWords(each)));
  const summed = ['arrows', 'Shift+arrows', 'Alt+arrows', '1 to 6'];
  expect(told.filter((each) => each !== '' && !own.includes(each) && !summed.includes(each))).toEqual([]);
});

test('what the sheet says of editors is bound in them', () => {
  const bound = new Set(
    editorKeys.flatMap(({ key, mac, linux, win, shift }) => {
      const names = [key, linux, win, mac].filter((each) => each !== undefined);
      return [...names, ...(shift === undefined ? [] : names.map((each) => `Shift-${each}`))];
    }),
  );
  for (const [what, keys] of EDITOR_KEYS) for (const each of keys) expect(bound, what).toContain(each);
});

test('keys are written as on the keyboard', () => {
  expect(keyWords('Mod+Shift+Z', false)).toBe('Ctrl+Shift+Z');
  expect(keyWords('Mod+Shift+Z', true)).toBe('⌘Shift+Z');
  expect(keyWords('Alt+ArrowUp', false)).toBe('Alt+↑');
  expect(keyWords('Mod++', false)).toBe('Ctrl++');
  expect(keyWords('D D')).toBe('D D');
  expect(keysOf('delete')).toBe('Del');
  expect(asTable('Mod-Alt-ArrowUp')).toBe('Mod+Alt+ArrowUp');
  expect(asTable('Mod-/')).toBe('Mod+/');
  expect(() => command('no such')).toThrow();
});

test('two of a key are one command, in time and pressed twice', () => {
  const listener = ear();
  expect(listener.hear(press('d', { timeStamp: 0 }))).toBeNull();
  expect(listener.hear(press('d', { timeStamp: 500 }))?.id).toBe('delete');
  expect(listener.hear(press('d', { timeStamp: 900 }))).toBeNull();
  expect(listener.hear(press('d', { timeStamp: 1600 }))).toBeNull();
  expect(listener.hear(press('i', { timeStamp: 1700 }))).toBeNull();
  expect(listener.hear(press('d', { timeStamp: 1800 }))).toBeNull();
  const held = ear();
  expect(held.hear(press('d'))).toBeNull();
  expect(held.hear(press('d', { repeat: true, timeStamp: 40 }))).toBeNull();
  expect(held.hear(press('d', { repeat: true, timeStamp: 80 }))).toBeNull();
  const shifted = ear();
  expect(shifted.hear(press('Shift', { shiftKey: true }))).toBeNull();
  expect(chordsOf(press('Control', { ctrlKey: true }))).toEqual([]);
});

test('signs are where a keyboard has them, digits and letters where a Latin one has them', () => {
  expect(heard(press('?', { shiftKey: true }))).toBe('help');
  expect(heard(press('?'))).toBe('help');
  expect(heard(press('+', { shiftKey: true, code: 'Digit1' })), 'Swiss').toBe('zoom in');
  expect(heard(press('!', { shiftKey: true, code: 'Digit1' }))).toBe('fit');
  expect(heard(press('1', { shiftKey: true, code: 'Digit1' })), 'French: Shift is how one types it').toBe(
    'heading 1',
  );
  expect(heard(press('ф', { code: 'KeyA' }))).toBe('insert above');
  expect(heard(press('A')), 'Caps Lock').toBe('insert above');
  expect(heard(press('s', { metaKey: true }))).toBe('save');
});

test('the browser keeps what is the browser’s', () => {
  for (const event of [
    press('r', { ctrlKey: true }),
    press('c', { ctrlKey: true }),
    press('x', { metaKey: true }),
    press('v', { metaKey: true }),
    press('ArrowLeft', { ctrlKey: true }),
    press('F5'),
    press('b', { altKey: true }),
    press('@', { ctrlKey: true, altKey: true }),
  ])
    expect(heard(event), event.key).toBeNull();
});
