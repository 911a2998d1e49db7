// What is said of a chosen network: figures, diagram, latency, layers, commands.
const work = new Map(D.work);
const blindToken = {SE: 'se[0-9][^_ ]*', activation: 'relu6|relu|hswish|swish|hsigmoid|sigmoid', dilation: 'd[0-9]+', 'kernel size': 'k[0-9]+', expansion: 'x[0-9]+'};
const blindTokens = D.blind.map(b => blindToken[b]).filter(Boolean);
const blindPattern = blindTokens.length ? new RegExp('_(' + blindTokens.join('|') + ')(?=_| |$)', 'g') : null;
const archHTML = i => blindPattern ? esc(T.arch[i]).replace(blindPattern, '_<mark>$1</mark>') : esc(T.arch[i]);
const rowCost = row => row[6].reduce((a, [, v]) => a + v, 0);
const costOf = rows => rows.reduce((a, r) => a + rowCost(r), 0);
const box = kind => `style="border-color:${work.get(kind) || '#5f5f5f'};background:color-mix(in srgb, ${work.get(kind) || '#5f5f5f'} 18%, var(--card))"`;

// network returns the rows and layers of a trial, or undefined while a live page
// asks for them. Of a report only members of the front have any.
function network(i) {
  const m = member(i);
  if (m && m.rows) return m;
  if (D.live && !details.has(i)) { details.set(i, null); ask(i); }
  return details.get(i) || undefined;
}

function cards() {
  const note = absent ? `<p class="note">Trial ${+absent} is not drawn: <code>nas show ${trialName(+absent)}</code> has it, if it was tried.</p>` : '';
  if (chosen < 0) { $('detail').innerHTML = note; return; }
  const tools = second >= 0 ? '<button data-act="swap">swap</button> <button data-act="alone">only the first</button>' : `<button data-act="compare" aria-pressed="${comparing}">compare with…</button>`;
  const hint = comparing ? '<p class="note" role="status">Now choose the other network, in the picture or in the table.</p>' : '';
  // Two diagrams share one scale.
  const full = Math.max(...[chosen, second].map(i => { const n = i >= 0 && network(i); return n ? costOf(n.rows) : 0; }));
  const open = new Set([...document.querySelectorAll('#detail details')].filter(d => d.open).map(d => d.dataset.name));
  const first = !document.querySelector('#detail details');
  $('detail').innerHTML = `<div class="head"><h2>${second < 0 ? 'Chosen network' : 'Two networks'}</h2><span>${tools} <button data-act="close">close</button></span></div>${note}${hint}<div class="pair">${card(chosen, second, '', full)}${card(second, chosen, 'second', full)}</div>`;
  if (!first) for (const d of document.querySelectorAll('#detail details')) d.open = open.has(d.dataset.name);
}

// trialName is how a command names a trial.
const trialName = id => esc(/[^\w./:@=,-]/.test(D.dir) ? `'${D.dir}:${id}'` : `${D.dir}:${id}`);

function card(i, other, look, full) {
  if (i < 0) return '';
  const m = member(i), n = network(i), two = other >= 0;
  const ratio = (a, b) => two && b ? ` <span class="diff">${a >= b ? '+' : ''}${(100 * (a / b - 1)).toFixed(1)} %</span>` : '';
  const interval = (lo, hi, f = num) => lo < hi ? ` <span class="diff">90 %: ${f(lo)} to ${f(hi)}</span>` : '';
  const marked = blindPattern && T.arch[i].search(blindPattern) >= 0;
  let h = `<div class="card ${look}"><h3>trial ${T.id[i]} <small>${T.arch_id[i]}${m ? '' : T.ok[i] ? ', not on the front' : ', ' + D.unfit}</small></h3><table>
<tr><td>${esc(xName)}</td><td>${xNum(T.x[i])}${m ? interval(m.low, m.high) : ''}${ratio(T.x[i], T.x[other])}</td></tr>
<tr><td>${esc(yName)}</td><td>${yNum(T.y[i])}${D.y.unit ? ' ' + esc(D.y.unit) : ''}${m ? interval(m.y_low, m.y_high, yNum) : ''}${two ? ` <span class="diff">${T.y[i] >= T.y[other] ? '+' : ''}${yNum(T.y[i] - T.y[other])}</span>` : ''}</td></tr>
${m && m.expected != null ? `<tr><td>expected</td><td>${yNum(m.expected)} <span class="diff">of a network that was selected for its estimate</span></td></tr>` : ''}${m && m.warnings ? m.warnings.map(w => `<tr><td>warning</td><td class="text">${esc(w)}</td></tr>`).join('') : ''}${m && m.others ? m.others.map((v, k) => `<tr><td>${esc(others[k])}</td><td>${num(v)}</td></tr>`).join('') : ''}
<tr><td>params</td><td>${si(T.params[i])}${ratio(T.params[i], T.params[other])}</td></tr>
<tr><td>MACs</td><td>${si(T.macs[i])}${ratio(T.macs[i], T.macs[other])}</td></tr></table>`;
  const part = (name, body, open) => { h += `<details data-name="${name}"${open ? ' open' : ''}><summary>${name}</summary>${body}</details>`; };
  if (n) part(costOf(n.rows) > 0 ? 'Diagram, to the scale of latency' : 'Diagram', diagram(n.rows, full), true);
  part('Architecture', `<code>${archHTML(i)}</code>${D.blind.length ? `<p class="note">${marked ? '<mark>Marked</mark>: what the score cannot see' : 'The score cannot see'} (${esc(D.blind.join(', '))}).</p>` : ''}`, !n);
  if (n && costOf(n.rows) > 0) part('Where its latency goes', breakdown(n.rows), false);
  if (n && n.layers.length) part('Layers', '<div class="scroll"><table><tr><th>layer</th><th class="text">op</th><th class="text">window</th><th>out</th><th>params</th><th>MACs</th></tr>' +
    n.layers.map(r => `<tr><td>${esc(r[0])}</td><td class="text">${esc(r[1])}</td><td class="text">${esc(r[2])}</td><td>${esc(r[3])}</td><td>${r[4]}</td><td>${r[5]}</td></tr>`).join('') + '</table></div>');
  if (!n && !D.live) h += '<p class="note">Diagram and layers are kept for the front only: nas show has them of every trial.</p>';
  const name = trialName(T.id[i]), file = T.arch_id[i];
  part('Commands', '<div class="commands">' + [`nas show ${name} --layers`, `nas show ${name} --diagram ${file}.svg`, `nas predict ${name} --kernels`, `nas bench ${name}`, `nas export ${name} --format onnx --out ${file}.onnx`, `nas export ${name} --format pytorch --out net_${file}.py`].map(c => `<code>${c}</code>`).join('') + '</div>', false);
  return h + '</div>';
}

// diagram draws blocks from top to bottom: a column to the scale of latency, and
// wedges from it to rows with the ops of each block.
function diagram(rows, full) {
  const rowHeight = innerWidth <= 480 ? 64 : 44; // the ops of a block have two lines on a telephone
  const height = rows.length * rowHeight, total = costOf(rows), col = 40, wedge = 22;
  let s = '', before = 0;
  rows.forEach((r, n) => {
    const cost = rowCost(r), a = before / full * height, b = (before + cost) / full * height;
    before += cost;
    if (!cost || !full) return;
    s += `<path d="M${col} ${a}L${col + wedge} ${n * rowHeight + 1}V${(n + 1) * rowHeight - 1}L${col} ${b}z" class="wedge${n % 2}"/>`;
    let x = 0;
    for (const [kind, v] of r[6]) { const w = col * v / cost; s += `<rect x="${x}" y="${a}" width="${w}" height="${Math.max(0, b - a)}" fill="${work.get(kind) || '#5f5f5f'}"><title>${esc(r[0])}: ${esc(kind)} ${num(v)} ms</title></rect>`; x += w; }
    s += `<path d="M0 ${b}H${col}" stroke="var(--card)"/>`;
  });
  const line = r => r[3].map(([text, kind]) => `<i ${box(kind)}>${esc(text)}</i>`).join(r[5] ? ' ' : '<b></b>');
  const out = rows.map((r, n) => {
    const cost = rowCost(r);
    return `<li class="band${n % 2}"><span class="where">${esc(r[0])}</span><span class="shape">${esc(r[1])}</span><span class="cost">${cost ? `${num(+cost.toPrecision(3))} ms, ${(100 * cost / total).toFixed(1)} %` : total ? runsWith(rows, n) : ''}</span><span class="ops${r[4] ? ' residual' : ''}">${line(r)}${r[4] ? '<u title="residual: the input of the block is added">+</u>' : ''} <small>${esc(r[2])}</small></span></li>`;
  }).join('');
  return `<div class="diagram" style="height:${height}px;--row:${rowHeight}px">${total ? `<svg width="${col + wedge}" height="${height}" role="img" aria-label="Blocks to the scale of latency">${s}</svg>` : ''}<ol>${out}</ol></div>` + (total ? key(rows) : '');
}
// runsWith says with which row one of no cost of its own runs.
function runsWith(rows, n) {
  const host = rows.slice(0, n).reverse().find(r => rowCost(r) > 0);
  return 'runs with ' + (host ? esc(host[0]) : 'the next');
}
function key(rows) {
  const kinds = [...new Set(rows.flatMap(r => r[6].map(([k]) => k)))];
  return `<div class="key">${kinds.map(k => `<span><i style="background:${work.get(k) || '#5f5f5f'}"></i>${esc(k)}</span>`).join('')}</div>`;
}

// breakdown lists kinds of work and the most expensive blocks.
function breakdown(rows) {
  const total = costOf(rows), kinds = new Map();
  for (const r of rows) for (const [k, v] of r[6]) kinds.set(k, (kinds.get(k) || 0) + v);
  const bar = (v, most, color) => `<span class="bar"><i style="width:${(100 * v / most).toFixed(1)}%;background:${color}"></i></span><span class="cost">${num(+v.toPrecision(3))} ms, ${(100 * v / total).toFixed(1)} %</span>`;
  const list = (pairs, color) => { const most = pairs[0][1]; return '<div class="bars">' + pairs.map(([k, v]) => `<span>${esc(k)}</span>${bar(v, most, color(k))}`).join('') + '</div>'; };
  const sorted = [...kinds].sort((a, b) => b[1] - a[1]), most = rows.map(r => [`${r[0]}  ${r[1]}`, rowCost(r)]).sort((a, b) => b[1] - a[1]).slice(0, 6);
  return '<p class="note">By kind of work</p>' + list(sorted, k => work.get(k) || '#5f5f5f') + '<p class="note">The most expensive blocks</p>' + list(most, () => 'var(--axis)');
}
