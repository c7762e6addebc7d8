/** What was found, marked in a live editor: the marks go with the text until others come. */
import { StateEffect, StateField, type Extension } from '@codemirror/state';
import { Decoration, EditorView, type DecorationSet } from '@codemirror/view';
import type { Mark } from './marks';

const setMarks = StateEffect.define<readonly Mark[]>();
const some = Decoration.mark({ class: 'found' });
const thisOne = Decoration.mark({ class: 'found found-now' });

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let now = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setMarks)) continue;
      const { length } = transaction.newDoc;
      const inside = effect.value.filter(({ from, to }) => from < to && to <= length);
      now = Decoration.set(
        inside.map((mark) => (mark.now ? thisOne : some).range(mark.from, mark.to)),
        true,
      );
    }
    return now;
  },
  provide: (self) => EditorView.decorations.from(self),
});

export const foundMarks: Extension = field;

export function mark(view: EditorView, marks: readonly Mark[]): void {
  if (marks.length > 0 || view.state.field(field).size > 0) view.dispatch({ effects: setMarks.of(marks) });
}
