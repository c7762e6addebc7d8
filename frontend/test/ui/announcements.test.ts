import { describe, expect, it } from 'vitest';
import { sentences, type Moment } from '../../src/ui/announcements';

const CALM: Moment = { connected: true, unsaved: '', broken: '', people: [] };

describe('what a screen reader is told', () => {
  it('is nothing while nothing happens', () => expect(sentences(CALM, { ...CALM }, [])).toEqual([]));

  it('is a run that ended, and how', () => {
    const ended = [
      { number: 3, failed: false },
      { number: 4, failed: true },
    ];
    expect(sentences(CALM, CALM, ended)).toEqual(['Cell 3 is done.', 'Cell 4 failed.']);
  });

  it('is one sentence for many runs', () => {
    const ended = [...Array(12).keys()].map((n) => ({ number: n + 1, failed: n === 6 }));
    expect(sentences(CALM, CALM, ended)).toEqual(['12 cells ran, 1 failed: 7.']);
  });

  it('is who came and who left, of two of one name too', () => {
    const before = { ...CALM, people: ['Bob', 'Bob', 'Cy'] };
    expect(sentences(before, { ...CALM, people: ['Bob', 'Di', 'Ed'] }, [])).toEqual([
      'Di, Ed are here.',
      'Bob, Cy left.',
    ]);
  });

  it('is the connection, the file and the kernel, when they change', () => {
    const bad = { ...CALM, connected: false, unsaved: 'the disk is full', broken: 'killed (SIGKILL)' };
    expect(sentences(CALM, bad, [])).toEqual([
      'The connection is lost. You can go on writing.',
      'The file is not saved: the disk is full',
      'Kernel: killed (SIGKILL)',
    ]);
    expect(sentences(bad, bad, [])).toEqual([]);
    expect(sentences(bad, CALM, [])).toEqual(['Connected again.', 'The file is saved again.']);
  });
});
