import { describe, expect, it } from 'vitest';
import { tokens } from '../../src/editor/highlight';
import { languageOf } from '../../src/editor/languages';

describe('languages of other kernels', () => {
  it.each([
    ['R', 'x <- "a" # so'],
    ['julia', 'x = "a" # so'],
    ['bash', 'echo "a" # so'],
    ['matlab', 'x = "a" % so'],
    ['C++', 'x = "a"; // so'],
    ['sql', "select 'a' -- so"],
  ])('%s has colours once it was loaded', async (name, text) => {
    const plain = languageOf(name);
    expect(tokens(text, plain.parser)).toEqual([{ text, classes: '' }]);
    const better = await plain.load?.();
    expect(better?.name).toBe(plain.name);
    const found = tokens(text, better?.parser ?? null);
    expect(found.map((each) => each.text).join('')).toBe(text);
    expect(found.some((each) => each.classes === 'tok-string')).toBe(true);
    expect(found.at(-1)?.classes).toBe('tok-comment');
    expect(better?.extension).toBeDefined();
  });

  it('one without a mode stays as it is', async () => {
    const plain = languageOf('prolog');
    expect(await plain.load?.()).toEqual({ name: 'prolog', parser: null, comment: '%' });
  });
});
