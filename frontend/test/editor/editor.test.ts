// @vitest-environment jsdom
import { EditorSelection } from '@codemirror/state';
import { EditorView, runScopeHandlers } from '@codemirror/view';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Awareness } from 'y-protocols/awareness';
import * as Y from 'yjs';
import { EditorAwareness } from '../../src/doc/people.svelte';
import { CodeBox } from '../../src/editor/box';
import { readCaret } from '../../src/editor/carets';
import { CodeEditor, type EditorSettings } from '../../src/editor/editor';
import { inkOn } from '../../src/editor/ink';
import { editorText } from '../../src/editor/sync';
import { undoKey, type EditorActions } from '../../src/editor/keys';
import { languageOf } from '../../src/editor/languages';

let doc: Y.Doc;
let source: Y.Text;
let awareness: Awareness;
let undoManager: Y.UndoManager;
let actions: { [K in keyof EditorActions]: ReturnType<typeof vi.fn<() => void>> };
let editor: CodeEditor;

function settings(over: Partial<EditorSettings> = {}): EditorSettings {
  return {
    assist: null,
    source,
    language: languageOf('python'),
    numbers: 'on',
    actions,
    undoManager,
    awareness: new EditorAwareness(awareness),
    label: () => 'Code of cell 3',
    prose: false,
    focused: () => {},
    blurred: () => {},
    ...over,
  };
}

// jsdom lays nothing out and has no rectangles of ranges; CodeMirror asks for them.
Range.prototype.getClientRects = () => [] as unknown as DOMRectList;
Range.prototype.getBoundingClientRect = () => new DOMRect();

beforeEach(() => {
  doc = new Y.Doc();
  source = doc.getText('source');
  awareness = new Awareness(doc);
  undoManager = new Y.UndoManager(doc, { captureTimeout: 0, trackedOrigins: new Set(['acts']) });
  const spy = (): ReturnType<typeof vi.fn<() => void>> => vi.fn<() => void>();
  actions = {
    run: spy(),
    runAndAdvance: spy(),
    runAndInsertBelow: spy(),
    rest: spy(),
    undo: spy(),
    redo: spy(),
    save: spy(),
    split: spy(),
  };
  editor = new CodeEditor(settings());
  document.body.append(editor.view.dom);
});

afterEach(() => {
  editor.destroy();
  awareness.destroy();
  document.body.replaceChildren();
});

const CODES: Readonly<Record<string, number>> = {
  Enter: 13,
  Escape: 27,
  Tab: 9,
  z: 90,
  Z: 90,
  y: 89,
  s: 83,
  '/': 191,
};

function press(
  key: string,
  mods: Partial<Record<'ctrlKey' | 'shiftKey' | 'altKey' | 'metaKey', boolean>> = {},
): boolean {
  const event = new KeyboardEvent('keydown', { key, keyCode: CODES[key] ?? 0, cancelable: true, ...mods });
  return runScopeHandlers(editor.view, event, 'editor');
}

describe('keys', () => {
  it.each([
    ['Enter', { ctrlKey: true }, 'run'],
    ['Enter', { shiftKey: true }, 'runAndAdvance'],
    ['Enter', { altKey: true }, 'runAndInsertBelow'],
    ['Escape', {}, 'rest'],
    ['z', { ctrlKey: true }, 'undo'],
    ['Z', { ctrlKey: true, shiftKey: true }, 'redo'],
    ['z', { ctrlKey: true, shiftKey: true }, 'redo'], // Caps Lock is on
    ['Z', { ctrlKey: true }, 'undo'],
    ['y', { ctrlKey: true }, 'redo'],
    ['s', { ctrlKey: true }, 'save'],
  ] as const)('%s %j: %s', (key, mods, action) => {
    source.insert(0, 'x = 1');
    expect(press(key, mods)).toBe(true);
    for (const [name, spy] of Object.entries(actions))
      expect(spy, name).toHaveBeenCalledTimes(name === action ? 1 : 0);
    expect(source.toString()).toBe('x = 1');
  });

  it('undo is asked with one of Ctrl and Cmd, not with both or Alt', () => {
    const none = { key: 'z', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
    expect(undoKey(none)).toBeNull();
    expect(undoKey({ ...none, metaKey: true })).toBe('undo');
    expect(undoKey({ ...none, metaKey: true, ctrlKey: true })).toBeNull();
    expect(undoKey({ ...none, ctrlKey: true, altKey: true })).toBeNull();
  });

  it('Tab goes to the next stop, indents what is selected, and Shift+Tab takes back', () => {
    source.insert(0, 'ab\ncd');
    editor.select(2, 2);
    press('Tab');
    expect(source.toString()).toBe('ab  \ncd');
    editor.select(0, 6);
    press('Tab');
    expect(source.toString()).toBe('    ab  \n    cd');
    press('Tab', { shiftKey: true });
    expect(source.toString()).toBe('ab  \ncd');
  });

  it('comments and uncomments', () => {
    source.insert(0, 'x = 1');
    press('/', { ctrlKey: true });
    expect(source.toString()).toBe('# x = 1');
    press('/', { ctrlKey: true });
    expect(source.toString()).toBe('x = 1');
  });

  it('Escape makes one caret of several before it leaves', () => {
    source.insert(0, 'a\nb');
    const { view } = editor;
    editor.select(3, 3);
    view.dispatch({ selection: view.state.selection.addRange(EditorSelection.cursor(0)) });
    expect(view.state.selection.ranges.length).toBe(2);
    expect(press('Escape')).toBe(true);
    expect(view.state.selection.ranges.length).toBe(1);
    expect(actions.rest).not.toHaveBeenCalled();
    press('Escape');
    expect(actions.rest).toHaveBeenCalledOnce();
  });
});

describe('an editor on a shared text', () => {
  it('writes there and shows what others write, line ends of any kind included', () => {
    editor.view.dispatch({ changes: { from: 0, insert: 'print()\n' } });
    expect(source.toString()).toBe('print()\n');
    source.insert(0, 'a\r\nb\rc\u2028d\n');
    expect(editor.view.state.doc.length).toBe(source.length);
    editor.view.dispatch({ changes: { from: source.length, insert: 'end' } });
    expect(source.toString()).toBe('a\r\nb\rc\u2028d\nprint()\nend');
    expect(editor.view.state.doc.toString()).toBe(source.toString());
  });

  it('puts its edits into the one undo stack', () => {
    editor.view.dispatch({ changes: { from: 0, insert: 'mine' } });
    doc.transact(() => source.insert(0, 'theirs '), 'another');
    undoManager.undo();
    expect(source.toString()).toBe('theirs ');
    expect(editor.view.state.doc.toString()).toBe('theirs ');
    undoManager.redo();
    expect(source.toString()).toBe('theirs mine');
  });

  it('bears objects in the text, before and while it is open', () => {
    source.insertEmbed(0, { image: 'x' });
    editor.view.dispatch({ changes: { from: 1, insert: 'a' } });
    expect(source.toDelta()).toEqual([{ insert: { image: 'x' } }, { insert: 'a' }]);
    expect(editorText(source)).toBe('\uFFFCa');
    expect(editor.view.state.doc.toString()).toBe('\uFFFCa');
    editor.view.dispatch({ changes: { from: 0, to: 1 } });
    expect(source.toDelta()).toEqual([{ insert: 'a' }]);
  });

  it('puts the caret back with undo and redo', () => {
    source.insert(0, 'abc');
    editor.select(1, 1);
    editor.view.dispatch({ changes: { from: 1, insert: 'XY' }, selection: { anchor: 3 } });
    editor.select(0, 0);
    undoManager.undo();
    expect(editor.view.state.selection.main.head).toBe(1);
    undoManager.redo();
    expect(source.toString()).toBe('aXYbc');
  });

  it('writes several changes at once in their places', () => {
    source.insert(0, 'a b c');
    editor.view.dispatch({
      changes: [
        { from: 0, to: 1, insert: 'long' },
        { from: 2, to: 3 },
        { from: 5, insert: '!' },
      ],
    });
    expect(source.toString()).toBe('long  c!');
    expect(editor.view.state.doc.toString()).toBe('long  c!');
  });

  it('undo reaches a text whose editor has gone', () => {
    editor.view.dispatch({ changes: { from: 0, insert: 'mine' } });
    editor.destroy();
    undoManager.undo();
    expect(source.toString()).toBe('');
    undoManager.redo();
    expect(source.toString()).toBe('mine');
  });

  it('has a name for screen readers', () => {
    expect(editor.view.contentDOM.getAttribute('aria-label')).toBe('Code of cell 3');
  });

  it('changes its numbers and language without being made anew', () => {
    const { dom } = editor.view;
    expect(dom.querySelector('.cm-lineNumbers')).not.toBeNull();
    editor.configure(languageOf('r'), 'off');
    expect(dom.querySelector('.cm-lineNumbers')).toBeNull();
    editor.configure(languageOf('r'), 'relative');
    expect(dom.querySelector('.cm-lineNumbers')).not.toBeNull();
  });
});

describe('the box around it', () => {
  const look = { text: 'x = 1', language: languageOf('python'), numbers: 'on', label: 'Code' } as const;

  beforeEach(() => {
    editor.destroy();
  });

  it('goes live and back without losing the text or the place', () => {
    source.insert(0, 'x = 1');
    const host = document.createElement('div');
    document.body.append(host);
    const box = new CodeBox(host, () => {});
    box.paint(look);
    expect(host.querySelector('.code-lines')?.textContent).toBe('x = 1\n');
    box.open(CodeEditor, settings());
    expect([box.live, host.querySelector('.code-lines')]).toEqual([true, null]);
    box.open(CodeEditor, settings());
    expect(host.querySelectorAll('.cm-editor').length).toBe(1);
    source.insert(0, 'y = 2\n');
    box.close({ ...look, text: source.toString() });
    expect(host.querySelector('.code-lines')?.textContent).toBe('y = 2\nx = 1\n');
    box.destroy();
    expect(host.childElementCount).toBe(0);
  });

  it('a press wakes it', () => {
    source.insert(0, 'x = 1');
    const host = document.createElement('div');
    document.body.append(host);
    const wake = vi.fn();
    const box = new CodeBox(host, wake);
    box.paint(look);
    host.querySelector('pre')?.dispatchEvent(new MouseEvent('mousedown', { button: 2, bubbles: true }));
    expect(wake).not.toHaveBeenCalled();
    host.querySelector('pre')?.dispatchEvent(new MouseEvent('mousedown', { button: 0, bubbles: true }));
    expect(wake).toHaveBeenCalledOnce();
    box.destroy();
  });

  it('a press that comes before the editor is loaded is not lost', () => {
    source.insert(0, 'x = 1');
    const host = document.createElement('div');
    document.body.append(host);
    const box = new CodeBox(host, () => {});
    box.paint(look);
    host.querySelector('pre')?.dispatchEvent(new MouseEvent('mousedown', { button: 0, bubbles: true }));
    expect(box.live).toBe(false);
    box.open(CodeEditor, settings());
    expect(box.hasFocus).toBe(true);
    box.destroy();
  });

  it('comes back live with the caret where it was, moved by what others wrote', () => {
    source.insert(0, 'x = 1');
    const host = document.createElement('div');
    const box = new CodeBox(host, () => {});
    box.open(CodeEditor, settings());
    EditorView.findFromDOM(host)?.dispatch({ selection: { anchor: 2, head: 5 } });
    box.close(look);
    source.insert(0, '# ');
    box.open(CodeEditor, settings());
    expect(EditorView.findFromDOM(host)?.state.selection.main).toMatchObject({ anchor: 4, head: 7 });
    box.destroy();
  });
});

describe('others’ carets', () => {
  const at = (index: number): unknown =>
    Y.relativePositionToJSON(Y.createRelativePositionFromTypeIndex(source, index));

  it('reads position, name and colour', () => {
    source.insert(0, 'hello');
    const state = { cursor: { anchor: at(1), head: at(4) }, user: { name: ' Ada ', color: '#C2255c' } };
    expect(readCaret(7, state, source)).toEqual({
      client: 7,
      name: 'Ada',
      color: '#C2255c',
      anchor: 1,
      head: 4,
    });
  });

  it.each([
    undefined,
    {},
    { cursor: null },
    { cursor: 'x' },
    { cursor: { x: 1, y: 2 } },
    { cursor: { anchor: {}, head: {} } },
    { cursor: { anchor: { item: 'evil' }, head: { type: { client: 1e30, clock: -4 } } } },
    { cursor: { anchor: { tname: 'elsewhere' }, head: { tname: 'elsewhere' } } },
  ])('takes %j for no caret', (state) => {
    expect(readCaret(7, state, source)).toBeNull();
  });

  it('lets no style through where a colour belongs', () => {
    const state = { cursor: { anchor: at(0), head: at(0) }, user: { name: 5, color: 'red;position:fixed' } };
    expect(readCaret(7, state, source)).toMatchObject({ name: 'Guest', color: '#5f5b53' });
  });

  it('draws them, and only dispatches for those that are in its text', () => {
    source.insert(0, 'hello');
    const dispatched = vi.spyOn(editor.view, 'dispatch');
    const hear = (state: unknown): void => {
      awareness.states.set(9, state as { [x: string]: unknown });
      awareness.emit('change', [{ added: [], updated: [9], removed: [] }, 'test']);
    };
    hear({ user: { name: 'Ada' }, cursor: { anchor: { tname: 'other' }, head: { tname: 'other' } } });
    expect(dispatched).not.toHaveBeenCalled();
    hear({ user: { name: 'Ada', color: '#c2255c' }, cursor: { anchor: at(0), head: at(3) } });
    expect(dispatched).toHaveBeenCalledOnce();
    expect(editor.view.dom.querySelector('.peer-name')?.textContent).toBe('Ada');
    hear({
      user: { name: 'Ada', color: '#c2255c' },
      cursor: { anchor: at(0), head: at(3) },
      pointer: { x: 1, y: 1 },
    });
    expect(dispatched).toHaveBeenCalledOnce();
    hear({ user: { name: 'Ada', color: '#c2255c' }, cursor: null });
    expect(editor.view.dom.querySelector('.peer-name')).toBeNull();
  });

  it('writes a name in what reads on its colour', () => {
    expect([inkOn('#000000'), inkOn('#ffffff'), inkOn('#3b5bdb'), inkOn('#ffd43b')]).toEqual([
      '#ffffff',
      '#111111',
      '#ffffff',
      '#111111',
    ]);
  });
});
