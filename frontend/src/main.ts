import '@fontsource-variable/inter/wght.css';
import '@fontsource-variable/jetbrains-mono/wght.css';
import { mount, unmount } from 'svelte';
import App from './App.svelte';
import { openSession, socketUrl } from './doc/session';
import './theme.css';
import './ui/theme.svelte';
import { shownAs } from './canvas/mode.svelte';
import { liveEditor } from './editor/live.svelte';
import { panels } from './ui/panels';
import { toast } from './ui/toasts.svelte';

// The token has become a cookie: it shall not stay in the address, the history or a screenshot.
const address = new URL(location.href);
if (address.searchParams.has('token')) {
  address.searchParams.delete('token');
  history.replaceState(history.state, '', address);
}

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no element #app.');
const into = target;

function open(): void {
  const session = openSession(
    socketUrl(location),
    ({ level, message }) => toast({ level, text: message }),
    () => void reopen(),
  );
  session.config.load().catch((error: unknown) => console.warn('No configuration:', error));
  const app = mount(App, {
    target: into,
    props: {
      session,
      // For programs that look into the page: tools, tests, the console.
      expose: (board) => Object.assign(globalThis, { ganimede: { ...session, board } }),
    },
  });
  /** Another lineage of the notebook: nothing of this session's document may meet it. */
  async function reopen(): Promise<void> {
    await unmount(app);
    session.room.end();
    open();
  }
}

shownAs.begin();
liveEditor.loadWithFirstSign();
panels.loadWithFirstSign();
open();
