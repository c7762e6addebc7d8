/** A renderer that may have to come from the server first. */
import { isHere, load, type Need } from './prose';

export class Loaded {
  here = $state(false);
  /** It did not come: the server is away, or was updated under this page. */
  failed = $state(false);

  constructor(need: Need) {
    this.here = isHere(need);
    if (this.here) return;
    load(need).then(
      () => (this.here = true),
      () => (this.failed = true),
    );
  }
}
