package train

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Codes of PJRT, which are those of Abseil.
const (
	resourceExhausted = "8"
	internal          = "13"
	unavailable       = "14"
	dataLoss          = "15"
)

// pjrtError is the text of an error of a PJRT plugin: go-xla has no type for it.
var pjrtError = regexp.MustCompile(`PJRT error \(code=(\d+)\)`)

// gone are the errors of drivers after which nothing on a device works: its context is lost, or the hardware has failed. Plugins report
// them under the code of internal errors, as they do their own bugs.
var gone = regexp.MustCompile(`CUDA_ERROR_(ILLEGAL_ADDRESS|LAUNCH_FAILED|LAUNCH_TIMEOUT|HARDWARE_STACK_ERROR|ILLEGAL_INSTRUCTION|` +
	`MISALIGNED_ADDRESS|INVALID_ADDRESS_SPACE|INVALID_PC|ECC_UNCORRECTABLE|NVLINK_UNCORRECTABLE|CONTEXT_IS_DESTROYED|NO_DEVICE|` +
	`DEVICE_UNAVAILABLE|SYSTEM_NOT_READY|MPS_SERVER_NOT_READY|CONTAINED|EXTERNAL_DEVICE|UNKNOWN)\b|` +
	`hipError(IllegalAddress|LaunchFailure|ECCNotCorrectable)`)

// OutOfMemory reports whether an error says that a device, or the host on behalf of a plugin, has not enough memory.
func OutOfMemory(err error) bool { return err != nil && hasCode(err, resourceExhausted) }

// DeviceLost reports whether an error says that a device no longer works, for any program.
func DeviceLost(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, ErrNoDevice), hasCode(err, unavailable, dataLoss):
		return true
	}
	return hasCode(err, internal) && gone.MatchString(fmt.Sprint(err))
}

// hasCode reports whether an error is one of a plugin with one of some codes.
func hasCode(err error, codes ...string) bool {
	m := pjrtError.FindStringSubmatch(fmt.Sprint(err))
	return m != nil && slices.Contains(codes, m[1])
}

// unopened is the error of a plugin that offers no device. The library repeats the path of the plugin in each of the errors that it joins;
// here it is whole once.
func unopened(path string, err error) error {
	why := strings.ReplaceAll(err.Error(), path, filepath.Base(path))
	var missing *os.PathError
	if _, failed := os.Stat(path); errors.As(failed, &missing) {
		why = missing.Err.Error()
	}
	return &noDevice{fmt.Sprintf("backend xla:%s: %v: %s", path, ErrNoDevice, why), err}
}

// noDevice is an ErrNoDevice with a cause and a text of its own.
type noDevice struct {
	text  string
	cause error
}

func (e *noDevice) Error() string   { return e.text }
func (e *noDevice) Unwrap() []error { return []error{ErrNoDevice, e.cause} }
