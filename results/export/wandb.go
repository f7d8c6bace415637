package export

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages of a W&B log, by the numbers of their fields, in wandb_internal.proto of wandb 0.31:
//
//	Record         num 1, history 2, summary 3, config 5, files 6, run 17, exit 18, header 21, footer 22
//	HeaderRecord   version_info 1: producer 1, min_consumer 2
//	RunRecord      run_id 1, project 3, config 4, run_group 6, display_name 8, notes 9, tags 10, start_time 17
//	ConfigRecord   update 1: key 1, value_json 16; SummaryRecord likewise
//	HistoryRecord  item 1: key 1, nested_key 2, value_json 16; step 2: num 1
//	FilesRecord    files 1: path 1
//	RunExitRecord  exit_code 1, runtime 2
const (
	recordHistory, recordSummary, recordFiles, recordRun, recordExit, recordHeader, recordFooter protowire.Number = 2, 3, 6, 17, 18, 21, 22

	keyField, nestedKeyField, jsonField protowire.Number = 1, 2, 16
)

// writeWandB writes an offline run for each trial, for wandb sync. The step is the epoch. Trials that differ in nothing but the seed are
// in one group.
func writeWandB(s *study, f *folder) error {
	for _, t := range s.trials {
		id := safe(t.ID)
		dir := fmt.Sprintf("wandb/offline-run-%s-%s/", t.Started.UTC().Format("20060102_150405"), id)
		err := f.create(dir+"run-"+id+".wandb", func(w io.Writer) error {
			return (&wandbRun{study: s, trial: t, log: &wandbLog{w: w}, folder: f, dir: dir}).write(id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// wandbRun is a run that is being written.
type wandbRun struct {
	study  *study
	trial  *trial
	log    *wandbLog
	folder *folder
	dir    string
	num    int64
}

// record appends a record of one kind.
func (r *wandbRun) record(kind protowire.Number, content message) error {
	r.num++
	return r.log.append(message{}.int(1, r.num).bytes(kind, content))
}

func (r *wandbRun) write(id string) error {
	t, s := r.trial, r.study
	version := message{}.text(1, "starsweep").text(2, "0.40.0") // the first version whose readers know these records
	config := message{}
	for _, c := range append(s.point(t), s.facts(t)...) {
		config = config.bytes(1, message{}.text(keyField, c.name).text(jsonField, jsonText(c.value)))
	}
	run := message{}.text(1, id).text(3, safe(s.meta.Study)).bytes(4, config).text(6, t.Configuration).
		text(8, s.meta.Label(t.Point, t.Seed)).text(9, t.Remark()).text(10, string(t.Status)).timestamp(17, t.Started)
	if err := r.record(recordHeader, message{}.bytes(1, version)); err != nil {
		return err
	}
	if err := r.record(recordRun, run); err != nil {
		return err
	}
	sheets, err := r.sheets()
	if err != nil {
		return err
	}
	end := t.Started
	var last epoch
	for e, err := range s.epochs(t) {
		if err != nil {
			return err
		}
		if err := r.history(e, sheets[e.number]); err != nil {
			return err
		}
		last, end = e, e.end
	}
	summary := message{}
	for _, o := range s.meta.Objectives {
		if best, measured := t.Best[o.Metric]; measured {
			summary = summaryItem(summary, "best_"+o.Metric, best.Value)
		}
	}
	for _, name := range s.meta.Metrics {
		if value, measured := t.Last[name]; measured {
			summary = summaryItem(summary, name, value)
		}
	}
	summary = summaryItem(summaryItem(summary, "epoch", int64(last.number)), "_runtime", end.Sub(t.Started).Seconds())
	if err := r.record(recordSummary, summary); err != nil || t.unfinished() {
		return err
	}
	exit := message{}.int(1, 0)
	if sessionStatus(t.Status) != 1 {
		exit = message{}.int(1, 1)
	}
	if err := r.record(recordExit, exit.int(2, int64(end.Sub(t.Started)/time.Second))); err != nil {
		return err
	}
	return r.record(recordFooter, nil)
}

func summaryItem(m message, key string, value any) message {
	return m.bytes(1, message{}.text(keyField, key).text(jsonField, jsonText(value)))
}

// sheets writes the pictures of the trial, and returns their columns in the history, by epoch.
func (r *wandbRun) sheets() (map[int][]cell, error) {
	columns := map[int][]cell{}
	var files message
	for p, err := range r.study.sheets(r.trial) {
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(p.png)
		digest := hex.EncodeToString(sum[:])
		path := fmt.Sprintf("media/images/samples_%s_%d_%s.png", safe(p.kind), p.epoch, digest[:20])
		if err := r.folder.write(r.dir+"files/"+path, p.png); err != nil {
			return nil, err
		}
		files = files.bytes(1, message{}.text(1, path))
		columns[p.epoch] = append(columns[p.epoch], cell{"samples_" + safe(p.kind), map[string]any{"_type": "image-file", "sha256": digest,
			"size": len(p.png), "path": path, "format": "png", "width": p.width, "height": p.height}})
	}
	if len(files) == 0 {
		return columns, nil
	}
	return columns, r.record(recordFiles, files)
}

// history records an epoch.
func (r *wandbRun) history(e epoch, sheets []cell) error {
	cells := []cell{{"_step", int64(e.number)}, {"_timestamp", seconds(e.end)}, {"_runtime", e.end.Sub(r.trial.Started).Seconds()},
		{"epoch", int64(e.number)}, {"step", e.row["step"]}}
	for _, v := range e.values {
		cells = append(cells, cell{v.name, v.value})
	}
	m := message{}
	for _, c := range slices.Concat(cells, sheets) {
		m = m.bytes(1, message{}.text(nestedKeyField, c.name).text(jsonField, jsonText(c.value)))
	}
	return r.record(recordHistory, m.bytes(2, message{}.int(1, int64(e.number))))
}

// jsonText is a value as JSON with NaN, Infinity and -Infinity as numbers, as W&B has it.
func jsonText(value any) string {
	if x, isFloat := value.(float64); isFloat {
		return text(x)
	}
	b, err := json.Marshal(portable(value))
	if err != nil {
		return "null" // no value of a table
	}
	return string(b)
}

// wandbLog writes records as LevelDB's log does, in blocks of 32 KiB, with W&B's header and its checksum, which is CRC-32.
type wandbLog struct {
	w     io.Writer
	begun bool
	at    int // position in the block
}

const (
	logBlock  = 32 << 10
	logHeader = 7

	logFull, logFirst, logMiddle, logLast byte = 1, 2, 3, 4
)

// append writes a record, in as many parts as blocks it is in.
func (l *wandbLog) append(data []byte) error {
	if !l.begun {
		l.begun = true
		if err := l.put([]byte(":W&B\xe1\xbe\x00")); err != nil {
			return err
		}
	}
	for first := true; ; first = false {
		if space := logBlock - l.at; space < logHeader {
			if err := l.put(make([]byte, space)); err != nil {
				return err
			}
		}
		n := min(len(data), logBlock-l.at-logHeader)
		part, rest := data[:n], data[n:]
		kind := logMiddle
		switch {
		case first && len(rest) == 0:
			kind = logFull
		case first:
			kind = logFirst
		case len(rest) == 0:
			kind = logLast
		}
		sum := crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, part)
		head := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint32(nil, sum), uint16(n))
		if err := l.put(append(append(head, kind), part...)); err != nil {
			return err
		}
		if data = rest; len(data) == 0 {
			return nil
		}
	}
}

func (l *wandbLog) put(b []byte) error {
	_, err := l.w.Write(b)
	l.at = (l.at + len(b)) % logBlock
	return err
}
