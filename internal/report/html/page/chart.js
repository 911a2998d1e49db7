// The picture: the cloud of trials on a canvas, all else as SVG above it.
const chart = $('chart'), cloud = $('cloud'), marks = $('marks'), tip = $('tip');
const families = ['#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#7f7f7f'];
const shapes = [
  (x, y) => `M${x} ${y - 5}l5 9h-10z`, (x, y) => `M${x - 4} ${y - 4}h8v8h-8z`,
  (x, y) => `M${x} ${y - 5.5}l5.5 5.5-5.5 5.5-5.5-5.5z`, (x, y) => `M${x} ${y + 5}l5-9h-10z`,
];
const groups = () => [...new Set(D.references.map(r => r.group))];
const family = k => ({color: families[k % families.length], shape: shapes[k % shapes.length]});

let W = 0, H = 0, px, py, X, Y;
const L = 58, R = 14, Top = 12, B = 46;

// range is that of the front, the references, and all but the worst hundredth of
// the feasible trials: of those that are not drawn, too, whose span the data has.
function range(values, span, more, axis) {
  const s = span ? span.filter(v => v != null) : values.filter(v => v != null && (!axis.log || v > 0)).sort((a, b) => a - b), cut = span ? 0 : Math.floor(s.length / 100);
  const all = [...more.filter(v => v != null), ...(s.length ? axis.max ? [s[cut], s[s.length - 1]] : [s[0], s[s.length - 1 - cut]] : [])];
  if (!all.length) return axis.log ? [1, 10] : [0, 1];
  const lo = Math.min(...all), hi = Math.max(...all);
  if (axis.log) { const d = lo < hi ? (hi / lo) ** 0.045 : 1.1; return [lo / d, hi * d]; }
  const d = (hi - lo) * 0.045 || Math.abs(hi) * 0.05 || 1;
  return [lo - d, hi + d];
}
function scale(axis, [lo, hi], from, to) {
  const f = axis.log ? Math.log : v => v, a = f(lo), b = f(hi);
  return v => from + (f(v) - a) / (b - a) * (to - from);
}
function ticks(axis, [lo, hi], room) {
  const out = [];
  if (axis.log) {
    for (let e = Math.floor(Math.log10(lo)); e <= Math.log10(hi); e++) for (const m of [1, 2, 5]) {
      const v = +(m * 10 ** e).toPrecision(1);
      if (v >= lo && v <= hi) out.push(v);
    }
    if (out.length > 2) return out;
    out.length = 0;
  }
  const raw = (hi - lo) / Math.max(3, Math.min(7, room / 80)), p = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find(m => m * p >= raw) * p;
  for (let k = Math.ceil(lo / step); k * step <= hi; k++) out.push(k * step);
  return out;
}

function measure() {
  const ids = [...Array(count()).keys()], ok = ids.filter(i => T.ok[i]), shown = ok.length ? ok : ids;
  X = range(shown.map(i => T.x[i]), D.of?.x, [...front().map(i => T.x[i]), ...D.references.map(r => r.x)], D.x);
  Y = range(shown.map(i => T.y[i]), D.of?.y, [...front().map(i => T.y[i]), ...D.references.map(r => r.y)], D.y);
  W = chart.clientWidth; H = chart.clientHeight;
  px = scale(D.x, X, L, W - R); py = scale(D.y, Y, H - B, Top);
}
const inside = (x, y) => x >= L && x <= W - R && y >= Top && y <= H - B;
function drawAll() {
  if (chart.clientWidth < 2 * L) return; // not laid out yet: the observer of its size calls again
  measure(); drawCloud(); drawMarks();
}

function drawCloud() {
  const dots = devicePixelRatio || 1, g = cloud.getContext('2d');
  cloud.width = W * dots; cloud.height = H * dots;
  g.setTransform(dots, 0, 0, dots, 0, 0);
  // One path a look: a fill for each of ten thousand trials would be slow.
  const path = {in: new Path2D(), out: new Path2D(), bad: new Path2D()};
  for (let i = 0, n = count(); i < n; i++) {
    const x = px(T.x[i]), y = py(T.y[i]);
    if (!inside(x, y)) continue;
    if (!T.ok[i]) { path.bad.moveTo(x - 2, y - 2); path.bad.lineTo(x + 2, y + 2); path.bad.moveTo(x - 2, y + 2); path.bad.lineTo(x + 2, y - 2); continue; }
    const p = passes(i) ? path.in : path.out;
    p.moveTo(x + 1.9, y); p.arc(x, y, 1.9, 0, 7);
  }
  g.strokeStyle = css('--bad'); g.stroke(path.bad);
  g.fillStyle = css('--cloud'); g.globalAlpha = .55; g.fill(path.in);
  g.globalAlpha = .12; g.fill(path.out);
}

function drawMarks() {
  if (!px) return;
  let s = '';
  const line = (x1, y1, x2, y2, color, more = '') => { s += `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" ${more}/>`; };
  const text = (x, y, t, more = '') => { s += `<text x="${x}" y="${y}" ${more}>${esc(t)}</text>`; };
  for (const v of ticks(D.y, Y, H)) { line(L, py(v), W - R, py(v), css('--grid')); text(L - 7, py(v) + 4, num(v), 'text-anchor="end"'); }
  for (const v of ticks(D.x, X, W)) { line(px(v), H - B, px(v), H - B + 4, css('--axis')); text(px(v), H - B + 18, num(v), 'text-anchor="middle"'); }
  line(L, H - B, W - R, H - B, css('--axis')); line(L, Top, L, H - B, css('--axis'));
  // A long name is squeezed into the room that there is.
  const name = (t, room, more) => text(0, 0, t, `text-anchor="middle" class="soft" ${t.length * 6.2 > room ? `textLength="${room}" lengthAdjust="spacingAndGlyphs"` : ''} ${more}`);
  name(D.x.label, W - 8, `transform="translate(${Math.max(W / 2, Math.min((L + W - R) / 2, W - D.x.label.length * 3.1))} ${H - 8})"`);
  name(D.y.label, H - 4, `transform="translate(14 ${(Top + H - B) / 2}) rotate(-90)"`);
  let right = W - R;
  const limit = `style="fill:${css('--limit')}"`;
  for (const c of D.constraints) {
    if (c.on_y) { const y = py(c.value); if (y > Top && y < H - B) { line(L, y, W - R, y, css('--limit'), 'stroke-dasharray="6 4"'); text(W - R, y - 5, c.label, 'text-anchor="end" ' + limit); } continue; }
    const x = px(c.value);
    if (x > L && x < W - R) { if (!D.x.max) right = Math.min(right, x); line(x, Top, x, H - B, css('--limit'), 'stroke-dasharray="6 4"'); const label = W < 480 ? `limit ${+c.value.toPrecision(3)} ${D.x.unit || ''}` : c.label; text(Math.max(L + 4, x - 5 - 6.6 * label.length), H - B - 8, label, 'class="name" ' + limit); }
  }
  const blue = css('--front'), order = front().sort((a, b) => (D.x.max ? T.x[b] - T.x[a] : T.x[a] - T.x[b]));
  const every = 1 + Math.floor(D.members.length / 50); // intervals of a full front would hide it
  D.members.forEach((m, k) => { if (k % every === 0 || m.trial === chosen || m.trial === second) interval(m, line, blue, .45); });
  if (order.length) {
    let d = `M${px(T.x[order[0]])} ${D.y.max ? H - B : Top}`;
    for (const i of order) d += `H${px(T.x[i])}V${py(T.y[i])}`;
    s += `<path d="${d}H${D.x.max ? L : right}" fill="none" stroke="${blue}" stroke-width="1.6"/>`;
  }
  const r = order.length > 60 ? 3 : 4;
  for (const i of order) s += `<circle cx="${px(T.x[i])}" cy="${py(T.y[i])}" r="${r}" fill="${blue}" stroke="${css('--paper')}" stroke-width=".7" opacity="${passes(i) ? 1 : .2}"/>`;
  const taken = order.map(i => ({x: px(T.x[i]) - 3, y: py(T.y[i]) - 3, w: 6, h: 6}));
  for (const q of D.references) taken.push({x: px(q.x) - 5, y: py(q.y) - 5, w: 10, h: 10});
  groups().forEach((name, k) => {
    const rs = D.references.filter(r => r.group === name), {color, shape} = family(k);
    if (name) s += `<path d="M${rs.map(r => px(r.x) + ' ' + py(r.y)).join('L')}" fill="none" stroke="${color}" stroke-dasharray="2 3"/>`;
    for (const r of rs) {
      s += `<path d="${shape(px(r.x), py(r.y))}" fill="${color}" stroke="${css('--paper')}" stroke-width=".7"/>`;
      const p = beside(px(r.x), py(r.y), 6.4 * r.label.length, taken);
      text(p.x, p.y + 9, r.label, `class="name" style="fill:color-mix(in srgb, ${color} 62%, var(--ink))"`);
    }
  });
  marks.setAttribute('viewBox', `0 0 ${W} ${H}`);
  marks.innerHTML = s + '<g id="rings"></g>';
  drawRings();
}
function interval(m, line, color, opacity) {
  const x = px(T.x[m.trial]), y = py(T.y[m.trial]), more = `opacity="${opacity}"`;
  if (m.low < m.high) line(Math.max(L, px(m.low)), y, Math.min(W - R, px(m.high)), y, color, more);
  if (m.y_low < m.y_high) line(x, Math.min(H - B, py(m.y_low)), x, Math.max(Top, py(m.y_high)), color, more);
}
// beside returns a place for a label next to a point that covers the least of
// what is taken, and takes it.
function beside(x, y, w, taken) {
  const h = 12;
  let best, least = Infinity;
  [[7, -6], [7, 3], [7, -15], [-w / 2, 7], [-w / 2, -19], [-w - 7, -6], [-w - 7, 3], [-w - 7, -15], [14, 8], [14, -20]].forEach(([dx, dy], n) => {
    const b = {x: x + dx, y: y + dy, w, h};
    let cost = n * .3 + (b.x < L || b.x + w > W || b.y < 0 || b.y + h > H - B ? 20 : 0);
    for (const t of taken) if (b.x < t.x + t.w && t.x < b.x + w && b.y < t.y + t.h && t.y < b.y + h) cost += t.name ? 6 : 2;
    if (cost < least) { least = cost; best = b; }
  });
  taken.push({...best, name: true});
  return best;
}
function drawRings() {
  let s = '';
  const ring = (i, color) => { if (i >= 0) s += `<circle cx="${px(T.x[i])}" cy="${py(T.y[i])}" r="8" fill="none" stroke="${color}" stroke-width="2"/>`; };
  ring(chosen, css('--chosen')); ring(second, css('--second')); ring(hovered, css('--axis'));
  if (hovered >= 0 && member(hovered)) interval(member(hovered), (x1, y1, x2, y2, color) => { s += `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" stroke-width="2"/>`; }, css('--front'), 1);
  const g = $('rings');
  if (g) g.innerHTML = s;
}

function legend() {
  const svg = (body) => `<svg width="22" height="12" aria-hidden="true">${body}</svg>`, bad = T.ok.filter(v => !v).length, blue = css('--front');
  const of = (n, all) => n.toLocaleString('en') + (all > n ? ' of ' + all.toLocaleString('en') : '');
  let h = `<span>${svg(`<path d="M0 6h22" stroke="${blue}" stroke-width="1.6"/><circle cx="11" cy="6" r="4" fill="${blue}"/>`)} front (${D.members.length})</span>`;
  h += `<span>${svg(`<g fill="${css('--cloud')}" opacity=".7"><circle cx="5" cy="6" r="2"/><circle cx="11" cy="6" r="2"/><circle cx="17" cy="6" r="2"/></g>`)} tried (${of(count() - bad, D.of?.tried)})</span>`;
  if (bad) h += `<span>${svg(`<path d="M8 3l6 6m0-6l-6 6" stroke="${css('--bad')}"/>`)} ${esc(D.unfit)} (${of(bad, D.of?.infeasible)})</span>`;
  groups().forEach((name, k) => { if (name) h += `<span>${svg(`<path d="${family(k).shape(11, 6)}" fill="${family(k).color}"/>`)} ${esc(name)}</span>`; });
  $('legend').innerHTML = h;
}

// nearest is the trial at a place, members of the front before others.
function nearest(x, y, reach) {
  let best = -1, d = reach * reach;
  for (let i = 0, n = count(); i < n; i++) {
    const dx = px(T.x[i]) - x, dy = py(T.y[i]) - y, q = dx * dx + dy * dy - (memberOf.has(i) ? 60 : T.ok[i] ? 4 : 0);
    if (q < d) { d = q; best = i; }
  }
  return best;
}
function show(i) {
  if (i === hovered) return;
  hovered = i;
  drawRings();
  if (i < 0) { tip.style.display = 'none'; return; }
  const m = member(i), cut = T.arch[i].length > 160;
  tip.innerHTML = `<b>trial ${T.id[i]}</b>${m ? ', on the front' : T.ok[i] ? '' : ', ' + esc(D.unfit)}<br>${esc(xName)} ${xNum(T.x[i])}${m && m.low < m.high ? ` (${num(m.low)} to ${num(m.high)})` : ''}<br>${esc(yName)} ${yNum(T.y[i])}${D.y.unit ? ' ' + esc(D.y.unit) : ''}${m && m.y_low < m.y_high ? ` (${yNum(m.y_low)} to ${yNum(m.y_high)})` : ''}<br>${si(T.params[i])} params, ${si(T.macs[i])} MACs<br><code>${esc(T.arch[i].slice(0, 160))}${cut ? '…' : ''}</code>`;
  tip.style.display = 'block';
  const x = px(T.x[i]), y = py(T.y[i]), w = tip.offsetWidth, h = tip.offsetHeight;
  tip.style.left = Math.max(0, x + 14 + w > W ? x - w - 14 : x + 14) + 'px';
  tip.style.top = Math.max(0, Math.min(H - h, y - h / 2)) + 'px';
}

function watchChart() {
  const at = e => { const r = chart.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
  chart.addEventListener('pointermove', e => show(nearest(...at(e), 14)));
  chart.addEventListener('pointerleave', () => show(-1));
  chart.addEventListener('blur', () => show(-1));
  chart.addEventListener('click', e => choose(nearest(...at(e), 22), e.shiftKey));
  chart.addEventListener('keydown', e => {
    if (e.ctrlKey || e.altKey || e.metaKey) return;
    const order = front().sort((a, b) => T.x[a] - T.x[b]), k = order.indexOf(hovered), last = order.length - 1;
    const go = {ArrowRight: k < 0 ? 0 : Math.min(last, k + 1), ArrowLeft: k < 0 ? last : Math.max(0, k - 1), Home: 0, End: last}[e.key];
    if (go !== undefined) { if (last >= 0) show(order[go]); }
    else if ((e.key === 'Enter' || e.key === ' ') && hovered >= 0) choose(hovered, false);
    else if (e.key.toLowerCase() === 'c' && hovered >= 0) choose(hovered, true);
    else if (e.key === 'Escape') clear();
    else return;
    e.preventDefault();
  });
  new ResizeObserver(() => { if (chart.clientWidth !== W || chart.clientHeight !== H) drawAll(); }).observe(chart);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { legend(); drawAll(); });
}
