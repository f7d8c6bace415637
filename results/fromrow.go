package results

import "cmp"

// What follows is the inverse of Meta.trialRow, Meta.epochRow and Meta.sampleRow: it turns rows of tables back into entries of the
// journal. A test converts every field in both directions. The beginnings of trials are in the metadata of segments.

// countOf is the number of rows of other tables that a row of the trials table states; it does not state the number of pictures.
func countOf(row Row) *rowCount {
	epochs, _ := row["epochs"].(int32)
	return &rowCount{Epochs: int(epochs)}
}

func outcomeOf(row Row) *Outcome {
	o := &Outcome{}
	status := ""
	var compilations int32
	set(row, "trial", &o.Trial)
	set(row, "status", &status)
	set(row, "reason", &o.Reason)
	set(row, "parameters", &o.Parameters)
	set(row, "program", &o.Program)
	set(row, "settings", &o.Settings)
	set(row, "script", &o.Script)
	set(row, "version", &o.Version)
	set(row, "backend", &o.Backend)
	set(row, "device", &o.Device)
	set(row, "seconds_compile", &o.SecondsCompile)
	set(row, "compilations", &compilations)
	o.Status, o.Compilations = Status(status), int(compilations)
	return o
}

func (m Meta) epochOf(row Row) *Epoch {
	e := &Epoch{Metrics: Metrics{}}
	var epoch int32
	set(row, "trial", &e.Trial)
	set(row, "epoch", &epoch)
	set(row, "step", &e.Step)
	set(row, "images", &e.Images)
	set(row, "backend", &e.Backend)
	set(row, "seconds_train", &e.SecondsTrain)
	set(row, "seconds_evaluate", &e.SecondsEvaluate)
	e.Epoch, e.Evaluated = int(epoch), row["measure"] != nil
	for _, name := range m.Metrics {
		if v, measured := row[name].(float64); measured {
			e.Metrics[name] = v
		}
	}
	return e
}

func sampleOf(row Row) Sample {
	s := Sample{}
	var epoch int32
	set(row, "trial", &s.Trial)
	set(row, "epoch", &epoch)
	set(row, "kind", &s.Kind)
	set(row, "png", &s.PNG)
	s.Epoch = int(epoch)
	return s
}

// set copies a cell of a row, null as the zero value.
func set[T any](row Row, name string, to *T) { *to, _ = row[name].(T) }

func (k sampleKey) compare(other sampleKey) int {
	return cmp.Or(cmp.Compare(k.Epoch, other.Epoch), cmp.Compare(k.Kind, other.Kind))
}
