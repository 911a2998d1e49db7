// Package arena plans the working memory that TensorFlow Lite Micro needs for a .tflite file.
//
// A microcontroller gives TensorFlow Lite Micro one block of memory, the tensor arena. Its planner
// (GreedyMemoryPlanner in tensorflow/lite/micro/memory_planner of tensorflow/tflite-micro) gives every activation and
// every scratch buffer a place in the arena, so that those that live at the same time do not overlap. [Of] returns the
// same plan, to the byte. Behind the plan stands a part that lives as long as the interpreter: [Plan.Persistent]
// estimates it.
//
// [BestOrder] finds an order of the operators with a smaller arena. [Patches] tells what a network's first operators
// would need if they ran patch by patch (MCUNetV2: Lin et al., "MCUNetV2: Memory-Efficient Patch-based Inference for
// Tiny Deep Learning", NeurIPS 2021, section 3.1), which TensorFlow Lite Micro does not do.
//
// All sizes are in bytes. Scratch buffers are those of TensorFlow Lite Micro's reference kernels; optimised kernels,
// such as those of CMSIS-NN, ask for more, for convolutions most of all.
package arena
