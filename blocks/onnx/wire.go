package onnx

import "google.golang.org/protobuf/encoding/protowire"

// Field numbers of onnx.proto3, message by message.
const (
	modelIRVersion       = 1
	modelProducer        = 2
	modelProducerVersion = 3
	modelGraph           = 7
	modelOpsetImport     = 8
	modelMetadata        = 14
	opsetDomain          = 1
	opsetVersion         = 2
	entryKey             = 1
	entryValue           = 2
	graphNode            = 1
	graphName            = 2
	graphInitializer     = 5
	graphInput           = 11
	graphOutput          = 12
	graphValueInfo       = 13
	nodeInput            = 1
	nodeOutput           = 2
	nodeName             = 3
	nodeOpType           = 4
	nodeAttribute        = 5
	nodeDoc              = 6
	nodeDomain           = 7
	attrName             = 1
	attrFloat            = 2
	attrInt              = 3
	attrString           = 4
	attrTensor           = 5
	attrGraph            = 6
	attrFloats           = 7
	attrInts             = 8
	attrStrings          = 9
	attrTensors          = 10
	attrGraphs           = 11
	attrType             = 20
	tensorDims           = 1
	tensorType           = 2
	tensorFloats         = 4
	tensorInt32s         = 5
	tensorInt64s         = 7
	tensorName           = 8
	tensorRaw            = 9
	tensorDoubles        = 10
	tensorExternal       = 13
	tensorLocation       = 14
	infoName             = 1
	infoType             = 2
	typeTensor           = 1
	tensorTypeElem       = 1
	tensorTypeShape      = 2
	shapeDim             = 1
	dimValue             = 1
	dimParam             = 2
	attrTypeFloat        = 1
	attrTypeInt          = 2
	attrTypeString       = 3
	attrTypeInts         = 7
	elemFloat            = 1
	elemUint8            = 2
	elemInt8             = 3
	elemUint16           = 4
	elemInt16            = 5
	elemInt32            = 6
	elemInt64            = 7
	elemBool             = 9
	elemFloat16          = 10
	elemDouble           = 11
	elemUint32           = 12
	elemUint64           = 13
	elemBfloat16         = 16
	maxMessage           = 1<<31 - 1 // a protocol buffer ends below 2 GiB
)

// message is a protocol buffer message under construction.
type message []byte

func (m message) int(field protowire.Number, v int) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(v))
}

func (m message) text(field protowire.Number, s string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), s)
}

func (m message) sub(field protowire.Number, s message) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), s)
}
