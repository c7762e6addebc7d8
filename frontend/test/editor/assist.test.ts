// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { listed } from '../../src/editor/assist';
import { offsetOf, pointsBefore } from '../../src/editor/points';

describe('places in a text', () => {
  it('count code points for the kernel and UTF-16 units for the editor', () => {
    const text = 'a😀b𝒳c';
    expect([0, 1, 3, 4, 6, 7].map((offset) => pointsBefore(text, offset))).toEqual([0, 1, 2, 3, 4, 5]);
    expect([0, 1, 2, 3, 4, 5, 99].map((points) => offsetOf(text, points))).toEqual([0, 1, 3, 4, 6, 7, 7]);
    expect(pointsBefore('ab', 9)).toBe(2);
  });
});

describe('the kernel’s completions', () => {
  const answer = (matches: string[], types: unknown = undefined, cursor_start = 0) => ({
    matches,
    cursor_start,
    cursor_end: 3,
    metadata: types === undefined ? {} : { _jupyter_types_experimental: types as never },
  });

  it('keep its order, its kinds and its place', () => {
    const types = [
      { text: 'sum', type: 'function', signature: '(xs)' },
      { text: 'sys', type: 'module' },
      { text: 's', type: '<unknown>', signature: '' },
    ];
    const found = listed(answer(['sum', 'sys', 's', 'sum'], types, 2), '😀 s');
    expect(found?.from).toBe(3);
    expect(found?.options).toEqual([
      { label: 'sum', boost: -0, type: 'function', detail: '(xs)' },
      { label: 'sys', boost: -1, type: 'namespace' },
      { label: 's', boost: -2 },
    ]);
  });

  it('are a list that no kernel can make endless, and nothing where there are none', () => {
    expect(listed(answer([]), 'x')).toBeNull();
    const many = Array.from({ length: 5000 }, (_, n) => `name${n}`);
    expect(listed(answer(many), 'n')?.options).toHaveLength(500);
  });

  it('bear whatever a kernel says of kinds', () => {
    for (const odd of [null, 3, 'x', [null, 3, { text: 4 }], { text: 'a' }])
      expect(listed(answer(['a'], odd), 'a')?.options).toHaveLength(1);
  });
});
