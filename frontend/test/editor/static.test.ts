// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { HIGHLIGHT_LIMIT, tokens } from '../../src/editor/highlight';
import { languageOf, PLAIN } from '../../src/editor/languages';
import { MARKDOWN } from '../../src/editor/markdown';
import { countLines, highlighted, numberColumn, staticText } from '../../src/editor/static';

const python = languageOf('python');
const joined = (text: string): string =>
  tokens(text, python.parser)
    .map((each) => each.text)
    .join('');

const TEXTS = [
  '',
  '\n',
  'x = 1',
  'def f(a):\n    return f"{a!r} <b>"\n\n\n',
  'print("<script>alert(1)</script>") # & &amp; \u2028',
  'unclosed = """text\nmore',
  'a\r\nb\rc',
  '日本語 = "🎉"\n\ttab',
  ')]}((( :::',
];

describe('static text', () => {
  it.each(TEXTS)('is the text, character for character: %j', (text) => {
    expect(joined(text)).toBe(text);
    const host = document.createElement('div');
    host.append(highlighted(text, python));
    // The line end that a <pre> swallows.
    expect(host.textContent).toBe(`${text}\n`);
  });

  it('never makes elements of what the text says', () => {
    const host = document.createElement('div');
    host.append(highlighted('"<img src=x onerror=alert(1)>" </pre><script>', python));
    expect([...host.querySelectorAll('*')].every((each) => each.tagName === 'SPAN')).toBe(true);
  });

  it('names what it finds', () => {
    const classes = (piece: string, text: string): string =>
      tokens(text, python.parser).find((each) => each.text.includes(piece))?.classes ?? 'none';
    expect(classes('def', 'def f(): pass')).toBe('tok-keyword');
    expect(classes('f', 'def f(): pass')).not.toBe('');
    expect(classes('"s"', 'x = "s"')).toBe('tok-string');
    expect(classes('12', 'x = 12')).toBe('tok-number');
    expect(classes('# c', 'x # c')).toBe('tok-comment');
    expect(tokens('# T', MARKDOWN.parser).some((each) => each.classes.includes('tok-heading'))).toBe(true);
  });

  it('leaves a huge text plain', () => {
    const text = 'x = 1\n'.repeat(HIGHLIGHT_LIMIT / 5);
    expect(tokens(text, python.parser)).toEqual([{ text, classes: '' }]);
  });

  it('counts lines as an editor does', () => {
    expect([
      countLines(''),
      countLines('a'),
      countLines('a\n'),
      countLines('\n\n'),
      countLines('a\r\nb'),
    ]).toEqual([1, 1, 2, 3, 2]);
    expect(numberColumn(3)).toBe('1\n2\n3');
  });

  it('shows numbers or none, and its name', () => {
    const text = staticText();
    text.update('a\nb', python, 'on', 'Code of cell 3');
    expect(text.dom.querySelector('.code-gutter')?.textContent).toBe('1\n2');
    expect(text.dom.querySelector('.code-lines')?.getAttribute('aria-label')).toBe('Code of cell 3');
    text.update('a\nb', python, 'off', 'Code of cell 4');
    expect(text.dom.querySelector('.code-gutter')).toBeNull();
    expect(text.dom.querySelector('.code-lines')?.getAttribute('aria-label')).toBe('Code of cell 4');
    text.update('', PLAIN, 'on', '');
    expect(text.dom.querySelector('.code-gutter')?.textContent).toBe('1');
  });
});

describe('languages', () => {
  it('knows python under its names, and takes what it does not know as plain text', () => {
    expect(languageOf('Python')).toBe(languageOf('ipython'));
    expect(languageOf('klingon')).toBe(PLAIN);
    expect(languageOf('constructor')).toBe(PLAIN);
    expect(languageOf('R').parser).toBeNull();
  });
  it('loads markdown when it is wanted', async () => {
    const markdown = languageOf('markdown');
    expect(markdown.parser).toBeNull();
    expect((await markdown.load?.())?.parser).not.toBeNull();
  });
});
