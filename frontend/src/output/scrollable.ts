/** The keyboard reaches whatever is wider than its place: Chromium does so by itself, other browsers do not. */
export function scrollable(element: HTMLElement): () => void {
  const look = (): void => {
    const wider = element.scrollWidth > element.clientWidth + 1;
    if (wider) element.tabIndex = 0;
    else element.removeAttribute('tabindex');
  };
  const observer = new ResizeObserver(look);
  observer.observe(element);
  for (const child of element.children) observer.observe(child);
  return () => observer.disconnect();
}
