/* Times .tflite models with TensorFlow Lite's C library, XNNPACK on: THREADS RUNS MODEL...
   One line a model, in the order given, times in milliseconds. "time" is the 5th percentile of the runs: what
   else runs on a machine only ever adds time, and on a shared one hardly any run is left alone.

   The library is that of the npm package tfjs-tflite-node 0.0.2 in the folder where this starts, or the file that
   TFLITE_LIBRARY names. It is loaded at run time, so that no headers are needed:

       cc -O1 tflite.c -o tflite -ldl                                                                            */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__APPLE__)
#define LIBRARY "node_modules/tfjs-tflite-node/cc_deps/darwin_arm64/libtensorflowlite_c.dylib"
#elif defined(__aarch64__)
#define LIBRARY "node_modules/tfjs-tflite-node/cc_deps/linux_arm64/libtensorflowlite_c.so"
#else
#define LIBRARY "node_modules/tfjs-tflite-node/cc_deps/linux_amd64/libtensorflowlite_c.so"
#endif

/* What is called of tensorflow/lite/c/c_api.h, and of XNNPACK's delegate. */
static struct {
  const char *(*Version)(void);
  void *(*ModelCreateFromFile)(const char *);
  void *(*InterpreterOptionsCreate)(void);
  void (*InterpreterOptionsSetNumThreads)(void *, int32_t);
  void (*InterpreterOptionsAddDelegate)(void *, void *);
  void *(*InterpreterCreate)(void *, void *);
  int (*InterpreterAllocateTensors)(void *);
  int32_t (*InterpreterGetInputTensorCount)(void *);
  void *(*InterpreterGetInputTensor)(void *, int32_t);
  int (*InterpreterInvoke)(void *);
  int (*TensorType)(void *);
  size_t (*TensorByteSize)(void *);
  void *(*TensorData)(void *);
  void *(*XNNPackDelegateCreate)(const void *);
} lite;

/* The head of TfLiteXNNPackDelegateOptions; what later versions have behind it is zero. */
struct xnnpack { int32_t threads; uint32_t flags; char later[256]; };
enum { SIGNED_INT8 = 1, UNSIGNED_INT8 = 2, FLOAT32 = 1 };

static void fail(const char *why, const char *what) {
  fprintf(stderr, "%s%s\n", why, what);
  exit(1);
}

static void load(void) {
  const char *path = getenv("TFLITE_LIBRARY");
  if (!path) path = LIBRARY;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    fprintf(stderr, "%s\n", dlerror());
    fail("TensorFlow Lite is not there: run npm install --ignore-scripts tfjs-tflite-node@0.0.2 in the folder "
         "where nas is started, or set TFLITE_LIBRARY to a libtensorflowlite_c", "");
  }
  const char *names[] = {
    "Version", "ModelCreateFromFile", "InterpreterOptionsCreate", "InterpreterOptionsSetNumThreads",
    "InterpreterOptionsAddDelegate", "InterpreterCreate", "InterpreterAllocateTensors", "InterpreterGetInputTensorCount",
    "InterpreterGetInputTensor", "InterpreterInvoke", "TensorType", "TensorByteSize", "TensorData", "XNNPackDelegateCreate",
  };
  void **to = (void **)&lite;
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char name[80];
    snprintf(name, sizeof name, "TfLite%s", names[i]);
    if (!(to[i] = dlsym(library, name))) fail(path, ": the library lacks a function of the C interface with XNNPACK");
  }
}

static double now(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int ascending(const void *a, const void *b) {
  double d = *(const double *)a - *(const double *)b;
  return (d > 0) - (d < 0);
}

static double quantile(const double *sorted, int n, double q) { return sorted[(int)(q * (n - 1) + 0.5)]; }

struct model { void *interpreter; double *times; int n; };

/* Open loads a model and fills its inputs with values that are the same each time. */
static struct model open_model(const char *path, int threads, int runs) {
  void *file = lite.ModelCreateFromFile(path);
  if (!file) fail(path, ": no .tflite file that TensorFlow Lite reads");
  void *options = lite.InterpreterOptionsCreate();
  lite.InterpreterOptionsSetNumThreads(options, threads);
  struct xnnpack x = {threads, SIGNED_INT8 | UNSIGNED_INT8, {0}};
  void *delegate = lite.XNNPackDelegateCreate(&x);
  if (!delegate) fail(path, ": XNNPACK does not start");
  lite.InterpreterOptionsAddDelegate(options, delegate);
  struct model m = {lite.InterpreterCreate(file, options), calloc(runs, sizeof(double)), 0};
  if (!m.interpreter || !m.times || lite.InterpreterAllocateTensors(m.interpreter))
    fail(path, ": TensorFlow Lite does not load the model");
  for (int i = 0; i < lite.InterpreterGetInputTensorCount(m.interpreter); i++) {
    void *in = lite.InterpreterGetInputTensor(m.interpreter, i);
    size_t bytes = lite.TensorByteSize(in);
    uint32_t seed = 1;
    for (size_t k = 0; k < bytes / (lite.TensorType(in) == FLOAT32 ? 4 : 1); k++) {
      seed = seed * 1664525u + 1013904223u;
      if (lite.TensorType(in) == FLOAT32) ((float *)lite.TensorData(in))[k] = (int32_t)seed / 1.4e9f;
      else ((uint8_t *)lite.TensorData(in))[k] = seed >> 24;
    }
  }
  return m;
}

static void invoke(struct model *m) {
  if (lite.InterpreterInvoke(m->interpreter)) fail("a run failed", "");
}

int main(int argc, char **argv) {
  if (argc < 4) fail("usage: tflite THREADS RUNS MODEL...", "");
  int threads = atoi(argv[1]), rounds = (atoi(argv[2]) + 2) / 3, n = argc - 3;
  if (threads < 1 || rounds < 1) fail("THREADS and RUNS must be 1 or more", "");
  load();
  struct model *all = calloc(n, sizeof *all);
  for (int i = 0; i < n; i++) all[i] = open_model(argv[3 + i], threads, 3 * rounds);
  /* Rounds over all models, so that a slow moment of the machine hits each of them in one round and none in all.
     The first run of a round brings the model's weights back into the cache. */
  for (int r = 0; r < rounds; r++)
    for (struct model *m = all; m < all + n; m++) {
      invoke(m);
      for (int i = 0; i < 3; i++) {
        double cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
        invoke(m);
        wall = now(CLOCK_MONOTONIC) - wall;
        cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        /* One thread that was kept waiting by other programs counts with the time that it had a core. */
        m->times[m->n++] = threads == 1 && cpu > 0 && cpu < wall ? cpu : wall;
      }
    }
  printf("TensorFlow Lite %s\n", lite.Version());
  for (struct model *m = all; m < all + n; m++) {
    qsort(m->times, m->n, sizeof(double), ascending);
    printf("time %.6f p10 %.6f p90 %.6f runs %d\n", quantile(m->times, m->n, 0.05), quantile(m->times, m->n, 0.1),
           quantile(m->times, m->n, 0.9), m->n);
  }
  return 0;
}
