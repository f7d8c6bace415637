package live_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/starsweep/starsweep/internal/chromium"
	"github.com/starsweep/starsweep/results"
)

func TestABrowserShowsANewEpochWithoutReloading(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "first")
	s.epoch(t, "a1", 1)
	x := serve(t, s.dir)
	b := chromium.New(t)
	b.Open(x.url + "/")
	b.Until(`document.getElementById("live-connection").textContent === "live: 0 of 1 trials finished"`)
	b.Eval(`window.same = "this page"`)
	s.epoch(t, "a1", 2)
	b.Until(`document.getElementById("live-workers").textContent.includes("2 of 9")`)
	shoot(b, "study", "light")
	shoot(b, "study", "dark")
	s.end(t, "a1", results.Completed, "")
	b.Until(`document.getElementById("live-connection").textContent === "live: 1 of 1 trials finished"`)
	if b.Eval("window.same") != "this page" {
		t.Error("the page was loaded again")
	}
	if said := b.Complaints(); len(said) > 0 {
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
	b := chromium.New(t)
	for _, path := range []string{"/", "/trials/a1", "/trials/a2"} {
		b.Open(x.url + path)
		b.Until(`document.getElementById("live-connection").textContent.startsWith("live: ")`)
		s.epoch(t, "a1", len(epochs(t, s, "a1"))+1) // what is sent later is escaped as well
		b.Until(`document.querySelector("main").dataset.topics.startsWith("trial:a2") || document.body.textContent.includes("` +
			[]string{"2 of 9", "3 of 9", "4 of 9"}[len(epochs(t, s, "a1"))-2] + `")`)
		if b.Eval("window.taken") != nil || b.Eval(`document.querySelectorAll("body script, main img[src=x], [onerror]").length`) != 0.0 {
			t.Errorf("%s: a text of the study has become a part of the page", path)
		}
		if said := b.Complaints(); len(said) > 0 {
			t.Errorf("%s: the browser complains:\n%s", path, strings.Join(said, "\n"))
		}
	}
	b.Open(x.url + "/trials/a1")
	b.Until(`[...document.images].length === 1 && document.images[0].complete && document.images[0].naturalWidth === 2`)
	shoot(b, "hostile", "light")
}

// shoot writes a picture of a page if STARSWEEP_SHOTS names a folder.
func shoot(b *chromium.Browser, name, theme string) {
	if dir := os.Getenv("STARSWEEP_SHOTS"); dir != "" {
		b.Shoot(filepath.Join(dir, name+"-"+theme+".png"), theme)
	}
}

func epochs(t *testing.T, s *study, id string) []results.Epoch {
	t.Helper()
	rows, err := s.View().Epochs(id)
	must(t, err)
	return rows
}

func TestTheButtonsOfAPageReachTheWriters(t *testing.T) {
	s := newStudy(t, "digits")
	s.begin(t, "a1", "first")
	s.epoch(t, "a1", 1)
	x := serve(t, s.dir)
	b := chromium.New(t)
	b.Open(x.url + "/trials/a1")
	b.Until(`document.getElementById("live-connection").textContent.startsWith("live: ")`)
	if b.Eval(`document.querySelectorAll("form").length`) != 0.0 {
		t.Error("a page without the token has buttons")
	}
	b.Open(x.url + "/trials/a1?token=" + token)
	b.Until(`location.search === "" && document.querySelector("form")`)
	b.Eval(`document.querySelector("summary").click(); document.querySelector("form button").click()`)
	b.Until(`location.pathname === "/trials/a1" && document.body.textContent.includes("It is asked to end after this epoch.")`)
	if asked, err := s.claims["a1"].AskedToPrune(); !asked || err != nil {
		t.Errorf("the trial is asked to end: %t, %v", asked, err)
	}
	shoot(b, "asked", "light")
	b.Open(x.url + "/")
	b.Until(`document.body.textContent.includes("asked to end after this epoch")`)
	b.Eval(`document.querySelector("summary").click(); document.querySelector("form button").click()`)
	b.Until(`location.pathname === "/" && document.body.textContent.includes("and is asked to leave")`)
	if !s.AskedToStop() {
		t.Error("the process is not asked to leave")
	}
	s.end(t, "a1", results.Pruned, "by hand")
	b.Until(`document.body.textContent.includes("1 pruned")`)
	if said := b.Complaints(); len(said) > 0 {
		t.Errorf("the browser complains:\n%s", strings.Join(said, "\n"))
	}
}
