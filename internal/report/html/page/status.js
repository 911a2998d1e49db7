// What a run under way does, how far it has come, and the buttons that pause and stop it.
const part = id => document.getElementById(id);
const token = document.querySelector('[data-token]')?.dataset.token;
const words = {pausing: 'pausing, what has begun is finished first', paused: 'paused', stopping: 'stopping, what was found is kept', ended: 'the run has ended, and nothing is on its front'};
let asked = '', told = '';
async function get(path) {
  const r = await fetch(path, {cache: 'no-store'});
  if (!r.ok) throw new Error(r.status);
  return r.json();
}
// poll asks for what is new, and shows the state of the run; null if nas does not answer.
async function poll(path) {
  let u = null;
  try { u = await get(path); } catch { /* shown below */ }
  status(u);
  return u;
}
function status(u) {
  const live = part('live');
  if (!live) return;
  part('status').dataset.state = !u ? 'off' : u.state === 'running' ? 'on' : u.state;
  if (!u) {
    live.textContent = asked === 'stop' ? 'stopped: the same command with --resume continues the run' : 'nas does not answer any more: what is shown is the last that it said';
    say(live.textContent);
    if (token) part('pause').disabled = part('stop').disabled = true;
    return;
  }
  const what = u.detail ? `${u.step}: ${u.detail}` : u.step || 'reading the config';
  live.textContent = u.state === 'ended' ? words.ended : words[u.state] ? `${words[u.state]} (${what})` : what;
  const bar = part('bar');
  bar.hidden = !u.total;
  if (u.total) { bar.max = u.total; bar.value = Math.min(u.done, u.total); bar.textContent = `${u.done} of ${u.total}`; }
  say(words[u.state] || u.step); // not every number: that would never be silent
  if (!token) return;
  part('pause').textContent = u.state === 'paused' || u.state === 'pausing' ? 'Go on' : 'Pause';
  part('pause').disabled = part('stop').disabled = u.state === 'stopping' || u.state === 'ended';
}
function say(text) {
  if (text && text !== told) part('said').textContent = told = text;
}
async function order(what) {
  asked = what;
  try {
    const r = await fetch('control?do=' + what, {method: 'POST', headers: {'X-Nas-Token': token}});
    if (!r.ok) say(part('live').textContent = await r.text());
  } catch { status(null); }
}
function watchButtons() {
  if (!token) return;
  part('pause').addEventListener('click', () => {
    const go = part('pause').textContent !== 'Pause';
    part('pause').textContent = go ? 'Pause' : 'Go on';
    order(go ? 'resume' : 'pause');
  });
  part('stop').addEventListener('click', () => order('stop'));
}
