package space

// token is one part of the text form of a block: a prefix and a number or a word, or what the gene has instead.
type token struct {
	gene     blockGene // only kinds that have the gene have the token; gKind: all kinds
	prefix   string    // underscore and letters; "": neither a number nor a word
	what     string    // what the number is, after "want", or the word
	words    []string  // that the number is the position of; nil for a number
	low      int       // the smallest valid number of a Block, and what a missing token means
	least    int       // the smallest number that is written
	high     int       // the largest valid number
	optional bool      // the token may be missing although the kind has the gene
}

// String returns the text form.
func (b Block) String() string { return string(b.append(nil)) }

func (b *Block) append(p []byte) []byte {
	p = append(p, b.Kind.String()...)
	for i, n := range b.numbers() {
		switch t := &blockTokens[i]; {
		case n != nil && t.words != nil:
			if b.Kind.has(t.gene) && (!t.optional || *n != t.low) {
				p = append(append(p, t.prefix...), t.words[*n]...)
			}
		case n != nil:
			if *n >= t.least || t.gene == gKernel {
				p = appendInt(append(p, '_', t.prefix[1]), *n)
			}
			if t.gene == gKernel && b.Width > 0 {
				p = appendInt(append(p, 'x'), b.Width)
			}
		case t.gene == gAttention:
			p = b.Attention.append(p)
		case t.gene == gResidual && b.Residual:
			p = append(p, "_res"...)
		}
	}
	return p
}

// parse reads the token, whose number is n, if kind b.Kind has it.
func (t *token) parse(p *parser, b *Block, n *int) {
	has := b.Kind.has(t.gene)
	switch {
	case n != nil:
		if *n = t.low; !has || t.optional && !p.next(t.prefix) {
			break
		}
		p.expect(t.prefix)
		switch {
		case t.words != nil:
			*n = p.oneOf(t.words, t.what)
		case t.gene == gKernel && b.Kind == UIB && p.accept("0"):
			*n = 0
		default:
			*n = p.least(t.least, t.what)
			if t.gene == gKernel && p.accept("x") {
				b.Width = p.number("a kernel width")
			}
		}
	case !has:
	case t.gene == gAttention:
		b.Attention = p.attention()
	case t.gene == gResidual:
		b.Residual = p.accept("_res")
	}
}
