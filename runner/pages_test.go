package runner_test

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

// A page of documentation that its reader follows from top to bottom: every block of commands is run, in one shell and in an empty folder,
// and what the page shows of their output is there, but for numbers. The block that installs the program is run with a clone of this one.
func TestPagesWorkToTheLetter(t *testing.T) {
	for page, prepare := range map[string]func(t *testing.T, dir string){
		"tutorial.md":           func(*testing.T, string) {},
		"for_researchers.md":    func(*testing.T, string) {},
		"for_medical_groups.md": writeSlices,
	} {
		t.Run(page, func(t *testing.T) {
			if testing.Short() {
				t.Skip("trains for minutes: go test without -short")
			}
			dir := t.TempDir()
			prepare(t, dir)
			script, shown := blocks(t, filepath.Join("..", "docs", page))
			c := exec.Command("bash", "-euo", "pipefail", "-c", script)
			c.Dir = dir
			c.Env = append(os.Environ(), append(cloning(t), "STARSWEEP_HOME="+filepath.Join(dir, "home"))...)
			output, err := c.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			for _, line := range shown {
				if !strings.Contains(withoutNumbers(string(output)), withoutNumbers(line)) {
					t.Errorf("the page shows %q, which no command wrote:\n%s", line, output)
				}
			}
		})
	}
}

// blocks are the commands of a page, and the lines that it shows of their output.
func blocks(t *testing.T, page string) (script string, shown []string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		switch block[1] {
		case "sh", "sh install":
			script += strings.ReplaceAll(block[2], "| head -n", "| sed -n 1,") // which reads to the end, so that no writer fails
		case "text":
			shown = append(shown, strings.Split(strings.TrimSpace(block[2]), "\n")...)
		default:
			t.Errorf("%s: got a block of %q, want sh or text, which the test knows", page, block[1])
		}
	}
	if script == "" {
		t.Fatalf("%s has no commands", page)
	}
	script = regexp.MustCompile(`sed -n 1, (\d+)`).ReplaceAllString(script, "sed -n 1,${1}p")
	return script, shown
}

var numbers = regexp.MustCompile(`\d+(\.\d+)?`)

func withoutNumbers(text string) string { return numbers.ReplaceAllString(text, "N") }

// cloning is the environment in which the public repository is this one.
func cloning(t *testing.T) []string {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	return []string{"GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=url." + root + ".insteadOf",
		"GIT_CONFIG_VALUE_0=https://github.com/starsweep/starsweep", "GIT_CONFIG_KEY_1=safe.directory", "GIT_CONFIG_VALUE_1=*"}
}

// writeSlices writes 96 synthetic slices of two patients: a body of water with two lungs of air, each a bit different.
func writeSlices(t *testing.T, dir string) {
	t.Helper()
	const side = 48
	for i := range 96 {
		folder := filepath.Join(dir, "ct", fmt.Sprintf("patient%d", i%2))
		if err := os.MkdirAll(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		width := 0.18 + 0.05*math.Sin(float64(i))
		raw := make([]byte, 0, 2*side*side)
		for y := range side {
			for x := range side {
				u, v := float64(x)/side-0.5, float64(y)/side-0.5
				hounsfield := -1000.0
				if math.Hypot(u, 1.3*v) < 0.45 {
					hounsfield = 40
					if math.Hypot((math.Abs(u)-0.2)/width, v/0.25) < 0.8 {
						hounsfield = -850
					}
				}
				stored := uint16(hounsfield + 1024)
				raw = append(raw, byte(stored), byte(stored>>8))
			}
		}
		var set dicom.Dataset
		for _, a := range []struct {
			tag   tag.Tag
			value any
		}{
			{tag.MediaStorageSOPClassUID, []string{"1.2.840.10008.5.1.4.1.1.2"}},
			{tag.MediaStorageSOPInstanceUID, []string{fmt.Sprintf("1.2.3.%d", i)}},
			{tag.TransferSyntaxUID, []string{uid.ExplicitVRLittleEndian}},
			{tag.Rows, []int{side}}, {tag.Columns, []int{side}}, {tag.SamplesPerPixel, []int{1}},
			{tag.PhotometricInterpretation, []string{"MONOCHROME2"}},
			{tag.BitsAllocated, []int{16}}, {tag.BitsStored, []int{12}}, {tag.HighBit, []int{11}}, {tag.PixelRepresentation, []int{0}},
			{tag.RescaleIntercept, []string{"-1024"}}, {tag.RescaleSlope, []string{"1"}},
			{tag.PixelData, dicom.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: raw}},
		} {
			element, err := dicom.NewElement(a.tag, a.value)
			if err != nil {
				t.Fatal(err)
			}
			set.Elements = append(set.Elements, element)
		}
		f, err := os.Create(filepath.Join(folder, fmt.Sprintf("slice%03d.dcm", i)))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := dicom.Write(f, set); err != nil {
			t.Fatal(err)
		}
	}
}
