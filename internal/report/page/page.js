'use strict';
(() => {
const D = JSON.parse(document.getElementById('data').textContent);
const T = D.trials, N = T.id.length;
const $ = id => document.getElementById(id);
const chart = $('chart'), cloud = $('cloud'), marks = $('marks'), tip = $('tip');
const memberOf = new Map(D.members.map((m, i) => [m.trial, i]));
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const esc = s => String(s).replace(/[&<>"']/g, c => '&#' + c.charCodeAt(0) + ';');
const num = v => v == null ? '-' : Math.abs(v) >= 1e5 ? v.toExponential(2) : String(+v.toPrecision(4));
const si = v => v >= 1e9 ? (v / 1e9).toPrecision(3) + ' G' : v >= 1e6 ? (v / 1e6).toPrecision(3) + ' M' : v >= 1e3 ? (v / 1e3).toPrecision(3) + ' k' : String(v);
const archOf = i => T.arch[i].map(w => D.words[w]).join(' ');
const colors = ['#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#7f7f7f'];
let chosen = -1, second = -1, hovered = -1;

// The range of the axes: the front, the references, and all but the worst
// hundredth of the feasible trials.
function range(v, more, axis) {
  const s = [...v].sort((a, b) => a - b), cut = Math.floor(s.length / 100);
  const lo0 = axis.max ? s[cut] : s[0], hi0 = axis.max ? s[s.length - 1] : s[s.length - 1 - cut];
  let lo = Math.min(lo0, ...more), hi = Math.max(hi0, ...more);
  if (axis.log) { const d = Math.pow(hi / lo, 0.045) || 1.1; return [lo / d, hi * d]; }
  const d = (hi - lo) * 0.045 || 1;
  return [lo - d, hi + d];
}
const ok = [...Array(N).keys()].filter(i => T.ok[i] && T.x[i] != null && T.y[i] != null);
const shown = ok.length ? ok : [...Array(N).keys()];
const front = D.members.map(m => m.trial);
const X = range(shown.map(i => T.x[i]), [...front.map(i => T.x[i]), ...D.references.map(r => r.x)], D.x);
const Y = range(shown.map(i => T.y[i]), [...front.map(i => T.y[i]), ...D.references.map(r => r.y)], D.y);

let W = 0, H = 0, px, py;
const L = 58, R = 14, Top = 12, B = 46;
function place(axis, range, from, to) {
  const f = axis.log ? Math.log : v => v, a = f(range[0]), b = f(range[1]);
  return v => from + (f(v) - a) / (b - a) * (to - from);
}
function ticks(axis, r) {
  const out = [];
  if (axis.log) {
    for (let e = Math.floor(Math.log10(r[0])); e <= Math.log10(r[1]); e++) for (const m of [1, 2, 5]) {
      const v = m * 10 ** e;
      if (v >= r[0] && v <= r[1]) out.push(v);
    }
    return out;
  }
  const raw = (r[1] - r[0]) / 6, p = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find(m => m * p >= raw) * p;
  for (let k = Math.ceil(r[0] / step); k * step <= r[1]; k++) out.push(k * step);
  return out;
}

const passes = i => T.ok[i] && within.x(T.x[i]) && within.y(T.y[i]) && T.params[i] <= within.params && T.macs[i] <= within.macs;
let within = {x: () => true, y: () => true, params: Infinity, macs: Infinity};

function draw() {
  W = chart.clientWidth; H = chart.clientHeight;
  px = place(D.x, X, L, W - R); py = place(D.y, Y, H - B, Top);
  const scale = devicePixelRatio || 1, g = cloud.getContext('2d');
  cloud.width = W * scale; cloud.height = H * scale;
  g.setTransform(scale, 0, 0, scale, 0, 0);
  const fill = css('--cloud'), bad = css('--bad');
  for (let i = 0; i < N; i++) {
    const x = px(T.x[i]), y = py(T.y[i]);
    if (!(x >= L && x <= W - R && y >= Top && y <= H - B)) continue;
    if (!T.ok[i]) { g.strokeStyle = bad; g.globalAlpha = .7; g.beginPath(); g.moveTo(x - 2, y - 2); g.lineTo(x + 2, y + 2); g.moveTo(x - 2, y + 2); g.lineTo(x + 2, y - 2); g.stroke(); continue; }
    g.globalAlpha = passes(i) ? .5 : .1; g.fillStyle = fill; g.beginPath(); g.arc(x, y, 2, 0, 7); g.fill();
  }
  let s = '';
  const line = (x1, y1, x2, y2, color, more = '') => { s += `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${color}" ${more}/>`; };
  const text = (x, y, t, more = '') => { s += `<text x="${x}" y="${y}" ${more}>${esc(t)}</text>`; };
  for (const v of ticks(D.y, Y)) { line(L, py(v), W - R, py(v), css('--grid')); text(L - 7, py(v) + 4, num(v), 'text-anchor="end"'); }
  for (const v of ticks(D.x, X)) { line(px(v), H - B, px(v), H - B + 4, css('--axis')); text(px(v), H - B + 18, num(v), 'text-anchor="middle"'); }
  line(L, H - B, W - R, H - B, css('--axis')); line(L, Top, L, H - B, css('--axis'));
  text((L + W - R) / 2, H - 8, D.x.label, 'text-anchor="middle" class="soft"');
  text(0, 0, D.y.label, `text-anchor="middle" class="soft" transform="translate(14 ${(Top + H - B) / 2}) rotate(-90)"`);
  let right = W - R;
  for (const c of D.constraints) {
    if (c.on_y) { const y = py(c.value); if (y > Top && y < H - B) { line(L, y, W - R, y, css('--limit'), 'stroke-dasharray="6 4"'); text(W - R, y - 5, c.label, 'text-anchor="end"'); } continue; }
    const x = px(c.value);
    if (x > L && x < W - R) { if (!D.x.max) right = Math.min(right, x); line(x, Top, x, H - B, css('--limit'), 'stroke-dasharray="6 4"'); text(x - 5, H - B - 8, c.label, `text-anchor="end" style="fill:${css('--limit')}"`); }
  }
  const blue = css('--front');
  const order = [...front].sort((a, b) => (D.x.max ? T.x[b] - T.x[a] : T.x[a] - T.x[b]));
  if (order.length) {
    let d = `M${px(T.x[order[0]])} ${D.y.max ? H - B : Top}`;
    for (const i of order) d += `H${px(T.x[i])}V${py(T.y[i])}`;
    s += `<path d="${d}H${D.x.max ? L : right}" fill="none" stroke="${blue}" stroke-width="1.6"/>`;
  }
  for (const m of D.members) if (m.low < m.high) line(Math.max(L, px(m.low)), py(T.y[m.trial]), Math.min(W - R, px(m.high)), py(T.y[m.trial]), blue, 'stroke-width="1" opacity="0.45"');
  const groups = [...new Set(D.references.map(r => r.group))];
  groups.forEach((name, k) => {
    const rs = D.references.filter(r => r.group === name), c = colors[k % colors.length];
    if (name) s += `<path d="M${rs.map(r => px(r.x) + ' ' + py(r.y)).join('L')}" fill="none" stroke="${c}" stroke-dasharray="2 3"/>`;
    rs.forEach((r, j) => {
      const x = px(r.x), y = py(r.y);
      s += [`<path d="M${x} ${y - 5}l5 9h-10z" fill="${c}"/>`, `<rect x="${x - 4}" y="${y - 4}" width="8" height="8" fill="${c}"/>`, `<path d="M${x} ${y - 5.5}l5.5 5.5-5.5 5.5-5.5-5.5z" fill="${c}"/>`, `<path d="M${x} ${y + 5}l5-9h-10z" fill="${c}"/>`][k % 4];
      text(x + 7, y + (j % 2 ? 14 : 4), j === rs.length - 1 && name ? name + ' ' + r.label : r.label, `style="fill:${c};font-size:11px"` + (x > W - 150 ? ` text-anchor="end" dx="-14"` : ''));
    });
  });
  for (const i of order) s += `<circle cx="${px(T.x[i])}" cy="${py(T.y[i])}" r="4" fill="${blue}" stroke="${css('--paper')}" opacity="${passes(i) ? 1 : .25}"/>`;
  const ring = (i, color) => { if (i >= 0) s += `<circle cx="${px(T.x[i])}" cy="${py(T.y[i])}" r="8" fill="none" stroke="${color}" stroke-width="2"/>`; };
  ring(chosen, css('--chosen')); ring(second, css('--second')); ring(hovered, css('--axis'));
  marks.setAttribute('viewBox', `0 0 ${W} ${H}`);
  marks.innerHTML = s;
}

function nearest(x, y, reach) {
  let best = -1, d = reach * reach;
  for (let i = 0; i < N; i++) {
    const dx = px(T.x[i]) - x, dy = py(T.y[i]) - y, q = (dx * dx + dy * dy) * (memberOf.has(i) ? .3 : 1);
    if (q < d) { d = q; best = i; }
  }
  return best;
}
function show(i) {
  if (i === hovered) return;
  hovered = i;
  if (i < 0) { tip.style.display = 'none'; draw(); return; }
  const m = D.members[memberOf.get(i)];
  tip.innerHTML = `<b>trial ${T.id[i]}</b>${m ? ', on the front' : T.ok[i] ? '' : ', infeasible'}<br>${esc(D.x.name || 'x')} ${num(T.x[i])}${m && m.low < m.high ? ` (${num(m.low)} to ${num(m.high)})` : ''}, score ${num(T.y[i])}<br>${si(T.params[i])} params, ${si(T.macs[i])} MACs<br><code>${esc(archOf(i).slice(0, 160))}…</code>`;
  tip.style.display = 'block';
  const x = px(T.x[i]), y = py(T.y[i]), w = tip.offsetWidth, h = tip.offsetHeight;
  tip.style.left = Math.max(0, x + 14 + w > W ? x - w - 14 : x + 14) + 'px';
  tip.style.top = Math.max(0, Math.min(H - h, y - h / 2)) + 'px';
  draw();
}

// archHTML marks the tokens that the score cannot see.
const blindPattern = new RegExp('_(' + D.blind.map(b => ({SE: 'se[0-9][^_ ]*', activation: 'relu6|relu|hswish|swish|hsigmoid|sigmoid', dilation: 'd[0-9]+'}[b] || '\\b\\B')).join('|') + ')(?=_| |$)', 'g');
const archHTML = i => D.blind.length ? esc(archOf(i)).replace(blindPattern, '_<span class="blind">$1</span>') : esc(archOf(i));

function card(i, other, cls) {
  if (i < 0) return '';
  const m = D.members[memberOf.get(i)];
  const diff = (a, b) => other < 0 || !b ? '' : ` (${a >= b ? '+' : ''}${(100 * (a / b - 1)).toFixed(1)} %)`;
  const o = other;
  let h = `<div class="card ${cls}"><h3>trial ${T.id[i]} <small>${T.arch_id[i]}</small></h3><table>
<tr><td>${esc(D.x.name || D.x.label)}</td><td>${num(T.x[i])}${m && m.low < m.high ? ', 90 %: ' + num(m.low) + ' to ' + num(m.high) : ''}${o < 0 ? '' : diff(T.x[i], T.x[o])}</td></tr>
<tr><td>score</td><td>${num(T.y[i])}${o < 0 ? '' : ` (${T.y[i] >= T.y[o] ? '+' : ''}${num(T.y[i] - T.y[o])})`}</td></tr>
<tr><td>params</td><td>${si(T.params[i])}${o < 0 ? '' : diff(T.params[i], T.params[o])}</td></tr>
<tr><td>MACs</td><td>${si(T.macs[i])}${o < 0 ? '' : diff(T.macs[i], T.macs[o])}</td></tr></table>
<details open><summary>Architecture</summary><code>${archHTML(i)}</code>${D.blind.length ? `<p class="note"><span class="blind">marked</span>: the score cannot see ${esc(D.blind.join(', '))}</p>` : ''}</details>`;
  if (m && m.blocks.length) {
    const totals = m.blocks.map(b => Object.values(b.parts).reduce((a, v) => a + v, 0)), sum = totals.reduce((a, v) => a + v, 0);
    let most = Math.max(...totals);
    const om = D.members[memberOf.get(o)];
    if (om) for (const b of om.blocks) most = Math.max(most, Object.values(b.parts).reduce((a, v) => a + v, 0));
    h += `<details open><summary>Where its latency goes, block by block</summary><div class="key">${D.kinds.map((k, n) => `<span><i style="background:${D.colors[n]}"></i>${esc(k)}</span>`).join('')}</div><div class="bars">`;
    m.blocks.forEach((b, n) => {
      h += `<span>${esc(b.label)}</span><div class="bar">` + D.kinds.map((k, c) => b.parts[k] ? `<i style="width:${(72 * b.parts[k] / most).toFixed(2)}%;background:${D.colors[c]}" title="${esc(k)} ${num(b.parts[k])} ms"></i>` : '').join('') + `<span>${num(totals[n])} ms, ${(100 * totals[n] / sum).toFixed(1)} %</span></div>`;
    });
    h += '</div></details>';
  }
  if (m && m.layers.length) {
    h += '<details><summary>Layers</summary><div class="scroll"><table><tr><th>layer</th><th class="text">op</th><th class="text">window</th><th>out</th><th>params</th><th>MACs</th></tr>' +
      m.layers.map(r => D.layers[r]).map(r => `<tr><td>${esc(r[0])}</td><td class="text">${esc(r[1])}</td><td class="text">${esc(r[2])}</td><td>${esc(r[3])}</td><td>${r[4]}</td><td>${r[5]}</td></tr>`).join('') + '</table></div></details>';
  }
  const name = `${D.dir}:${T.id[i]}`;
  h += `<details><summary>Commands</summary><code>nas show ${esc(name)} --layers<br>nas predict ${esc(name)} --kernels<br>nas bench ${esc(name)}<br>nas export ${esc(name)} --format onnx --out ${T.arch_id[i]}.onnx</code></details></div>`;
  return h;
}
function choose(i, compare) {
  if (i < 0) return;
  if (compare && chosen >= 0) second = second === i || chosen === i ? -1 : i;
  else { chosen = i; if (second === i) second = -1; }
  render();
}
function render() {
  history.replaceState(null, '', chosen < 0 ? '#' : '#' + T.id[chosen] + (second < 0 ? '' : ',' + T.id[second]));
  $('detail').innerHTML = chosen < 0 ? '' : `<h2>${second < 0 ? 'Chosen network' : 'Two networks'}</h2><div class="pair">${card(chosen, second, '')}${card(second, chosen, 'second')}</div>`;
  draw();
}

function table() {
  const rows = D.members.map(m => m.trial);
  $('members').innerHTML = `<tr><th>trial</th><th>${esc(D.x.name || D.x.label)}</th><th>90 % interval</th><th>score</th><th>params</th><th>MACs</th><th>arch_id</th></tr>` +
    rows.map((i, n) => `<tr class="${passes(i) ? '' : 'out'}"><td><button data-i="${i}">${T.id[i]}</button></td><td>${num(T.x[i])}</td><td>${D.members[n].low < D.members[n].high ? num(D.members[n].low) + ' to ' + num(D.members[n].high) : '-'}</td><td>${num(T.y[i])}</td><td>${si(T.params[i])}</td><td>${si(T.macs[i])}</td><td><code>${T.arch_id[i]}</code></td></tr>`).join('');
}
$('members').addEventListener('click', e => {
  const i = e.target.dataset.i;
  if (i !== undefined) { choose(+i, e.shiftKey); $('detail').scrollIntoView({behavior: 'smooth', block: 'nearest'}); }
});

function filter() {
  const f = new FormData($('filter'));
  const v = k => { const t = String(f.get(k) || '').replace(',', '.').trim(); return t === '' || isNaN(t) ? null : +t; };
  const x = v('x'), y = v('y'), p = v('params'), m = v('macs');
  within = {x: a => x === null || a <= x, y: a => y === null || a >= y, params: p === null ? Infinity : p * 1e6, macs: m === null ? Infinity : m * 1e6};
  const left = front.filter(passes).length;
  $('left').textContent = left === front.length ? '' : `${left} of ${front.length} members left`;
  table(); draw();
}
$('filter').addEventListener('input', filter);
$('filter').addEventListener('reset', () => setTimeout(filter));
$('filter').addEventListener('submit', e => e.preventDefault());

const at = e => { const r = chart.getBoundingClientRect(); return [e.clientX - r.left, e.clientY - r.top]; };
chart.addEventListener('pointermove', e => show(nearest(...at(e), 14)));
chart.addEventListener('pointerleave', () => show(-1));
chart.addEventListener('click', e => { const i = nearest(...at(e), 22); if (i >= 0) choose(i, e.shiftKey); });
chart.addEventListener('keydown', e => {
  const order = [...front].sort((a, b) => T.x[a] - T.x[b]), k = order.indexOf(hovered);
  if (e.key === 'ArrowRight' || e.key === 'ArrowLeft') {
    const step = e.key === 'ArrowRight' ? 1 : -1;
    show(order[k < 0 ? (step > 0 ? 0 : order.length - 1) : Math.max(0, Math.min(order.length - 1, k + step))]);
  } else if (e.key === 'Enter' && hovered >= 0) choose(hovered, false);
  else if ((e.key === 'c' || e.key === 'C') && hovered >= 0) choose(hovered, true);
  else if (e.key === 'Escape') { chosen = second = -1; show(-1); render(); }
  else return;
  e.preventDefault();
});
new ResizeObserver(draw).observe(chart);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
table();
draw();
// report.html#17 opens with trial 17 chosen, #17,42 compares it with 42.
const wanted = location.hash.slice(1).split(',').filter(t => t !== '').map(t => T.id.indexOf(+t));
if (wanted.length) { wanted.slice(0, 2).forEach((i, k) => choose(i, k === 1)); }
document.documentElement.dataset.ready = 'yes';
})();
