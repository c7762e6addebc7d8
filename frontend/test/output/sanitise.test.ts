// @vitest-environment jsdom
import { readFileSync } from 'node:fs';
import { beforeEach, describe, expect, it } from 'vitest';
import { imageAddress, svgAddress } from '../../src/output/images';
import { renderMarkdown } from '../../src/output/markdown';
import { drawMath } from '../../src/output/math';
import { ansiNodes } from '../../src/output/paint';
import { needsFrame, withoutPandas } from '../../src/output/plain';
import { sanitise } from '../../src/output/sanitise';

// The same corpus is played to a browser in tests/browser.
const corpus = JSON.parse(readFileSync('../tests/browser/hostile.json', 'utf8')) as Record<
  string,
  Record<string, string>
>;
const RUN = 'window.pwned=1';
const armed = (text: string): string =>
  text === 'DEEP'
    ? `${'<div>'.repeat(2000)}<img src=x onerror=${RUN}>`
    : text.replaceAll('RUN', RUN).replaceAll('HOST', 'host.example');
const of = (kind: string): [string, string][] =>
  Object.entries(corpus[kind] ?? {}).map(([name, text]) => [name, armed(text)]);

const FORBIDDEN =
  'script, style, link, meta, base, iframe, frame, object, embed, form, input, button, select, textarea, svg, math, template, [id], [name], [srcset], [background], [poster], [tabindex], [autofocus]';

/** Nothing in it can run, load from elsewhere or pass for a part of the page. */
function harmless(host: ParentNode): void {
  expect([...host.querySelectorAll(FORBIDDEN)].map((element) => element.outerHTML.slice(0, 200))).toEqual([]);
  for (const element of host.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on|^data-|^aria-|^is$/);
      if (name === 'href') expect(value).toMatch(/^(https?:|mailto:)/i);
      if (name === 'src') expect(value).toMatch(/^(data:(image|audio|video)\/|\/files\/)/i);
      if (name === 'style') expect(value).not.toMatch(/url|image|@/i);
      if (name === 'class') expect(value).toMatch(/^(dataframe|math-inline|math-display|no-image|task)( |$)/);
    }
    if (element.localName === 'a' && element.hasAttribute('href')) {
      expect(element.getAttribute('rel')).toContain('noopener');
      expect(element.getAttribute('target')).toBe('_blank');
    }
  }
}

function shown(fragment: DocumentFragment): HTMLElement {
  const host = document.createElement('div');
  host.append(fragment);
  document.body.replaceChildren(host);
  return host;
}

beforeEach(() => {
  document.body.replaceChildren();
});

describe('hostile html', () => {
  it.each(of('html'))('%s: sanitised it is harmless', (_, html) => {
    const host = shown(sanitise(html));
    harmless(host);
    // What was judged stays what it is when a browser reads it once more.
    const again = document.createElement('div');
    again.innerHTML = host.innerHTML;
    harmless(again);
  });

  it.each(of('html').filter(([, html]) => /<script|onerror|onload|<style|<svg|<iframe|<form/i.test(html)))(
    '%s: it goes to the frame',
    (_, html) => {
      expect(needsFrame(html)).toBe(true);
    },
  );

  it('is at least fifteen samples', () => {
    expect(of('html').length).toBeGreaterThan(40);
  });
});

describe('hostile markdown', () => {
  const attachments = {
    'evil.html': { 'text/html': 'PHNjcmlwdD4=' },
    'evil.svg': { 'image/svg+xml': '"><script>' },
  };
  it.each([...of('markdown'), ...of('html')])('%s', (_, text) => {
    const host = shown(sanitise(renderMarkdown(text), attachments));
    harmless(host);
    for (const holder of host.querySelectorAll<HTMLElement>('.math-inline, .math-display')) {
      drawMath(holder, holder.textContent ?? '', false);
      expect(holder.querySelectorAll('a[href], img, script, [onclick], [data-cell-id], .cell')).toHaveLength(
        0,
      );
    }
  });
});

describe('hostile values', () => {
  it.each(of('latex'))('latex: %s', (_, tex) => {
    const host = document.createElement('span');
    drawMath(host, tex, true);
    expect(host.querySelectorAll('a[href], img, script')).toHaveLength(0);
  });
  it.each(of('svg'))('svg: %s is data, whole or nothing', (_, svg) => {
    expect(svgAddress(svg)).toMatch(/^$|^data:image\/svg\+xml;charset=utf-8,[^"<>\s]+$/);
  });
  it.each(of('image'))('image: %s is none', (_, value) => {
    expect(imageAddress('image/png', value)).toBe('');
  });
  it.each(of('text'))('text: %s is text', (_, text) => {
    const host = document.createElement('pre');
    host.append(...ansiNodes(text).nodes);
    for (const element of host.querySelectorAll('*')) {
      expect(['span', 'a']).toContain(element.localName);
      expect(element.getAttributeNames().filter((name) => name.startsWith('on'))).toEqual([]);
      if (element.localName === 'a')
        expect((element as HTMLAnchorElement).href).toMatch(/^https?:\/\/[\w.]+\/?[^"<>\\]*$/);
    }
    expect(host.textContent).not.toContain('\x1b');
  });
});

describe('plain html', () => {
  const table =
    '<div>\n<style scoped>\n    .dataframe tbody tr th {\n        vertical-align: top;\n    }\n</style>\n' +
    '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th><th>a</th></tr></thead>' +
    '<tbody><tr><th>0</th><td>1.5</td></tr></tbody></table></div>';

  it('of pandas is shown in the page, whole', () => {
    expect(needsFrame(table)).toBe(false);
    const host = shown(sanitise(withoutPandas(table)));
    expect(host.querySelector('table.dataframe tbody td')?.textContent).toBe('1.5');
    expect(host.querySelector('tr')?.style.textAlign).toBe('right');
    expect(host.textContent).not.toContain('vertical-align');
  });

  it.each([
    'text',
    '<b>a</b> &lt;script&gt;',
    '<p style="color: red">x</p>',
    '<details><summary>a</summary>b</details>',
    '<img src="data:image/png;base64,AA==">',
    '<audio controls><source src="data:audio/wav;base64,AA=="></audio>',
    '<!-- c --><pre>x</pre>',
  ])('%s needs no frame', (html) => {
    expect(needsFrame(html)).toBe(false);
    harmless(shown(sanitise(html)));
  });

  it.each([
    '<x-widget></x-widget>',
    '<style>td { color: red }</style>',
    '<svg></svg>',
    '<button>b</button>',
    '<p onclick="x">',
    '<canvas></canvas>',
    '<style scoped>.dataframe td {} body {}</style>',
  ])('%s does', (html) => {
    expect(needsFrame(html)).toBe(true);
  });

  it('keeps what it may', () => {
    const host = shown(
      sanitise(
        '<a href="https://a.example/x" title="t">a</a><img alt="i" width="10" src="images/a.png"><td colspan=2>',
      ),
    );
    expect(host.querySelector('a')?.outerHTML).toBe(
      '<a href="https://a.example/x" title="t" target="_blank" rel="noopener noreferrer">a</a>',
    );
    expect(host.querySelector('img')?.getAttribute('src')).toBe('/files/images/a.png');
    expect(host.querySelector('img')?.width).toBe(10);
  });

  it('says why an image is not there', () => {
    const host = shown(sanitise('<img alt="plot" src="https://host.example/x.png"><img src="../up.png">'));
    expect(host.textContent).toContain('plot – The image from host.example is not loaded');
    expect(host.textContent).toContain('not in the notebook');
  });
});

describe('markdown', () => {
  const html = (text: string): HTMLElement => shown(sanitise(renderMarkdown(text)));
  it('finds formulas as Jupyter does', () => {
    expect(html('a $x_1$ and $$y$$ *b*').innerHTML.trim()).toBe(
      '<p>a <span class="math-inline">x_1</span> and <span class="math-display">y</span> <em>b</em></p>',
    );
    expect(html('$$\na\n\n_b_\n$$').querySelector('div.math-display')?.textContent?.trim()).toBe('a\n\n_b_');
    expect(
      html('\\begin{align}\na &= b \\\\\n- c\n\\end{align}').querySelector('.math-display')?.textContent,
    ).toContain('a &= b \\\\\n- c');
    expect(html('text\n$$x$$').querySelector('.math-display')?.textContent).toBe('x');
    expect(html('`$x$` costs $5 and $10').querySelector('.math-inline')).toBeNull();
    expect(html('    $$x$$').querySelector('pre code')?.textContent).toBe('$$x$$\n');
    expect(html('- item $a<b$\n  $$c$$').querySelectorAll('li [class^=math]')).toHaveLength(2);
  });
  it('has tables, strikes, links and pictures beside it', () => {
    expect(html('| a |\n|--:|\n| 1 |').querySelector('td')?.style.textAlign).toBe('right');
    expect(html('~~a~~').querySelector('s')?.textContent).toBe('a');
    expect(html('see https://a.example').querySelector('a')?.getAttribute('href')).toBe('https://a.example');
    expect(html('![a](b c.png) ![a](<b c.png>)').querySelector('img')?.getAttribute('src')).toBe(
      '/files/b%20c.png',
    );
  });
  it('has no anchors that would leave the page', () => {
    expect(html('[a](#b) [c](other.ipynb) [d](/config)').querySelectorAll('a[href]')).toHaveLength(0);
  });
});
