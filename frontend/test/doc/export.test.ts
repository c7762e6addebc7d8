import { describe, expect, it } from 'vitest';
import { nameIn } from '../../src/doc/export';

describe('the name of an exported file', () => {
  it('is what the server says', () => {
    expect(nameIn("attachment; filename*=UTF-8''my%20notes%20%C3%A4.py")).toBe('my notes ä.py');
  });
  it('is a word where the server says none, or nothing that can be read', () => {
    expect(nameIn('')).toBe('notebook');
    expect(nameIn("attachment; filename*=UTF-8''%zz")).toBe('notebook');
  });
});
