package machine

import "time"

// Usage is what a process has used. Fields are 0 where the system does not report them: outside Unix.
type Usage struct {
	User, System time.Duration // time of all processors
	PeakMemory   int64         // its peak memory in bytes
}

// Processor is the time that all processors have spent on the process.
func (u Usage) Processor() time.Duration { return u.User + u.System }
