/**
 * The place of a cell's text: static until it is wanted live, the same to the pixel either way. The text itself is
 * the shared one; nothing is lost when an editor goes.
 */
import type * as Y from 'yjs';
import type { LineNumbers } from '../doc/config.svelte';
import type { CodeEditor, EditorSettings } from './editor';
import type { Language } from './languages';
import { StaticMarks, type Mark } from './marks';
import { staticText, type StaticText } from './static';

export interface Look {
  text: string;
  language: Language;
  numbers: LineNumbers;
  label: string;
}

export class CodeBox {
  readonly #static: StaticText = staticText();
  readonly #marks = new StaticMarks();
  #editor: CodeEditor | null = null;
  #source: Y.Text | null = null;
  /** A press that came before there was an editor to take it. */
  #pressedAt: MouseEventInit | null = null;
  /** Heard, never asked for: to read it while many cells change would lay out the page once for each. */
  #scrolled = 0;

  /** `wake`: someone pressed into the static text, and `live` must become true, now or when the editor is loaded. */
  constructor(
    readonly host: HTMLElement,
    readonly wake: () => void,
  ) {
    host.append(this.#static.dom);
    this.#static.dom.addEventListener('mousedown', this.#pressed);
    host.addEventListener('scroll', this.#heard, { capture: true, passive: true });
  }

  get live(): boolean {
    return this.#editor !== null;
  }
  get hasFocus(): boolean {
    return this.#editor?.view.hasFocus ?? false;
  }

  /** What was found in the text. After {@link paint}, since that may draw the text anew. */
  mark(marks: readonly Mark[]): void {
    this.#editor?.mark(marks);
    this.#marks.show(this.#static.lines, this.#editor === null ? marks : []);
  }

  /** Where the carets are, and the ends of what is selected. */
  carets(): readonly number[] {
    const ranges = this.#editor?.view.state.selection.ranges ?? [];
    return ranges.flatMap(({ from, to }) => (from === to ? [from] : [from, to]));
  }

  paint(look: Look): void {
    if (this.#editor === null) this.#static.update(look.text, look.language, look.numbers, look.label);
    else this.#editor.configure(look.language, look.numbers);
  }

  /** An editor in the place of the static text, where there is none yet. */
  open(Editor: typeof CodeEditor, settings: EditorSettings): void {
    if (this.#source === settings.source && this.#editor !== null) return;
    const focused = this.hasFocus;
    this.#drop();
    this.#source = settings.source;
    this.#editor = new Editor(settings);
    this.host.replaceChildren(this.#editor.view.dom);
    if (this.#scrolled > 0) this.#editor.view.scrollDOM.scrollLeft = this.#scrolled;
    if (focused) this.focus();
    if (this.#pressedAt !== null) this.#press(this.#pressedAt);
    this.#pressedAt = null;
  }

  /** Static again. Not while someone writes here: the caller waits for the blur. */
  close(look: Look): void {
    if (this.#editor === null) return;
    this.#drop();
    this.#static.update(look.text, look.language, look.numbers, look.label);
    this.host.replaceChildren(this.#static.dom);
    if (this.#scrolled > 0) this.#static.dom.scrollLeft = this.#scrolled;
  }

  focus(): void {
    if (this.#editor !== null && !this.#editor.view.hasFocus) this.#editor.view.focus();
  }

  blur(): void {
    if (this.hasFocus) this.#editor?.view.contentDOM.blur();
  }

  destroy(): void {
    this.#static.dom.removeEventListener('mousedown', this.#pressed);
    this.host.removeEventListener('scroll', this.#heard, { capture: true });
    this.#drop();
    this.#marks.clear();
    this.host.replaceChildren();
  }

  #drop(): void {
    this.#editor?.destroy();
    this.#editor = null;
    this.#source = null;
  }

  readonly #heard = (event: Event): void => {
    if (event.target instanceof HTMLElement) this.#scrolled = event.target.scrollLeft;
  };

  /** The press that wakes the text belongs to the editor: it sets the caret, and selects while one drags on. */
  readonly #pressed = (event: MouseEvent): void => {
    if (event.button !== 0) return;
    const { clientX, clientY, detail, shiftKey, ctrlKey, metaKey, altKey } = event;
    this.#pressedAt = { clientX, clientY, detail, shiftKey, ctrlKey, metaKey, altKey };
    event.preventDefault();
    this.wake();
  };

  #press(at: MouseEventInit): void {
    const view = this.#editor?.view;
    if (view === undefined) return;
    const again = new MouseEvent('mousedown', {
      ...at,
      button: 0,
      buttons: 1,
      bubbles: true,
      cancelable: true,
    });
    view.contentDOM.dispatchEvent(again);
    if (view.hasFocus) return;
    // After a touch CodeMirror leaves presses to the browser, which has lost this one.
    const position = view.posAtCoords({ x: at.clientX ?? 0, y: at.clientY ?? 0 }, false);
    this.#editor?.select(position, position);
    view.focus();
  }
}
