// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { StreamPainter } from '../../src/output/paint';
import { stripAnsi } from '../../src/output/ansi';
import { fold } from '../../src/output/stream';
import { seeded, someSeeds } from '../canvas/random';

const host = (): HTMLElement => document.createElement('pre');

/** What each character looks like. */
function look(pre: HTMLElement): string {
  const seen: string[] = [];
  const walk = document.createTreeWalker(pre, 4);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const dressed = node.parentElement?.closest('[class]:not(.ansi-lines), [style]:not(.ansi-lines)');
    const dress =
      dressed && pre.contains(dressed) ? `${dressed.className}|${dressed.getAttribute('style') ?? ''}` : '';
    for (const character of node.textContent ?? '') seen.push(`${character}:${dress}`);
  }
  return seen.join(' ');
}

describe('a growing stream', () => {
  it('looks at each step as if it had been painted at once', () => {
    const parts = ['some text ', '\x1b[31m', '\n', '\n', '\r', 'x\b', '\x1b[0m', '\x1b[1;42m', '😀', '50%\r'];
    for (const seed of someSeeds(30)) {
      const random = seeded(seed);
      const grown = host();
      const painter = new StreamPainter(grown);
      let text = '';
      for (let step = 0; step < 40; step++) {
        for (let part = 0; part < 4; part++) text += parts[Math.floor(random() * parts.length)] as string;
        if (random() < 0.05) text = ''; // the cell ran again
        painter.paint(text);
        const once = host();
        new StreamPainter(once).paint(text);
        expect(look(grown), `seed ${seed}, step ${step}`).toBe(look(once));
        expect(grown.textContent, `seed ${seed}`).toBe(stripAnsi(fold(text)));
      }
    }
  });

  it('keeps the elements of lines that have ended', () => {
    const pre = host();
    const painter = new StreamPainter(pre);
    painter.paint('one\ntwo\nthr');
    const first = pre.firstChild;
    painter.paint('one\ntwo\nthree\nfour');
    expect(pre.firstChild).toBe(first);
    expect(pre.textContent).toBe('one\ntwo\nthree\nfour');
  });

  it('shows its end, says how much is left out, and all when asked', () => {
    const text = Array.from({ length: 5000 }, (_, line) => `line ${line}\n`).join('');
    const pre = host();
    const painter = new StreamPainter(pre);
    const left = painter.paint(text, 1000);
    expect(pre.textContent).toBe(text.slice(left));
    expect(pre.textContent?.length).toBeLessThanOrEqual(1000);
    expect(painter.paint(text, Infinity)).toBe(0);
    expect(pre.textContent).toBe(text);
  });

  it('moves its window by steps', () => {
    const pre = host();
    const painter = new StreamPainter(pre);
    let made = 0;
    let text = '';
    let first: ChildNode | null = null;
    for (let line = 0; line < 2000; line++) {
      text += `line ${line}\n`;
      const left = painter.paint(text, 1000);
      expect(pre.textContent).toBe(text.slice(left));
      expect(pre.textContent?.length).toBeLessThanOrEqual(1600);
      if (pre.firstChild !== first) made += 1;
      first = pre.firstChild;
    }
    expect(made).toBeLessThan(60);
  });
});
