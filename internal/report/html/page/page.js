// The data of the run and what is chosen of it. Trials are columns; a trial is
// an index into them.
const D = JSON.parse(document.getElementById('data').textContent);
const T = D.trials;
for (const k of ['id', 'arch_id', 'x', 'y', 'params', 'macs', 'ok', 'words']) T[k] ||= [];
T.arch = T.words.map(ws => ws.map(w => D.words[w]).join(' '));
for (const m of D.members) if (m.rows) { m.rows = m.rows.map(r => D.rows[r]); m.layers = m.layers.map(l => D.layers[l]); }

const $ = id => document.getElementById(id);
const esc = s => String(s).replace(/[&<>"']/g, c => '&#' + c.charCodeAt(0) + ';');
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const num = v => v == null ? '-' : Math.abs(v) >= 1e5 ? si(v) : String(+v.toPrecision(4));
const si = v => v < 0 ? '-' + si(-v) : v >= 1e12 ? (v / 1e12).toPrecision(3) + ' T' : v >= 1e9 ? (v / 1e9).toPrecision(3) + ' G' : v >= 1e6 ? (v / 1e6).toPrecision(3) + ' M' : v >= 1e3 ? (v / 1e3).toPrecision(3) + ' k' : String(v);
const xName = D.x.name || D.x.label, xNum = v => num(v) + (D.x.unit ? ' ' + D.x.unit : '');
const yName = D.y.name || 'score', yNum = v => v != null && D.y.unit === '%' ? v.toFixed(2) : num(v);

let chosen = -1, second = -1, hovered = -1, comparing = false;
let absent; // the number of a trial in the address that is not drawn
let memberOf; // from a trial to its place among the members of the front
const details = new Map(); // of trials that a live page has asked for
const count = () => T.id.length;
const member = i => D.members[memberOf.get(i)];
const front = () => D.members.map(m => m.trial);
const indexMembers = () => { memberOf = new Map(D.members.map((m, i) => [m.trial, i])); };

// The limits that a person sets.
let within = {x: null, y: null, params: null, macs: null};
const below = (v, limit) => limit === null || v <= limit, above = (v, limit) => limit === null || v >= limit;
const passes = i => T.ok[i] && (D.x.max ? above : below)(T.x[i], within.x) && (D.y.max ? above : below)(T.y[i], within.y) &&
  below(T.params[i], within.params) && below(T.macs[i], within.macs);
function filter() {
  const f = new FormData($('filter'));
  const limit = (key, unit) => {
    const t = String(f.get(key) || '').replace(',', '.').trim(), bad = t !== '' && !Number.isFinite(Number(t));
    $('filter').elements[key].setAttribute('aria-invalid', bad);
    return t === '' || bad ? null : t * unit;
  };
  within = {x: limit('x', 1), y: limit('y', 1), params: limit('params', 1e6), macs: limit('macs', 1e6)};
  table(); drawAll();
}

// The columns of the table: a name, and of what can be sorted by it the value of a trial.
const others = D.others || []; // further objectives of the members
const expected = i => member(i).expected ?? -Infinity;
const columns = () => [['trial', i => T.id[i]], [xName + (D.x.unit ? ', ' + D.x.unit : ''), i => T.x[i]], ['90 % interval'],
  [yName + (D.y.unit ? ', ' + D.y.unit : ''), i => T.y[i]], ['90 % interval'], ...(D.members.some(m => m.expected != null) ? [['expected', expected]] : []),
  ...others.map((name, k) => [name, i => member(i).others[k]]),
  ['params', i => T.params[i]], ['MACs', i => T.macs[i]], ['arch_id', i => T.arch_id[i]]];
const sorted = {by: -1, up: true};
function table() {
  const expects = D.members.some(m => m.expected != null);
  const all = D.members.length, left = front().filter(passes).length;
  const wrong = document.querySelector('#filter [aria-invalid="true"]');
  $('left').textContent = wrong ? `“${wrong.value}” is no number` : left === all ? '' : `${left} of ${all} members left`;
  const cols = columns(), head = cols.map(([name, of], k) => of ? `<th${k === sorted.by ? ` aria-sort="${sorted.up ? 'ascending' : 'descending'}"` : ''}><button data-sort="${k}">${esc(name)}</button></th>` : `<th>${name}</th>`);
  const members = [...D.members];
  if (sorted.by >= 0) {
    const of = cols[sorted.by][1], sign = sorted.up ? 1 : -1;
    members.sort((a, b) => (of(a.trial) < of(b.trial) ? -sign : of(a.trial) > of(b.trial) ? sign : 0));
  }
  $('members').innerHTML = `<thead><tr>${head.join('')}</tr></thead><tbody>` +
    members.map(m => {
      const i = m.trial;
      return `<tr class="${passes(i) ? '' : 'out'}"><td><button data-i="${i}">${T.id[i]}</button></td><td>${num(T.x[i])}</td><td>${m.low < m.high ? num(m.low) + ' to ' + num(m.high) : '-'}</td><td>${yNum(T.y[i])}</td><td>${m.y_low < m.y_high ? yNum(m.y_low) + ' to ' + yNum(m.y_high) : '-'}</td>${expects ? `<td>${m.expected == null ? '-' : yNum(m.expected)}</td>` : ''}${others.map((_, k) => `<td>${num(m.others[k])}</td>`).join('')}<td>${si(T.params[i])}</td><td>${si(T.macs[i])}</td><td><code>${T.arch_id[i]}</code></td></tr>`;
    }).join('') + '</tbody>';
}

// choose takes a trial as the chosen network, or as the one to compare with it.
function choose(i, compare) {
  if (i < 0) return;
  if ((compare || comparing) && chosen >= 0) second = second === i || chosen === i ? -1 : i;
  else { chosen = i; if (second === i) second = -1; }
  comparing = false;
  render();
}
function clear() { chosen = second = -1; absent = undefined; comparing = false; show(-1); render(); }
function render() {
  const want = chosen < 0 ? '' : '#' + T.id[chosen] + (second < 0 ? '' : ',' + T.id[second]);
  if (location.hash !== want) history.replaceState(null, '', want || location.pathname + location.search);
  cards();
  drawMarks();
}
// report.html#17 opens with trial 17 chosen, #17,42 compares it with 42.
function fromAddress() {
  const ids = location.hash.slice(1).split(',').filter(t => t !== ''), wanted = ids.map(t => T.id.indexOf(+t)).filter(i => i >= 0);
  absent = D.of && ids.find(t => t >= 0 && !T.id.includes(+t));
  chosen = wanted[0] ?? -1; second = wanted[1] ?? -1;
  if (second === chosen) second = -1;
  render();
}

document.addEventListener('DOMContentLoaded', () => {
  indexMembers();
  $('filter').addEventListener('input', filter);
  $('filter').addEventListener('reset', () => setTimeout(filter));
  $('filter').addEventListener('submit', e => e.preventDefault());
  $('members').addEventListener('click', e => {
    const i = e.target.dataset.i, by = e.target.dataset.sort;
    if (by !== undefined) { sorted.up = sorted.by === +by ? !sorted.up : true; sorted.by = +by; table(); document.querySelector(`[data-sort="${by}"]`).focus(); }
    if (i !== undefined) { choose(+i, e.shiftKey); $('detail').scrollIntoView({behavior: 'smooth', block: 'nearest'}); }
  });
  $('detail').addEventListener('click', e => {
    const act = e.target.dataset.act;
    if (act === 'compare') { comparing = !comparing; cards(); } else if (act === 'close') clear();
    else if (act === 'alone') { second = -1; render(); } else if (act === 'swap') { [chosen, second] = [second, chosen]; render(); }
  });
  addEventListener('hashchange', fromAddress);
  watchChart();
  table();
  legend();
  drawAll();
  if (location.hash) fromAddress();
  if (D.live) { watchButtons(); follow(); }
  document.documentElement.dataset.ready = 'yes';
});
