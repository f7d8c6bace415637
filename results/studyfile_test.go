package results_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/results"
)

// spoiled is a file with every damage in turn: it is gone, empty, cut, and has one bit of any byte flipped.
func spoiled(t *testing.T, path string, each func(what string)) {
	t.Helper()
	whole := readFile(t, "", path)
	check(t, os.Remove(path))
	each("removed")
	for _, n := range []int{0, 1, len(whole) / 2, len(whole) - 3} {
		check(t, os.WriteFile(path, whole[:n], 0o666))
		each("cut")
	}
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		check(t, os.WriteFile(path, bad, 0o666))
		each("byte " + string(whole[max(0, i-10):min(len(whole), i+10)]))
	}
	check(t, os.WriteFile(path, whole, 0o666))
}

func TestADamagedDescriptionIsReadFromTheJournals(t *testing.T) {
	dir, _, want := damageable(t)
	check(t, create(t, dir).Close())
	path := filepath.Join(dir, "study.json")
	noticed, unnoticed := 0, 0
	spoiled(t, path, func(what string) {
		v, err := results.Open(dir)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if got := allRows(t, v); !slices.Equal(got, want) {
			t.Fatalf("%s: got other rows", what)
		}
		if len(v.Damage()) == 0 { // a flipped bit may leave the content as it is: "Name" is as good as "name"
			unnoticed++
		} else {
			noticed++
			if d := strings.Join(v.Damage(), "\n"); !strings.Contains(d, "study.json is ") || !strings.Contains(d, "starsweep repair "+dir) {
				t.Errorf("%s: got the damage %s", what, d)
			}
		}
		check(t, v.Close())
	})
	if noticed < 500 || unnoticed > noticed/10 {
		t.Errorf("%d damages were noticed, %d not", noticed, unnoticed)
	}
}

// described is the content of study.json in dir.
func described(t *testing.T, dir string) string { return string(readFile(t, dir, "study.json")) }

func TestARunAndARepairMakeTheDescriptionAnew(t *testing.T) {
	dir, _, want := damageable(t)
	check(t, create(t, dir).Close())
	path, content := filepath.Join(dir, "study.json"), described(t, dir)
	for name, mend := range map[string]func() results.Recovery{
		"run": func() results.Recovery { s := create(t, dir); defer s.Close(); return s.Recovery() },
		"repair": func() results.Recovery {
			r, err := results.Repair(dir, hourly)
			check(t, err)
			return r
		},
	} {
		for _, damaged := range []string{"", "{", strings.Replace(content, `"lr"`, `"rate"`, 1),
			strings.Replace(content, `"schema": 4`, `"schema": 5`, 1), strings.Replace(content, `"2026`, `"2025`, 1)} {
			check(t, os.WriteFile(path, []byte(damaged), 0o666))
			var problems []results.Problem
			_, err := results.Verify(context.Background(), dir, results.Options{}, func(p results.Problem) { problems = append(problems, p) })
			check(t, err)
			if !slices.ContainsFunc(problems, func(p results.Problem) bool { return p.Path == "study.json" && !p.Harmless }) {
				t.Errorf("%s: verify found %v", name, problems)
			}
			r := mend()
			if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "study.json is damaged") ||
				!strings.Contains(notes, "made anew from the journals") {
				t.Errorf("%s: got the notes %q", name, notes)
			}
			if got := described(t, dir); got != content {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, content)
			}
			v := open(t, dir)
			if got := allRows(t, v); !slices.Equal(got, want) || len(v.Damage()) > 0 {
				t.Errorf("%s: got other rows, or damage: %q", name, v.Damage())
			}
		}
	}
}

// The description of the writer that knew the most counts.
func TestOfDifferentDescriptionsTheOneThatGrewLastCounts(t *testing.T) {
	dir := t.TempDir()
	for n := range 4 {
		m := meta
		for i := range n {
			m.Columns = append(slices.Clone(m.Columns), results.Column{Name: "more" + strings.Repeat("x", i), Kind: spec.Int, Optional: true})
		}
		s, err := createStudy(dir, m, nil, hourly)
		check(t, err)
		train(t, s, strings.Repeat("t", n+1), n, 1)
		check(t, s.Close())
		content := described(t, dir)
		check(t, os.Remove(filepath.Join(dir, "study.json")))
		if got := open(t, dir).Meta(); len(got.Columns) != len(m.Columns) {
			t.Errorf("got %d columns, want %d", len(got.Columns), len(m.Columns))
		}
		_, err = results.Repair(dir, hourly)
		check(t, err)
		if got := described(t, dir); got != content {
			t.Errorf("got\n%s\nwant\n%s", got, content)
		}
	}
}

// Before anything is recorded, a damaged description is made anew by the next run, and by nothing else.
func TestAStudyWithoutRecordsBeginsAnew(t *testing.T) {
	dir := t.TempDir()
	check(t, create(t, dir).Close())
	content := described(t, dir)
	check(t, os.WriteFile(filepath.Join(dir, "study.json"), nil, 0o666))
	_, err := results.Open(dir)
	if !errors.Is(err, results.ErrNoStudy) {
		t.Errorf("got error %v, want ErrNoStudy", err)
	}
	wantError(t, err, "nothing was recorded yet")
	s := create(t, dir)
	if notes := strings.Join(s.Recovery().Notes, "\n"); !strings.Contains(notes, "study.json is damaged: made anew") {
		t.Errorf("got the notes %q", notes)
	}
	check(t, s.Close())
	if got := described(t, dir); got != content {
		t.Errorf("got\n%s\nwant\n%s", got, content)
	}
	other := t.TempDir() // a file of this name need not be ours
	check(t, os.WriteFile(filepath.Join(other, "study.json"), []byte("[1, 2]"), 0o666))
	_, err = createStudy(other, meta, nil, hourly)
	if !errors.Is(err, results.ErrCorrupt) {
		t.Errorf("got error %v, want ErrCorrupt", err)
	}
	if got := described(t, other); got != "[1, 2]" {
		t.Errorf("the file became %q", got)
	}
}

// Journals of older versions begin with the ID alone, and study.json of theirs has a sum of fewer things.
func TestADirectoryOfAnOlderVersionIsReadButItsDescriptionIsNotMadeAnew(t *testing.T) {
	dir, journal, want := damageable(t)
	check(t, create(t, dir).Close())
	var first map[string]any
	length := binary.LittleEndian.Uint32(journal)
	lines := bytes.SplitAfterN(journal[8:8+length], []byte("\n"), 2)
	check(t, json.Unmarshal(lines[0], &first))
	padded := []byte(`{"study":"` + first["study"].(string) + `"`)
	padded = append(append(padded, bytes.Repeat([]byte(" "), len(lines[0])-len(padded)-2)...), "}\n"...) // no offset moves
	old := slices.Concat(journal[:8], padded, journal[8+len(padded):])
	binary.LittleEndian.PutUint32(old[4:], crc32.Checksum(old[8:8+length], crc32.MakeTable(crc32.Castagnoli)))
	path := ""
	for _, p := range journals(t, dir) {
		if bytes.Equal(readFile(t, "", p), journal) {
			path = p
		}
	}
	check(t, os.WriteFile(path, old, 0o666))
	var description struct{ results.Meta }
	check(t, json.Unmarshal([]byte(described(t, dir)), &description))
	results.WriteOldDescription(t, dir, description.Meta)
	s := create(t, dir)
	if got := allRows(t, s.View); !slices.Equal(got, want) || len(s.Recovery().Notes) > 0 {
		t.Errorf("got other rows, or the notes %q", s.Recovery().Notes)
	}
	check(t, s.Close())
	check(t, os.WriteFile(filepath.Join(dir, "study.json"), []byte("{"), 0o666))
	_, err := results.Open(dir)
	if !errors.Is(err, results.ErrCorrupt) {
		t.Errorf("got error %v, want ErrCorrupt", err)
	}
	wantError(t, err, "study.json is damaged", "restore it from a copy")
}
