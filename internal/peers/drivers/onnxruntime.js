// A server of ONNX Runtime, see server.go: node onnxruntime.js TOOLS MODEL INPUT THREADS
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');

const [tools, model, input, threadsText] = process.argv.slice(2);
const ort = require(require.resolve('onnxruntime-node', { paths: [path.resolve(tools)] }));
const threads = Number(threadsText);

async function main() {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'], intraOpNumThreads: threads, interOpNumThreads: 1,
    executionMode: 'sequential', graphOptimizationLevel: 'all', logSeverityLevel: 3,
  });
  const raw = fs.readFileSync(input);
  const data = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
  const feeds = { [session.inputNames[0]]: new ort.Tensor('float32', data, session.inputMetadata[0].shape) };
  let out = (await session.run(feeds))[session.outputNames[0]];
  console.log('ready');
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [what, arg] = line.split(' ');
    if (what === 'output') {
      fs.writeFileSync(arg, Buffer.from(out.data.buffer, out.data.byteOffset, out.data.byteLength));
      console.log('done');
      continue;
    }
    const times = [];
    for (let i = 0; i < Number(arg); i++) {
      const cpu = process.cpuUsage();
      const t = process.hrtime.bigint();
      const result = await session.run(feeds);
      const wall = Number(process.hrtime.bigint() - t) / 1e6;
      const used = process.cpuUsage(cpu);
      times.push(threads === 1 ? Math.min(wall, (used.user + used.system) / 1e3) : wall);
      out = result[session.outputNames[0]];
    }
    console.log(times.map((t) => t.toFixed(4)).join(' '));
  }
}

main().catch((e) => { console.error(e.stack || e); process.exit(1); });
