/** Light, dark, or as the system has it; kept in this browser. */

export type ThemeChoice = 'system' | 'light' | 'dark';

const KEPT = 'ganimede.theme';
const CHOICES: readonly ThemeChoice[] = ['system', 'light', 'dark'];

function kept(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEPT) as ThemeChoice | null;
    return value !== null && CHOICES.includes(value) ? value : 'system';
  } catch {
    return 'system';
  }
}

class Theme {
  #choice: ThemeChoice = $state(kept());
  #systemDark = $state(false);

  constructor() {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.#systemDark = dark.matches;
    dark.addEventListener('change', (event) => {
      this.#systemDark = event.matches;
      this.#apply();
    });
    this.#apply();
  }

  get choice(): ThemeChoice {
    return this.#choice;
  }
  get shown(): 'light' | 'dark' {
    if (this.#choice !== 'system') return this.#choice;
    return this.#systemDark ? 'dark' : 'light';
  }

  next(): void {
    this.choose(CHOICES[(CHOICES.indexOf(this.#choice) + 1) % CHOICES.length] as ThemeChoice);
  }

  choose(choice: ThemeChoice): void {
    this.#choice = choice;
    try {
      localStorage.setItem(KEPT, choice);
    } catch {
      // Kept nowhere: it lasts as long as the page.
    }
    this.#apply();
  }

  #apply(): void {
    document.documentElement.dataset['theme'] = this.shown;
  }
}

export const theme = new Theme();
