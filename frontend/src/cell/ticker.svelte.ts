/** The time, ten times a second, for as long as anybody looks: one timer for all running cells. */
import { createSubscriber } from 'svelte/reactivity';

const EVERY = 100;

const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, EVERY);
  return () => clearInterval(timer);
});

export function tickingNow(): number {
  subscribe();
  return Date.now();
}
