package main

import (
	"strings"
	"testing"
)

// TestWords compares the encodings written here with those of LLVM's assembler
// (llvm-mc --triple=aarch64 --show-encoding).
func TestWords(t *testing.T) {
	for _, c := range []struct {
		want string
		emit func(g *neon)
	}{
		{"$0x4e31d7c1 // FADD V1.4S, V30.4S, V17.4S", func(g *neon) { g.three(opFADD, 1, 30, 17) }},
		{"$0x4ea9d45f // FSUB V31.4S, V2.4S, V9.4S", func(g *neon) { g.three(opFSUB, 31, 2, 9) }},
		{"$0x6e3fdc05 // FMUL V5.4S, V0.4S, V31.4S", func(g *neon) { g.three(opFMUL, 5, 0, 31) }},
		{"$0x6e28fdf0 // FDIV V16.4S, V15.4S, V8.4S", func(g *neon) { g.three(opFDIV, 16, 15, 8) }},
		{"$0x4e2ef5ac // FMAX V12.4S, V13.4S, V14.4S", func(g *neon) { g.three(opFMAX, 12, 13, 14) }},
		{"$0x4eb6f47d // FMIN V29.4S, V3.4S, V22.4S", func(g *neon) { g.three(opFMIN, 29, 3, 22) }},
		{"$0x6ea0f955 // FNEG V21.4S, V10.4S", func(g *neon) { g.fneg(21, 10) }},
		{"$0x6eb1e7c1 // FCMGT V1.4S, V30.4S, V17.4S", func(g *neon) { g.three(opFCMGT, 1, 30, 17) }},
		{"$0x4f84117f // FMLA V31.4S, V11.4S, V4.S[0]", func(g *neon) { g.fmlaElement(31, 11, 4, 0) }},
		{"$0x4fb410ec // FMLA V12.4S, V7.4S, V20.S[1]", func(g *neon) { g.fmlaElement(12, 7, 20, 1) }},
		{"$0x4f8f1be0 // FMLA V0.4S, V31.4S, V15.S[2]", func(g *neon) { g.fmlaElement(0, 31, 15, 2) }},
		{"$0x4fbf1833 // FMLA V19.4S, V1.4S, V31.S[3]", func(g *neon) { g.fmlaElement(19, 1, 31, 3) }},
	} {
		var g neon
		c.emit(&g)
		if got := strings.Join(strings.Fields(g.asm.String()), " "); got != "WORD "+c.want {
			t.Errorf("%s, want WORD %s", got, c.want)
		}
	}
}
