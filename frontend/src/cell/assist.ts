/** What an editor asks the kernel, by way of the server. */
import { mount, unmount } from 'svelte';
import type { Server } from '../doc/server.svelte';
import type { JsonObject } from '../doc/values';
import type { Assist } from '../editor/assist';
import Inspection from '../output/Inspection.svelte';

/** `context`: what components drawn for it may ask for. */
export function assistBy(server: Server, context: Map<unknown, unknown>): Assist {
  return {
    async complete(code, cursor_pos) {
      if (server.kernel.status === 'none') return null;
      return server.request('kernel.complete', { code, cursor_pos });
    },
    async inspect(code, cursor_pos): Promise<JsonObject> {
      try {
        const { found, data } = await server.request('kernel.inspect', { code, cursor_pos });
        return found ? data : { 'text/plain': 'The kernel knows nothing of this.' };
      } catch (error) {
        return { 'text/plain': error instanceof Error ? error.message : String(error) };
      }
    },
    show(target, bundle) {
      const shown = mount(Inspection, { target, props: { bundle }, context });
      return () => void unmount(shown);
    },
  };
}
