package explain

import (
	"io"

	"nas/internal/report"
)

// Roofline is the picture of the kernels under the roof of the device.
func (x *Explanation) Roofline() report.Figure { return nil }

// WriteHTML writes.
func (x *Explanation) WriteHTML(w io.Writer, top int) error { return nil }
