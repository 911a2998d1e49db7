package latency

import (
	"iter"
	"slices"

	"nas/blocks"
)

func seqOf(nets []*blocks.Network) iter.Seq[*blocks.Network] { return slices.Values(nets) }
