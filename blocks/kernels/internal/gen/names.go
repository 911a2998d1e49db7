package main

import "fmt"

// kernel is what Go knows of a kernel: the name of its function, the type of its argument, its comment and its row of
// the registry. The same kernels have the same names in all instruction sets.
type kernel struct{ name, args, doc, row string }

// decl is its declaration.
func (k kernel) decl() string {
	return fmt.Sprintf("%s//\n//go:noescape\nfunc %s(a *%s)\n\n", k.doc, k.name, k.args)
}

// gemmKernel is a tile of mr output pixels by nr channels.
func (i isa) gemmKernel(mr, nr int, indirect bool) kernel {
	form, fam := "gemm", "famGemm"
	if indirect {
		form, fam = "igemm", "famIGemm"
	}
	name := fmt.Sprintf("%sF32%s_%dx%d", form, i.goName, mr, nr)
	doc := fmt.Sprintf("// for i := range %d { for j := range n {\n"+
		"//\tc[i][j] = clamp(bias[j] + sum over t, p of a[t][i][p]*b[t][p][j] + res[i][j])\n"+
		"// }} in %d columns, nblk times\n", mr, nr)
	return kernel{name, "gemmArgs", doc, fmt.Sprintf("name: \"%s_f32_%s_%dx%d\", fam: %s, mr: %d, nr: %d, gemm: %s",
		form, i.name, mr, nr, fam, mr, nr, name)}
}

// outerKernel sums the products of mr columns of a and nr of b.
func (i isa) outerKernel(mr, nr int) kernel {
	name := fmt.Sprintf("outerF32%s_%dx%d", i.goName, mr, nr)
	doc := fmt.Sprintf("// for i := range %d { for j := range n {\n"+
		"//\tc[i][j] += sum over p of a[p][i]*b[p][j]\n// }} in %d columns, nblk times\n", mr, nr)
	row := fmt.Sprintf("name: \"outer_f32_%s_%dx%d\", fam: famOuter, mr: %d, nr: %d, outer: %s",
		i.name, mr, nr, mr, nr, name)
	return kernel{name, "outerArgs", doc, row}
}

// dwKernel is a depthwise tile of u neighbouring outputs, kw taps a row, stride s; with kw 0 for any kernel.
func (i isa) dwKernel(kw, s, u int) kernel {
	form, size := "dw", ""
	sum := fmt.Sprintf("t < ny of tab[t*%d+x][off+c]*w[t][c]", u)
	if kw > 0 {
		form, size = fmt.Sprintf("dw%ds%d", kw, s), fmt.Sprintf(" kw: %d, sw: %d,", kw, s)
		sum = fmt.Sprintf("ky, kx of tab[ky*%d+x*%d+kx][off+c]*w[ky*%d+kx][c]", (u-1)*s+kw, s, kw)
	}
	name := fmt.Sprintf("%sF32%s_1x%d", form, i.goName, u)
	doc := fmt.Sprintf("// for x := range %d { for c := range n {\n"+
		"//\tdst[x][c] = clamp(bias[c] + sum over %s)\n// }}, nt times\n", u, sum)
	return kernel{name, "tapArgs", doc, fmt.Sprintf("name: \"%s_f32_%s_1x%d\", fam: famDW, mr: %d,%s taps: %s",
		form, i.name, u, u, size, name)}
}

// pairKernel is a depthwise tile of two rows of u neighbouring outputs, kw x kw taps, stride s.
func (i isa) pairKernel(kw, s, u int) kernel {
	name := fmt.Sprintf("dw%ds%dF32%s_2x%d", kw, s, i.goName, u)
	doc := fmt.Sprintf("// for y := range 2 { for x := range %d { for c := range n {\n"+
		"//\tdst[y][x][c] = clamp(bias[c] + sum over ky, kx of tab[y*%d+ky][(x*%d+kx)*cs+off+c]*w[ky*%d+kx][c])\n"+
		"// }}}, for each tile\n", u, s, s, kw)
	return kernel{name, "pairArgs", doc,
		fmt.Sprintf("name: \"dw%ds%d_f32_%s_2x%d\", fam: famPair, mr: %d, kw: %d, sw: %d, pair: %s",
			kw, s, i.name, u, u, kw, s, name)}
}

// tapKernel is one output pixel from any number of taps.
func (i isa) tapKernel(op, row, sum string) kernel {
	name := op + "F32" + i.goName
	doc := fmt.Sprintf("// for c := range n {\n//\t%s over t < ny\n// }, nt times\n", sum)
	return kernel{name, "tapArgs", doc,
		fmt.Sprintf("name: \"%s_f32_%s\", fam: famTap, tap: %s, taps: %s", op, i.name, row, name)}
}

// vecKernel is an elementwise kernel; statement is what it does to a value.
func (i isa) vecKernel(op, row, statement string) kernel {
	name := op + "F32" + i.goName
	doc := fmt.Sprintf("// for r := range rows { for i := range n {\n//\t%s\n// }}\n", statement)
	return kernel{name, "vecArgs", doc,
		fmt.Sprintf("name: \"%s_f32_%s\", fam: famVec, vec: %s, vecf: %s", op, i.name, row, name)}
}

// peakDecl declares the loop of count multiply-adds of vectors of vl floats.
func (i isa) peakDecl(count int) string {
	return fmt.Sprintf("// for range n { %d independent multiply-adds of a vector }\n"+
		"func peakF32%s(n int)\n\nconst peakFlops%s = %d\n", count, i.goName, i.goName, 2*i.vl*count)
}
