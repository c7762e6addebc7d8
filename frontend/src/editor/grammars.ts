/** What a live editor needs of a language: its grammar, its colours, its comment sign. */
import { pythonLanguage } from '@codemirror/lang-python';
import { syntaxHighlighting, type Language as CodeMirrorLanguage } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import { highlighter } from './highlight';
import { PYTHON, type Language } from './languages';

export function grammar(language: CodeMirrorLanguage): Extension {
  return [language, syntaxHighlighting(highlighter)];
}

// One for all editors: CodeMirror compares them by identity.
const made = new Map<Language, Extension>([[PYTHON, grammar(pythonLanguage)]]);

export function extensionOf(language: Language): Extension {
  const known = language.extension ?? made.get(language);
  if (known !== undefined) return known;
  const data = language.comment === undefined ? [] : [{ commentTokens: { line: language.comment } }];
  const extension = EditorState.languageData.of(() => data);
  made.set(language, extension);
  return extension;
}
