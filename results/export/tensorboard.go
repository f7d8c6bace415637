package export

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// The messages of a TensorBoard log, by the numbers of their fields, in tensorboard/compat/proto and tensorboard/plugins/hparams:
//
//	Event                wall_time 1, step 2, file_version 3, summary 5
//	Summary              value 1: tag 1, simple_value 2, image 4, tensor 8, metadata 9
//	Image                height 1, width 2, colorspace 3, encoded_image_string 4
//	SummaryMetadata      plugin_data 1: plugin_name 1, content 2
//	HParamsPluginData    experiment 2, session_start_info 3, session_end_info 4
//	Experiment           description 1, time_created_secs 3, hparam_infos 4, metric_infos 5, name 6
//	HParamInfo           name 1, type 4, domain_discrete 5: ListValue: values 1
//	MetricInfo           name 1: tag 2
//	SessionStartInfo     hparams 1: key 1, value 2; group_name 4, start_time_secs 5
//	SessionEndInfo       status 1, end_time_secs 2

// writeTensorBoard writes an event file for each trial, in a folder of its own, which TensorBoard takes as a run, and one for the
// hyperparameters of the study. The step is the epoch. Trials that differ in nothing but the seed are sessions of one group, of which
// TensorBoard shows the means.
func writeTensorBoard(s *study, f *folder) error {
	created := time.Unix(0, 0)
	if len(s.trials) > 0 {
		created = slices.MinFunc(s.trials, func(a, b *trial) int { return a.Started.Compare(b.Started) }).Started
	}
	err := f.create(eventFile("", created), func(w io.Writer) error {
		e := events{w}
		if err := e.begin(created); err != nil {
			return err
		}
		return e.summary(created, 0, hparams("experiment", message{}.bytes(2, s.experiment(created))))
	})
	for _, t := range s.trials {
		if err != nil {
			return err
		}
		run := safe(s.meta.Label(t.Point, t.Seed)) + "," + safe(t.ID)
		err = f.create(eventFile(run+"/", t.Started), func(w io.Writer) error { return s.writeRun(events{w}, t) })
	}
	return err
}

// eventFile is the name of an event file. TensorBoard finds it by the middle part.
func eventFile(run string, t time.Time) string {
	return fmt.Sprintf("%sevents.out.tfevents.%010d.starsweep", run, t.Unix())
}

// writeRun writes the events of a trial.
func (s *study) writeRun(to events, t *trial) error {
	start := message{}.text(4, t.Configuration).double(5, seconds(t.Started))
	for _, c := range s.point(t) {
		start = start.bytes(1, message{}.text(1, c.name).bytes(2, structValue(c.value)))
	}
	if err := to.begin(t.Started); err != nil {
		return err
	}
	if err := to.summary(t.Started, 0, hparams("session_start_info", message{}.bytes(3, start))); err != nil {
		return err
	}
	times, end := map[int]time.Time{}, t.Started
	for e, err := range s.epochs(t) {
		if err != nil {
			return err
		}
		var values message
		for _, v := range e.values {
			values = values.bytes(1, message{}.text(1, v.name).float(2, float32(v.value)))
		}
		if err := to.summary(e.end, e.number, values); err != nil {
			return err
		}
		times[e.number], end = e.end, e.end
	}
	for p, err := range s.sheets(t) {
		if err != nil {
			return err
		}
		picture := message{}.int(1, int64(p.height)).int(2, int64(p.width)).int(3, 3).bytes(4, p.png)
		at, measured := times[p.epoch]
		if !measured {
			at = t.Started
		}
		if err := to.summary(at, p.epoch, message{}.bytes(1, message{}.text(1, "samples/"+p.kind).bytes(4, picture))); err != nil {
			return err
		}
	}
	if t.unfinished() {
		return nil
	}
	ended := message{}.int(1, sessionStatus(t.Status)).double(2, seconds(end))
	return to.summary(end, 0, hparams("session_end_info", message{}.bytes(4, ended)))
}

// sessionStatus is the status of a finished trial in TensorBoard: success, or failure.
func sessionStatus(status results.Status) int64 {
	if status == results.Completed || status == results.Pruned || status == results.Collapsed {
		return 1
	}
	return 2
}

// experiment describes the hyperparameters and metrics of a study.
func (s *study) experiment(created time.Time) message {
	m := message{}.text(6, s.meta.Study).double(3, seconds(created))
	dataTypes := map[spec.Kind]int64{spec.String: 1, spec.Bool: 2, spec.Int: 3, spec.Float: 3}
	for _, c := range s.meta.Columns {
		var list message
		for _, level := range s.levels(c.Name) {
			list = list.bytes(1, structValue(level))
		}
		m = m.bytes(4, message{}.text(1, c.Name).int(4, dataTypes[c.Kind]).bytes(5, list))
	}
	shown := []string{}
	for _, o := range s.meta.Objectives {
		shown = append(shown, o.Metric)
	}
	for _, metric := range s.meta.Metrics {
		if !slices.Contains(shown, metric) {
			shown = append(shown, metric)
		}
	}
	for _, metric := range shown {
		m = m.bytes(5, message{}.bytes(1, message{}.text(2, metric)))
	}
	return m
}

// hparams are the values of a summary with a message of the plugin hparams. The tensor, an empty one of floats, is there because a value
// must have some.
func hparams(name string, content message) message {
	metadata := message{}.bytes(1, message{}.text(1, "hparams").bytes(2, content))
	tensor := message{}.int(1, 1).bytes(2, nil)
	return message{}.bytes(1, message{}.text(1, "_hparams_/"+name).bytes(8, tensor).bytes(9, metadata))
}

// events writes a TFRecord file of events.
type events struct{ w io.Writer }

func (e events) begin(at time.Time) error {
	return e.record(message{}.double(1, seconds(at)).text(3, "brain.Event:2"))
}

func (e events) summary(at time.Time, step int, values message) error {
	return e.record(message{}.double(1, seconds(at)).int(2, int64(step)).bytes(5, values))
}

// record writes the length of the data and the data, each with its checksum.
func (e events) record(data []byte) error {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	b = binary.LittleEndian.AppendUint32(b, masked(b))
	b = append(b, data...)
	b = binary.LittleEndian.AppendUint32(b, masked(data))
	_, err := e.w.Write(b)
	return err
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is the CRC-32C of data, rotated and offset, as TFRecord has it, such that data with checksums in it may be checked again.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
