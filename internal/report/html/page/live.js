// A page of a run under way asks its server for what is new.
let run = null;
async function get(path) {
  const r = await fetch(path, {cache: 'no-store'});
  if (!r.ok) throw new Error(r.status);
  return r.json();
}
async function follow() {
  let next = 1000;
  try {
    const u = await get('trials?from=' + count() + (run === null ? '' : '&run=' + encodeURIComponent(run)));
    if (u.ended || run !== null && u.run !== run) { location.reload(); return; } // the finished report, or another run
    run = u.run; next = u.next;
    $('live').textContent = u.detail ? `${u.step}: ${u.detail}` : u.step;
    $('live').dataset.state = 'on';
    take(u);
    learn(u);
    if (count() < u.of) $('live').textContent = `catching up: ${count().toLocaleString('en')} of ${u.of.toLocaleString('en')} trials`;
  } catch {
    $('live').textContent = 'nas does not answer any more: what is shown is the last that it said';
    $('live').dataset.state = 'off';
    next = 3000;
  }
  setTimeout(follow, next);
}
function take(u) {
  const grown = u.trials.id?.length > 0;
  if (grown && u.from === count()) {
    for (const k of ['id', 'arch_id', 'x', 'y', 'params', 'macs', 'ok']) for (const v of u.trials[k]) T[k].push(v);
    T.arch.push(...u.archs);
  }
  if (!grown && JSON.stringify(u.members) === JSON.stringify(D.members)) return;
  if (count() >= u.of) D.members = u.members; // until then members may be trials that are not here yet
  indexMembers();
  table();
  legend();
  drawAll();
  if (chosen < 0 && location.hash) fromAddress();
}
// learn asks for the learning curves if they have grown, every five seconds at most.
let curves = 0, asked = 0;
async function learn(u) {
  if (u.curves === curves || Date.now() - asked < 5000 || u.next >= 5000) return;
  asked = Date.now();
  try {
    const f = await get('curves');
    curves = u.curves;
    const at = $('learning');
    at.hidden = false;
    at.querySelector('.wide').innerHTML = f.wide;
    at.querySelector('.narrow').innerHTML = f.narrow;
  } catch {} // it asks again
}
async function ask(i) {
  try { details.set(i, await get('network?trial=' + T.id[i])); } catch { details.delete(i); return; }
  if (chosen === i || second === i) cards();
}
