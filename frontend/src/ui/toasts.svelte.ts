/** Short sentences that come and go; errors stay until they are read. */

export interface Toast {
  level: 'info' | 'warning' | 'error';
  text: string;
  action?: { label: string; run(): void };
}

export interface ShownToast extends Toast {
  readonly id: number;
  readonly times: number;
}

const MOST = 5;
const STAYS = { info: 4000, warning: 9000, error: 15_000 };

class Toasts {
  #shown: readonly ShownToast[] = $state.raw([]);
  #next = 0;
  readonly #timers = new Map<number, ReturnType<typeof setTimeout>>();

  get shown(): readonly ShownToast[] {
    return this.#shown;
  }

  show(toast: Toast): void {
    const same = this.#shown.find(({ level, text }) => level === toast.level && text === toast.text);
    const id = same?.id ?? (this.#next += 1);
    const shown: ShownToast = { ...toast, id, times: (same?.times ?? 0) + 1 };
    this.#shown = [...this.#shown.filter((each) => each.id !== id), shown].slice(-MOST);
    this.resume(id);
  }

  dismiss(id: number): void {
    this.hold(id);
    this.#shown = this.#shown.filter((each) => each.id !== id);
  }

  /** While somebody reads it, it stays. */
  hold(id: number): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  resume(id: number): void {
    this.hold(id);
    const toast = this.#shown.find((each) => each.id === id);
    if (toast !== undefined)
      this.#timers.set(
        id,
        setTimeout(() => this.dismiss(id), STAYS[toast.level]),
      );
  }
}

export const toasts = new Toasts();

export function toast(what: Toast): void {
  toasts.show(what);
}
