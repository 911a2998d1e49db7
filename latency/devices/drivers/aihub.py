"""Times .tflite models on phones of Qualcomm AI Hub: DEVICE OPTIONS MODEL...

One line a model, in the order given, times in microseconds: percentiles of the runs on the device. The client
(pip install qai-hub) must be configured: qai-hub configure --api_token TOKEN.
"""
import sys

try:
    import qai_hub as hub
except ImportError:
    sys.exit("the Python package qai-hub is not installed: run pip install qai-hub, then qai-hub configure")

device, options, models = sys.argv[1], sys.argv[2], sys.argv[3:]
jobs = [hub.submit_profile_job(model=m, device=hub.Device(device), options=options) for m in models]
for model, job in zip(models, jobs):
    status = job.wait()
    if not status.success:
        sys.exit(f"{model}: the job failed: {status.message}")
    runs = sorted(job.download_profile()["execution_summary"]["all_inference_times"])
    if not runs:
        sys.exit(f"{model}: the profile tells no runs")
    # "estimated_inference_time" is the fastest run: it is not used.
    at = lambda q: runs[min(len(runs) - 1, round(q * (len(runs) - 1)))]
    print(f"time {at(0.5)} p10 {at(0.1)} p90 {at(0.9)} runs {len(runs)}", flush=True)
