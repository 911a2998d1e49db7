// Times .tflite models with LiteRT as WebAssembly (npm @litertjs/core): RUNS MODEL...
// One line a model, in the order given, times in milliseconds. "time" is the 5th percentile of the runs: what
// else runs on a machine only ever adds time, and on a shared one hardly any run is left alone.
// LiteRT.js takes float32 and int32 at the edges of a model only; inside it may have integers of 8 bits.
import fs from 'node:fs';
import path from 'node:path';
import vm from 'node:vm';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const PACKAGE = '@litertjs/core';
const require = createRequire(path.join(process.cwd(), 'x.js'));
let main;
try {
  main = require.resolve(PACKAGE);
} catch {
  console.error(`the Node module ${PACKAGE} is not installed: run npm install --ignore-scripts ${PACKAGE}@2.5.3 in ${process.cwd()}`);
  process.exit(1);
}
const root = main.slice(0, main.lastIndexOf(PACKAGE) + PACKAGE.length);

// The package expects a browser's worker: these are what it uses of one.
globalThis.self = globalThis;
globalThis.require = require;
globalThis.importScripts = (file) => {
  globalThis.__filename = file;
  globalThis.__dirname = path.dirname(file);
  vm.runInThisContext(fs.readFileSync(file, 'utf8') + ';globalThis.ModuleFactory = ModuleFactory;', { filename: file });
};
const litert = await import(pathToFileURL(main).href);
await litert.loadLiteRt(path.join(root, 'wasm', 'litert_wasm_internal.js'));

const runs = Number(process.argv[2]);
const all = [];
for (const file of process.argv.slice(3)) {
  const model = await litert.loadAndCompile(new Uint8Array(fs.readFileSync(file)), { accelerator: 'wasm' });
  const inputs = model.getInputDetails().map(({ dtype, shape }) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const data = dtype === 'int32' ? new Int32Array(n) : new Float32Array(n);
    for (let i = 0; i < n; i++) data[i] = Math.sin(i * 12.9898) * 1.5;
    return new litert.Tensor(data, Array.from(shape));
  });
  all.push({ model, inputs, times: [] });
}

async function run(m) {
  for (const t of await m.model.run(m.inputs)) t.delete();
}

// Rounds over all models, so that a slow moment of the machine hits each of them in one round and none in all.
// The first run of a round brings the model's weights back into the cache.
for (let round = 0; round < Math.ceil(runs / 3); round++) {
  for (const m of all) {
    await run(m);
    for (let i = 0; i < 3; i++) {
      const cpu = process.cpuUsage();
      const t = process.hrtime.bigint();
      await run(m);
      const wall = Number(process.hrtime.bigint() - t) / 1e6;
      const used = process.cpuUsage(cpu);
      // A run that was kept waiting by other programs counts with the time that it had a core.
      m.times.push(Math.min(wall, (used.user + used.system) / 1e3));
    }
  }
}
for (const { times } of all) {
  const s = times.sort((a, b) => a - b);
  const at = (q) => s[Math.min(s.length - 1, Math.round(q * (s.length - 1)))].toFixed(6);
  console.log(`time ${at(0.05)} p10 ${at(0.1)} p90 ${at(0.9)} runs ${s.length}`);
}
