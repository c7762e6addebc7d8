/** What opens when it is asked for: the palette, the search, the run queue, the keys. */
import { Later } from '../later.svelte';

export const panels = new Later(() => import('./Panels.svelte'));
