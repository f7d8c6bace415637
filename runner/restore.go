package runner

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	"github.com/starsweep/starsweep/engine/model"
	"github.com/starsweep/starsweep/engine/spec"
	"github.com/starsweep/starsweep/internal/regular"
	"github.com/starsweep/starsweep/results"
)

// restorer makes the jobs of recorded trials again, from nothing but the directory of their study: the copy of the script, the settings
// and the points.
type restorer struct {
	env     *Env
	view    *results.View
	scripts map[[2]string]*script // by hash and settings
	trained map[any]any           // versions that finished trials, by ID
}

func newRestorer(env *Env, v *results.View) *restorer {
	return &restorer{env: env, view: v, scripts: map[[2]string]*script{}}
}

// restored is a recorded trial with its job.
type restored struct {
	results.State
	Job    *model.Job
	point  spec.Point
	script *script
}

// restore makes the job of a trial again. It is the job that the trial had, or an error: a job of another configuration would give
// other numbers under the trial's name. Data and weights of extractors are not opened; their digests are those of the record.
func (r *restorer) restore(ctx context.Context, t results.State) (*restored, error) {
	s, err := r.script(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("trial %s: %w", t.ID, err)
	}
	point, err := pointOf(s, t)
	if err != nil {
		return nil, fmt.Errorf("trial %s: %w", t.ID, err)
	}
	job, err := s.Job(ctx, point)
	if err != nil {
		return nil, fmt.Errorf("trial %s: %w", t.ID, err)
	}
	if got := job.Configuration(recordedInputs(t)); got != t.Configuration {
		return nil, withCode(exitUsage, fmt.Errorf("trial %s cannot be made again: its script gives the configuration %s, want %s%s",
			t.ID, got, t.Configuration, r.versions(t)))
	}
	return &restored{t, job, point, s}, nil
}

// openTrial opens a study, which the caller closes, and makes the job of the trial again that a command line names.
func (e *Env) openTrial(ctx context.Context, dir, name string) (*results.View, *restored, error) {
	v, err := e.openView(dir)
	if err != nil {
		return nil, nil, err
	}
	state, err := findTrial(v, name)
	var t *restored
	if err == nil {
		t, err = newRestorer(e, v).restore(ctx, state)
	}
	if err != nil {
		v.Close()
		return nil, nil, err
	}
	return v, t, nil
}

// recordedInputs are what the record says that a trial has read.
func recordedInputs(t results.State) model.Inputs {
	return model.Inputs{Train: t.Train, Test: t.Test, Measure: t.Measure}
}

// versions says which versions of starsweep trained a trial and make it again, which may be why they differ.
func (r *restorer) versions(t results.State) string {
	trained := r.trainedBy(t)
	if trained == r.env.Version {
		return fmt.Sprintf(": starsweep %s trained it, as this is, so its record was changed", trained)
	}
	return fmt.Sprintf(": starsweep %s trained it, and this is %s, which makes another program of the script: use that version",
		trained, r.env.Version)
}

// trainedBy is the version of starsweep that trained a trial.
func (r *restorer) trainedBy(t results.State) string {
	if r.trained == nil {
		r.trained = map[any]any{}
		for row, err := range r.view.Rows(results.Trials) {
			if err == nil {
				r.trained[row["trial"]] = row["version"]
			}
		}
	}
	if version, finished := r.trained[t.ID].(string); finished {
		return version
	}
	return r.view.Meta().Version
}

// script loads the copy of the script that a trial was trained with, under the settings of its run.
func (r *restorer) script(ctx context.Context, t results.State) (*script, error) {
	key := [2]string{t.Script, t.Settings}
	if s := r.scripts[key]; s != nil {
		return s, nil
	}
	set, err := settingsFlags(t.Settings)
	if err != nil {
		return nil, withCode(exitUsage, err)
	}
	s, err := r.env.loadCopy(ctx, r.view, t.Script, scriptOptions{set: set})
	if err != nil {
		return nil, err
	}
	r.scripts[key] = s
	return s, nil
}

// loadCopy loads the copy of a script with a hash that the directory of a study has.
func (e *Env) loadCopy(ctx context.Context, v *results.View, hash string, o scriptOptions) (*script, error) {
	folder := filepath.Join(v.Dir(), "script", hash)
	path, err := mainScript(folder, v.Meta().Script)
	if err != nil {
		return nil, usageErrorf("the directory has lost the copy of its script: %v", err)
	}
	s, err := load(ctx, e, path, o)
	if err != nil {
		return nil, err
	}
	if s.hash != hash {
		return nil, usageErrorf("%s: the copy of the script was changed: its hash is %s", folder, s.hash)
	}
	return s, nil
}

// mainScript returns the path of the script in a folder of copies, which has the study's name, or in the case of a trial that was taken
// over from another study that study's: then it is the one that defines main.
func mainScript(folder, name string) (string, error) {
	path := filepath.Join(folder, name)
	_, err := os.Stat(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return path, err
	}
	others, _ := os.ReadDir(folder)
	for _, f := range others {
		other := filepath.Join(folder, f.Name())
		if source, err := regular.ReadFile(other); err == nil && definesMain.Match(source) {
			return other, nil
		}
	}
	return "", err
}

var definesMain = regexp.MustCompile(`(?m)^main\s*=`)

// settingsFlags returns recorded settings in the form of --set.
func settingsFlags(recorded string) (set []string, err error) {
	values := map[string]any{}
	if err := json.Unmarshal([]byte(recorded), &values); err != nil {
		return nil, fmt.Errorf("the record of its settings cannot be read (an infinite number has no form there): %s", recorded)
	}
	texts := map[string]json.RawMessage{} // numbers as they were written
	if err := json.Unmarshal([]byte(recorded), &texts); err != nil {
		return nil, err
	}
	for name, text := range texts {
		value := string(text)
		if s, ok := values[name].(string); ok {
			value = s
		}
		set = append(set, name+"="+value)
	}
	return set, nil
}

// pointOf returns the point of a trial with the types of its script's space.
func pointOf(s *script, t results.State) (point spec.Point, err error) {
	var errs []error
	for i, d := range s.Space {
		point = append(point, spec.Assignment{Name: d.Name})
		if t.Point[d.Name] == nil && !s.Space.Applies(point, i) {
			continue
		}
		v, err := spec.ValueOf(t.Point[d.Name])
		if err == nil {
			v, err = v.As(d.Kind)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("hyperparameter %s: %w", d.Name, err))
		}
		point[len(point)-1].Value = v
	}
	return point, withCode(exitUsage, errors.Join(errs...))
}
