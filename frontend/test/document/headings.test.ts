import { describe, expect, it } from 'vitest';
import { headingsOf } from '../../src/document/headings';

const titles = (text: string): string[] => headingsOf(text).map(({ level, title }) => `${level} ${title}`);

describe('the headings of a text', () => {
  it('are lines with signs, with their level', () => {
    expect(titles('# One\ntext\n### Three ###\n  ## Two')).toEqual(['1 One', '3 Three', '2 Two']);
  });

  it('are underlined lines', () => {
    expect(titles('Title\n=====\n\nPart\n---\n\n---\n- a\n---')).toEqual(['1 Title', '2 Part']);
  });

  it.each(['#none', '####### seven', '    # code', '#', '```\n# in code\n```', '~~~\n```\n# still\n~~~'])(
    'are not in %j',
    (text) => expect(titles(text)).toEqual([]),
  );

  it('go on behind a fence that was closed', () => {
    expect(titles('```py\n# no\n```\n# yes')).toEqual(['1 yes']);
  });

  it('are words, without links, emphasis, code and mathematics', () => {
    expect(titles('# The *long* [way](http://x) `home` to snake_case')).toEqual([
      '1 The long way home to snake_case',
    ]);
  });
});
