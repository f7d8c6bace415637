package report_test

import (
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/starsweep/starsweep/internal/require"
	"github.com/starsweep/starsweep/results/report"
)

func TestABrowserDrawsThePage(t *testing.T) {
	browser := require.Tool(t, "STARSWEEP_CHROMIUM", "chromium")
	s := study(t)
	page, err := report.File(s, report.Options{})
	must(t, err)
	shot := filepath.Join(t.TempDir(), "shot.png")
	// As root, and without a network, Chromium wants these.
	out, err := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--user-data-dir="+t.TempDir(), "--window-size=800,900", "--screenshot="+shot, "file://"+page).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := os.Open(shot)
	must(t, err)
	defer f.Close()
	drawn, err := png.Decode(f)
	must(t, err)
	// The curve of the generator's loss has a colour that nothing else on the page has.
	curve := 0
	for y := range drawn.Bounds().Dy() {
		for x := range drawn.Bounds().Dx() {
			if r, g, b, _ := drawn.At(x, y).RGBA(); r>>8 == 0xc2 && g>>8 == 0x41 && b>>8 == 0x0c {
				curve++
			}
		}
	}
	if curve < 20 {
		t.Errorf("the browser drew %d points of the curve, want 20 or more", curve)
	}
}
