import { describe, expect, it } from 'vitest';
import { isFolded, toggled } from '../../src/cell/actions';
import {
  conflictWords,
  countLabel,
  elapsed,
  firstLine,
  headingOf,
  ordinal,
  placeInQueue,
  plural,
  runDetail,
  stateWords,
  type Situation,
} from '../../src/cell/words';

describe('words', () => {
  it.each([
    [-5, '0.0 s'],
    [0, '0.0 s'],
    [420, '0.4 s'],
    [9_940, '9.9 s'],
    [9_960, '10 s'],
    [59_400, '59 s'],
    [59_600, '1 min 00 s'],
    [192_000, '3 min 12 s'],
    [3_599_000, '59 min 59 s'],
    [3_900_000, '1 h 05 min'],
  ])('%d ms: %s', (ms, text) => {
    expect(elapsed(ms)).toBe(text);
  });

  it('counts places as people say them', () => {
    expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 103].map(ordinal)).toEqual([
      '1st',
      '2nd',
      '3rd',
      '4th',
      '11th',
      '12th',
      '13th',
      '21st',
      '22nd',
      '103rd',
    ]);
    expect([plural(0, 'line'), plural(1, 'line'), plural(12, 'line')]).toEqual([
      '0 lines',
      '1 line',
      '12 lines',
    ]);
  });

  it('the running head does not stand in the queue', () => {
    expect(placeInQueue(['a', 'b', 'c'], 'c', true)).toBe(2);
    expect(placeInQueue(['a', 'b'], 'a', false)).toBe(1);
    expect(placeInQueue(['a'], 'x', true)).toBeNull();
  });

  const idle: Situation = {
    state: 'idle',
    asked: false,
    starting: false,
    place: null,
    startedAt: null,
    ranFor: null,
    failed: false,
    run: null,
    by: '',
    stale: false,
    paused: false,
  };
  const never = (): number => {
    throw new Error('only a running cell looks at the time');
  };

  it('says each state', () => {
    expect(stateWords(idle, never)).toEqual({ text: '', tone: 'idle' });
    expect(stateWords({ ...idle, ranFor: 400 }, never).text).toBe('ran in 0.4 s');
    expect(stateWords({ ...idle, ranFor: 400, failed: true }, never)).toEqual({
      text: 'failed in 0.4 s',
      tone: 'failed',
    });
    expect(stateWords({ ...idle, failed: true }, never).text).toBe('failed');
    expect(stateWords({ ...idle, asked: true }, never).tone).toBe('wait');
    expect(stateWords({ ...idle, state: 'queued', place: 2 }, never).text).toBe('queued 2nd');
    expect(stateWords({ ...idle, state: 'queued' }, never).text).toBe('queued');
    expect(stateWords({ ...idle, state: 'running', startedAt: 1000 }, () => 4200)).toEqual({
      text: 'running 3.2 s',
      tone: 'run',
    });
    expect(stateWords({ ...idle, state: 'running', starting: true, startedAt: 1000 }, never)).toEqual({
      text: 'waiting for the kernel',
      tone: 'wait',
    });
    expect(stateWords({ ...idle, state: 'running' }, never).text).toBe('running');
  });

  it('says how a run ended, who asked for it, and that the text is another now', () => {
    const run = { who: 'Ada', began: 1, ended: 2, status: 'ok', crc: 0 };
    const ended = (status: string, more: Partial<Situation> = {}): string =>
      stateWords({ ...idle, ranFor: 400, run: { ...run, status }, ...more }, never).text;
    expect(ended('ok', { by: 'Ada' })).toBe('ran in 0.4 s by Ada');
    expect(ended('error')).toBe('failed in 0.4 s');
    expect(ended('ok', { ranFor: 12.4 })).toBe('ran in 12 ms');
    expect(ended('ok', { ranFor: 0 })).toBe('ran in 1 ms');
    expect(ended('interrupted')).toBe('interrupted after 0.4 s');
    expect(ended('died')).toBe('the kernel died after 0.4 s');
    expect(ended('time limit')).toBe('over its time limit after 0.4 s');
    expect(ended('ok', { stale: true })).toBe('ran in 0.4 s, edited since');
    expect(stateWords({ ...idle, stale: true }, never)).toEqual({
      text: 'edited since it ran',
      tone: 'stale',
    });
    expect(stateWords({ ...idle, state: 'queued', place: 1, paused: true }, never).text).toBe(
      'queued 1st, paused',
    );
    expect(runDetail(run, false)).toMatch(/^Ada ran it at /);
    expect(runDetail(null, true)).toMatch(/edited since/);
    expect(runDetail(null, false)).toBe('');
  });

  it('labels the count', () => {
    expect([
      countLabel('idle', 3),
      countLabel('idle', null),
      countLabel('queued', 3),
      countLabel('running', 3),
    ]).toEqual(['[3]', '[ ]', '[*]', '[*]']);
  });

  it('finds a first line and a heading', () => {
    expect(firstLine('\n\n  x = 1\ny')).toBe('  x = 1');
    expect(firstLine('')).toBe('');
    expect(firstLine('a'.repeat(500))).toHaveLength(201);
    expect(headingOf('\n## The *big* one ##\ntext')).toEqual({ level: 2, title: 'The big one' });
    expect(headingOf('####### seven')).toBeNull();
    expect(headingOf('#tag')).toBeNull();
    expect(headingOf('text\n# later')).toBeNull();
  });

  it('folds and unfolds each part for itself', () => {
    expect([
      toggled(null, 'input'),
      toggled('i', 'input'),
      toggled('o', 'input'),
      toggled('b', 'input'),
    ]).toEqual(['i', null, 'b', 'o']);
    expect([
      toggled(null, 'outputs'),
      toggled('i', 'outputs'),
      toggled('o', 'outputs'),
      toggled('b', 'outputs'),
    ]).toEqual(['o', 'b', null, 'i']);
    expect(isFolded('b', 'input') && isFolded('b', 'outputs') && !isFolded('o', 'input')).toBe(true);
  });
});

describe('conflicts', () => {
  it.each([
    [{}, ''],
    [{ gm: 5 }, ''],
    [{ gm: { conflict: { side: 'elsewhere' } } }, ''],
    [
      { gm: { conflict: { side: 'file', with: 'a' } } },
      'Conflict: this is what the file says; the cell before is what was here.',
    ],
    [
      { gm: { conflict: { side: 'notebook', with: 'a' } } },
      'Conflict: this is what was here; the next cell is what the file says.',
    ],
    [{ gm: { conflict: { side: 'file', deleted: true } } }, 'Deleted here, changed in the file: kept.'],
    [{ gm: { conflict: { side: 'notebook', deleted: true } } }, 'Changed here, deleted in the file: kept.'],
  ])('%j', (metadata, words) => {
    expect(conflictWords(metadata)).toBe(words);
  });
});
