/** On what terms this person's runs run; kept in this browser. */
import type { Methods } from '../protocol.gen';
import { asObject, numberOr } from './values';

type Message = Methods['notebook.run']['message'];

export type RunTerms = Pick<Message, 'stop_on_error' | 'cell_seconds' | 'run_seconds'>;

const KEPT = 'ganimede.terms';
const USUAL: RunTerms = { stop_on_error: true, cell_seconds: null, run_seconds: null };

function kept(): RunTerms {
  try {
    const found = asObject(JSON.parse(localStorage.getItem(KEPT) ?? '{}'));
    return {
      stop_on_error: found['stop_on_error'] !== false,
      cell_seconds: seconds(numberOr(found['cell_seconds'], null)),
      run_seconds: seconds(numberOr(found['run_seconds'], null)),
    };
  } catch {
    return USUAL;
  }
}

/** What the server takes for a limit; null: none. */
export function seconds(value: number | null | undefined): number | null {
  return typeof value === 'number' && value > 0 ? Math.min(value, 30 * 24 * 3600) : null;
}

export class Terms {
  #now: RunTerms = $state.raw(kept());

  get now(): RunTerms {
    return this.#now;
  }
  /** Nothing that the server would not do anyway. */
  get usual(): boolean {
    const { stop_on_error, cell_seconds, run_seconds } = this.#now;
    return stop_on_error === true && cell_seconds === null && run_seconds === null;
  }

  change(terms: Partial<RunTerms>): void {
    this.#now = { ...this.#now, ...terms };
    try {
      localStorage.setItem(KEPT, JSON.stringify(this.#now));
    } catch {
      // A browser that keeps nothing: they last as long as the page.
    }
  }
}
