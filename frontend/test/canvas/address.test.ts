import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress } from '../../src/canvas/address';

describe('where somebody looks, as an address', () => {
  it.each([
    [{ view: { x: 10, y: -20, zoom: 0.5 }, cell: null, mode: null }, '#at=10,-20,0.5'],
    [{ view: null, cell: 'a b&c', mode: null }, '#cell=a%20b%26c'],
    [{ view: { x: 1, y: 2, zoom: 1 }, cell: 'x', mode: null }, '#cell=x&at=1,2,1'],
    [{ view: null, cell: null, mode: null }, ''],
  ])('%j is %s and back', (where, hash) => {
    expect(formatAddress(where)).toBe(hash);
    expect(parseAddress(hash)).toEqual(where);
  });

  it('is rounded to what one can see', () => {
    expect(formatAddress({ view: { x: 1.26, y: 2.9, zoom: 0.123456 }, cell: null, mode: null })).toBe(
      '#at=1,3,0.123',
    );
  });

  it.each([
    '#at=',
    '#at=1,2',
    '#at=a,b,c',
    '#at=1,2,0',
    '#at=1,2,-1',
    '#at=1e300,0,1',
    '#at=1,2,Infinity',
    '#%',
    '#cell=',
  ])('%s leads nowhere', (hash) =>
    expect(parseAddress(hash)).toEqual({ view: null, cell: null, mode: null }),
  );
});
