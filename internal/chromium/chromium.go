// Package chromium drives a browser in tests: it opens pages, asks them for values, takes pictures of them, and asks axe-core who cannot
// use them. It speaks the DevTools protocol over a pipe, and needs nothing but the programs that STARSWEEP_CHROMIUM and STARSWEEP_AXE
// name. Only tests import it.
package chromium

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/starsweep/starsweep/internal/require"
)

// Browser is a Chromium with one page, which is told what to do by its pipe: one JSON object after another, each with a zero byte.
type Browser struct {
	t       testing.TB
	to      io.WriteCloser
	session string

	mu      sync.Mutex
	sent    int
	answers map[int]chan answer
	said    []string // errors and warnings of the page, and what the browser refused
}

// answer is what the browser answers to a command: one of both.
type answer struct {
	result json.RawMessage
	err    string
}

// New starts a Chromium, which ends with the test. Without one, the test is skipped.
func New(t testing.TB) *Browser {
	t.Helper()
	program := require.Tool(t, "STARSWEEP_CHROMIUM", "chromium")
	theirs, to, err := os.Pipe()
	must(t, err)
	from, answers, err := os.Pipe()
	must(t, err)
	// As root, and without a network, Chromium wants these.
	c := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-dev-shm-usage", "--hide-scrollbars", "--user-data-dir="+t.TempDir(), "--remote-debugging-pipe", "about:blank")
	c.ExtraFiles = []*os.File{theirs, answers} // 3 and 4
	must(t, c.Start(), theirs.Close(), answers.Close())
	b := &Browser{t: t, to: to, answers: map[int]chan answer{}}
	go b.listen(bufio.NewReader(from))
	t.Cleanup(func() {
		b.send("Browser.close", nil)
		to.Close()
		if err := c.Wait(); err != nil {
			t.Log(err)
		}
		from.Close()
	})
	var target struct{ TargetID string }
	b.ask("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.ask("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.ask(domain+".enable", nil, nil)
	}
	b.ask("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1100, "height": 800, "deviceScaleFactor": 1, "mobile": false}, nil)
	return b
}

// listen reads what the browser says.
func (b *Browser) listen(r *bufio.Reader) {
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m struct {
			ID             int
			Method         string
			Result, Params json.RawMessage
			Error          json.RawMessage
		}
		if json.Unmarshal(text[:len(text)-1], &m) != nil {
			continue
		}
		b.mu.Lock()
		switch {
		case m.ID > 0 && b.answers[m.ID] != nil:
			b.answers[m.ID] <- answer{m.Result, string(m.Error)}
			delete(b.answers, m.ID)
		case m.Method == "Runtime.exceptionThrown", m.Method == "Runtime.consoleAPICalled", m.Method == "Log.entryAdded",
			m.Method == "Page.javascriptDialogOpening":
			b.said = append(b.said, m.Method+": "+string(m.Params))
		}
		b.mu.Unlock()
	}
}

// send sends a command, and returns where its answer comes.
func (b *Browser) send(method string, params any) chan answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent++
	to := make(chan answer, 1)
	b.answers[b.sent] = to
	m := map[string]any{"id": b.sent, "method": method}
	if params != nil {
		m["params"] = params
	}
	if b.session != "" && !strings.HasPrefix(method, "Browser.") {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	must(b.t, err)
	_, _ = b.to.Write(append(text, 0)) // without an answer, ask fails
	return to
}

// ask sends a command and reads its answer.
func (b *Browser) ask(method string, params, into any) {
	b.t.Helper()
	select {
	case a := <-b.send(method, params):
		if a.err != "" {
			b.t.Fatalf("%s: %s", method, a.err)
		}
		if into != nil {
			must(b.t, json.Unmarshal(a.result, into))
		}
	case <-time.After(30 * time.Second):
		b.t.Fatalf("%s: Chromium does not answer", method)
	}
}

// Open opens an address.
func (b *Browser) Open(url string) {
	b.t.Helper()
	b.ask("Page.navigate", map[string]any{"url": url}, nil)
	b.Until(`document.readyState === "complete" && location.href !== "about:blank"`)
}

// Eval returns the value of an expression in the page.
func (b *Browser) Eval(expression string) any {
	b.t.Helper()
	var r struct {
		Result           struct{ Value any }
		ExceptionDetails json.RawMessage
	}
	b.ask("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		b.t.Fatalf("%s: %s", expression, r.ExceptionDetails)
	}
	return r.Result.Value
}

// Until waits until an expression is true in the page.
func (b *Browser) Until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if b.Eval("(() => { try { return Boolean("+expression+") } catch { return false } })()") == true {
			return
		}
		if time.Now().After(deadline) {
			b.t.Fatalf("not true after 30 s: %s\n%v\n%v", expression, b.Eval("document.body.innerText"), b.Complaints())
		}
	}
}

// Complaints is what the page and the browser have complained of.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string(nil), b.said...)
}

// Theme makes pages light or dark.
func (b *Browser) Theme(theme string) {
	b.t.Helper()
	b.ask("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": theme}}}, nil)
}

// Shoot writes a picture of the whole page, in a light or a dark theme.
func (b *Browser) Shoot(path, theme string) {
	b.t.Helper()
	b.Theme(theme)
	var shot struct{ Data string }
	b.ask("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	must(b.t, err, os.WriteFile(path, png, 0o666))
}

// PDF is the page as it is printed.
func (b *Browser) PDF() []byte {
	b.t.Helper()
	var printed struct{ Data string }
	b.ask("Page.printToPDF", map[string]any{"preferCSSPageSize": true, "printBackground": true}, &printed)
	document, err := base64.StdEncoding.DecodeString(printed.Data)
	must(b.t, err)
	return document
}

func must(t testing.TB, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}
