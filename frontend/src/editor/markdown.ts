/** Markdown, in a chunk of its own: loaded when a markdown cell is first edited. */
import { markdownLanguage } from '@codemirror/lang-markdown';
import { grammar } from './grammars';
import type { Language } from './languages';

export const MARKDOWN: Language = {
  name: 'markdown',
  parser: markdownLanguage.parser,
  extension: grammar(markdownLanguage),
};
