/** The headings of a notebook's text, for its outline. Pure. */

export interface TextHeading {
  /** 1 to 6. */
  readonly level: number;
  readonly title: string;
}

export interface Entry extends TextHeading {
  readonly cell: string;
  /** Which of its cell's headings, from 0. */
  readonly index: number;
}

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/;
const UNDERLINE = /^ {0,3}(=+|-+)[ \t]*$/;
/** What opens a line as something else than a paragraph, which alone can be underlined. */
const NO_PARAGRAPH = /^(?: {4}|\t| {0,3}(?:>|[-*+][ \t]|\d{1,9}[.)][ \t]|<))/;

/** ATX and setext headings as CommonMark has them, outside of fences; the title without its markup. */
export function headingsOf(text: string): TextHeading[] {
  const found: TextHeading[] = [];
  let fence = '';
  let before = '';
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1] ?? '';
    if (fence !== '') {
      if (mark.startsWith(fence) && line.trim() === mark) fence = '';
      continue;
    }
    const atx = ATX.exec(line);
    const under = UNDERLINE.exec(line)?.[1];
    if (mark !== '') fence = mark;
    else if (atx !== null) add((atx[1] as string).length, atx[2] ?? '');
    else if (under !== undefined && before !== '') add(under.startsWith('=') ? 1 : 2, before);
    const paragraph = mark === '' && atx === null && under === undefined && !NO_PARAGRAPH.test(line);
    before = paragraph ? line : '';
  }
  return found;

  function add(level: number, title: string): void {
    const words = plainWords(title);
    if (words !== '') found.push({ level, title: words });
  }
}

/** Links by their words, and no signs of emphasis, code or mathematics. */
function plainWords(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/<[^>]*>/g, '')
    .replace(/\\([\\`*_{}[\]()#+\-.!$])/g, '$1')
    .replace(/[*`~]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '')
    .trim();
}
