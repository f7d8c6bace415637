package export

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// portable returns a value that JSON and CSV can represent. Numbers have the fewest digits that identify them.
func portable(value any) any {
	switch v := value.(type) {
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 1):
			return "Infinity"
		case math.IsInf(v, -1):
			return "-Infinity"
		}
		return json.Number(strconv.FormatFloat(v, 'g', -1, 64))
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return value
}

// text is a value as a tag or a parameter shows it. Python's float() reads every number.
func text(value any) string { return fmt.Sprint(portable(value)) }

// python is a float as JSON that Python reads back: a number too large for a float is infinite, and NaN is a text.
type python float64

func (x python) MarshalJSON() ([]byte, error) {
	switch v := float64(x); {
	case math.IsInf(v, 1):
		return []byte("1e999"), nil
	case math.IsInf(v, -1):
		return []byte("-1e999"), nil
	case math.IsNaN(v):
		return []byte(`"NaN"`), nil
	}
	return []byte(text(float64(x))), nil
}

// seconds is a time as seconds since 1970.
func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }
