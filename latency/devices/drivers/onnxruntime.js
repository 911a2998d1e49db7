// Times ONNX models with onnxruntime-node: THREADS RUNS MODEL...
// One line a model, in the order given, times in milliseconds. "time" is the 5th
// percentile of the runs: what else runs on a machine only ever adds time, and on a
// shared one hardly any run is left alone.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

function load(name) {
  for (const dir of [process.cwd(), __dirname]) {
    try {
      return createRequire(path.join(dir, 'x.js'))(name);
    } catch (e) {
      if (e.code !== 'MODULE_NOT_FOUND') throw e;
    }
  }
  try {
    return require(name); // NODE_PATH
  } catch (e) {
    if (e.code !== 'MODULE_NOT_FOUND') throw e;
    console.error(`the Node module ${name} is not installed: run npm install ${name}@1.30.0 in ${process.cwd()}`);
    process.exit(1);
  }
}

const ort = load('onnxruntime-node');
const [threads, runs, ...models] = [Number(process.argv[2]), Number(process.argv[3]), ...process.argv.slice(4)];

function quantile(sorted, q) {
  return sorted[Math.min(sorted.length - 1, Math.round(q * (sorted.length - 1)))];
}

async function main() {
  const all = [];
  for (const model of models) {
    const session = await ort.InferenceSession.create(model, {
      executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1,
      executionMode: 'sequential', graphOptimizationLevel: 'all',
    });
    const meta = session.inputMetadata[0];
    const n = meta.shape.reduce((a, b) => a * b, 1);
    const data = new Float32Array(n);
    for (let i = 0; i < n; i++) data[i] = Math.sin(i * 12.9898) * 1.5;
    const feeds = { [meta.name]: new ort.Tensor('float32', data, meta.shape) };
    all.push({ session, feeds, times: [] });
  }
  // Rounds over all models, so that a slow moment of the machine hits each of
  // them in one round and none in all. The first run of a round brings the
  // model's weights back into the cache.
  for (let round = 0; round < Math.ceil(runs / 3); round++) {
    for (const m of all) {
      await m.session.run(m.feeds);
      for (let i = 0; i < 3; i++) {
        const cpu = process.cpuUsage();
        const t = process.hrtime.bigint();
        await m.session.run(m.feeds);
        const wall = Number(process.hrtime.bigint() - t) / 1e6;
        const used = process.cpuUsage(cpu);
        // One thread that was kept waiting by other programs counts with the time
        // that it had a core.
        m.times.push(threads === 1 ? Math.min(wall, (used.user + used.system) / 1e3) : wall);
      }
    }
  }
  for (const m of all) {
    const s = m.times.sort((a, b) => a - b);
    console.log(`time ${quantile(s, 0.05).toFixed(6)} p10 ${quantile(s, 0.1).toFixed(6)} p90 ${quantile(s, 0.9).toFixed(6)} runs ${s.length}`);
  }
}

main().catch((e) => { console.error(e.stack || e); process.exit(1); });
