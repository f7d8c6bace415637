package export

import (
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// message is an encoded protocol buffer message. Its methods append a field by its number, and return the message; the fields of the few
// messages that exports use are written down where they are used.
type message []byte

func (m message) bytes(field protowire.Number, value []byte) message {
	return protowire.AppendBytes(protowire.AppendTag(m, field, protowire.BytesType), value)
}

func (m message) text(field protowire.Number, value string) message {
	return m.bytes(field, []byte(strings.ToValidUTF8(value, "\ufffd")))
}

func (m message) int(field protowire.Number, value int64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), uint64(value))
}

func (m message) bool(field protowire.Number, value bool) message {
	return m.int(field, int64(protowire.EncodeBool(value)))
}

func (m message) float(field protowire.Number, value float32) message {
	return protowire.AppendFixed32(protowire.AppendTag(m, field, protowire.Fixed32Type), math.Float32bits(value))
}

func (m message) double(field protowire.Number, value float64) message {
	return protowire.AppendFixed64(protowire.AppendTag(m, field, protowire.Fixed64Type), math.Float64bits(value))
}

// timestamp appends a google.protobuf.Timestamp.
func (m message) timestamp(field protowire.Number, t time.Time) message {
	return m.bytes(field, message{}.int(1, t.Unix()).int(2, int64(t.Nanosecond())))
}

// structValue is a google.protobuf.Value of a hyperparameter.
func structValue(value any) message {
	switch v := value.(type) {
	case bool:
		return message{}.bool(4, v)
	case int64:
		return message{}.double(2, float64(v))
	case float64:
		return message{}.double(2, v)
	}
	return message{}.text(3, text(value))
}
