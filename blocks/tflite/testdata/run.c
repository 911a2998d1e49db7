/* Runs a .tflite file with the C library of TensorFlow Lite and XNNPACK on one thread: run MODEL INPUT OUTPUT
   INPUT holds the raw values of one or more images, of the type of the model's input; OUTPUT gets those of its first
   output. With L = node_modules/tfjs-tflite-node/cc_deps (npm install --ignore-scripts tfjs-tflite-node@0.0.2):
   gcc -O1 -I$L/include run.c $L/linux_amd64/libtensorflowlite_c.so -Wl,-rpath,$L/linux_amd64 -o run */
#include <stdio.h>
#include <stdlib.h>
#include "tensorflow/lite/c/c_api.h"
#include "tensorflow/lite/c/common.h"

/* The headers of the package leave the delegate out. Flag 1 is for signed integers of 8 bits. */
typedef struct { int num_threads; unsigned flags; char rest[64]; } xnnpack_options;
TfLiteDelegate *TfLiteXNNPackDelegateCreate(const xnnpack_options *);

static int fail(const char *what) { fprintf(stderr, "%s\n", what); return 1; }

int main(int argc, char **argv) {
  if (argc != 4) return fail("want run MODEL INPUT OUTPUT");
  TfLiteModel *model = TfLiteModelCreateFromFile(argv[1]);
  if (!model) return fail("the model is not loaded");
  TfLiteInterpreterOptions *options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, 1);
  xnnpack_options x = {0};
  x.num_threads = 1, x.flags = 1;
  TfLiteInterpreterOptionsAddDelegate(options, TfLiteXNNPackDelegateCreate(&x));
  TfLiteInterpreter *interpreter = TfLiteInterpreterCreate(model, options);
  if (!interpreter || TfLiteInterpreterAllocateTensors(interpreter)) return fail("the model does not start");
  TfLiteTensor *in = TfLiteInterpreterGetInputTensor(interpreter, 0);
  const TfLiteTensor *out = TfLiteInterpreterGetOutputTensor(interpreter, 0);
  FILE *from = fopen(argv[2], "rb"), *to = fopen(argv[3], "wb");
  if (!from || !to) return fail("a file of values does not open");
  size_t images = 0, size = TfLiteTensorByteSize(in), got;
  for (; (got = fread(TfLiteTensorData(in), 1, size, from)) == size; images++) {
    if (TfLiteInterpreterInvoke(interpreter)) return fail("the run fails");
    if (fwrite(TfLiteTensorData(out), 1, TfLiteTensorByteSize(out), to) != TfLiteTensorByteSize(out)) return fail("no room");
  }
  if (got || !images || fclose(to)) return fail("the values are no whole images");
  printf("%s\n", TfLiteVersion());
  return 0;
}
