/** The picture that is looked at by itself: which one, and all that may be leafed through. */

/** An image of the page, in the order in which it stands there. */
const IMAGES = '.outputs img, .rendered img';

class Viewer {
  images: readonly HTMLImageElement[] = $state.raw([]);
  at = $state(0);

  get shown(): HTMLImageElement | null {
    return this.images[this.at] ?? null;
  }

  open(image: HTMLImageElement): void {
    const all = [...document.querySelectorAll<HTMLImageElement>(IMAGES)].filter((each) => each.src !== '');
    this.images = all.includes(image) ? all : [image];
    this.at = Math.max(0, this.images.indexOf(image));
  }
  step(by: number): void {
    this.at = Math.max(0, Math.min(this.images.length - 1, this.at + by));
  }
  close(): void {
    this.images = [];
  }
}

export const viewer = new Viewer();
