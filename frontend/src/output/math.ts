/** KaTeX, loaded when the first formula is shown. */
import katex from 'katex';
import 'katex/dist/katex.min.css';

/** Draws the formula into `host`. A fault is shown where it stands; `\href` and the like stay off (`trust`). */
export function drawMath(host: HTMLElement, tex: string, display: boolean): void {
  try {
    katex.render(tex, host, {
      displayMode: display,
      throwOnError: false,
      errorColor: 'var(--danger)',
      trust: false,
      strict: 'ignore',
      maxSize: 50,
      maxExpand: 1000,
      globalGroup: false,
    });
  } catch {
    host.textContent = tex; // too long, or not a formula at all
    host.classList.add('math-fault');
  }
}
