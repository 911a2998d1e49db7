package onnx

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
)

// attrKinds is a set of types of an attribute's value: those of the fields that a file sets.
type attrKinds uint8

const (
	floatKind attrKinds = 1 << iota
	intKind
	textKind
	tensorKind
	graphKind
	floatsKind
	intsKind
)

// kindWords are the kinds in messages, in the order of their bits.
var kindWords = []string{
	"a float", "a whole number", "a text", "a tensor", "a graph", "a list of floats", "a list of whole numbers",
}

// kindOf is the kind of a field of an attribute.
var kindOf = map[protowire.Number]attrKinds{
	attrFloat: floatKind, attrInt: intKind, attrString: textKind, attrTensor: tensorKind, attrGraph: graphKind,
	attrFloats: floatsKind, attrInts: intsKind,
}

// attributeKinds are the kinds of the attributes that are read, by name; of some names they depend on the operator.
var attributeKinds = func() map[string]attrKinds {
	kinds := map[string]attrKinds{}
	for kind, names := range map[attrKinds]string{
		floatKind: "alpha beta bias cubic_coeff_a epsilon gamma height_scale lambd max min value_float width_scale",
		intKind: "allowzero antialias axis blocksize broadcast ceil_mode count_include_pad end exclude_outside fmod group " +
			"keepdims noop_with_empty_axes num_groups num_outputs output_dtype p size start to transA transB value_int",
		textKind:   "approximate auto_pad coordinate_transformation_mode keep_aspect_ratio_policy mode nearest_mode",
		graphKind:  "then_branch else_branch",
		floatsKind: "scales value_floats",
		intsKind: "axes dilations ends kernel_shape output_padding output_shape paddings pads perm shape split starts strides " +
			"value_ints",
		tensorKind | floatKind: "value",
	} {
		for _, name := range strings.Fields(names) {
			kinds[name] = kind
		}
	}
	return kinds
}()

// ofKind returns an error if the file gives an attribute that is read a value of another type, which would be read as
// the default.
func (a *attrProto) ofKind(name string) error {
	want, known := attributeKinds[name]
	if !known || a.kinds&^want == 0 {
		return nil
	}
	return fmt.Errorf("its attribute %s is %s, want %s: export the model again", name, a.kinds, want)
}

// String names the kinds.
func (k attrKinds) String() string {
	var all []string
	for i, word := range kindWords {
		if k>>i&1 == 1 {
			all = append(all, word)
		}
	}
	return strings.Join(all, " or ")
}
