/** Markdown as Jupyter has it: GitHub's tables and strikes, HTML (sanitised after), formulas as placeholders.
 *
 * Loaded when the first markdown is shown. The result is markup of unknown intent: only `sanitise` may show it.
 */
import MarkdownIt from 'markdown-it';
import { formulaAt } from './mathtext';

// `attachment:` and data: are judged by `sanitise`, with everything else.
const markdown = new MarkdownIt({ html: true, linkify: true, breaks: false });
markdown.validateLink = (address) => !/^\s*(javascript|vbscript|file):/i.test(address);

const escape = (text: string): string => markdown.utils.escapeHtml(text);
const holder = (tex: string, display: boolean, block: boolean): string => {
  const tag = block ? 'div' : 'span'; // a div would end the paragraph that it stands in
  return `<${tag} class="math-${display ? 'display' : 'inline'}">${escape(tex)}</${tag}>`;
};

markdown.inline.ruler.before('escape', 'math', (state, silent) => {
  const first = state.src.charCodeAt(state.pos);
  if (first !== 0x24 && first !== 0x5c) return false; // $ or backslash
  const formula = formulaAt(state.src, state.pos);
  if (formula === null || formula.end > state.posMax) return false;
  if (!silent) {
    const token = state.push('math', '', 0);
    token.content = formula.tex;
    token.meta = { display: formula.display };
  }
  state.pos = formula.end;
  return true;
});

// A displayed formula that begins a line may hold blank lines, lists' signs and underscores.
markdown.block.ruler.before(
  'fence',
  'math',
  (state, startLine, endLine, silent) => {
    const at = (state.bMarks[startLine] ?? 0) + (state.tShift[startLine] ?? 0);
    if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
    if (!/^(\$\$|\\\[|\\begin\{)/.test(state.src.slice(at, at + 8))) return false;
    const formula = formulaAt(state.src, at);
    if (formula === null) return false;
    let line = startLine;
    while (line < endLine && (state.eMarks[line] ?? 0) < formula.end) line += 1;
    // Something behind it on its last line: a paragraph, in which the formula is one part.
    if (line >= endLine || state.src.slice(formula.end, state.eMarks[line]).trim() !== '') return false;
    if (silent) return true;
    const token = state.push('math', 'div', 0);
    token.block = true;
    token.content = formula.tex;
    token.meta = { display: true };
    token.map = [startLine, line + 1];
    state.line = line + 1;
    return true;
  },
  { alt: ['paragraph', 'reference', 'blockquote', 'list'] },
);

markdown.renderer.rules['math'] = (tokens, index) => {
  const token = tokens[index];
  return token ? holder(token.content, (token.meta as { display: boolean }).display, token.block) : '';
};

export function renderMarkdown(text: string): string {
  return markdown.render(text);
}
