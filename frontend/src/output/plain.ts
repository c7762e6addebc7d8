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

const MORE =
  /<(?:script|style|link|iframe|object|embed|form|input|button|select|textarea|svg|math|canvas|template|base)\b|\son[a-z]+\s*=/i;

/** Without what pandas puts before each of its tables. */
export function withoutPandas(html: string): string {
  return html.replace(/<style[^>]*>([^<]*)<\/style>/gi, (element, sheet: string) =>
    PANDAS.test(sheet) ? '' : element,
  );
}

/** True if it holds more than plain markup: scripts, handlers, style sheets, drawings, forms, frames. */
export function needsFrame(html: string): boolean {
  if (!html.includes('<')) return false;
  const rest = withoutPandas(html);
  // What says so plainly need not be parsed. It may be text only: then it is shown apart all the same.
  if (MORE.test(rest)) return true;
  // An inert document: nothing of it is loaded or run.
  const parsed = new DOMParser().parseFromString(rest, 'text/html');
  for (const element of parsed.querySelectorAll('*')) {
    if (!KNOWN.has(element.localName) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml') return true;
    if (element.getAttributeNames().some((name) => name.startsWith('on'))) return true;
  }
  return false;
}
