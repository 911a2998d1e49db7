// A page of a run under way asks its server for what is new.
let run = null, drawnAt = -1;
async function follow() {
  const u = await poll('trials?from=' + count() + (run === null ? '' : '&run=' + encodeURIComponent(run)));
  if (!u) { setTimeout(follow, 3000); return; }
  if (u.ended || run !== null && u.run !== run) { location.reload(); return; } // the finished report, or another run
  run = u.run;
  take(u);
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
async function ask(i) {
  try { details.set(i, await get('network?trial=' + T.id[i])); } catch { details.delete(i); return; }
  if (chosen === i || second === i) cards();
}
// figures draws what grows with the run, every ten seconds while it does.
async function figures() {
  if (!document.hidden && drawnAt !== count()) {
    try {
      drawnAt = count();
      const f = (await get('figures')).figures || [];
      $('more').hidden = !f.length;
      $('figures').innerHTML = f.map(([wide, narrow]) => `<figure class="wide">${wide}</figure><figure class="narrow">${narrow}</figure>`).join('');
    } catch { drawnAt = -1; }
  }
  setTimeout(figures, 10000);
}
