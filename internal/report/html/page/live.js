// A page of a run under way asks its server for what is new.
let run = null;
async function follow() {
  const u = await poll('trials?from=' + count() + (run === null ? '' : '&run=' + encodeURIComponent(run)));
  if (!u) { setTimeout(follow, 3000); return; }
  if (u.ended || run !== null && u.run !== run) { location.reload(); return; } // the finished report, or another run
  run = u.run;
  take(u);
  learn(u);
  grow(u);
  if (count() < u.of) $('live').textContent = `catching up: ${count().toLocaleString('en')} of ${u.of.toLocaleString('en')} trials`;
  setTimeout(follow, u.next);
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
// drawing asks for a figure if its count has changed, every five seconds at most, and not while networks are timed.
const drawing = (path, id, of) => {
  let drawn = 0, last = 0;
  return async u => {
    const n = of(u);
    if (n === drawn || Date.now() - last < 5000 || u.next >= 5000 || document.hidden) return;
    last = Date.now();
    try {
      const f = await get(path), at = $(id);
      drawn = n;
      at.hidden = false;
      at.querySelector('.wide').innerHTML = f.wide;
      at.querySelector('.narrow').innerHTML = f.narrow;
    } catch { /* it asks again */ }
  };
};
const learn = drawing('curves', 'learning', u => u.curves), grow = drawing('growth', 'growth', u => u.members.length ? u.of : 0);
async function ask(i) {
  try { details.set(i, await get('network?trial=' + T.id[i])); } catch { details.delete(i); return; }
  if (chosen === i || second === i) cards();
}
