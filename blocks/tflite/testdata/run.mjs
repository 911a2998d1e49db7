// Runs .tflite files with LiteRT: node run.mjs DIR < jobs.json
// jobs: [{model, input, dims, output}], paths of the model and of raw float32 input and output.
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
    const out = (await model.run([new litert.Tensor(input, job.dims)]))[0].toTypedArray();
    fs.writeFileSync(job.output, Buffer.from(out.buffer, out.byteOffset, out.byteLength));
  } catch (e) {
    console.error(job.model + ': ' + (e.message || e));
    process.exit(1);
  }
}
