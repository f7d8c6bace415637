package runner

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// jsonNames returns the names of the fields of a type in JSON, with those of structs in it.
func jsonNames(of reflect.Type) (names []string) {
	for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
		of = of.Elem()
	}
	if of.Kind() != reflect.Struct || of.PkgPath() == "time" {
		return nil
	}
	for i := range of.NumField() {
		f := of.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			names = append(names, name)
		}
		if f.Anonymous || f.IsExported() {
			names = append(names, jsonNames(f.Type)...)
		}
	}
	return names
}

func TestTheDocumentNamesEveryFieldOfEvents(t *testing.T) {
	text, err := os.ReadFile("../docs/terminal.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []any{eventBegan{}, eventEpoch{}, eventEnded{}, runSummary{}} {
		names := jsonNames(reflect.TypeOf(event))
		if len(names) < 5 {
			t.Errorf("%T: got the fields %q", event, names)
		}
		for _, name := range names {
			if !regexp.MustCompile("`" + name + "`").Match(text) {
				t.Errorf("docs/terminal.md lacks the field %s of %T", name, event)
			}
		}
	}
}

func TestLinesOfProcessesStayWhole(t *testing.T) {
	var b bytes.Buffer
	one, two := &wholeLines{to: &b}, &wholeLines{to: &b}
	for _, w := range []struct {
		to   *wholeLines
		text string
	}{{one, `{"a"`}, {two, "{}\n{"}, {one, ":1}\n"}, {two, "}\nlost"}} {
		fmt.Fprint(w.to, w.text)
	}
	if want := "{}\n{\"a\":1}\n{}\n"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
