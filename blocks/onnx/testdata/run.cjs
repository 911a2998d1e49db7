// Runs ONNX models with ONNX Runtime: node run.cjs DIR < jobs.json
// jobs: [{model, input, dims, output}], paths of the model and of raw float32
// input and output. A job that says optional may fail: then there is no output file. One that says all wants all outputs,
// one behind the other.
// One thread: several, for small models, wait for each other longer than they work.
// Prints the runtime's version.
const dir = process.argv[2];
const ort = require(dir ? require.resolve('onnxruntime-node', { paths: [dir] }) : 'onnxruntime-node');
const fs = require('fs');
(async () => {
  const jobs = JSON.parse(fs.readFileSync(0, 'utf8'));
  for (const job of jobs) {
    try {
      const session = await ort.InferenceSession.create(job.model, { graphOptimizationLevel: job.level || 'all', logSeverityLevel: 3, intraOpNumThreads: 1, interOpNumThreads: 1 });
      const raw = fs.readFileSync(job.input);
      const data = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length));
      const feeds = {};
      feeds[session.inputNames[0]] = new ort.Tensor('float32', data, job.dims);
      const result = await session.run(feeds);
      const outs = session.outputNames.slice(0, job.all ? undefined : 1).map((name) => result[name].data);
      fs.writeFileSync(job.output, Buffer.concat(outs.map((d) => Buffer.from(d.buffer, d.byteOffset, d.byteLength))));
      if (session.release) await session.release();
    } catch (e) {
      if (job.optional) continue;
      console.error(job.model + ': ' + e.message);
      process.exit(1);
    }
  }
  console.log((ort.env && ort.env.versions && ort.env.versions.node) || '');
})();
