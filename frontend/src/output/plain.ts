/** Which HTML is plain enough for the page; all other goes to the sandboxed frame. */

/** What plain outputs are made of: text, tables, pictures. */
export const TAGS: string[] = (
  'a abbr address article aside audio b bdi bdo big blockquote br caption center cite code col colgroup dd del ' +
  'details dfn div dl dt em figcaption figure font footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li main mark ' +
  'ol p pre q rp rt ruby s samp section small source span strike strong sub summary sup table tbody td tfoot th ' +
  'thead time tr tt u ul var video wbr'
).split(' ');

const KNOWN = new Set([...TAGS, 'html', 'head', 'body', 'title', 'meta']);
// pandas puts this before each table; tables are dressed by the page.
const PANDAS = /^\s*(\.dataframe [^{}<>]*\{[^{}<>]*\}\s*)+$/;

/** True if it holds more than plain markup: scripts, handlers, style sheets, drawings, forms, frames. */
export function needsFrame(html: string): boolean {
  if (!html.includes('<')) return false;
  // An inert document: nothing of it is loaded or run.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  for (const element of parsed.querySelectorAll('*')) {
    const tag = element.localName;
    if (tag === 'style' && PANDAS.test(element.textContent)) continue;
    if (!KNOWN.has(tag) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') return true;
    if (element.getAttributeNames().some((name) => name.startsWith('on'))) return true;
  }
  return false;
}
