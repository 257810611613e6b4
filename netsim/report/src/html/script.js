// Read-outs where the pointer or the arrow keys are. The page says all the rest without it.
for (const figure of document.querySelectorAll('.plot')) {
  const { along, keys, rows } = JSON.parse(figure.querySelector('script').textContent);
  const area = figure.querySelector('.area');
  if (!keys.length) continue;
  let shown = -1;
  let marks = [];

  const add = (name) => {
    const mark = area.appendChild(document.createElement('div'));
    mark.className = name;
    marks.push(mark);
    return mark;
  };
  const hide = () => {
    for (const mark of marks) mark.remove();
    marks = [];
    shown = -1;
  };
  const text = (parent, name, words) => {
    const element = parent.appendChild(document.createElement(name));
    element.textContent = words;
    return element;
  };

  const show = (index) => {
    if (index === shown) return;
    hide();
    shown = index;
    const key = keys[index];
    const there = key.at / 10;
    const cursor = add('cursor');
    Object.assign(cursor.style, along === 'x'
      ? { left: `${there}%`, top: 0, bottom: 0, width: '1px' }
      : { bottom: `${there}%`, left: 0, right: 0, height: '1px' });
    const tip = add('tip');
    text(tip, 'p', along === 'x' ? key.text : `${key.text} within`);
    let low = 1000;
    for (const row of rows) {
      const across = row.at[index];
      if (!row.text[index]) continue;
      const line = tip.appendChild(document.createElement('div'));
      line.className = `c${row.colour}`;
      line.append(document.createElement('i'));
      text(line, 'span', row.name);
      text(line, 'b', row.text[index]);
      if (across === null) continue;
      const dot = add(`dot c${row.colour}`);
      Object.assign(dot.style, along === 'x'
        ? { left: `${there}%`, bottom: `${across / 10}%` }
        : { bottom: `${there}%`, left: `${across / 10}%` });
      low = Math.min(low, across);
    }
    const box = area.getBoundingClientRect();
    const at = along === 'x' ? there : low / 10;
    const left = (at / 100) * box.width + 14;
    const room = box.width - tip.offsetWidth;
    const other = (at / 100) * box.width - tip.offsetWidth - 14;
    tip.style.left = `${left < room ? left : Math.max(other, Math.min(0, room))}px`;
    tip.style.top = along === 'x' ? '4px' : `${Math.max(0, (1 - there / 100) * box.height - tip.offsetHeight - 10)}px`;
  };

  const nearest = (place) => {
    let best = 0;
    keys.forEach((key, index) => {
      if (Math.abs(key.at - place) < Math.abs(keys[best].at - place)) best = index;
    });
    return best;
  };
  area.addEventListener('pointermove', (event) => {
    const box = area.getBoundingClientRect();
    show(nearest(1000 * (along === 'x' ? (event.clientX - box.left) / box.width : (box.bottom - event.clientY) / box.height)));
  });
  area.addEventListener('pointerleave', hide);
  area.addEventListener('blur', hide);
  area.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === 'Escape') hide();
    if (!step) return;
    event.preventDefault();
    show(Math.min(keys.length - 1, Math.max(0, shown + step)));
  });
}
