/**
 * Tables as pandas writes them: their head and their labels stay in sight, and a press on a column's name sorts. Made
 * of cleaned markup, and of nothing that the notebook could name.
 */

type Order = 'ascending' | 'descending' | 'none';
const NEXT: Readonly<Record<Order, Order>> = {
  none: 'ascending',
  ascending: 'descending',
  descending: 'none',
};
const DATE = /^\d{4}-\d\d(-\d\d)?([T ]\d\d:\d\d.*)?$/;
const NUMBER = /^[-+−]?(\d[\d,_]*)?\.?\d*(e[-+]?\d+)?\s*%?$/i;
const EMPTY = new Set(['', 'nan', 'nat', 'none', '<na>', 'null']);

export function enhance(table: HTMLTableElement): HTMLElement {
  const box = document.createElement('div');
  box.className = 'frame-of-data';
  table.replaceWith(box);
  box.append(table);
  const rows = [...(table.tBodies[0]?.rows ?? [])];
  const heads = headsOf(table);
  box.tabIndex = 0;
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', `Table of ${rows.length} rows`);
  if (heads !== null && rows.length > 1 && !isCut(rows)) makeSortable(table, heads, rows);
  return box;
}

/** The names of the columns; null where several rows of names, or names over several columns, say more than one. */
function headsOf(table: HTMLTableElement): HTMLTableCellElement[] | null {
  const [row, ...more] = table.tHead?.rows ?? [];
  const cells = [...(row?.cells ?? [])];
  const plain = cells.every((cell) => cell.colSpan === 1 && cell.rowSpan === 1);
  const spanned = table.tBodies[0]?.querySelector('[rowspan], [colspan]') ?? null;
  return row !== undefined && more.length === 0 && plain && spanned === null ? cells : null;
}

/** pandas leaves out the middle of a long table: what is left, sorted, would look like all of it. */
function isCut(rows: readonly HTMLTableRowElement[]): boolean {
  return rows.some((row) => [...row.cells].every((cell) => /^(\.\.\.|…)$/.test(textOf(cell))));
}

const textOf = (cell: Element | undefined): string => cell?.textContent?.trim() ?? '';

function makeSortable(
  table: HTMLTableElement,
  heads: readonly HTMLTableCellElement[],
  rows: readonly HTMLTableRowElement[],
): void {
  const body = table.tBodies[0] as HTMLTableSectionElement;
  for (const [column, head] of heads.entries()) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    const name = textOf(button);
    button.setAttribute('aria-label', `Sort by ${name === '' ? 'row label' : name}`);
    head.replaceChildren(button);
    head.scope = 'col';
    head.setAttribute('aria-sort', 'none');
    button.addEventListener('click', () => {
      const order = NEXT[(head.getAttribute('aria-sort') ?? 'none') as Order];
      for (const each of heads) each.setAttribute('aria-sort', each === head ? order : 'none');
      body.append(...sorted(rows, column, order));
    });
  }
}

function sorted(
  rows: readonly HTMLTableRowElement[],
  column: number,
  order: Order,
): readonly HTMLTableRowElement[] {
  if (order === 'none') return rows;
  const keys = rows.map((row) => textOf(row.cells[column]));
  return orderOf(keys, order === 'descending').map((index) => rows[index] as HTMLTableRowElement);
}

/** The indices in order: stable, numbers and dates by their values, what is empty at the end in both directions. */
export function orderOf(keys: readonly string[], descending: boolean): number[] {
  const values = valuesOf(keys);
  const sign = descending ? -1 : 1;
  return keys
    .map((_, index) => index)
    .sort((a, b) => {
      const [x, y] = [values[a] ?? null, values[b] ?? null];
      if (x === null || y === null) return Number(x === null) - Number(y === null) || a - b;
      const by =
        typeof x === 'number' && typeof y === 'number' ? x - y : COLLATOR.compare(String(x), String(y));
      return sign * by || a - b;
    });
}

const COLLATOR = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

function valuesOf(keys: readonly string[]): (number | string | null)[] {
  const filled = keys.map((key) => (EMPTY.has(key.toLowerCase()) ? null : key));
  const all = (test: (key: string) => boolean): boolean => filled.every((key) => key === null || test(key));
  if (all((key) => NUMBER.test(key) && /\d/.test(key)))
    return filled.map((key) => (key === null ? null : Number(key.replace(/[,_%\s]/g, '').replace('−', '-'))));
  if (all((key) => DATE.test(key)))
    return filled.map((key) => (key === null ? null : Date.parse(key.replace(' ', 'T'))));
  return filled;
}
