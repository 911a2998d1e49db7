package proxy

import (
	"fmt"
	"math"
	"math/bits"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// wordPool holds buffers for the codes of a layer.
var wordPool = sync.Pool{New: func() any { return new([]uint64) }}

// codes accumulates, layer by layer, in how many bits the binary activation codes of
// each two inputs of a batch differ.
type codes struct {
	batch, layers int
	words         *[]uint64
	layer         []int64 // bits in which two codes differ in the current layer
	// differ are three sums over layers of the counts in layer: as they are, divided by
	// the square root of the layer's number of bits, and divided by that number. They are
	// batch x batch, filled above the diagonal. total are the same sums of the layers'
	// numbers of bits: the values of differ if all bits differed.
	differ [3][]float64
	total  [3]float64
	spread float64 // sum over layers of log(mean share of bits that differ)
}

func newCodes(batch int) *codes {
	c := &codes{batch: batch, layer: make([]int64, batch*batch)}
	for k := range c.differ {
		c.differ[k] = make([]float64, batch*batch)
	}
	return c
}

// codeBlock is the number of words of each code that are compared at a time. The
// blocks of a batch of 64 fill half of a first-level cache.
const codeBlock = 32

// add appends the signs of one layer's pre-activations, batch x values.
func (c *codes) add(pre []float32) {
	per := len(pre) / c.batch
	stride := (per + 63) / 64
	if cap(*c.words) < stride*c.batch {
		*c.words = make([]uint64, stride*c.batch)
	}
	words := (*c.words)[:stride*c.batch]
	for b := range c.batch {
		packSigns(words[b*stride:][:stride], pre[b*per:][:per])
	}
	clear(c.layer)
	for from := 0; from < stride; from += codeBlock {
		to := min(from+codeBlock, stride)
		for i := range c.batch {
			x := words[i*stride+from : i*stride+to]
			row := c.layer[i*c.batch:][:c.batch]
			for j := i + 1; j < c.batch; j++ {
				row[j] += int64(hamming(x, words[j*stride+from:j*stride+to]))
			}
		}
	}
	bits := float64(per)
	weight := [3]float64{1, 1 / math.Sqrt(bits), 1 / bits}
	sum := 0.0
	for k, d := range c.layer {
		v := float64(d)
		sum += v
		for p, w := range weight {
			c.differ[p][k] += v * w
		}
	}
	for p, w := range weight {
		c.total[p] += bits * w
	}
	c.layers++
	pairs := float64(c.batch*(c.batch-1)) / 2
	// A layer in which no two codes differ counts as if half a bit did.
	c.spread += math.Log(max(sum, 0.5) / pairs / bits)
}

// hamming counts differing bits; y is as long as x.
func hamming(x, y []uint64) int {
	y = y[:len(x)]
	n := 0
	for i, v := range x {
		n += bits.OnesCount64(v ^ y[i])
	}
	return n
}

// packSigns sets bit i%64 of word i/64 where v[i] > 0, and clears the rest.
func packSigns(words []uint64, v []float32) {
	for w := range words {
		chunk := v[w*64:]
		if len(chunk) > 64 {
			chunk = chunk[:64]
		}
		var word uint64
		for i, x := range chunk {
			// Positive floats are 1 to 0x7f800000 as integers: less 1, their top bit is 0.
			word |= uint64(^(math.Float32bits(x)-1)>>31) << i
		}
		words[w] = word
	}
}

// logDet returns log|det K|, where K_ij is in how many bits codes i and j agree, by
// one of the three weightings of layers. Two inputs with one code make K singular; the
// diagonal is a millionth larger to keep the logarithm finite.
func (c *codes) logDet(weight int) (float64, error) {
	k := mat.NewSymDense(c.batch, nil)
	for i := range c.batch {
		k.SetSym(i, i, c.total[weight]*(1+1e-6))
		for j := i + 1; j < c.batch; j++ {
			k.SetSym(i, j, c.total[weight]-c.differ[weight][i*c.batch+j])
		}
	}
	var f mat.Cholesky
	if !f.Factorize(k) {
		return 0, fmt.Errorf("the matrix of agreements of %d inputs is singular", c.batch)
	}
	return f.LogDet(), nil
}
