package train_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/starsweep/starsweep/engine/train"
)

// The texts are those of go-xla, with the messages of XLA's plugins.
func TestErrorsOfPluginsSayWhatIsWrongWithTheDevice(t *testing.T) {
	for text, want := range map[string]struct{ memory, lost bool }{
		"PJRT error (code=8): RESOURCE_EXHAUSTED: Out of memory while trying to allocate 20 GB":                    {memory: true},
		"PJRT error (code=13): INTERNAL: CUDA_ERROR_LAUNCH_FAILED: unspecified launch failure":                     {lost: true},
		"PJRT error (code=13): Failed to synchronize: CUDA_ERROR_ECC_UNCORRECTABLE: uncorrectable ECC error":       {lost: true},
		"PJRT error (code=14): UNAVAILABLE: the device was removed":                                                {lost: true},
		"PJRT error (code=13): INTERNAL: during compilation: a bug of the compiler":                                {},
		"PJRT error (code=3): INVALID_ARGUMENT: the text CUDA_ERROR_LAUNCH_FAILED alone, of a file named after it": {},
		"no PJRT error: CUDA_ERROR_LAUNCH_FAILED":                                                                  {},
		"code=8": {},
	} {
		err := fmt.Errorf("step 3: %w", errors.New(text))
		if got := train.OutOfMemory(err); got != want.memory {
			t.Errorf("%s: got %v for out of memory", text, got)
		}
		if got := train.DeviceLost(err); got != want.lost {
			t.Errorf("%s: got %v for a lost device", text, got)
		}
	}
	if train.OutOfMemory(nil) || train.DeviceLost(nil) || !train.DeviceLost(train.ErrNoDevice) {
		t.Error("no error is no loss, and a missing device is one")
	}
}
