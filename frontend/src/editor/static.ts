/** A cell's text while no editor is on it: the same picture as the editor's, for a hundredth of its price. */
import type { LineNumbers } from '../doc/config.svelte';
import type { Language } from './languages';
import { tokens } from './highlight';

export function countLines(text: string): number {
  let lines = 1;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return lines;
}

/** The gutter of a static text, one number a line. */
export function numberColumn(lines: number): string {
  let column = '';
  for (let n = 1; n <= lines; n += 1) column += n === 1 ? '1' : `\n${n}`;
  return column;
}

/** Text only ever becomes text nodes: there is no markup in it to escape. */
export function highlighted(text: string, language: Language): DocumentFragment {
  const fragment = document.createDocumentFragment();
  for (const token of tokens(text, language.parser)) {
    if (token.classes === '') {
      fragment.append(token.text);
      continue;
    }
    const span = document.createElement('span');
    span.className = token.classes;
    span.textContent = token.text;
    fragment.append(span);
  }
  // A <pre> swallows its last line end; an editor shows the empty line behind it.
  fragment.append('\n');
  return fragment;
}

export interface StaticText {
  readonly dom: HTMLElement;
  /** What holds the text itself. */
  readonly lines: HTMLElement;
  update(text: string, language: Language, numbers: LineNumbers, label: string): void;
}

export function staticText(): StaticText {
  const dom = document.createElement('div');
  dom.className = 'code-static';
  // Chromium lets the keyboard into whatever scrolls: a stop of Tab for each cell with a long line.
  dom.tabIndex = -1;
  const gutter = document.createElement('div');
  gutter.className = 'code-gutter';
  gutter.setAttribute('aria-hidden', 'true');
  const lines = document.createElement('pre');
  lines.className = 'code-lines';
  lines.setAttribute('translate', 'no');
  let shown: { text: string; language: Language } | null = null;
  return {
    dom,
    lines,
    update(text, language, numbers, label) {
      dom.replaceChildren(...(numbers === 'off' ? [lines] : [gutter, lines]));
      lines.setAttribute('aria-label', label);
      if (shown?.text === text && shown.language === language) return;
      shown = { text, language };
      gutter.textContent = numberColumn(countLines(text));
      lines.replaceChildren(highlighted(text, language));
    },
  };
}
