// plan MODEL...: what TensorFlow Lite Micro's own interpreter uses of its arena, one line a model: the bytes that it has
// planned, and those that it keeps for good. planner_test.go says how to build it.
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/micro/recording_micro_interpreter.h"
#include "tensorflow/lite/schema/schema_generated.h"

int main(int argc, char** argv) {
  tflite::MicroMutableOpResolver<40> r;
  r.AddConv2D(); r.AddDepthwiseConv2D(); r.AddFullyConnected(); r.AddAdd(); r.AddSub(); r.AddMul(); r.AddPad(); r.AddPadV2();
  r.AddMean(); r.AddReduceMax(); r.AddReshape(); r.AddQuantize(); r.AddDequantize(); r.AddHardSwish(); r.AddLogistic();
  r.AddTanh(); r.AddRelu(); r.AddRelu6(); r.AddConcatenation(); r.AddResizeBilinear(); r.AddResizeNearestNeighbor();
  r.AddMaxPool2D(); r.AddAveragePool2D(); r.AddSoftmax(); r.AddTranspose(); r.AddSlice(); r.AddGather(); r.AddLeakyRelu();
  r.AddElu(); r.AddPrelu(); r.AddAddN(); r.AddStridedSlice(); r.AddSplit(); r.AddSpaceToBatchNd(); r.AddBatchToSpaceNd();
  const size_t size = size_t(512) << 20;
  uint8_t* arena = static_cast<uint8_t*>(aligned_alloc(16, size));
  for (int i = 1; i < argc; i++) {
    FILE* f = fopen(argv[i], "rb");
    if (!f) { printf("%s: not there\n", argv[i]); return 1; }
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    uint8_t* file = static_cast<uint8_t*>(aligned_alloc(16, (n + 15) / 16 * 16));
    if (fread(file, 1, n, f) != size_t(n)) return 1;
    fclose(f);
    tflite::RecordingMicroInterpreter in(tflite::GetModel(file), r, arena, size);
    if (in.AllocateTensors() != kTfLiteOk) { printf("%s: not loaded\n", argv[i]); continue; }
    auto* a = in.GetMicroAllocator().GetSimpleMemoryAllocator();
    printf("%zu %zu\n", a->GetNonPersistentUsedBytes(), a->GetPersistentUsedBytes());
  }
}
