/** Text with a terminal's colours into the DOM: text nodes and our own classes, never markup. */
import { parseAnsi, PLAIN, type Colour, type Pen } from './ansi';
import { readable } from './contrast';
import { cutTail, fold, SHOWN } from './stream';

const LINK = /\bhttps?:\/\/[^\s<>"'`\x5c^{|}]+/g; // no backslash: browsers read it as a slash
const BLOCK = 16_000; // characters in an element that the browser may skip when it is out of view

/** What a stream or a traceback says, as nodes; the pen after it. */
export function ansiNodes(text: string, pen: Pen = PLAIN): { nodes: Node[]; pen: Pen } {
  const parsed = parseAnsi(text, pen);
  const nodes = parsed.runs.flatMap((run) => {
    const inner = linked(run.text);
    if (run.pen === PLAIN || isPlain(run.pen)) return inner;
    const span = document.createElement('span');
    dress(span, run.pen);
    span.append(...inner);
    return [span];
  });
  return { nodes, pen: parsed.pen };
}

function isPlain(pen: Pen): boolean {
  return Object.values(pen).every((value) => value === null || value === false);
}

function dress(span: HTMLElement, pen: Pen): void {
  if (pen.inverse) swap(span, pen);
  else {
    foreground(span, pen.fg, pen.bg);
    background(span, pen.bg, pen.fg);
  }
  for (const flag of ['bold', 'dim', 'italic', 'underline', 'strike'] as const) {
    if (pen[flag]) span.classList.add(`ansi-${flag}`);
  }
}

/** The text in the ground's colour on the text's. */
function swap(span: HTMLElement, pen: Pen): void {
  if (typeof pen.fg === 'string') background(span, pen.fg, null);
  else span.classList.add(pen.fg === null ? 'ansi-inverse' : `ansi-inverse-${pen.fg}`);
}

function foreground(span: HTMLElement, fg: Colour | null, bg: Colour | null): void {
  if (typeof fg === 'number') span.classList.add(`ansi-fg-${fg}`);
  else if (fg !== null) {
    const { light, dark } = readable(fg);
    span.style.color = typeof bg === 'string' ? fg : `light-dark(${light}, ${dark})`;
  }
}

function background(span: HTMLElement, bg: Colour | null, fg: Colour | null): void {
  if (typeof bg === 'number') span.classList.add(`ansi-bg-${bg}`);
  else if (bg !== null) {
    span.style.backgroundColor = bg;
    // What stands on it without a colour of its own must be read as well, and our palette is not made for it.
    if (typeof fg !== 'string') span.style.color = readable(bg).on;
  }
}

function linked(text: string): Node[] {
  const nodes: Node[] = [];
  let at = 0;
  for (const found of text.matchAll(LINK)) {
    const address = found[0].replace(/[.,;:!?)\]]+$/, '');
    if (!URL.canParse(address)) continue;
    nodes.push(document.createTextNode(text.slice(at, found.index)));
    const link = document.createElement('a');
    link.href = address;
    link.target = '_blank';
    link.rel = 'noopener noreferrer';
    link.textContent = address;
    nodes.push(link);
    at = found.index + address.length;
  }
  nodes.push(document.createTextNode(text.slice(at)));
  return nodes;
}

/** Keeps a `<pre>` equal to the end of a growing text. Lines that have ended are not made again. */
export class StreamPainter {
  #start = 0;
  #ended = ''; // the complete lines that are painted
  #pen: Pen = PLAIN; // after them
  #open: HTMLElement | null = null; // the line that goes on

  constructor(private readonly host: HTMLElement) {}

  /** Returns how many characters before the shown ones are left out. */
  paint(raw: string, limit: number = SHOWN): number {
    const text = fold(raw);
    const cut = cutTail(text, limit);
    // The window moves by steps while text streams in: each move makes everything again.
    const grows = text.startsWith(this.#ended, this.#start) && this.#start <= cut.start;
    const near = cut.start - this.#start <= limit / 2;
    if (!(grows && near && this.host.childNodes.length > 0)) this.#restart(cut.start, cut.pen);
    this.#append(text);
    return this.#start;
  }

  #restart(start: number, pen: Pen): void {
    this.host.replaceChildren();
    this.#start = start;
    this.#ended = '';
    this.#pen = pen;
    this.#open = null;
  }

  #append(text: string): void {
    this.#open?.remove();
    this.#open = null;
    let at = this.#start + this.#ended.length;
    const end = text.lastIndexOf('\n') + 1;
    const from = at;
    while (at < end) {
      const line = text.indexOf('\n', Math.min(at + BLOCK, end - 1)) + 1;
      const { block, pen } = this.#block(text.slice(at, line), this.#pen);
      // Lines out of sight are not laid out; their height is guessed until they were seen.
      block.className = 'ansi-lines';
      block.style.setProperty('--lines', String(text.slice(at, line).split('\n').length - 1));
      this.#pen = pen;
      at = line;
    }
    this.#ended += text.slice(from, Math.max(from, at));
    if (at < text.length) this.#open = this.#block(text.slice(at), this.#pen).block;
  }

  #block(text: string, pen: Pen): { block: HTMLElement; pen: Pen } {
    const block = document.createElement('span');
    const painted = ansiNodes(text, pen);
    block.append(...painted.nodes);
    this.host.append(block);
    return { block, pen: painted.pen };
  }
}
