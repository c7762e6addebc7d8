/** The live editor, which nobody needs before they write. */
import { Later } from '../later.svelte';

export const liveEditor = new Later(() => import('./editor'));
