// Tips beside the pointer, and zoom. The page is whole without it.
(() => {
  'use strict';
  const first = document.querySelector('svg');
  if (!first) return;
  const svg = (name) => document.createElementNS(first.namespaceURI, name);

  // Tips: the titles of shapes, at once and beside the pointer.
  const bubble = document.createElement('div');
  bubble.className = 'bubble';
  bubble.hidden = true;
  document.body.append(bubble);
  for (const title of document.querySelectorAll('svg title')) {
    const shape = title.parentNode;
    shape.dataset.tip = title.textContent;
    shape.setAttribute('aria-label', title.textContent);
    title.remove();
  }
  document.addEventListener('pointermove', (event) => {
    const shape = event.target.closest('[data-tip]');
    bubble.hidden = !shape;
    if (!shape) return;
    bubble.textContent = shape.dataset.tip;
    const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - bubble.offsetWidth - 8);
    const below = event.clientY + 18;
    const fits = below + bubble.offsetHeight < document.documentElement.clientHeight;
    bubble.style.left = Math.max(left, 4) + 'px';
    bubble.style.top = (fits ? below : event.clientY - bubble.offsetHeight - 12) + 'px';
  });

  // A curve and its row of the table stand out together.
  document.addEventListener('pointerover', (event) => {
    for (const one of document.querySelectorAll('[data-curve].on')) one.classList.remove('on');
    const over = event.target.closest('[data-curve]');
    const path = over && over.closest('.path');
    if (!path) return;
    for (const one of path.querySelectorAll('[data-curve="' + over.dataset.curve + '"]')) one.classList.add('on');
  });

  const reset = document.createElement('button');
  reset.className = 'reset';
  reset.type = 'button';
  reset.textContent = 'whole width';
  reset.hidden = true;
  document.body.append(reset);

  // Shows from `start` on, `length` of it, both as shares of the whole.
  const stretch = (zoom, start, length) => {
    zoom.setAttribute('x', (-start / length * 100) + '%');
    zoom.setAttribute('width', (100 / length) + '%');
  };

  // Boxes of the chain: a click makes one as wide as the page, another click on it the whole again.
  for (const icicle of document.querySelectorAll('.icicle')) {
    const zoom = icicle.querySelector('.zoom');
    let shown = null;
    icicle.addEventListener('click', (event) => {
      const box = event.target.closest('.box');
      if (!box) return;
      shown = box === shown ? null : box;
      const start = shown ? Number(box.dataset.x) : 0;
      stretch(zoom, start, shown ? Number(box.dataset.w) : 1);
      icicle.nextElementSibling.style.visibility = shown ? 'hidden' : '';
      // The names of the boxes around it stay in sight.
      for (const one of icicle.querySelectorAll('.box')) {
        const hidden = (start - Number(one.dataset.x)) / Number(one.dataset.w);
        one.querySelector('text').setAttribute('x', (hidden > 0 && hidden < 1 ? hidden * 100 : 0) + '%');
      }
    });
  }

  // Plots over time: a range that is drawn across one is shown by all.
  const plots = [...document.querySelectorAll('.plot[data-from]')];
  const units = [['s', 1e9], ['ms', 1e6], ['us', 1e3], ['ns', 1]];
  const label = (ns, step, largest) => {
    const [name, size] = units.find((unit) => largest >= unit[1]) || units[3];
    const decimals = Math.max(0, Math.ceil(Math.log10(size) - Math.log10(step) - 1e-9));
    return (ns < 0 ? '' : '+') + (ns / size).toFixed(decimals) + ' ' + name;
  };
  const ticks = (plot, from, to) => {
    const axis = plot.querySelector('.axis.x');
    if (!axis) return;
    axis.replaceChildren();
    let step = 10 ** Math.floor(Math.log10(Math.max(to - from, 1)));
    for (const part of [0.1, 0.2, 0.5, 1]) if ((to - from) / (step * part) <= 5) { step *= part; break; }
    const y = Number(axis.dataset.y);
    for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
      const share = (at - from) / (to - from);
      const x = share * 100 + '%';
      const line = svg('line');
      for (const [key, value] of [['x1', x], ['x2', x], ['y1', y], ['y2', y + 4]]) line.setAttribute(key, value);
      const text = svg('text');
      text.setAttribute('x', x);
      text.setAttribute('y', y + 18);
      text.setAttribute('text-anchor', share < 0.03 ? 'start' : share > 0.9 ? 'end' : 'middle');
      text.textContent = label(at, step, Math.max(Math.abs(from), Math.abs(to)));
      axis.append(line, text);
    }
  };
  let range = null;
  const show = (next) => {
    range = next;
    reset.hidden = !range;
    for (const plot of plots) {
      const from = Number(plot.dataset.from);
      const to = Number(plot.dataset.to);
      const [start, end] = range || [from, to];
      stretch(plot.querySelector('.zoom'), (start - from) / (to - from), (end - start) / (to - from));
      ticks(plot, start, end);
    }
  };
  reset.addEventListener('click', () => show(null));
  for (const plot of plots) {
    const [from, to] = [Number(plot.dataset.from), Number(plot.dataset.to)];
    let begin = null;
    let mark = null;
    const share = (event) => {
      const box = plot.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left) / plot.clientWidth, 0), 1);
    };
    const stop = () => {
      if (mark) mark.remove();
      begin = mark = null;
    };
    plot.addEventListener('pointerdown', (event) => {
      if (event.pointerType !== 'mouse' || event.button !== 0) return;
      begin = share(event);
      mark = svg('rect');
      mark.setAttribute('class', 'select');
      mark.setAttribute('height', plot.getAttribute('height'));
      plot.append(mark);
      event.preventDefault();
    });
    window.addEventListener('pointermove', (event) => {
      if (begin === null) return;
      const now = share(event);
      mark.setAttribute('x', Math.min(begin, now) * 100 + '%');
      mark.setAttribute('width', Math.abs(now - begin) * 100 + '%');
    });
    window.addEventListener('pointerup', (event) => {
      if (begin === null) return;
      const ends = [begin, share(event)].sort((a, b) => a - b);
      stop();
      if ((ends[1] - ends[0]) * plot.clientWidth < 6) return;
      const [start, end] = range || [from, to];
      show(ends.map((end_share) => start + end_share * (end - start)));
    });
    window.addEventListener('pointercancel', stop);
    plot.addEventListener('dblclick', () => show(null));
  }
})();
