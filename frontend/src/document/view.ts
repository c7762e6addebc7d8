/** The document view: whoever stays on the canvas needs none of it. */
import { Later } from '../later.svelte';

export const documentView = new Later(() => import('./Document.svelte'));
