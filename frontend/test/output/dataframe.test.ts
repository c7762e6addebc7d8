// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { enhance, orderOf } from '../../src/output/dataframe';

function table(head: string, body: readonly (readonly string[])[]): HTMLTableElement {
  const host = document.createElement('div');
  const rows = body.map(
    ([label, ...cells]) => `<tr><th>${label}</th>${cells.map((c) => `<td>${c}</td>`).join('')}</tr>`,
  );
  host.innerHTML = `<table class="dataframe"><thead>${head}</thead><tbody>${rows.join('')}</tbody></table>`;
  return host.firstElementChild as HTMLTableElement;
}
const HEAD = '<tr><th></th><th>n</th><th>word</th></tr>';
const words = (it: ParentNode): string[] =>
  [...it.querySelectorAll('tbody td:last-child')].map((c) => c.textContent ?? '');

describe('the order of a column', () => {
  it('is that of numbers where all are numbers, with thousands, signs and per cent', () => {
    expect(orderOf(['10', '9', '-1', '1,000', '2e3'], false)).toEqual([2, 1, 0, 3, 4]);
    expect(orderOf(['5%', '10%', '1%'], true)).toEqual([1, 0, 2]);
  });
  it('is that of dates, and else of words with numbers in them', () => {
    expect(orderOf(['2026-02-01', '2025-12-31 10:00', '2026-01-01'], false)).toEqual([1, 2, 0]);
    expect(orderOf(['run 10', 'Run 9', 'a'], false)).toEqual([2, 1, 0]);
  });
  it('has what is empty at the end in both directions, and is stable', () => {
    expect(orderOf(['NaN', '2', '1', ''], false)).toEqual([2, 1, 0, 3]);
    expect(orderOf(['NaN', '2', '1', ''], true)).toEqual([1, 2, 0, 3]);
    expect(orderOf(['1', '1', '1'], true)).toEqual([0, 1, 2]);
  });
});

describe('a table of pandas', () => {
  it('sorts by a press on a name: up, down, as it came', () => {
    const box = enhance(
      table(HEAD, [
        ['0', '2', 'b'],
        ['1', '10', 'a'],
        ['2', '1', 'c'],
      ]),
    );
    const button = box.querySelectorAll('button')[1] as HTMLButtonElement;
    expect(button.getAttribute('aria-label')).toBe('Sort by n');
    const seen: [string | null | undefined, string][] = [];
    for (let press = 0; press < 3; press += 1) {
      button.click();
      seen.push([button.closest('th')?.getAttribute('aria-sort'), words(box).join('')]);
    }
    expect(seen).toEqual([
      ['ascending', 'cba'],
      ['descending', 'abc'],
      ['none', 'bac'],
    ]);
  });
  it('is not sorted where it is cut, has names of several rows, or labels over several rows', () => {
    const rows = [
      ['0', '1', 'a'],
      ['...', '...', '...'],
      ['9', '2', 'b'],
    ];
    expect(enhance(table(HEAD, rows)).querySelector('button')).toBeNull();
    expect(
      enhance(
        table(HEAD + HEAD, [
          ['0', '1', 'a'],
          ['1', '2', 'b'],
        ]),
      ).querySelector('button'),
    ).toBeNull();
    const spanned = table(HEAD, [
      ['0', '1', 'a'],
      ['1', '2', 'b'],
    ]);
    spanned.querySelector('tbody th')?.setAttribute('rowspan', '2');
    expect(enhance(spanned).querySelector('button')).toBeNull();
  });
});
