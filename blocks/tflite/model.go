package tflite

// Type is the type of a tensor's values, numbered as in the enum TensorType.
type Type byte

// The types that are read; float32, int32 and int8 are written, too.
const (
	Float32 Type = 0
	Float16 Type = 1
	Int32   Type = 2
	UInt8   Type = 3
	Int64   Type = 4
	Int8    Type = 9
)

// Model is what a .tflite file holds: one graph of operators in the order in which they run.
type Model struct {
	Tensors   []Tensor
	Operators []Operator
	// Inputs and Outputs are indices of Tensors.
	Inputs, Outputs []int
	Description     string
	Metadata        []Metadata
	// Notes say what [Decode] understood otherwise than the file has it.
	Notes []string
}

// Tensor is an activation or, with Data, a constant.
type Tensor struct {
	Name  string
	Dims  []int
	Type  Type
	Data  []byte // little endian; nil for an activation
	Scale []float32
	// Zero holds the zero points, one for each scale: value = scale x (stored - zero).
	// Both are empty for a tensor that is not quantised.
	Zero []int64
	// Axis is the dimension that has one scale for each index; 0 where there is one scale.
	Axis int
}

// Operator is one operation. Inputs and Outputs are indices of [Model.Tensors]; -1 stands for an input
// that is left out.
type Operator struct {
	Name            string // as in the schema: CONV_2D
	Inputs, Outputs []int
	// Options are the fields of the operator's options that are not at their default.
	Options Options
}

// Options are the fields of an operator's options by name: numbers, enums, and 0 or 1 for a bool.
type Options map[string]float64

// Metadata is a named block of bytes.
type Metadata struct {
	Name string
	Data []byte
}
