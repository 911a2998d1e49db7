package tflite

// kind is the type of a field of a table.
type kind byte

const (
	kindByte  kind = iota // an enum of 8 bits
	kindBool              //
	kindInt               // 32 bits
	kindFloat             // 32 bits
)

// option is a field of an operator's options.
type option struct {
	name    string
	kind    kind
	missing float64 // the value of a field that is not stored
}

// builtin is what the format knows of an operator.
type builtin struct {
	name    string
	code    int32
	union   byte // number of its options in the union BuiltinOptions, 0 for an operator without
	options []option
	// version is the one that is written, of float32 and of int8.
	version, quantized int32
}

var (
	fused = option{"activation", kindByte, None}
	// sliding are the first fields of a window's options.
	sliding = []option{{"padding", kindByte, Same}, {"stride_w", kindInt, 0}, {"stride_h", kindInt, 0}}
)

func slidingAnd(more ...option) []option { return append(sliding[:len(sliding):len(sliding)], more...) }

// builtins lists the operators, and their fields in the order of the schema.
var builtins = []builtin{
	{"ABS", 101, 78, nil, 1, 1},
	{"ADD", 0, 11, []option{fused, {"pot_scale_int16", kindBool, 1}}, 1, 2},
	{"ARG_MAX", 56, 40, []option{{"output_type", kindByte, 0}}, 1, 2},
	{"AVERAGE_POOL_2D", 1, 5, slidingAnd(option{"filter_w", kindInt, 0}, option{"filter_h", kindInt, 0}, fused), 1, 2},
	{
		"BATCH_MATMUL",
		126,
		101,
		[]option{{"adj_x", kindBool, 0}, {"adj_y", kindBool, 0}, {"asymmetric_quantize_inputs", kindBool, 0}},
		1,
		2,
	},
	{"BATCH_TO_SPACE_ND", 37, 24, nil, 1, 2},
	{"CEIL", 104, 0, nil, 1, 1},
	{"CONCATENATION", 2, 10, []option{{"axis", kindInt, 0}, fused}, 1, 2},
	{"CONV_2D", 3, 1, slidingAnd(fused, option{"dilation_w", kindInt, 1}, option{"dilation_h", kindInt, 1},
		option{"quantized_bias_type", kindByte, 0}), 1, 3},
	{"DEPTHWISE_CONV_2D", 4, 2, slidingAnd(option{"depth_multiplier", kindInt, 0}, fused,
		option{"dilation_w", kindInt, 1}, option{"dilation_h", kindInt, 1}), 2, 3},
	{"DEPTH_TO_SPACE", 5, 94, []option{{"block_size", kindInt, 0}}, 1, 2},
	{"DEQUANTIZE", 6, 38, nil, 1, 2},
	{"DIV", 42, 29, []option{fused}, 1, 1},
	{"ELU", 111, 0, nil, 1, 1},
	{"EXP", 47, 33, nil, 1, 1},
	{"EXPAND_DIMS", 70, 52, nil, 1, 1},
	{"FLOOR", 8, 0, nil, 1, 1},
	{"FULLY_CONNECTED", 9, 8, []option{fused, {"weights_format", kindByte, 0}, {"keep_num_dims", kindBool, 0},
		{"asymmetric_quantize_inputs", kindBool, 0}, {"quantized_bias_type", kindByte, 0}}, 1, 4},
	{"GATHER", 36, 23, []option{{"axis", kindInt, 0}, {"batch_dims", kindInt, 0}}, 1, 2},
	{"GELU", 150, 116, []option{{"approximate", kindBool, 0}}, 1, 2},
	{"HARD_SWISH", 117, 91, nil, 1, 1},
	{"LEAKY_RELU", 98, 75, []option{{"alpha", kindFloat, 0}}, 1, 2},
	{"LOCAL_RESPONSE_NORMALIZATION", 13, 13, []option{{"radius", kindInt, 0}, {"bias", kindFloat, 0},
		{"alpha", kindFloat, 0}, {"beta", kindFloat, 0}}, 1, 0},
	{"LOG", 73, 0, nil, 1, 1},
	{"LOGISTIC", 14, 0, nil, 1, 2},
	{"LOG_SOFTMAX", 50, 36, nil, 1, 2},
	{"MAXIMUM", 55, 39, nil, 1, 2},
	{"MAX_POOL_2D", 17, 5, slidingAnd(option{"filter_w", kindInt, 0}, option{"filter_h", kindInt, 0}, fused), 1, 2},
	{"MEAN", 40, 27, []option{{"keep_dims", kindBool, 0}}, 1, 2},
	{"MINIMUM", 57, 39, nil, 1, 2},
	{"MIRROR_PAD", 100, 77, []option{{"mode", kindByte, 0}}, 1, 2},
	{"MUL", 18, 21, []option{fused}, 1, 2},
	{"NEG", 59, 42, nil, 1, 1},
	{"PAD", 34, 22, nil, 1, 2},
	{"PADV2", 60, 43, nil, 1, 2},
	{"POW", 78, 56, nil, 1, 1},
	{"PRELU", 54, 0, nil, 1, 1},
	{"QUANTIZE", 114, 89, nil, 0, 1},
	{"REDUCE_MAX", 82, 27, []option{{"keep_dims", kindBool, 0}}, 1, 2},
	{"REDUCE_MIN", 89, 27, []option{{"keep_dims", kindBool, 0}}, 1, 2},
	{"RELU", 19, 0, nil, 1, 2},
	{"RELU6", 21, 0, nil, 1, 2},
	{"RELU_N1_TO_1", 20, 0, nil, 1, 1},
	{"RESHAPE", 22, 17, nil, 1, 1},
	{"RESIZE_BILINEAR", 23, 15, resized, 3, 3},
	{"RESIZE_NEAREST_NEIGHBOR", 97, 74, resized[2:], 1, 2},
	{"ROUND", 116, 0, nil, 1, 1},
	{"RSQRT", 76, 0, nil, 1, 1},
	{"SLICE", 65, 48, nil, 1, 2},
	{"SOFTMAX", 25, 9, []option{{"beta", kindFloat, 0}}, 1, 2},
	{"SPACE_TO_BATCH_ND", 38, 25, nil, 1, 2},
	{"SPACE_TO_DEPTH", 26, 19, []option{{"block_size", kindInt, 0}}, 1, 2},
	{"SPLIT", 49, 35, []option{{"num_splits", kindInt, 0}}, 1, 2},
	{"SPLIT_V", 102, 79, []option{{"num_splits", kindInt, 0}}, 1, 2},
	{"SQRT", 75, 0, nil, 1, 1},
	{"SQUARE", 92, 66, nil, 1, 1},
	{"SQUARED_DIFFERENCE", 99, 76, nil, 1, 2},
	{"SQUEEZE", 43, 30, nil, 1, 1},
	{
		"STRIDED_SLICE",
		45,
		32,
		[]option{{"begin_mask", kindInt, 0}, {"end_mask", kindInt, 0}, {"ellipsis_mask", kindInt, 0},
			{"new_axis_mask", kindInt, 0}, {"shrink_axis_mask", kindInt, 0}, {"offset", kindBool, 0}},
		1,
		2,
	},
	{"SUB", 41, 28, []option{fused, {"pot_scale_int16", kindBool, 1}}, 1, 2},
	{"SUM", 74, 27, []option{{"keep_dims", kindBool, 0}}, 1, 2},
	{"TANH", 28, 0, nil, 1, 2},
	{"TRANSPOSE", 39, 26, nil, 1, 2},
	{"TRANSPOSE_CONV", 67, 49, slidingAnd(fused, option{"quantized_bias_type", kindByte, 0}), 1, 3},
}

// resized are the options of RESIZE_BILINEAR; its first two fields are out of use.
var resized = []option{{"new_height", kindInt, 0}, {"new_width", kindInt, 0},
	{"align_corners", kindBool, 0}, {"half_pixel_centers", kindBool, 0}}

var byName = func() map[string]*builtin {
	m := map[string]*builtin{}
	for i := range builtins {
		m[builtins[i].name] = &builtins[i]
	}
	return m
}()

// Values of the enum Padding.
const (
	Same  = 0
	Valid = 1
)

// Values of the enum ActivationFunctionType.
const (
	None  = 0
	Relu  = 1
	Relu6 = 3

	reluN1To1 = 2
	tanh      = 4
)

// Fields of the tables, by their place in the schema.
const (
	modelVersion     = 0
	modelCodes       = 1
	modelSubgraphs   = 2
	modelDescription = 3
	modelBuffers     = 4
	modelMetadata    = 6
	modelFields      = 7

	codeDeprecated = 0
	codeCustom     = 1
	codeVersion    = 2
	codeBuiltin    = 3
	codeFields     = 4

	graphTensors   = 0
	graphInputs    = 1
	graphOutputs   = 2
	graphOperators = 3
	graphName      = 4
	graphFields    = 5

	tensorShape        = 0
	tensorType         = 1
	tensorBuffer       = 2
	tensorName         = 3
	tensorQuantization = 4
	tensorSparsity     = 6
	tensorFields       = 5 // that are written

	quantScale   = 2
	quantZero    = 3
	quantDetails = 5
	quantAxis    = 6
	quantFields  = 7

	operatorCode    = 0
	operatorInputs  = 1
	operatorOutputs = 2
	operatorUnion   = 3
	operatorOptions = 4
	operatorFields  = 5

	bufferData   = 0
	bufferOffset = 1
	bufferFields = 1 // that are written

	metadataName   = 0
	metadataBuffer = 1
	metadataFields = 2
)

// identifier and schemaVersion mark a file.
const (
	identifier    = "TFL3"
	schemaVersion = 3
)
