package runner

import (
	"time"

	"github.com/starsweep/starsweep/internal/machine"
)

// processorSeconds is the time that processors have spent on the process.
func processorSeconds() float64 { return machine.Used().Processor().Seconds() }

// processorClock stands still while the process does.
func processorClock() time.Time { return time.Unix(0, 0).Add(machine.Used().Processor()) }
