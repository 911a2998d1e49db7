package evaluator

import (
	"fmt"
	"runtime"

	"nas/blocks/engine"
	"nas/internal/buildinfo"
)

// NumericClass names what the bytes of a run depend on besides its config and its profile: the version of the
// program, the processor architecture, and the variant of the kernels.
func NumericClass() string {
	return fmt.Sprintf("%s %s %s", buildinfo.Version(), runtime.GOARCH, engine.Host(1).ISA)
}
