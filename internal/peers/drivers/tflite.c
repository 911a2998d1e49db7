/* A server of TensorFlow Lite's C library with XNNPACK, see server.go: tflite MODEL INPUT THREADS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/c/common.h"

/* The headers of the package leave the delegate out. */
typedef struct { int32_t threads; uint32_t flags; char later[256]; } xnnpack;
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const xnnpack *);

static int fail(const char *what) { fprintf(stderr, "tflite: %s\n", what); return 1; }

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
  if (argc != 4) return fail("want MODEL INPUT THREADS");
  int threads = atoi(argv[3]);
  TfLiteModel *model = TfLiteModelCreateFromFile(argv[1]);
  if (!model) return fail("the model is not loaded");
  TfLiteInterpreterOptions *options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, threads);
  xnnpack x = {threads, 0, {0}};
  TfLiteInterpreterOptionsAddDelegate(options, TfLiteXNNPackDelegateCreate(&x));
  TfLiteInterpreter *in = TfLiteInterpreterCreate(model, options);
  if (!in || TfLiteInterpreterAllocateTensors(in)) return fail("the model does not start");
  TfLiteTensor *input = TfLiteInterpreterGetInputTensor(in, 0);
  FILE *from = fopen(argv[2], "rb");
  if (!from || fread(TfLiteTensorData(input), 1, TfLiteTensorByteSize(input), from) != TfLiteTensorByteSize(input))
    return fail("the input is too short");
  fclose(from);
  if (TfLiteInterpreterInvoke(in)) return fail("the run fails");
  puts("ready"), fflush(stdout);
  for (char line[4096]; fgets(line, sizeof line, stdin); fflush(stdout)) {
    line[strcspn(line, "\n")] = 0;
    if (!strncmp(line, "output ", 7)) {
      const TfLiteTensor *out = TfLiteInterpreterGetOutputTensor(in, 0);
      FILE *to = fopen(line + 7, "wb");
      if (!to || fwrite(TfLiteTensorData(out), 1, TfLiteTensorByteSize(out), to) != TfLiteTensorByteSize(out) || fclose(to))
        return fail("the output is not written");
      puts("done");
      continue;
    }
    for (int n = strncmp(line, "run ", 4) ? 0 : atoi(line + 4); n > 0; n--) {
      double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
      if (TfLiteInterpreterInvoke(in)) return fail("the run fails");
      wall = now(CLOCK_MONOTONIC) - wall, cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
      printf("%.4f ", threads == 1 && cpu < wall ? cpu : wall);
    }
    puts("");
  }
  return 0;
}
