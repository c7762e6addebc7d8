import { describe, expect, it } from 'vitest';
import { firstMode } from '../../src/canvas/mode.svelte';

describe('which view comes first', () => {
  it.each([
    ['', null, false, 'canvas'],
    ['', null, true, 'document'],
    ['', 'canvas', true, 'canvas'],
    ['', 'document', false, 'document'],
    // Who is sent a place on the canvas sees that place.
    ['#at=1,2,1', 'document', true, 'canvas'],
    ['#cell=x', null, true, 'document'],
    ['#as=document&cell=x', 'canvas', false, 'document'],
    ['#as=canvas', 'document', true, 'canvas'],
    ['#as=nonsense', null, false, 'canvas'],
  ] as const)('address %j, left with %j, a phone: %j: the %s', (hash, left, phone, mode) =>
    expect(firstMode(hash, left, phone)).toBe(mode),
  );
});
