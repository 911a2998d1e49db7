// Runs .tflite files with LiteRT: node run.mjs DIR < jobs.json
// jobs: [{model, input, dims, output}], paths of the model and of raw float32 images and outputs; dims are of one image.
// DIR is the folder whose node_modules has @litertjs/core.
import fs from 'fs';
import path from 'path';
import vm from 'vm';
import { createRequire } from 'module';
import { pathToFileURL } from 'url';

const require = createRequire(path.join(path.resolve(process.argv[2]), 'x.js'));
const main = require.resolve('@litertjs/core');
const root = main.slice(0, main.lastIndexOf('@litertjs/core') + '@litertjs/core'.length);
// The package expects a browser's worker: these are what it uses of one.
globalThis.self = globalThis;
globalThis.require = require;
globalThis.importScripts = (file) => {
  globalThis.__filename = file;
  globalThis.__dirname = path.dirname(file);
  vm.runInThisContext(fs.readFileSync(file, 'utf8') + ';globalThis.ModuleFactory = ModuleFactory;', { filename: file });
};
const litert = await import(pathToFileURL(main).href);
await litert.loadLiteRt(path.join(root, 'wasm', 'litert_wasm_compat_internal.js'));
for (const job of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  try {
    const raw = fs.readFileSync(job.input);
    const input = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
    const model = await litert.loadAndCompile(new Uint8Array(fs.readFileSync(job.model)), { accelerator: 'wasm' });
    const size = job.dims.reduce((a, b) => a * b, 1);
    const outs = [];
    for (let at = 0; at < input.length; at += size) {
      const tensor = new litert.Tensor(input.slice(at, at + size), job.dims);
      const results = await model.run([tensor]);
      const out = results[0].toTypedArray();
      outs.push(Buffer.from(out.buffer.slice(out.byteOffset, out.byteOffset + out.byteLength)));
      for (const t of [tensor, ...results]) t.delete?.();
    }
    model.delete?.();
    fs.writeFileSync(job.output, Buffer.concat(outs));
  } catch (e) {
    console.error(job.model + ': ' + (e.message || e));
    process.exit(1);
  }
}
