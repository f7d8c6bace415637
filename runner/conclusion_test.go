package runner

import (
	"encoding/json"
	"testing"

	"github.com/starsweep/starsweep/runner/execute"
	"github.com/starsweep/starsweep/runner/supervise"
)

// The seconds are those of all processes, and why work remains is said by one that ends as the command does.
func TestOneConclusionIsDrawnFromWhatProcessesTell(t *testing.T) {
	m := messages{phases: map[*supervise.Process]execute.Phases{}}
	if _, _, found := m.conclusion(exitDone); found {
		t.Error("there is a conclusion although nothing was told")
	}
	replaced, first, second := &supervise.Process{PID: 1}, &supervise.Process{PID: 1}, &supervise.Process{PID: 2}
	for _, x := range []struct {
		from *supervise.Process
		told message
	}{
		{replaced, message{Phases: execute.Phases{Train: 1, Images: 10}}},
		{replaced, message{Phases: execute.Phases{Train: 2, Images: 20}}}, // and it is killed
		{first, message{execute.Phases{Train: 4, Wait: 1, Images: 40}, &conclusion{Planned: 3, Said: "all is done"}}},
		{second, message{execute.Phases{Train: 8, Images: 80}, &conclusion{Code: exitInterrupted, Planned: 4, Said: "interrupted"}}},
	} {
		text, err := json.Marshal(x.told)
		if err != nil {
			t.Fatal(err)
		}
		m.hear(x.from, text)
	}
	m.hear(second, []byte(`{"phases`))
	for code, want := range map[int]conclusion{
		exitDone:        {Planned: 3, Said: "all is done"},
		exitInterrupted: {Planned: 4, Said: "interrupted"},
		exitStorage:     {Planned: 4}, // its process has said it
	} {
		c, phases, found := m.conclusion(code)
		if phases != (execute.Phases{Train: 14, Wait: 1, Images: 140}) || !found || c.Said != want.Said || c.Planned != want.Planned {
			t.Errorf("code %d: got %+v, %+v, %v", code, c, phases, found)
		}
	}
}
