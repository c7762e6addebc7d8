/** Markdown, in a chunk of its own: loaded when a markdown cell is first edited. */
import { markdownLanguage } from '@codemirror/lang-markdown';
import { parsed } from './languages';

export const MARKDOWN = parsed('markdown', markdownLanguage);
