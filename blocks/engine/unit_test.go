package engine

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"nas/blocks"
)

func TestUnitKeys(t *testing.T) {
	for _, c := range []struct {
		key                    string
		macs, in, out, weights int64
	}{
		{"conv 56x56x24>56x56x144 k1x1 s1x1 d1x1 g1 relu6",
			56 * 56 * 24 * 144, 4 * 56 * 56 * 24, 4 * 56 * 56 * 144, 4 * (24*144 + 144)},
		{"conv 7x7x960>7x7x160 k1x1 s1x1 d1x1 g1 b2 res",
			2 * 49 * 960 * 160, 8 * 49 * (960 + 160), 8 * 49 * 160, 4 * (960*160 + 160)},
		{"conv 8x8x16>8x8x32 k3x3 s1x1 d1x1 p1x1 g4",
			64 * 9 * 4 * 32, 4 * 64 * 16, 4 * 64 * 32, 4 * (9*4*32 + 32)},
		{"dwconv 14x14x96>7x7x96 k5x5 s2x2 d1x1 p2x2 g96 hswish",
			49 * 25 * 96, 4 * 196 * 96, 4 * 49 * 96, 4 * 26 * 96},
		{"block 112x112x16>56x56x24 k3x3 s2x2 d1x1 p1x1 m96 mid:relu6 dw:relu6",
			112*112*16*96 + 56*56*9*96 + 56*56*96*24,
			4 * 112 * 112 * 16, 4 * 56 * 56 * 24, 4 * (16*96 + 9*96 + 96*24 + 96 + 96 + 24)},
		{"stem_block 224x224x3>112x112x16 stem_k3x3 stem_s2x2 stem_p1x1 stem_o112x112 k3x3 s1x1 d1x1 p1x1 m32 " +
			"mid:relu6 dw:relu6", 112 * 112 * (27*32 + 9*32 + 32*16),
			4 * 224 * 224 * 3, 4 * 112 * 112 * 16, 4 * (27*32 + 9*32 + 32*16 + 32 + 32 + 16)},
		{"linear 7x7x4>1x1x10", 1960, 4 * 196, 40, 4 * 1970},
		{"scale 4x4x8>4x4x8", 0, 4 * (128 + 8), 512, 0},
		{"add 4x4x8>4x4x8 relu", 0, 1024, 512, 0},
		{"affine 4x4x8>4x4x8", 0, 512, 512, 64},
	} {
		u, err := ParseUnit(c.key)
		if err != nil {
			t.Error(err)
			continue
		}
		if u.Key() != c.key {
			t.Errorf("%q became %q", c.key, u.Key())
		}
		for _, v := range []struct {
			name      string
			got, want int64
		}{
			{"MACs", u.MACs(), c.macs},
			{"bytes in", u.BytesIn(), c.in},
			{"bytes out", u.BytesOut(), c.out},
			{"bytes of weights", u.BytesWeights(), c.weights},
		} {
			if v.got != v.want {
				t.Errorf("%s: %d %s, want %d", c.key, v.got, v.name, v.want)
			}
		}
	}
	for _, bad := range []string{
		"", "conv", "conv 1x1", "conv 1x1x1", "conv 1x1x1>1x1", "conv 1x1x1>1x1x1", "conv 1x1x1>1x1x1 g1 q3",
		"conv 1x1x1>1x1x1 g1 k1", "conv 1x1x1>1x1x1 g1 b1", "conv 1x1x1>1x1x1 s1x1 k1x1 g1", "conv 1x1x-1>1x1x1 g1",
		"conv 1x1x1>1x1x1  k1x1 g1", "conv 01x1x1>1x1x1 g1", "conv 1x1x1>1x1x1 g1 gelu",
		"conv 1x1x1>1x1x1 g1 identity",
	} {
		if u, err := ParseUnit(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, u)
		}
	}
}

// FuzzParseUnit: what is read is written back the same, and its counts can be asked for.
func FuzzParseUnit(f *testing.F) {
	for _, s := range []string{
		"conv 5x6x7>5x6x8 k3x3 s1x1 d1x1 p1x1 g1 relu6 res",
		"block 9x9x4>5x5x8 k3x3 s2x2 d1x1 p1x1 m16 b2 mid:relu6 dw:hswish",
		"maxpool 8x8x3>4x4x3 k2x2 s2x2 d1x1", "linear 2x2x3>1x1x5", "mul 2x2x2>2x2x2",
		"bilinear 3x3x2>7x5x2", "softmax 1x1x9>1x1x9", "copy 2x2x3>2x2x3", "conv 1x1x1>1x1x1",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseUnit(s)
		if err != nil {
			return
		}
		if u.Key() != s {
			t.Fatalf("%q became %q", s, u.Key())
		}
		u.MACs()
		u.BytesIn()
		u.BytesWeights()
	})
}

// TestKeysOfPlans: the key of every unit of a plan reads back as that unit. Between them the plans call every
// routine.
func TestKeysOfPlans(t *testing.T) {
	seen := map[string]bool{}
	nets := []*blocks.Network{mobilenetV2(t, 32), mobilenetV3Small(t, 32)}
	for seed := range uint64(40) {
		nets = append(nets, randomNet(t, 3000+seed))
	}
	for kind := range outsiders {
		for seed := range uint64(6) {
			nets = append(nets, outsiderNet(t, kind, seed))
		}
	}
	for _, n := range nets {
		for _, o := range []Options{{}, {Batch: 2, BatchStats: true}} {
			p, err := Compile(n, small("avx2", 1), o)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range p.Kernels() {
				if u, err := ParseUnit(c.Unit.Key()); err != nil || u != c.Unit {
					t.Fatalf("%s: read back as %+v, %v", c.Unit.Key(), u, err)
				}
				seen[c.Unit.Name] = true
				kind, _, _ := strings.Cut(c.Unit.Name, ".")
				seen[kind] = true
			}
		}
	}
	for name := range routines {
		if !seen[name] {
			t.Errorf("no plan has a unit %s", name)
		}
	}
}

func TestHostCaches(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"index0/level": "1\n", "index0/type": "Data\n", "index0/size": "48K\n",
		"index1/level": "1\n", "index1/type": "Instruction\n", "index1/size": "32K\n",
		"index2/level": "2\n", "index2/type": "Unified\n", "index2/size": "2M\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	l1, l2, l3 := sysfsCaches(dir)
	if l1 != 48<<10 || l2 != 2<<20 || l3 != 0 {
		t.Errorf("caches %d, %d, %d", l1, l2, l3)
	}
	if h := Host(0); h.Threads != 1 || h.L1 < 1 || h.L2 < 1 || h.L3 < 1 || h.ISA == "" {
		t.Errorf("host is %+v", h)
	}
}
