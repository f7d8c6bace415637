package live_test

import (
	"strings"
	"testing"

	"github.com/starsweep/starsweep/results"
)

func TestABrowserShowsANewEpochWithoutReloading(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "first")
	s.epoch(t, "a1", 1)
	x := serve(t, s.dir)
	b := newBrowser(t)
	b.open(x.url + "/")
	b.until(`document.getElementById("live-connection").textContent === "live: 0 of 1 trials finished"`)
	b.eval(`window.same = "this page"`)
	s.epoch(t, "a1", 2)
	b.until(`document.getElementById("live-workers").textContent.includes("2 of 9")`)
	b.shoot("study", "light")
	b.shoot("study", "dark")
	s.end(t, "a1", results.Completed, "")
	b.until(`document.getElementById("live-connection").textContent === "live: 1 of 1 trials finished"`)
	if b.eval("window.same") != "this page" {
		t.Error("the page was loaded again")
	}
	if said := b.complaints(); len(said) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(said, "\n"))
	}
}

// hostile is text that would run a script, or end the element that it is in, if it were not escaped. It would tell on itself by a dialog
// or a variable.
const hostile = `</script></title></textarea><img src=x onerror="window.taken=1;alert(1)"><script>window.taken=1</script>'"` +
	"`${alert(1)}\u202e"

func TestTextsOfAHostileStudyAreOnlyText(t *testing.T) {
	s := newStudy(t, hostile)
	s.begin(t, "a1", hostile)
	s.epoch(t, "a1", 1)
	must(t, s.claims["a1"].AppendSample(results.Sample{Trial: "a1", Epoch: 1, Kind: `"><script>window.taken=1</script>/../x`,
		PNG: picture(t)}))
	s.begin(t, "a2", "javascript:alert(1)")
	s.end(t, "a2", results.Failed, hostile)
	x := serve(t, s.dir)
	b := newBrowser(t)
	for _, path := range []string{"/", "/trials/a1", "/trials/a2"} {
		b.open(x.url + path)
		b.until(`document.getElementById("live-connection").textContent.startsWith("live: ")`)
		s.epoch(t, "a1", len(epochs(t, s, "a1"))+1) // what is sent later is escaped as well
		b.until(`document.querySelector("main").dataset.topics.startsWith("trial:a2") || document.body.textContent.includes("` +
			[]string{"2 of 9", "3 of 9", "4 of 9"}[len(epochs(t, s, "a1"))-2] + `")`)
		if b.eval("window.taken") != nil || b.eval(`document.querySelectorAll("body script, main img[src=x], [onerror]").length`) != 0.0 {
			t.Errorf("%s: a text of the study has become a part of the page", path)
		}
		if said := b.complaints(); len(said) > 0 {
			t.Errorf("%s: the browser complains:\n%s", path, strings.Join(said, "\n"))
		}
	}
	b.open(x.url + "/trials/a1")
	b.until(`[...document.images].length === 1 && document.images[0].complete && document.images[0].naturalWidth === 2`)
	b.shoot("hostile", "light")
}

func epochs(t *testing.T, s *study, id string) []results.Epoch {
	t.Helper()
	rows, err := s.View().Epochs(id)
	must(t, err)
	return rows
}
