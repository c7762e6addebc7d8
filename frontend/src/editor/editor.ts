/**
 * One live editor over one shared text. Everything that editors have in common is made once, in this module:
 * a theme or a keymap of its own for each of hundreds of editors costs seconds.
 */
import { closeBrackets } from '@codemirror/autocomplete';
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language';
import { Compartment, EditorSelection, EditorState, type Extension } from '@codemirror/state';
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  keymap,
  rectangularSelection,
} from '@codemirror/view';
import type * as Y from 'yjs';
import type { LineNumbers } from '../doc/config.svelte';
import type { EditorAwareness } from '../doc/people.svelte';
import { assistance, type Assist } from './assist';
import { peerCarets } from './carets';
import { foundMarks, mark } from './found';
import { extensionOf } from './grammars';
import { editorActions, editorKeys, type EditorActions } from './keys';
import type { Language } from './languages';
import type { Mark } from './marks';
import { numbering } from './numbers';
import { editorText, lastSelection, sharedText } from './sync';

const language = new Compartment();
const numbers = new Compartment();
const drawn = new Compartment();

/** Drawn selections are slower than the browser's own, which can show only one: on while there are several. */
const drawSeveral = EditorView.updateListener.of(({ view, state }) => {
  const several = state.selection.ranges.length > 1;
  const on = drawn.get(state) !== undefined && (drawn.get(state) as Extension[]).length > 0;
  if (several !== on) view.dispatch({ effects: drawn.reconfigure(several ? [drawSelection()] : []) });
});

/** So near to where it was pressed, in pixels, a pointer has not been dragged. */
const SLOP = 4;
let pressed: { view: EditorView; selection: EditorSelection; x: number; y: number } | null = null;

/** Alt and a drag select a rectangle; Alt and a click add a caret, or take the one away that is there. */
const addsCarets = EditorView.domEventHandlers({
  mousedown(event, view) {
    const { selection } = view.state;
    pressed =
      event.altKey && event.button === 0 ? { view, selection, x: event.clientX, y: event.clientY } : null;
    return false;
  },
  click(event, view) {
    const from = pressed;
    pressed = null;
    if (from?.view !== view || Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLOP)
      return false;
    const at = view.posAtCoords({ x: event.clientX, y: event.clientY }, false);
    view.dispatch({ selection: withCaret(from.selection, at) });
    return true;
  },
});

export function withCaret({ ranges }: EditorSelection, at: number): EditorSelection {
  const others = ranges.filter((range) => !(range.empty && range.head === at));
  if (others.length < ranges.length && others.length > 0)
    return EditorSelection.create([...others], others.length - 1);
  return EditorSelection.create([...others, EditorSelection.cursor(at)], others.length);
}

function nonce(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';
}

let shared: readonly Extension[] | null = null;

function sharedExtensions(): readonly Extension[] {
  shared ??= [
    EditorView.cspNonce.of(nonce()),
    // A shared text counts every character: no other line end than this one may be folded into one.
    EditorState.lineSeparator.of('\n'),
    EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n')),
    EditorState.tabSize.of(4),
    indentUnit.of('    '),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    EditorState.allowMultipleSelections.of(true),
    rectangularSelection(),
    addsCarets,
    foundMarks,
    crosshairCursor(),
    dropCursor(),
    drawn.of([]),
    drawSeveral,
    keymap.of(editorKeys),
  ];
  return shared;
}

export interface EditorSettings {
  source: Y.Text;
  language: Language;
  numbers: LineNumbers;
  actions: EditorActions;
  undoManager: Y.UndoManager;
  awareness: EditorAwareness;
  /** What the kernel knows; null: it is none of the kernel's. */
  assist: Assist | null;
  /** Read at every update: a cell's number changes. */
  label(): string;
  /** Prose: lines wrap, spelling is checked. */
  prose: boolean;
  focused(): void;
  blurred(): void;
}

/** Undo from the browser's own menu and from a phone's gestures: the board's, not the text's. */
function undoEvents({ undo, redo }: EditorActions): Extension {
  return EditorView.domEventHandlers({
    beforeinput(event) {
      if (event.inputType !== 'historyUndo' && event.inputType !== 'historyRedo') return false;
      event.preventDefault();
      (event.inputType === 'historyUndo' ? undo : redo)();
      return true;
    },
  });
}

function extensions(given: EditorSettings): Extension[] {
  return [
    undoEvents(given.actions),
    editorActions.of(given.actions),
    assistance(given.assist),
    ...sharedExtensions(),
    language.of(extensionOf(given.language)),
    numbers.of(numbering(given.numbers)),
    EditorView.contentAttributes.of(() => ({
      'aria-label': given.label(),
      // Tab goes on from cell to cell: Enter leads in here, and Escape out again.
      tabindex: '-1',
      spellcheck: given.prose ? 'true' : 'false',
      translate: 'no',
    })),
    given.prose ? EditorView.lineWrapping : [],
    sharedText(given.source, given.undoManager),
    peerCarets(given.source, given.awareness),
    EditorView.domEventHandlers({
      focus: () => {
        given.focused();
      },
      blur: () => {
        given.blurred();
      },
    }),
  ];
}

export class CodeEditor {
  readonly view: EditorView;
  #language: Language;
  #numbers: LineNumbers;

  /** Detached: whoever makes it appends `view.dom` in one go, which is what makes hundreds of editors quick. */
  constructor(settings: EditorSettings) {
    this.#language = settings.language;
    this.#numbers = settings.numbers;
    const doc = editorText(settings.source);
    const last = lastSelection(settings.source);
    const selection = last === null ? {} : { selection: EditorSelection.single(last.anchor, last.head) };
    this.view = new EditorView({
      state: EditorState.create({ doc, ...selection, extensions: extensions(settings) }),
    });
  }

  configure(to: Language, lineNumbers: LineNumbers): void {
    const effects = [];
    if (to !== this.#language) effects.push(language.reconfigure(extensionOf(to)));
    if (lineNumbers !== this.#numbers) effects.push(numbers.reconfigure(numbering(lineNumbers)));
    this.#language = to;
    this.#numbers = lineNumbers;
    if (effects.length > 0) this.view.dispatch({ effects });
  }

  mark(marks: readonly Mark[]): void {
    mark(this.view, marks);
  }

  select(anchor: number, head: number): void {
    const end = this.view.state.doc.length;
    this.view.dispatch({ selection: EditorSelection.single(Math.min(anchor, end), Math.min(head, end)) });
  }

  destroy(): void {
    this.view.destroy();
  }
}
