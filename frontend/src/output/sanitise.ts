/** Plain markup of a notebook, cleaned so that the page itself may show it.
 *
 * The lists are of what plain outputs need (tables, text, pictures), not of what is known to be dangerous. Loaded
 * with the first output or text that needs it.
 */
import DOMPurify from 'dompurify';
import type { JsonObject } from '../doc/values';
import { picture, safeLink, safeMedia, type Picture } from './addresses';
import { TAGS } from './plain';

const ATTRIBUTES = (
  'align alt border cellpadding cellspacing class color colspan controls datetime dir face headers height href ' +
  'lang loop muted open reversed rowspan scope size span src start style title type valign value width'
).split(' ');
// Classes of the page would dress a notebook's elements as ours.
const CLASSES: ReadonlySet<string> = new Set(['dataframe', 'math-inline', 'math-display', 'task']);

// A purifier of our own: hooks are global to each.
const purifier = typeof window === 'undefined' ? DOMPurify : DOMPurify(window);

/** What the page may show of `html`, as nodes that were never markup again after they were judged. */
export function sanitise(html: string, attachments: JsonObject = {}): DocumentFragment {
  const fragment = purifier.sanitize(html, {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOW_ARIA_ATTR: false,
    ALLOW_UNKNOWN_PROTOCOLS: false,
    // Every address is judged below; here it must only survive.
    ADD_DATA_URI_TAGS: ['img', 'audio', 'video', 'source'],
    ALLOWED_URI_REGEXP: /^(?:https?|mailto|data|attachment):|^[^a-z]|^[a-z+.-]+(?:[^a-z+.\-:]|$)/i,
    SANITIZE_DOM: true,
    SANITIZE_NAMED_PROPS: true,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const element of fragment.querySelectorAll<HTMLElement>('*')) tidy(element, attachments);
  return fragment;
}

function tidy(element: HTMLElement, attachments: JsonObject): void {
  const classes = [...element.classList].filter((name) => CLASSES.has(name));
  if (classes.length > 0) element.className = classes.join(' ');
  else element.removeAttribute('class');
  // A style attribute may move and colour its element, within the output; it may not load, nor hide how it does.
  if (/url|image|\\|\/\*|expression|@/i.test(element.getAttribute('style') ?? ''))
    element.removeAttribute('style');
  switch (element.localName) {
    case 'a':
      return tidyLink(element as HTMLAnchorElement);
    case 'img':
      return tidyImage(element as HTMLImageElement, attachments);
    case 'audio':
    case 'video':
    case 'source':
      return tidyMedia(element);
    default:
      element.removeAttribute('href');
      element.removeAttribute('src');
  }
}

function tidyLink(link: HTMLAnchorElement): void {
  const address = safeLink(link.getAttribute('href') ?? '');
  link.removeAttribute('src');
  if (address === null) {
    link.removeAttribute('href');
    return;
  }
  link.setAttribute('href', address);
  link.target = '_blank';
  link.rel = 'noopener noreferrer';
}

function tidyImage(image: HTMLImageElement, attachments: JsonObject): void {
  const found = picture(image.getAttribute('src') ?? '', attachments);
  if ('missing' in found) image.replaceWith(placeholder(found, image.alt));
  else {
    image.setAttribute('src', found.src);
    image.loading = 'lazy';
    image.draggable = false;
  }
}

function tidyMedia(element: HTMLElement): void {
  if (!element.hasAttribute('src')) return;
  const address = safeMedia(element.getAttribute('src') ?? '');
  if (address === null) element.removeAttribute('src');
  else element.setAttribute('src', address);
}

const REASONS = {
  remote: (what: string) => `The image from ${what} is not loaded: nothing comes from other hosts.`,
  outside: (what: string) => `The image ${what} is not in the notebook's folder.`,
  unknown: (what: string) => (what ? `The image ${what} cannot be shown.` : 'An image without an address.'),
};

/** In place of an image: what would be there, and why it is not. */
export function placeholder(found: Extract<Picture, { missing: unknown }>, alt: string): HTMLElement {
  const box = document.createElement('span');
  box.className = 'no-image';
  box.textContent = (alt ? `${alt} – ` : '') + REASONS[found.missing](found.what);
  return box;
}
