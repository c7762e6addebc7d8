import { expect, test } from 'vitest';
import { PageConfig } from '../../src/doc/config.svelte';
import { socketUrl } from '../../src/doc/session';

test('known keys are taken, unknown and wrong ones passed over', () => {
  const config = new PageConfig();
  config.read({
    monaco: { fontSize: 18, lineNumbers: 'relative', theme: 'x' },
    grid: { snap: { x: 5, y: 'a' } },
    new: 1,
  });
  expect([config.codeSize, config.lineNumbers, config.outputSize, config.snap]).toEqual([
    18,
    'relative',
    14,
    { x: 5, y: 20 },
  ]);
  config.read(null);
  config.read({ monaco: { fontSize: 1e9, lineNumbers: 'sometimes' } });
  expect([config.codeSize, config.lineNumbers]).toEqual([40, 'relative']);
});

test('the socket is that of the page, whatever its scheme and port', () => {
  expect(socketUrl({ protocol: 'http:', host: 'localhost:8123' })).toBe('ws://localhost:8123/');
  expect(socketUrl({ protocol: 'https:', host: 'lab.example' })).toBe('wss://lab.example/');
});
