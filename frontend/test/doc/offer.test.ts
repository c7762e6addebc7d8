import { describe, expect, it } from 'vitest';
import { crc32, offered, offerWords, type Offered } from '../../src/doc/offer';
import { Server } from '../../src/doc/server.svelte';
import type { OfferedCell } from '../../src/protocol.gen';

const sources: Record<string, string | null> = { a: '\n  x = 1\ny = 2', b: 'print("é")', gone: null };
const source = (id: string): string | null => sources[id] ?? null;

function cell(cell_id: string, interrupted = false, said = source(cell_id) ?? ''): OfferedCell {
  return { cell_id, who: 'ann', interrupted, source_crc: crc32(said) };
}

function made(ran: number, waited: number, changed = 0): Offered[] {
  return Array.from({ length: ran + waited }, (_, n) => ({
    id: `${n}`,
    interrupted: n < ran,
    changed: n < changed,
    line: '',
  }));
}

describe('what is offered', () => {
  it('is reckoned as the server reckons it', () => {
    expect(crc32('source of a')).toBe(0xdb6208aa);
    expect(crc32('source of b')).toBe(0x426b5910);
    expect(crc32('é')).toBe(0x0e048d3e);
    expect(crc32('')).toBe(0);
  });

  it('keeps its order, and is known by the first line that says anything', () => {
    expect(offered([cell('b', true), cell('a')], source)).toEqual([
      { id: 'b', interrupted: true, changed: false, line: 'print("é")' },
      { id: 'a', interrupted: false, changed: false, line: 'x = 1' },
    ]);
  });

  it('leaves out cells that cannot be run any more', () => {
    expect(offered([cell('gone'), cell('a')], source).map(({ id }) => id)).toEqual(['a']);
  });

  it('says which cells were edited since they were queued', () => {
    expect(offered([cell('a', false, 'x = 0'), cell('b')], source).map(({ changed }) => changed)).toEqual([
      true,
      false,
    ]);
  });
});

describe('the words of an offer', () => {
  it('let people leave out what was interrupted, where something waited behind it', () => {
    expect(offerWords(made(1, 3))).toMatchObject({
      title: 'The server stopped before 4 cells had run',
      all: 'Run 4 cells',
      waiting: 'Only the 3 that waited',
    });
  });

  it('offer one thing where there is nothing to choose', () => {
    expect(offerWords(made(0, 2))).toMatchObject({ all: 'Run 2 cells', waiting: '' });
    expect(offerWords(made(0, 1)).title).toBe('The server stopped before 1 cell had run');
    expect(offerWords(made(1, 0))).toMatchObject({ all: 'Run it again', waiting: '' });
    expect(offerWords(made(2, 0))).toMatchObject({ all: 'Run them again', waiting: '' });
  });

  it('say that what was edited runs as it is now', () => {
    expect(offerWords(made(0, 3)).detail).not.toContain('edited');
    expect(offerWords(made(0, 3, 1)).detail).toContain('One was edited since');
    expect(offerWords(made(0, 3, 2)).detail).toContain('2 were edited since');
  });
});

describe('the server', () => {
  it('says what is offered, until it says that nothing is', () => {
    const server = new Server(() => undefined);
    expect(server.offered).toEqual([]);
    server.hear('notebook', 'queue_offered', { cells: [{ ...cell('a') }] });
    expect(server.offered).toEqual([cell('a')]);
    server.hear('notebook', 'queue_offered', { cells: [] });
    expect(server.offered).toEqual([]);
  });
});
