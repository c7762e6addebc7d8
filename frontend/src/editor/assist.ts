/**
 * What the kernel knows of a place in the code: what could stand there (Tab, or behind a dot), and what the name there
 * is (Shift+Tab). Answers for a text that has changed meanwhile are dropped; nothing here keeps anybody from typing.
 */
import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  completeAnyWord,
  completionKeymap,
  completionStatus,
  startCompletion,
  type Completion,
  type CompletionContext,
  type CompletionResult,
} from '@codemirror/autocomplete';
import { indentLess } from '@codemirror/commands';
import { Facet, Prec, StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state';
import {
  EditorView,
  keymap,
  showTooltip,
  tooltips,
  type Command,
  type Tooltip,
  type TooltipView,
} from '@codemirror/view';
import type { JsonObject } from '../doc/values';
import type { Completions } from '../protocol.gen';
import { indentOrInsert } from './keys';
import { offsetOf, pointsBefore } from './points';

/** Positions count code points. */
export interface Assist {
  /** Null: the kernel does not say, or there is none. */
  complete(code: string, cursor: number): Promise<Completions | null>;
  /** A mime bundle; where there is nothing to show, a sentence in `text/plain` that says why. */
  inspect(code: string, cursor: number): Promise<JsonObject>;
  /** Draws a bundle into an element, until what comes back is called. */
  show(host: HTMLElement, bundle: JsonObject): () => void;
}

const assistOf = Facet.define<Assist, Assist | null>({ combine: (given) => given[0] ?? null });

/** The kernel's words for kinds, in CodeMirror's. */
const KINDS: Readonly<Record<string, string>> = {
  module: 'namespace',
  instance: 'variable',
  statement: 'variable',
  param: 'variable',
  path: 'text',
  magic: 'keyword',
};
const MANY = 500;

interface Typed {
  text?: unknown;
  type?: unknown;
  signature?: unknown;
}

/** The kernel's answer as a list; null if it has nothing. Pure. */
export function listed(answer: Completions, code: string): CompletionResult | null {
  if (answer.matches.length === 0) return null;
  const about = new Map<string, Typed>();
  const experimental: unknown = answer.metadata['_jupyter_types_experimental'];
  for (const each of Array.isArray(experimental) ? (experimental as Typed[]) : [])
    if (typeof each?.text === 'string') about.set(each.text, each);
  const options = [...new Set(answer.matches)].slice(0, MANY).map((label, index): Completion => {
    const { type, signature } = about.get(label) ?? {};
    const kind = typeof type === 'string' && type !== '<unknown>' ? (KINDS[type] ?? type) : '';
    return {
      label,
      // In the kernel's order, which knows what is likely.
      boost: -Math.min(99, index),
      ...(kind && { type: kind }),
      ...(typeof signature === 'string' && signature && { detail: signature.slice(0, 60) }),
    };
  });
  return { from: offsetOf(code, answer.cursor_start), options, validFor: /^[\w\u0080-\uffff]*$/ };
}

async function fromKernel(context: CompletionContext): Promise<CompletionResult | null> {
  const assist = context.state.facet(assistOf);
  const asked = context.explicit || context.matchBefore(/[\w\])'"]\.$/) !== null;
  if (assist === null || !asked) return null;
  const code = context.state.doc.toString();
  let left = false;
  context.addEventListener('abort', () => (left = true), { onDocChange: true });
  const answer = await assist.complete(code, pointsBefore(code, context.pos)).catch(() => null);
  if (left) return null;
  const found = answer === null ? null : listed(answer, code);
  // Better some word of the cell than nothing.
  return found ?? (context.explicit ? await completeAnyWord(context) : null);
}

const setTooltip = StateEffect.define<Tooltip | null>();

const tooltip = StateField.define<Tooltip | null>({
  create: () => null,
  update(shown, transaction) {
    for (const effect of transaction.effects) if (effect.is(setTooltip)) return effect.value;
    // It is about a place that the caret has left, or a text that is another now.
    return transaction.docChanged || transaction.selection !== undefined ? null : shown;
  },
  provide: (field) => showTooltip.from(field),
});

function tooltipAt(pos: number, assist: Assist, bundle: JsonObject): Tooltip {
  return {
    pos,
    arrow: false,
    create(): TooltipView {
      const dom = document.createElement('div');
      dom.className = 'cm-inspection';
      dom.setAttribute('role', 'tooltip');
      const end = assist.show(dom, bundle);
      return { dom, destroy: end };
    },
  };
}

const inspect: Command = (view) => {
  const { state } = view;
  const assist = state.facet(assistOf);
  const { head } = state.selection.main;
  if (assist === null || !state.selection.main.empty || isIndent(state, head)) return false;
  const code = state.doc.toString();
  void assist.inspect(code, pointsBefore(code, head)).then((bundle) => {
    if (view.state.doc !== state.doc || view.state.selection.main.head !== head) return;
    view.dispatch({ effects: setTooltip.of(tooltipAt(head, assist, bundle)) });
  });
  return true;
};

const closeTooltip: Command = (view) => {
  if ((view.state.field(tooltip, false) ?? null) === null) return false;
  view.dispatch({ effects: setTooltip.of(null) });
  return true;
};

/** A list that nobody sees yet keeps nobody in the editor. */
const closeList: Command = (view) => {
  const seen = completionStatus(view.state) === 'active';
  return closeCompletion(view) && seen;
};

/** Nothing but blanks stands before it on its line. */
function isIndent(state: EditorState, pos: number): boolean {
  const line = state.doc.lineAt(pos);
  return line.text.slice(0, pos - line.from).trim() === '';
}

/** Where something is written Tab asks what could stand there; else it indents, as ever. */
const completeOrIndent: Command = (view) => {
  const { state } = view;
  if (completionStatus(state) === 'active') return acceptCompletion(view);
  if (!state.selection.main.empty || isIndent(state, state.selection.main.head)) return indentOrInsert(view);
  return startCompletion(view);
};

/** The canvas moves under what is fixed to the window: it goes then. */
const goesWithTheWheel = EditorView.domEventHandlers({
  wheel: (_, view) => {
    closeTooltip(view);
    return false;
  },
});

export function assistance(assist: Assist | null): Extension {
  if (assist === null) return [];
  return [
    assistOf.of(assist),
    tooltip,
    tooltips({ position: 'fixed', parent: document.body }),
    autocompletion({
      override: [fromKernel],
      maxRenderedOptions: 100,
      defaultKeymap: false,
      updateSyncTime: 60,
    }),
    Prec.high(
      keymap.of([
        ...completionKeymap.filter(({ key }) => key !== 'Escape'),
        { key: 'Escape', run: (view) => closeTooltip(view) || closeList(view) },
        { key: 'Tab', run: completeOrIndent, shift: (view) => inspect(view) || indentLess(view) },
      ]),
    ),
    goesWithTheWheel,
  ];
}
