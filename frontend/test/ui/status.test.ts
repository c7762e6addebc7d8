import { expect, test } from 'vitest';
import type { KernelChanged } from '../../src/protocol.gen';
import { actorWords, bytes, kernelWords, linkWords, savingWords } from '../../src/ui/status';

test('offline says how many edits wait, and that they are kept', () => {
  expect(linkWords('offline', 'no answer', 0).text).toBe('Offline, reconnecting…');
  expect(linkWords('offline', 'no answer', 1).text).toBe('Offline, 1 unsent edit');
  expect(linkWords('offline', 'no answer', 12)).toEqual({
    text: 'Offline, 12 unsent edits',
    tone: 'wait',
    detail: 'No answer. You can go on writing. Your 12 unsent edits are kept in this browser.',
  });
  expect(linkWords('offline', '', 1, false).detail).toContain('Your 1 unsent edit is in this tab only');
});

test('"saved" is said only of what the server has and wrote', () => {
  expect(savingWords({ status: 'saved', reason: '' }, 0, 0, true).text).toBe('Saved');
  expect(savingWords({ status: 'saved', reason: '' }, 1, 1, true).text).toBe('Saving…');
  expect(savingWords({ status: 'saved', reason: '' }, 0, 1, true)).toMatchObject({
    text: 'Saving…',
    detail: 'Edits are safe on the server; the file follows.',
  });
  expect(savingWords({ status: 'saved', reason: '' }, 0, 0, false).text).toBe('Not saved');
  expect(savingWords({ status: 'not saved', reason: 'the disk is full' }, 0, 0, true)).toMatchObject({
    text: 'Not saved: the disk is full',
    tone: 'bad',
  });
});

test('the kernel says why it is dead and how many wait behind the running cell', () => {
  const kernel: KernelChanged = { status: 'busy', reason: '', name: 'python3' };
  expect(kernelWords(kernel, 3).text).toBe('Busy, 2 queued');
  expect(kernelWords(kernel, 1).text).toBe('Busy');
  const dead: KernelChanged = {
    status: 'dead',
    reason: 'The kernel died: killed (SIGKILL), perhaps out of memory.',
    name: 'python3',
  };
  expect(kernelWords(dead, 0)).toMatchObject({
    text: 'Dead: killed (SIGKILL), perhaps out of memory',
    tone: 'bad',
    detail: dead.reason,
  });
});

test('an actor says how often it was started anew', () => {
  const hub = { name: 'hub', state: 'up', incarnation: 1, reason: '' } as const;
  expect(actorWords(hub)).toEqual({ text: 'up', tone: 'good' });
  expect(actorWords({ ...hub, incarnation: 2 }).text).toBe('up, restarted once');
  expect(actorWords({ ...hub, state: 'failed', incarnation: 5 })).toEqual({
    text: 'failed, restarted 4 times',
    tone: 'bad',
  });
});

test('sizes are said as people do', () => {
  expect([0, 999, 4096, 999_400, 2_500_000].map(bytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '4 kB',
    '999 kB',
    '2.5 MB',
  ]);
});
