/** Line numbers as `/config` wants them. */
import type { Extension } from '@codemirror/state';
import { gutter, GutterMarker, lineNumbers, type EditorView } from '@codemirror/view';
import type { LineNumbers } from '../doc/config.svelte';

class Label extends GutterMarker {
  constructor(readonly text: string) {
    super();
  }
  override eq(other: Label): boolean {
    return other.text === this.text;
  }
  override toDOM(): Node {
    return document.createTextNode(this.text);
  }
}

/** Distances from the caret's line, which shows its own number; plain numbers while nobody writes here. */
function relativeLabel(view: EditorView, from: number): Label {
  const own = view.state.doc.lineAt(from).number;
  if (!view.hasFocus) return new Label(String(own));
  const at = view.state.doc.lineAt(view.state.selection.main.head).number;
  return new Label(String(own === at ? own : Math.abs(own - at)));
}

/** As many nines as the highest number has digits: the gutter does not change its width while one moves. */
const widest = (view: EditorView): Label => new Label('9'.repeat(String(view.state.doc.lines).length));

const RELATIVE = gutter({
  class: 'cm-lineNumbers',
  lineMarker: (view, line) => relativeLabel(view, line.from),
  lineMarkerChange: (update) => update.selectionSet || update.focusChanged,
  initialSpacer: widest,
  updateSpacer: (spacer, update) => (update.docChanged ? widest(update.view) : spacer),
});

const EXTENSIONS: Readonly<Record<LineNumbers, Extension>> = {
  on: lineNumbers(),
  off: [],
  relative: RELATIVE,
};

export function numbering(kind: LineNumbers): Extension {
  return EXTENSIONS[kind];
}
