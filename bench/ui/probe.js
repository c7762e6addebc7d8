// Runs before the page's own scripts: when the first cell is painted, when it is quiet again, how long frames take.
(() => {
  const probe = { first: null, moved: null, last: 0, keys: [], spent: [], longest: 0 };
  globalThis.probe = probe;
  const painted = (then) => requestAnimationFrame(() => setTimeout(then));
  const look = () => {
    probe.last = performance.now();
    if (probe.first !== null || document.querySelector(probeCells) === null) return;
    probe.first = NaN; // on its way
    painted(() => {
      probe.first = performance.now();
      tryToMove();
    });
  };
  const tryToMove = () =>
    probeMove()
      ? painted(() => (probe.moved = performance.now()))
      : requestAnimationFrame(tryToMove);
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) probe.last = Math.max(probe.last, task.startTime + task.duration);
  }).observe({ type: 'longtask', buffered: true });

  probe.quiet = () => probe.moved > 0 && performance.now() - probe.last > 700;

  // Each frame does one step; the time between two frames is what a person sees.
  probe.frames = (count, step) =>
    new Promise((resolve) => {
      const times = [];
      let before = null;
      const frame = (now) => {
        if (before !== null) times.push(now - before);
        before = now;
        if (times.length === count) return resolve(times);
        step(times.length);
        requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });

  probe.wheel = (init) => {
    const [clientX, clientY] = [innerWidth / 2, innerHeight / 2];
    const at = document.elementFromPoint(clientX, clientY) ?? document.body;
    at.dispatchEvent(new WheelEvent('wheel', { bubbles: true, cancelable: true, clientX, clientY, ...init }));
  };
  // There and back, so that what is passed over comes again.
  const turn = (i) => (i % 60 < 30 ? 1 : -1);
  probe.pan = (count) => probe.frames(count, (i) => probe.wheel({ deltaX: 12 * turn(i), deltaY: 24 * turn(i) }));
  probe.zoom = (count) => probe.frames(count, (i) => probe.wheel({ deltaY: 8 * turn(i), ctrlKey: true }));
  probe.scroll = (count, it = globalThis) =>
    probe.frames(count, (i) => it.scrollBy(12 * turn(i), 24 * turn(i)));

  addEventListener('keydown', (event) => painted(() => probe.keys.push(performance.now() - event.timeStamp)), true);

  // How long the page works on each update that comes from elsewhere, what it puts off to a microtask included.
  probe.updates = (doc) => {
    let begun = 0;
    doc.on('beforeTransaction', (transaction) => void (transaction.local || (begun = performance.now())));
    doc.on('afterTransaction', (transaction) => {
      if (transaction.local) return;
      const { port1, port2 } = new MessageChannel();
      const since = begun;
      port1.onmessage = () => (probe.spent.push(performance.now() - since), port1.close());
      port2.postMessage(null);
    });
  };

  // The longest time between two frames, from now on.
  probe.record = () => {
    let before = performance.now();
    const frame = (now) => {
      probe.longest = Math.max(probe.longest, now - before);
      before = now;
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  };

  // Which cells a change touches.
  probe.watch = () => {
    const touched = new Set();
    const observer = new MutationObserver((records) => {
      for (const { target } of records) {
        const element = target instanceof Element ? target : target.parentElement;
        const cell = element?.closest('[data-cell-id]');
        if (cell) touched.add(cell.getAttribute('data-cell-id'));
      }
    });
    const everything = { childList: true, subtree: true, characterData: true, attributes: true };
    observer.observe(document.body, everything);
    return () => (observer.disconnect(), [...touched]);
  };
})();
