package search

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math/big"
	"math/rand/v2"

	"nas/internal/random"
	"nas/space"
)

// Space is what a searcher must know of a search space. [space.Space] is one;
// a table of measured networks or a vector problem can be another.
//
// Genes of equal networks have equal canonical genes, and every method returns
// canonical genes. None of them may keep or change its arguments, and all must
// be deterministic given r.
type Space interface {
	// Size is the number of distinct canonical genotypes.
	Size() *big.Int
	// Sample draws a genotype.
	Sample(r *rand.Rand) space.Genes
	// Mutate returns a changed copy of g.
	Mutate(g space.Genes, r *rand.Rand) space.Genes
	// Crossover returns one child of a and b.
	Crossover(a, b space.Genes, r *rand.Rand) space.Genes
	// Canonical returns the one genotype that stands for g's network.
	Canonical(g space.Genes) space.Genes
}

// A Space may also be any of these.
type (
	// archSpace lowers genes, which need not be canonical. Both methods must be safe
	// for concurrent use, with each other and with those of Space.
	archSpace interface {
		Arch(g space.Genes) space.Arch
		// Describe returns the String and the ID of the Arch.
		Describe(g space.Genes) (text, id string)
	}

	// Lister is a Space whose canonical genotypes can be listed, each once, in
	// a fixed order; the yielded genes are the caller's. Exhaustive search needs
	// it; the others use it to find the last candidates of a small space.
	Lister interface {
		All() iter.Seq[space.Genes]
	}

	// Encoder is a Space that says how genes become the features of a surrogate,
	// a vector of fixed length with entries of about unit scale. Without it the
	// genes themselves are used, scaled by the largest value seen.
	Encoder interface {
		Encode(g space.Genes) []float64
	}
)

// hashGenes returns a 64-bit hash: the mixer of SplitMix64 over words of four
// genes. With a million candidates the chance that any two of
// them collide, which would reject one unseen network, is 3e-8.
func hashGenes(g space.Genes) uint64 {
	h := uint64(len(g)) + 0xcbf29ce484222325
	for ; len(g) >= 4; g = g[4:] {
		h = random.Mix(h ^ (uint64(g[0]) | uint64(g[1])<<16 | uint64(g[2])<<32 | uint64(g[3])<<48))
	}
	for _, v := range g {
		h = random.Mix(h ^ uint64(v))
	}
	return h
}

// genesID is the id of a network in a space without archs: 12 hex digits.
func genesID(g space.Genes) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], hashGenes(g))
	return hex.EncodeToString(b[:6])
}
