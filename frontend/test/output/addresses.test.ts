import { describe, expect, it } from 'vitest';
import { picture, safeLink } from '../../src/output/addresses';
import { frameNews, TALLEST } from '../../src/output/frame';
import { splitMath } from '../../src/output/mathtext';

const PNG = 'iVBORw0KGgo=';

describe('an image of a text', () => {
  it.each([
    ['plot.png', '/files/plot.png'],
    ['./images/a b.png', '/files/images/a%20b.png'],
    ['images/a%20b.png', '/files/images/a%20b.png'],
    ['images/../plot.png', '/files/plot.png'],
    ['plot.png?x=1#y', '/files/plot.png'],
    ['100%.png', '/files/100%25.png'],
    ['a%2fb.png', '/files/a%2Fb.png'],
    ['naïve.png', '/files/na%C3%AFve.png'],
    [`data:image/png;base64,${PNG}`, `data:image/png;base64,${PNG}`],
    ['attachment:a.png', `data:image/png;base64,${PNG}`],
    ['attachment:a%20b.svg', `data:image/svg+xml;base64,${PNG}`],
  ])('%s is %s', (address, src) => {
    const attachments = { 'a.png': { 'image/png': `${PNG}\n` }, 'a b.svg': { 'image/svg+xml': PNG } };
    expect(picture(address, attachments)).toEqual({ src });
  });

  it.each([
    ['../x.png', 'outside'],
    ['a/../../x.png', 'outside'],
    ['..%2f..%2fx.png/../../..', 'outside'],
    ['..\\x.png', 'outside'],
    ['%2e%2e/x.png', 'outside'],
    ['/etc/passwd', 'outside'],
    ['?token=1', 'outside'],
    ['https://example.org/x.png', 'remote'],
    ['//example.org/x.png', 'remote'],
    ['\\\\example.org/x.png', 'remote'],
    [' https:\\\\example.org', 'remote'],
    ['javascript:alert(1)', 'unknown'],
    ['data:text/html,<script>1</script>', 'unknown'],
    ['file:///etc/passwd', 'unknown'],
    ['blob:x', 'unknown'],
    ['', 'unknown'],
    ['attachment:none.png', 'unknown'],
    ['attachment:__proto__', 'unknown'],
    ['attachment:toString', 'unknown'],
    ['attachment:html', 'unknown'],
    ['attachment:broken', 'unknown'],
  ])('%s is none: %s', (address, missing) => {
    const attachments = { html: { 'text/html': PNG }, broken: { 'image/png': '"><script>' } };
    expect(picture(address, attachments)).toMatchObject({ missing });
  });
});

describe('a link', () => {
  it.each([
    'https://example.org/a?b#c',
    'http://localhost:1/',
    'mailto:a@example.org',
    ' https://example.org ',
  ])('%s may be opened', (address) => {
    expect(safeLink(address)).toBe(address.trim());
  });
  it.each([
    'javascript:alert(1)',
    ' java\nscript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://x',
    '/config',
    'other.ipynb',
    '#heading',
    '//example.org',
    '',
    'https://',
    'ftp://example.org',
  ])('%j may not', (address) => {
    expect(safeLink(address)).toBeNull();
  });
});

describe('what the frame tells', () => {
  const tell = (news: object) => frameNews({ ganimede: 'frame', ...news });
  it('is judged and bounded', () => {
    expect(tell({ ready: true })).toEqual({ ready: true });
    expect(tell({ height: 1e9 })).toEqual({ height: TALLEST });
    expect(tell({ height: -5 })).toEqual({ height: 0 });
    expect(tell({ error: 'x'.repeat(9000) })?.error).toHaveLength(500);
    expect(tell({ blocked: 'https://cdn.example.org/a.js' })).toEqual({ blocked: 'cdn.example.org' });
    expect(tell({ link: 'https://example.org/' })).toEqual({ link: 'https://example.org/' });
  });
  it.each([
    null,
    7,
    'x',
    [],
    {},
    { ganimede: 'other', height: 1 },
    { ganimede: 'frame' },
    { ganimede: 'frame', height: NaN },
    { ganimede: 'frame', height: '7' },
    { ganimede: 'frame', link: 'javascript:1' },
    { ganimede: 'frame', blocked: 'inline' },
    { ganimede: 'frame', blocked: 'data:' },
    { ganimede: 'frame', ready: 'yes' },
  ])('%j is nothing', (data) => {
    expect(frameNews(data)).toBeNull();
  });
});

describe('formulas', () => {
  it.each([
    ['a $x^2$ b', [{ text: 'a ' }, { tex: 'x^2', display: false }, { text: ' b' }]],
    ['$$x\n\ny$$', [{ tex: 'x\n\ny', display: true }]],
    ['\\(x\\) and \\[y\\]', [{ tex: 'x', display: false }, { text: ' and ' }, { tex: 'y', display: true }]],
    ['\\begin{align}a\\end{align}', [{ tex: '\\begin{align}a\\end{align}', display: true }]],
    ['$ x $', [{ tex: ' x ', display: false }]],
    ['costs $5 and $10', [{ text: 'costs $5 and $10' }]],
    ['a $5, b $ c', [{ text: 'a $5, b $ c' }]],
    ['\\$5 and $x$', [{ text: '$5 and ' }, { tex: 'x', display: false }]],
    ['$a\\$b$', [{ tex: 'a\\$b', display: false }]],
    ['open $x\n\ny$', [{ text: 'open $x\n\ny$' }]],
    ['$$ $$ \\(\\)', [{ text: '$$ $$ \\(\\)' }]],
    ['\\begin{x} never closed', [{ text: '\\begin{x} never closed' }]],
  ])('%j', (text, pieces) => {
    expect(splitMath(text)).toEqual(pieces);
  });
  it('are found in a time that people do not notice', () => {
    const before = performance.now();
    for (const text of ['$'.repeat(9000), '$a '.repeat(9000), '\\('.repeat(9000), '\\begin{a}'.repeat(3000)])
      splitMath(text);
    expect(performance.now() - before).toBeLessThan(4000);
  });
});
