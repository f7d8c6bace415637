package sweep

// Judge decides whether a trial goes on. It is asked after every evaluated epoch, and before a trial that was interrupted is trained on,
// so that an interrupt between an epoch and its verdict changes nothing. Of a paused trial it is asked again when others have results:
// Continue promotes it, Stop ends it. A trial that is still paused when nothing else can run, and the source has no more, is pruned.
type Judge interface {
	Judge(t Trial, h History) Verdict
}

// Verdict is the decision of a judge. The zero Verdict lets the trial go on.
type Verdict struct {
	Action Action
	Status State  // final, of a trial that is stopped
	Reason string // likewise
}

// Action is what a verdict does.
type Action uint8

const (
	Continue Action = iota
	Pause           // the trial keeps its checkpoint and waits until it is promoted
	Stop
)

// Judges are several judges as one. Stop comes before Pause, and of equal verdicts the first counts.
type Judges []Judge

// Judge is the decisive verdict.
func (js Judges) Judge(t Trial, h History) Verdict {
	var decisive Verdict
	for _, j := range js {
		if v := j.Judge(t, h); v.Action > decisive.Action {
			decisive = v
		}
	}
	return decisive
}
