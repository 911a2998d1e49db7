package tflite

import (
	"fmt"
	"slices"
)

func init() {
	// The dims of the output say what these do.
	for _, name := range []string{"RESHAPE", "SQUEEZE", "EXPAND_DIMS"} {
		translations[name] = readReshape
	}
	for name, kind := range map[string]string{"MEAN": "ReduceMean", "SUM": "ReduceSum", "REDUCE_MAX": "ReduceMax",
		"REDUCE_MIN": "ReduceMin"} {
		translations[name] = readReduce(kind)
	}
	translations["CONCATENATION"] = readConcatenation
	translations["TRANSPOSE"] = readTranspose
	translations["PAD"] = readPad
	translations["PADV2"] = readPad
	translations["MIRROR_PAD"] = readPad
	translations["SLICE"] = readSlice
	translations["STRIDED_SLICE"] = readStridedSlice
	translations["SPLIT"] = readSplit
	translations["SPLIT_V"] = readSplit
	translations["GATHER"] = readGather
	translations["SPACE_TO_DEPTH"] = readDepth("SpaceToDepth")
	translations["DEPTH_TO_SPACE"] = readDepth("DepthToSpace")
	translations["RESIZE_BILINEAR"] = readResize
	translations["RESIZE_NEAREST_NEIGHBOR"] = readResize
	translations["ARG_MAX"] = readArgMax
}

func readReshape(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	return []string{s.node("Reshape", []string{x, s.g.Ints(s.name+".dims", s.outDims()...)})}, nil
}

func readReduce(kind string) translation {
	return func(s *step) ([]string, error) {
		x, err := s.in(0)
		if err != nil {
			return nil, err
		}
		axes, err := s.ints(1)
		if err != nil {
			return nil, err
		}
		keep := attr("keepdims", int(s.option("keep_dims")))
		if kind == "ReduceSum" { // opset 13 made its axes an input
			return []string{s.node(kind, []string{x, s.g.Ints(s.name+".axes", axes...)}, keep)}, nil
		}
		return []string{s.node(kind, []string{x}, attr("axes", axes), keep)}, nil
	}
}

func readConcatenation(s *step) ([]string, error) {
	var in []string
	for k := range s.op.Inputs {
		v, err := s.in(k)
		if err != nil {
			return nil, err
		}
		in = append(in, v)
	}
	if len(in) == 0 {
		return nil, fmt.Errorf("has no input")
	}
	return one(s.activate(s.node("Concat", in, attr("axis", int(s.option("axis"))))))
}

func readTranspose(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	perm, err := s.ints(1)
	if err != nil {
		return nil, err
	}
	return []string{s.node("Transpose", []string{x}, attr("perm", perm))}, nil
}

// readPad reads pairs of numbers, one before and one after each axis.
func readPad(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	pairs, err := s.ints(1)
	if err != nil {
		return nil, err
	}
	rank := len(s.dims(0))
	if len(pairs) != 2*rank {
		return nil, fmt.Errorf("%d paddings of %d axes", len(pairs), rank)
	}
	order := make([]int, rank)
	for i := range order {
		order[i] = i
	}
	if rank == 4 { // rows and columns are what convolutions take in
		order = []int{0, 3, 1, 2}
		x = s.channelsFirst(x)
	}
	pads := make([]int, 2*rank)
	for i, axis := range order {
		pads[i], pads[rank+i] = pairs[2*axis], pairs[2*axis+1]
	}
	in, mode := []string{x, s.g.Ints(s.name+".pads", pads...)}, "constant"
	switch {
	case s.op.Name == "PADV2":
		v, err := s.float(2)
		if err != nil {
			return nil, err
		}
		in = append(in, s.number(v))
	case s.op.Name == "MIRROR_PAD" && s.option("mode") == 0:
		mode = "reflect"
	case s.op.Name == "MIRROR_PAD":
		return nil, fmt.Errorf("a symmetric border is not read")
	}
	v := s.node("Pad", in, attr("mode", mode))
	if rank == 4 {
		v = s.back(v)
	}
	return []string{v}, nil
}

// cut appends a Slice over all axes.
func (s *step) cut(x string, begin, end, step []int) string {
	list := func(name string, v []int) string { return s.g.Ints(s.name+"."+name, v...) }
	axes := make([]int, len(begin))
	for i := range axes {
		axes[i] = i
	}
	return s.node("Slice", []string{x, list("begin", begin), list("end", end), list("axes", axes), list("step", step)})
}

func readSlice(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	begin, err := s.ints(1)
	if err != nil {
		return nil, err
	}
	size, err := s.ints(2)
	if err != nil {
		return nil, err
	}
	d := s.dims(0)
	if len(begin) != len(d) || len(size) != len(d) {
		return nil, fmt.Errorf("begins %v and sizes %v of %v", begin, size, short(d))
	}
	end := make([]int, len(d))
	for i := range end {
		if end[i] = begin[i] + size[i]; size[i] < 0 {
			end[i] = d[i]
		}
	}
	return []string{s.cut(x, begin, end, slices.Repeat([]int{1}, len(d)))}, nil
}

// readStridedSlice reads begin, end and step of each axis. Bit i of a mask is for axis i.
func readStridedSlice(s *step) ([]string, error) {
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	var lists [3][]int
	d := s.dims(0)
	for k := range lists {
		if lists[k], err = s.ints(k + 1); err != nil {
			return nil, err
		}
		if len(lists[k]) != len(lists[0]) || len(lists[k]) > len(d) {
			return nil, fmt.Errorf("begins, ends and steps %v of %v", lists, short(d))
		}
	}
	begin, end, stride := lists[0], lists[1], lists[2]
	mask := func(name string, i int) bool { return int(s.option(name))>>i&1 != 0 }
	if s.option("ellipsis_mask") != 0 || s.option("new_axis_mask") != 0 || s.option("offset") != 0 {
		return nil, fmt.Errorf("an ellipsis, a new axis and ends as offsets are not read")
	}
	for i := range begin {
		if mask("shrink_axis_mask", i) {
			stride[i] = 1
			if end[i] = begin[i] + 1; begin[i] == -1 {
				end[i] = d[i]
			}
			continue
		}
		if mask("begin_mask", i) {
			if begin[i] = 0; stride[i] < 0 {
				begin[i] = d[i] - 1
			}
		}
		if mask("end_mask", i) {
			if end[i] = d[i]; stride[i] < 0 {
				end[i] = -1 << 31
			}
		}
	}
	v := s.cut(x, begin, end, stride)
	if s.option("shrink_axis_mask") != 0 {
		v = s.inner("Reshape", []string{v, s.g.Ints(s.name+".dims", s.outDims()...)})
	}
	return []string{v}, nil
}

// readSplit reads SPLIT, whose axis comes first, and SPLIT_V with its sizes.
func readSplit(s *step) ([]string, error) {
	data, axisAt := 1, 0
	if s.op.Name == "SPLIT_V" {
		data, axisAt = 0, 2
	}
	x, err := s.in(data)
	if err != nil {
		return nil, err
	}
	axis, err := s.ints(axisAt)
	if err != nil || len(axis) != 1 {
		return nil, fmt.Errorf("its axis must be one constant")
	}
	n := len(s.dims(data))
	k := axis[0]
	if k < 0 {
		k += n
	}
	if k < 0 || k >= n || int(s.option("num_splits")) != len(s.op.Outputs) {
		return nil, fmt.Errorf("%v parts along axis %d of %v", s.option("num_splits"), axis[0], short(s.dims(data)))
	}
	sizes := make([]int, len(s.op.Outputs))
	for i, o := range s.op.Outputs {
		if d := s.m.Tensors[o].Dims; len(d) == n {
			sizes[i] = d[k]
		}
	}
	return s.g.Nodes("Split", s.name, []string{x, s.g.Ints(s.name+".sizes", sizes...)}, len(sizes), attr("axis", k)), nil
}

func readGather(s *step) ([]string, error) {
	if s.option("batch_dims") != 0 {
		return nil, fmt.Errorf("indices of their own for each image are not read")
	}
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	at, err := s.in(1)
	if err != nil {
		return nil, err
	}
	return []string{s.node("Gather", []string{x, at}, attr("axis", int(s.option("axis"))))}, nil
}

func readDepth(kind string) translation {
	return func(s *step) ([]string, error) {
		x, err := s.imageOf(0)
		if err != nil {
			return nil, err
		}
		return []string{s.back(s.node(kind, []string{x}, attr("blocksize", int(s.option("block_size")))))}, nil
	}
}

// resizeRules are the rules of Resize for (align_corners, half_pixel_centers).
var resizeRules = map[[2]bool]struct{ coordinates, nearest string }{
	{false, false}: {"asymmetric", "floor"},
	{false, true}:  {"half_pixel", "round_prefer_ceil"},
	{true, false}:  {"align_corners", "round_prefer_ceil"},
}

func readResize(s *step) ([]string, error) {
	x, err := s.imageOf(0)
	if err != nil {
		return nil, err
	}
	rule, ok := resizeRules[[2]bool{s.option("align_corners") != 0, s.option("half_pixel_centers") != 0}]
	out := s.outDims()
	if !ok || len(out) != 4 {
		return nil, fmt.Errorf("align_corners and half_pixel_centers at once are not read")
	}
	sizes := s.g.Ints(s.name+".sizes", out[0], out[3], out[1], out[2])
	mode := "linear"
	if s.op.Name == "RESIZE_NEAREST_NEIGHBOR" {
		mode = "nearest"
	}
	v := s.node("Resize", []string{x, "", "", sizes}, attr("mode", mode),
		attr("coordinate_transformation_mode", rule.coordinates), attr("nearest_mode", rule.nearest))
	return []string{s.back(v)}, nil
}

// readArgMax says where reading ends: its result is an index.
func readArgMax(s *step) ([]string, error) {
	s.option("output_type")
	x, err := s.in(0)
	if err != nil {
		return nil, err
	}
	axis, err := s.ints(1)
	if err != nil || len(axis) != 1 {
		return nil, fmt.Errorf("its axis must be one constant")
	}
	return []string{s.node("ArgMax", []string{x}, attr("axis", axis[0]), attr("keepdims", 0))}, nil
}
