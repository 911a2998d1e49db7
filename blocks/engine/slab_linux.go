package engine

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for large pages behind data. It is a hint: what becomes of it
// changes nothing but speed.
func adviseHuge(data []float32) {
	b := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(data))), 4*len(data))
	_ = syscall.Madvise(b, syscall.MADV_HUGEPAGE)
}
