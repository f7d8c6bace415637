package train

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
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
