/** Syntax classes for the static text and for live editors alike: one table, so that neither can drift from the other. */
import { highlightCode, tagHighlighter, tags as t } from '@lezer/highlight';
import type { Parser } from '@lezer/common';

/** Later entries do not override earlier ones: a tag takes the class of the most specific entry that names it. */
export const highlighter = tagHighlighter([
  { tag: [t.keyword, t.operatorKeyword, t.modifier, t.self, t.null, t.bool], class: 'tok-keyword' },
  { tag: [t.string, t.special(t.string), t.regexp], class: 'tok-string' },
  { tag: [t.number, t.escape, t.special(t.brace)], class: 'tok-number' },
  { tag: t.comment, class: 'tok-comment' },
  {
    tag: [t.function(t.variableName), t.function(t.propertyName), t.function(t.definition(t.variableName))],
    class: 'tok-function',
  },
  { tag: [t.className, t.typeName, t.definition(t.className), t.namespace], class: 'tok-type' },
  { tag: [t.meta, t.annotation, t.processingInstruction], class: 'tok-meta' },
  { tag: t.heading, class: 'tok-heading' },
  { tag: t.strong, class: 'tok-strong' },
  { tag: t.emphasis, class: 'tok-emphasis' },
  { tag: t.strikethrough, class: 'tok-strike' },
  { tag: [t.link, t.url], class: 'tok-link' },
  { tag: t.monospace, class: 'tok-code' },
]);

export interface Token {
  readonly text: string;
  /** Space-separated classes, '' for plain text. */
  readonly classes: string;
}

/** Beyond this a static text is left plain: parsing it would cost a frame, and nobody reads it at a glance. */
export const HIGHLIGHT_LIMIT = 60_000;

/** The text in pieces, line ends included: joined they are the text, character for character. */
export function tokens(text: string, parser: Parser | null): Token[] {
  if (text === '') return [];
  if (parser === null || text.length > HIGHLIGHT_LIMIT) return [{ text, classes: '' }];
  const found: Token[] = [];
  // Neighbours of one class become one node: fewer elements to lay out.
  const put = (piece: string, classes: string): void => {
    const last = found.at(-1);
    if (last !== undefined && last.classes === classes)
      found[found.length - 1] = { text: last.text + piece, classes };
    else found.push({ text: piece, classes });
  };
  highlightCode(text, parser.parse(text), highlighter, put, () => put('\n', ''));
  return found;
}
