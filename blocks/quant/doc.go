// Package quant holds networks of 8-bit integers: what a quantiser decides and an engine runs. [Network.Eval] is the
// readable reference of an engine: it computes node by node with the arithmetic of package integer.
package quant
